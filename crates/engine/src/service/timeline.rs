//! The timeline: a run's history and what its workers did, in one order.

use agent_runner_api::operations::ReadTimeline;
use agent_runner_api::view::{RunDetail, Timeline, TimelineEntry};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::turn::TurnRecord;
use agent_runner_model::{Manifest, RunId};

use super::report::started;
use crate::driver::events_log;
use crate::engine::Engine;
use crate::failure::{chain, store_error};
use crate::place::Places;

impl<S: Places + 'static> Handle<ReadTimeline> for Engine<S> {
    async fn call(&self, request: ReadTimeline) -> Result<Timeline, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let tail = self.store.tail(&run_id, 0, None).await.map_err(|error| store_error(&error))?;
        let limit = request.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut warnings = Vec::new();
        let mut entries = Vec::new();
        for number in wanted(&tail.manifest, request.attempt)?.into_iter().rev() {
            match self.turn_records(&run_id, number).await {
                Ok(records) => entries.extend(
                    records
                        .into_iter()
                        .map(|record| TimelineEntry::Worker { attempt_number: number, record }),
                ),
                Err(why) => warnings.push(format!("the events of attempt {number} cannot be read: {why}")),
            }
            // The newest are asked for: older attempts need not be read once there are enough.
            if limit.is_some_and(|limit| entries.len() >= limit) {
                break;
            }
        }
        if request.attempt.is_none() {
            entries.extend(tail.events.into_iter().map(|event| TimelineEntry::Run { event }));
        }
        entries.sort_by_key(|entry| (entry.at(), order(entry)));
        if let Some(limit) = limit {
            entries.drain(..entries.len().saturating_sub(limit));
        }
        let (manifest, situation) = self.observe(tail.manifest).await?;
        Ok(Timeline { run: RunDetail::new(&manifest, &situation), entries, warnings })
    }
}

impl<S: Places + 'static> Engine<S> {
    /// What is kept of an attempt. A line that was cut off by a kill is left out; so are kinds of newer versions.
    async fn turn_records(&self, run_id: &RunId, attempt_number: u32) -> Result<Vec<TurnRecord>, String> {
        let found = self.store.get_blob(run_id, &events_log(attempt_number)).await;
        let bytes = found.map_err(|error| chain(&error))?.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

/// The attempts that were started, or the one that is asked for.
fn wanted(manifest: &Manifest, only: Option<u32>) -> Result<Vec<u32>, ApiError> {
    let all = started(manifest);
    let Some(only) = only else { return Ok(all) };
    if all.contains(&only) {
        return Ok(vec![only]);
    }
    let there_are = match (all.first(), all.last()) {
        (Some(first), Some(last)) if first == last => format!("there is only attempt {first}"),
        (Some(first), Some(last)) => format!("there are attempts {first} to {last}"),
        (None, _) | (_, None) => "no attempt was started yet".to_owned(),
    };
    Err(ApiError::new(ErrorCode::NotFound, format!("there is no attempt {only}; {there_are}")))
}

/// What happened at the same moment: the run's history goes around what the worker did.
fn order(entry: &TimelineEntry) -> (u64, u64) {
    match entry {
        TimelineEntry::Run { event } => (0, event.cursor),
        TimelineEntry::Worker { attempt_number, record } => (1 + u64::from(*attempt_number), record.seq),
    }
}
