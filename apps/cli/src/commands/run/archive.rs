//! `run archive`: put a run away.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ArchiveRun;

use crate::app::App;
use crate::args::OneRunArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn archive(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let detail = app.engine.call(ArchiveRun { run }).await?;
    reply(output.output_format, &detail, |detail| {
        let run = &detail.summary.run_id;
        format!("Archived run {run}.\nTake it back out: agent-runner run unarchive {run}\n")
    })?;
    Ok(0)
}
