//! `run delete`: delete an archived run for good.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::DeleteRun;

use crate::app::App;
use crate::args::OneRunArgs;
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn delete(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let detail = app.engine.call(DeleteRun { run }).await?;
    reply(output.output_format, &detail, |detail| format!("Deleted run {}.\n", detail.summary.run_id))?;
    Ok(0)
}
