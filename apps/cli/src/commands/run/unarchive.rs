//! `run unarchive`: take a run back out of the archive.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::UnarchiveRun;

use crate::app::App;
use crate::args::OneRunArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn unarchive(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let detail = app.engine.call(UnarchiveRun { run }).await?;
    reply(output.output_format, &detail, |detail| format!("Unarchived run {}.\n", detail.summary.run_id))?;
    Ok(0)
}
