//! What a run came to: its history and its workers' events, read once and boiled down. Must not judge; the words for
//! people are made where they are shown.

use std::collections::HashMap;

use agent_runner_api::operations::ReadReport;
use agent_runner_api::view::{AttemptDigest, RunDetail, RunReport, TaskChange, WaitRecord};
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::phase::Stage;
use agent_runner_model::{Fence, Manifest, TaskId, Timestamp};

use super::digest::Digest;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

/// Incidents that are told, the newest ones.
const MAX_INCIDENTS: usize = 300;

impl<S: Places + 'static> Handle<ReadReport> for Engine<S> {
    async fn call(&self, request: ReadReport) -> Result<RunReport, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let tail = self.store.tail(&run_id, 0, None).await.map_err(|error| store_error(&error))?;
        let mut warnings = Vec::new();
        if tail.unreadable > 0 {
            warnings.push(format!("{} lines of the history cannot be read", tail.unreadable));
        }
        let history = History::of(&tail.manifest, &tail.events);
        let mut digests = Vec::new();
        for number in started(&tail.manifest) {
            let log = self.turn_log(&tail.manifest, number, &mut warnings).await;
            digests.extend(log.map(|log| digest(number, &log)));
        }
        let (manifest, mut situation) = self.observe(tail.manifest).await?;
        self.relate(&manifest, &mut situation, request.with_dependents).await?;
        Ok(RunReport {
            seen_at: self.now(),
            run: RunDetail::new(&manifest, &situation),
            task_changes: history.task_changes,
            digests,
            waits: history.waits,
            incidents: history.incidents,
            warnings,
        })
    }
}

fn digest(attempt_number: u32, log: &[u8]) -> AttemptDigest {
    let mut digest = Digest::of(attempt_number);
    for line in log.split(|byte| *byte == b'\n') {
        // A line that was cut off by a kill says nothing; nor does a kind of a newer version.
        if let Ok(record) = serde_json::from_slice(line) {
            digest.add(record);
        }
    }
    digest.finish()
}

/// The attempts that were started.
pub(super) fn started(manifest: &Manifest) -> Vec<u32> {
    let ended = manifest.state.attempt_records.iter().map(|record| record.attempt_number);
    let live = match manifest.stage() {
        Some(Stage::Attempting { attempt }) => Some(attempt.attempt_number),
        Some(_) | None => None,
    };
    ended.chain(live).collect()
}

/// What the events come to.
struct History {
    task_changes: Vec<TaskChange>,
    waits: Vec<WaitRecord>,
    incidents: Vec<EventRecord>,
}

impl History {
    fn of(manifest: &Manifest, events: &[EventRecord]) -> Self {
        let mut attempts: HashMap<Fence, u32> = HashMap::new();
        let mut changes: HashMap<TaskId, (Timestamp, Option<Fence>)> = HashMap::new();
        let mut history = Self { task_changes: Vec::new(), waits: Vec::new(), incidents: Vec::new() };
        for event in events {
            let Some(body) = event.body() else { continue };
            if ends_a_wait(&body)
                && let Some(last) = history.waits.last_mut()
            {
                last.ended_at.get_or_insert(event.at);
            }
            if is_incident(&body) {
                history.incidents.push(event.clone());
            }
            match body {
                EventBody::Waiting { wait } => {
                    history.waits.push(WaitRecord { started_at: event.at, ended_at: None, wait });
                }
                EventBody::AttemptStarted { attempt_number, fence, .. } => {
                    attempts.insert(fence, attempt_number);
                }
                EventBody::TaskUpdated { task_id, from: Some(_), fence, .. } => {
                    changes.insert(task_id, (event.at, fence));
                }
                // What was done before is forgotten.
                EventBody::RunReset {} => {
                    changes.clear();
                    history.waits.clear();
                }
                _ => {}
            }
        }
        history.incidents.drain(..history.incidents.len().saturating_sub(MAX_INCIDENTS));
        history.task_changes = manifest
            .state
            .final_tasks
            .keys()
            .filter_map(|task| {
                let (at, fence) = changes.get(task)?;
                let attempt_number = fence.and_then(|fence| attempts.get(&fence).copied());
                Some(TaskChange { task_id: task.clone(), at: *at, attempt_number })
            })
            .collect();
        history
    }
}

/// A wait is over when it says so, and when something else begins.
fn ends_a_wait(body: &EventBody) -> bool {
    match body {
        EventBody::WaitEnded {}
        | EventBody::AttemptStarted { .. }
        | EventBody::RunStarted { .. }
        | EventBody::Waiting { .. }
        | EventBody::RunFinished { .. } => true,
        EventBody::RunCreated { .. }
        | EventBody::RunImported { .. }
        | EventBody::RunReady {}
        | EventBody::DriverStarted { .. }
        | EventBody::DriverLeft { .. }
        | EventBody::StarterLost { .. }
        | EventBody::AttemptRecorded { .. }
        | EventBody::BackendSessionUpdated { .. }
        | EventBody::BackendSessionLost { .. }
        | EventBody::HookRecorded { .. }
        | EventBody::PreparationStarted {}
        | EventBody::Prepared {}
        | EventBody::CheckRecorded { .. }
        | EventBody::MessageQueued { .. }
        | EventBody::AbortRequested { .. }
        | EventBody::RunReopened {}
        | EventBody::HistoryLost { .. }
        | EventBody::TaskUpdated { .. }
        | EventBody::TaskAdded { .. }
        | EventBody::MessageRemoved { .. }
        | EventBody::RunReset {}
        | EventBody::SnapshotTaken { .. }
        | EventBody::RunReconfigured { .. }
        | EventBody::RunArchived {}
        | EventBody::RunUnarchived {}
        | EventBody::MetadataChanged { .. }
        | EventBody::DependenciesChanged { .. }
        | EventBody::AttachmentAdded { .. }
        | EventBody::AttachmentRemoved { .. }
        | EventBody::ChildEnded { .. }
        | EventBody::ParentNotified {}
        | EventBody::BudgetReserved { .. }
        | EventBody::BudgetSettled { .. }
        | EventBody::RunExtended { .. }
        | EventBody::ReferenceEvent { .. }
        | EventBody::TaskDeleted { .. } => false,
    }
}

/// Whether something got in the way of the work.
fn is_incident(body: &EventBody) -> bool {
    match body {
        EventBody::HookRecorded { outcome, .. } => outcome.is_objection(),
        EventBody::DriverLeft { .. }
        | EventBody::StarterLost { .. }
        | EventBody::AttemptRecorded { end: AttemptEnd::Interrupted, .. }
        | EventBody::BackendSessionLost { .. }
        | EventBody::CheckRecorded { objection: Some(_), .. }
        | EventBody::AbortRequested { .. }
        | EventBody::RunReopened {}
        | EventBody::RunReset {}
        | EventBody::SnapshotTaken { .. }
        | EventBody::RunExtended { .. }
        | EventBody::RunImported { .. }
        | EventBody::HistoryLost { .. } => true,
        EventBody::RunCreated { .. }
        | EventBody::RunReady {}
        | EventBody::RunStarted { .. }
        | EventBody::DriverStarted { .. }
        | EventBody::AttemptStarted { .. }
        | EventBody::AttemptRecorded { .. }
        | EventBody::BackendSessionUpdated { .. }
        | EventBody::Waiting { .. }
        | EventBody::WaitEnded {}
        | EventBody::PreparationStarted {}
        | EventBody::Prepared {}
        | EventBody::CheckRecorded { objection: None, .. }
        | EventBody::MessageQueued { .. }
        | EventBody::RunFinished { .. }
        | EventBody::TaskUpdated { .. }
        | EventBody::TaskAdded { .. }
        | EventBody::MessageRemoved { .. }
        | EventBody::RunReconfigured { .. }
        | EventBody::RunArchived {}
        | EventBody::RunUnarchived {}
        | EventBody::MetadataChanged { .. }
        | EventBody::DependenciesChanged { .. }
        | EventBody::AttachmentAdded { .. }
        | EventBody::AttachmentRemoved { .. }
        | EventBody::ChildEnded { .. }
        | EventBody::ParentNotified {}
        | EventBody::BudgetReserved { .. }
        | EventBody::BudgetSettled { .. }
        | EventBody::ReferenceEvent { .. }
        | EventBody::TaskDeleted { .. } => false,
    }
}
