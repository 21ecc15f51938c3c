//! `run ready`: approve an initialized run.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadyRun;

use crate::app::App;
use crate::args::ReadyArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn ready(app: &App, args: ReadyArgs) -> Outcome {
    let ReadyArgs { run, output } = args;
    let detail = app.engine.call(ReadyRun { run }).await?;
    reply(output.output_format, &detail, |detail| {
        let run = &detail.summary.run_id;
        format!("Run {run} is ready.\nStart it: agent-runner run --resume-run {run}\n")
    })?;
    Ok(0)
}
