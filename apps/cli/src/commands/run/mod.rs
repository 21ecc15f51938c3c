//! `run`, `init` and `recover`.

mod abort;
mod attach;
mod audit;
mod brief;
mod conclude;
mod create;
mod ready;
mod recover;
mod report;
mod status;
mod timeline;
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
        Some(RunCommand::Status(args)) => status::status(app, args).await,
        Some(RunCommand::Brief(args)) => brief::brief(app, args).await,
        Some(RunCommand::Audit(args)) => audit::audit(app, args).await,
        Some(RunCommand::Timeline(args)) => timeline::timeline(app, args).await,
        Some(RunCommand::Report(args)) => report::report(app, args).await,
        Some(RunCommand::Attach(args)) => attach::attach(app, args).await,
        Some(RunCommand::Abort(args)) => abort::abort(app, args).await,
    }
}
