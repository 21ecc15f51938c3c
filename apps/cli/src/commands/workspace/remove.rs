//! `workspace remove`: remove a run's worktree.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::RemoveWorkspace;

use crate::app::App;
use crate::args::RemoveWorkspaceArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{aside_line, clean};

pub(crate) async fn remove(app: &App, args: RemoveWorkspaceArgs) -> Outcome {
    let RemoveWorkspaceArgs { run, output } = args;
    let removed = app.engine.call(RemoveWorkspace { run }).await?;
    reply(output.output_format, &removed, |removed| {
        let line = format!("Removed {}; no branch was touched\n", removed.path);
        clean(&(aside_line(removed.before.as_ref()) + &line))
    })?;
    Ok(0)
}
