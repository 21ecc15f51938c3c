//! `run tree`: the runs above and below a run.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetTree;

use crate::app::App;
use crate::args::{OneRunArgs, OutputFormat};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::tree_text;

pub(crate) async fn tree(app: &App, args: OneRunArgs) -> Outcome {
    let OneRunArgs { run, output } = args;
    let tree = app.engine.call(GetTree { run }).await?;
    reply(output.output_format, &tree, tree_text)?;
    if output.output_format == OutputFormat::Text {
        warn_of(&tree.problems);
    }
    Ok(0)
}
