//! `run timeline`: what happened in a run and what its workers did.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadTimeline;
use agent_runner_api::view::{Timeline, TimelineEntry};

use crate::app::App;
use crate::args::TimelineArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, event_line, turn_line};

pub(crate) async fn timeline(app: &App, args: TimelineArgs) -> Outcome {
    let TimelineArgs { run, attempt, limit, output } = args;
    let timeline = app.engine.call(ReadTimeline { run, attempt, limit }).await?;
    reply(output.output_format, &timeline, text)?;
    Ok(0)
}

fn text(timeline: &Timeline) -> String {
    let warnings = timeline.warnings.iter().map(|warning| format!("warning: {}\n", clean(warning)));
    let entries = timeline.entries.iter().filter_map(|entry| {
        let (who, line) = match entry {
            TimelineEntry::Run { event } => ("run".to_owned(), event_line(event)),
            TimelineEntry::Worker { attempt_number, record } => {
                (format!("attempt {attempt_number}"), turn_line(&record.event)?)
            }
        };
        Some(format!("{}  {who:<10}  {}\n", entry.at(), clean(&line.replace('\n', "\n    "))))
    });
    warnings.chain(entries).collect()
}
