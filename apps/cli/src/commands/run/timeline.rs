//! `run timeline`: what happened in a run and what its workers did.

use std::io::Write as _;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadTimeline;

use crate::app::App;
use crate::args::{OutputFormat, TimelineArgs};
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, timeline_text};

pub(crate) async fn timeline(app: &App, args: TimelineArgs) -> Outcome {
    let TimelineArgs { run, attempt, limit, full, output } = args;
    let timeline = app.engine.call(ReadTimeline { run, attempt, limit }).await?;
    reply(output.output_format, &timeline, |timeline| timeline_text(timeline, attempt, full))?;
    if output.output_format == OutputFormat::Text {
        let mut err = std::io::stderr().lock();
        for warning in &timeline.warnings {
            let _ = writeln!(err, "warning: {}", clean(warning));
        }
    }
    Ok(0)
}
