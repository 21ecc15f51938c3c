//! `run brief`: what the worker is told.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetBrief;

use crate::app::App;
use crate::args::BriefArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn brief(app: &App, args: BriefArgs) -> Outcome {
    let BriefArgs { run, output } = args;
    let brief = app.engine.call(GetBrief { run }).await?;
    reply(output.output_format, &brief, |brief| clean(&brief.brief))?;
    Ok(0)
}
