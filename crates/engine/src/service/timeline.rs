//! The timeline: a run's history and what its workers did, in one order.

use agent_runner_api::operations::ReadTimeline;
use agent_runner_api::view::{RunDetail, Timeline, TimelineEntry};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::Manifest;
use agent_runner_model::turn::TurnRecord;

use super::report::started;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

impl<S: Places + 'static> Handle<ReadTimeline> for Engine<S> {
    async fn call(&self, request: ReadTimeline) -> Result<Timeline, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let tail = self.store.tail(&run_id, 0, None).await.map_err(|error| store_error(&error))?;
        let limit = request.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut warnings = Vec::new();
        let mut entries = Vec::new();
        for number in wanted(&tail.manifest, request.attempt)?.into_iter().rev() {
            let log = self.turn_log(&tail.manifest, number, &mut warnings).await.unwrap_or_default();
            let records = turn_records(&log);
            entries.extend(records.map(|record| TimelineEntry::Worker { attempt_number: number, record }));
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
        let (manifest, mut situation) = self.observe(tail.manifest).await?;
        self.relate(&manifest, &mut situation, false).await?;
        Ok(Timeline { run: RunDetail::new(&manifest, &situation), entries, warnings })
    }
}

/// What a log holds. A line that was cut off by a kill is left out; so are kinds of newer versions.
fn turn_records(log: &[u8]) -> impl Iterator<Item = TurnRecord> {
    log.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// The attempts that were started, or the one that is asked for.
fn wanted(manifest: &Manifest, only: Option<u32>) -> Result<Vec<u32>, ApiError> {
    let all = started(manifest);
    let Some(only) = only else { return Ok(all) };
    // What workers did before a reset is still on record, though the run does not count them any more.
    let first = manifest.state.first_attempt_number;
    if all.contains(&only) || only < first {
        return Ok(vec![only]);
    }
    let there_are = match (all.first(), all.last()) {
        (Some(first), Some(last)) if first == last => format!("there is only attempt {first}"),
        (Some(first), Some(last)) => format!("there are attempts {first} to {last}"),
        (None, _) | (_, None) if first > 0 => {
            format!("no attempt was started since the reset after attempt {}", first - 1)
        }
        (None, _) | (_, None) => "no attempt was started yet".to_owned(),
    };
    Err(ApiError::new(ErrorCode::NotFound, format!("there is no attempt {only}; {there_are}"))
        .hint("`agent-runner run timeline` without --attempt shows them all"))
}

/// What happened at the same moment: the run's history goes around what the worker did.
fn order(entry: &TimelineEntry) -> (u64, u64) {
    match entry {
        TimelineEntry::Run { event } => (0, event.cursor),
        TimelineEntry::Worker { attempt_number, record } => (1 + u64::from(*attempt_number), record.seq),
    }
}
