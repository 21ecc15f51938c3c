//! `run reset`: make a run what it was when it was created.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ResetRun;

use crate::app::App;
use crate::args::ResetArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn reset(app: &App, args: ResetArgs) -> Outcome {
    let ResetArgs { run, workspace, output } = args;
    let detail = app.engine.call(ResetRun { run, workspace }).await?;
    reply(output.output_format, &detail, |detail| {
        let run = &detail.summary.run_id;
        let next = if detail.is_passive() { "run brief" } else { "run ready" };
        format!("Reset run {run}: it is initialized.\nNext: agent-runner {next} {run}\n")
    })?;
    Ok(0)
}
