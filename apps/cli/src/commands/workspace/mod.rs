//! `workspace`: the worktrees of runs.

mod list;
mod remove;
mod restore;
mod snapshots;

use crate::app::App;
use crate::args::WorkspaceCommand;
use crate::exit::Outcome;

pub(crate) async fn workspace(app: &App, command: WorkspaceCommand) -> Outcome {
    match command {
        WorkspaceCommand::List(args) => list::list(app, args).await,
        WorkspaceCommand::Snapshots(args) => snapshots::snapshots(app, args).await,
        WorkspaceCommand::Restore(args) => restore::restore(app, args).await,
        WorkspaceCommand::Remove(args) => remove::remove(app, args).await,
    }
}
