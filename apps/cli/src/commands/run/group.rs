//! `run set-group` and `run clear-group`: which runs a run belongs with.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::SetGroup;

use crate::app::App;
use crate::args::{OneRunArgs, Output, SetGroupArgs};
use crate::exit::Outcome;
use crate::output::reply;

pub(crate) async fn set_group(app: &App, args: SetGroupArgs) -> Outcome {
    let SetGroupArgs { run, group, output } = args;
    change(app, run, Some(group), output).await
}

pub(crate) async fn clear_group(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    change(app, run, None, output).await
}

async fn change(app: &App, run: String, group_id: Option<String>, output: Output) -> Outcome {
    let detail = app.engine.call(SetGroup { run, group_id }).await?;
    reply(output.output_format, &detail, |detail| {
        let (run, group) = (&detail.summary.run_id, &detail.summary.run_group_id);
        if run.as_str() == group {
            format!("Run {run} stands alone.\n")
        } else {
            format!("Run {run} belongs to group {group}.\n")
        }
    })?;
    Ok(0)
}
