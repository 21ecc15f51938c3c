//! `run audit`: a run's history.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadRun;
use agent_runner_model::RunId;
use agent_runner_model::event::EventRecord;
use serde::Serialize;

use crate::app::App;
use crate::args::AuditArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, event_line};

/// What `run audit` prints as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    run_id: RunId,
    events: Vec<EventRecord>,
    last_cursor: u64,
}

pub(crate) async fn audit(app: &App, args: AuditArgs) -> Outcome {
    let AuditArgs { run, limit, output } = args;
    let reading = app.engine.call(ReadRun { run, after: 0, limit }).await?;
    let history = History {
        run_id: reading.run.summary.run_id,
        events: reading.events,
        last_cursor: reading.last_cursor,
    };
    reply(output.output_format, &history, |history| {
        let lines = history.events.iter().map(|event| {
            format!("{:>5}  {}  {:<24}  {}\n", event.cursor, event.at, event.kind, clean(&event_line(event)))
        });
        lines.collect()
    })?;
    Ok(0)
}
