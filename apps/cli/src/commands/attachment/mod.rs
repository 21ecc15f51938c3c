//! `attachment`: files that are handed over with runs.

mod add;
mod download;
mod list;
mod remove;

use crate::app::App;
use crate::args::AttachmentCommand;
use crate::exit::Outcome;

pub(crate) async fn attachment(app: &App, command: AttachmentCommand) -> Outcome {
    match command {
        AttachmentCommand::Add(args) => add::add(app, args).await,
        AttachmentCommand::List(args) => list::list(app, args).await,
        AttachmentCommand::Download(args) => download::download(app, args).await,
        AttachmentCommand::Remove(args) => remove::remove(app, args).await,
    }
}
