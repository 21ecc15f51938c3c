//! `run`, `init` and `recover`.

mod abort;
mod archive;
mod attach;
mod audit;
mod backend_session;
mod brief;
mod conclude;
mod create;
mod delete;
mod dependencies;
mod export;
mod extend;
mod group;
mod import;
mod import_reference;
mod messages;
mod note;
mod pin;
mod ready;
mod reconfigure;
mod recover;
mod report;
mod reset;
mod resume;
mod set_name;
mod status;
mod timeline;
mod tree;
mod unarchive;
mod wait;
mod watch;

use crate::app::App;
use crate::args::{RunArgs, RunCommand};
use crate::exit::Outcome;

pub(crate) use create::init;
pub(crate) use recover::recover;

pub(crate) async fn run(app: &App, args: RunArgs) -> Outcome {
    match args.command {
        None => create::run(app, args).await,
        Some(RunCommand::Ready(args)) => ready::ready(app, args).await,
        Some(RunCommand::Reconfigure(args)) => reconfigure::reconfigure(app, args).await,
        Some(RunCommand::Status(args)) => status::status(app, args).await,
        Some(RunCommand::Brief(args)) => brief::brief(app, args).await,
        Some(RunCommand::Audit(args)) => audit::audit(app, args).await,
        Some(RunCommand::Timeline(args)) => timeline::timeline(app, args).await,
        Some(RunCommand::Report(args)) => report::report(app, args).await,
        Some(RunCommand::Attach(args)) => attach::attach(app, args).await,
        Some(RunCommand::Abort(args)) => abort::abort(app, args).await,
        Some(RunCommand::Wait(args)) => wait::wait(app, args).await,
        Some(RunCommand::Tree(args)) => tree::tree(app, args).await,
        Some(RunCommand::Reset(args)) => reset::reset(app, args).await,
        Some(RunCommand::Archive(args)) => archive::archive(app, args).await,
        Some(RunCommand::Unarchive(args)) => unarchive::unarchive(app, args).await,
        Some(RunCommand::Delete(args)) => delete::delete(app, args).await,
        Some(RunCommand::SetName(args)) => set_name::set_name(app, args).await,
        Some(RunCommand::SetNote(args)) => note::set_note(app, args).await,
        Some(RunCommand::ClearNote(args)) => note::clear_note(app, args).await,
        Some(RunCommand::Pin(args)) => pin::pin(app, args, true).await,
        Some(RunCommand::Unpin(args)) => pin::pin(app, args, false).await,
        Some(RunCommand::SetGroup(args)) => group::set_group(app, args).await,
        Some(RunCommand::ClearGroup(args)) => group::clear_group(app, args).await,
        Some(RunCommand::SetBackendSession(args)) => backend_session::set_backend_session(app, args).await,
        Some(RunCommand::ClearBackendSession(args)) => {
            backend_session::clear_backend_session(app, args).await
        }
        Some(RunCommand::QueueMessage(args)) => messages::queue_message(app, args).await,
        Some(RunCommand::QueuedMessages(args)) => messages::queued_messages(app, args).await,
        Some(RunCommand::RemoveQueuedMessage(args)) => messages::remove_queued_message(app, args).await,
        Some(RunCommand::AddDep(args)) => dependencies::add(app, args).await,
        Some(RunCommand::RemoveDep(args)) => dependencies::remove(app, args).await,
        Some(RunCommand::Export(args)) => export::export(app, args).await,
        Some(RunCommand::Import(args)) => import::import(app, args).await,
        Some(RunCommand::Extend(args)) => extend::extend(app, args).await,
        Some(RunCommand::ClearDeps(args)) => dependencies::clear(app, args).await,
    }
}
