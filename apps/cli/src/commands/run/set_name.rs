//! `run set-name`: give a run a display name, or take it away.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::SetName;

use crate::app::App;
use crate::args::SetNameArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn set_name(app: &App, args: SetNameArgs) -> Outcome {
    let SetNameArgs { run, name, clear: _, output } = args;
    let detail = app.engine.call(SetName { run, name }).await?;
    reply(output.output_format, &detail, |detail| {
        let run = &detail.summary.run_id;
        match &detail.summary.name {
            Some(name) => clean(&format!("Named run {run}: {name}\n")),
            None => format!("Cleared the name of run {run}.\n"),
        }
    })?;
    Ok(0)
}
