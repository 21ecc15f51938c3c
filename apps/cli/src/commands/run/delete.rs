//! `run delete`: delete an archived run for good.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::DeleteRun;
use agent_runner_api::view::DeletedRun;

use crate::app::App;
use crate::args::OneRunArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn delete(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let deleted = app.engine.call(DeleteRun { run }).await?;
    reply(output.output_format, &deleted, text)?;
    Ok(0)
}

fn text(deleted: &DeletedRun) -> String {
    let mut text = format!("Deleted run {}.\n", deleted.run.summary.run_id);
    for place in &deleted.originals_kept_at {
        text.push_str(&format!("  the original is kept in {place}: delete it yourself if nobody needs it\n"));
    }
    clean(&text)
}
