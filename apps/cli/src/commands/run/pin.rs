//! `run pin` and `run unpin`: whether boards show a run first.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::PinRun;

use crate::app::App;
use crate::args::OneRunArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn pin(app: &App, args: OneRunArgs, pinned: bool) -> Outcome {
    let OneRunArgs { run, output } = args;
    let detail = app.engine.call(PinRun { run, pinned }).await?;
    reply(output.output_format, &detail, |detail| {
        let verb = if detail.summary.pinned { "Pinned" } else { "Unpinned" };
        format!("{verb} run {}.\n", detail.summary.run_id)
    })?;
    Ok(0)
}
