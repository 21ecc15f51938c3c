//! What workers said in the reference implementation as logs of attempts, and the original as it is kept beside the run.
//! Values that nobody is shown go into none of it.

use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_model::{REDACTED, Secrets, Timestamp};
use serde_json::Value;

use super::attempts::TAIL;
use super::schema::{ReferenceAttempt, ReferenceAttemptLog, ReferenceProvenance, ReferenceRun};
use crate::words::last_bytes;

/// What makes the logs of a run's attempts, one at a time: together they may be more than anybody wants to hold.
pub(crate) struct AttemptLogs {
    run: ReferenceRun,
    secrets: Secrets,
}

impl AttemptLogs {
    pub(super) fn new(run: ReferenceRun, secrets: Secrets) -> Self {
        Self { run, secrets }
    }

    /// The attempts there are logs of.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.run.attempt_records.iter().map(|attempt| attempt.attempt_number).collect()
    }

    /// What is shown to nobody.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The logs of an attempt that complained about that, by name.
    pub(crate) fn of(&self, number: u32, stderr: &str) -> Vec<(String, Vec<u8>)> {
        let of_it = |attempt: &&ReferenceAttempt| attempt.attempt_number == number;
        let Some(attempt) = self.run.attempt_records.iter().find(of_it) else { return Vec::new() };
        let events = events(&self.run, attempt, stderr, &self.secrets);
        let mut logs = vec![(format!("attempts/{number:02}.events.jsonl"), events)];
        if !stderr.is_empty() {
            let shown = self.secrets.hide_bytes(stderr.as_bytes(), false).into_owned();
            logs.push((format!("attempts/{number:02}.stderr.log"), shown));
        }
        logs
    }
}

impl std::fmt::Debug for AttemptLogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttemptLogs").field("attempts", &self.numbers()).finish_non_exhaustive()
    }
}

/// What an attempt complained about, by its record there; nothing if that is none.
pub(crate) fn stderr_of(record: &[u8]) -> Option<String> {
    serde_json::from_slice::<ReferenceAttemptLog>(record).ok().map(|log| log.stderr)
}

/// The part of that which the run itself repeats.
pub(crate) fn end_of(stderr: &str) -> String {
    last_bytes(stderr.trim_end(), TAIL).to_owned()
}

/// The log of events of an attempt.
fn events(run: &ReferenceRun, attempt: &ReferenceAttempt, stderr: &str, secrets: &Secrets) -> Vec<u8> {
    let mut log = Log { bytes: Vec::new(), seq: 0, secrets };
    let (start, end) = (attempt.started_at, attempt.ended_at.max(attempt.started_at));
    if let ReferenceProvenance::BackendSession { backend, backend_turn_id } = &attempt.provenance {
        let text = format!("read from the history of {backend}, where it is turn {backend_turn_id}");
        log.keep(start, TurnEvent::Notice { text });
    }
    if attempt.prompt != run.brief && !attempt.prompt.trim().is_empty() {
        log.keep(start, TurnEvent::Notice { text: format!("the worker was told: {}", attempt.prompt) });
    }
    if let Some(id) = &attempt.session_id_captured {
        log.keep(start, TurnEvent::Session { id: id.clone(), model: run.model.clone() });
    }
    if let Some(text) = attempt.transcript.as_ref().filter(|text| !text.trim().is_empty()) {
        log.keep(end, TurnEvent::Message { text: text.clone() });
    }
    for report in &attempt.invalid_statuses {
        let text = format!(
            "the worker gave task {} the status {:?}, which there is none of",
            report.task_id, report.raw_value
        );
        log.keep(end, TurnEvent::Error { text });
    }
    if !stderr.trim().is_empty() {
        log.keep(end, TurnEvent::Notice { text: stderr.to_owned() });
    }
    log.bytes
}

struct Log<'a> {
    bytes: Vec<u8>,
    seq: u64,
    secrets: &'a Secrets,
}

impl Log<'_> {
    fn keep(&mut self, at: Timestamp, event: TurnEvent) {
        self.seq += 1;
        let record = TurnRecord { seq: self.seq, at, event: self.secrets.hide_turn(event) };
        if let Ok(line) = serde_json::to_vec(&record) {
            self.bytes.extend(line);
            self.bytes.push(b'\n');
        }
    }
}

/// The original manifest as it is kept, with every value hidden that nobody is shown: of the variables of these names, now
/// and at a reset, and wherever else they are.
pub(super) fn original(text: &[u8], secrets: &Secrets, now: &[String], at_reset: &[String]) -> Vec<u8> {
    let Ok(mut whole) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    if now.is_empty() && at_reset.is_empty() {
        return text.to_vec();
    }
    // Words such as `true` are no values that could be looked for.
    for (place, hidden) in [("/runtimeVars", now), ("/resetSeed/runtimeVars", at_reset)] {
        let vars = whole.pointer_mut(place).and_then(Value::as_object_mut);
        for (name, value) in vars.into_iter().flatten() {
            if hidden.contains(name) {
                *value = Value::String(REDACTED.to_owned());
            }
        }
    }
    let bytes = serde_json::to_vec_pretty(&secrets.hide_json(whole)).unwrap_or_default();
    // Values of fields that are next to each other may make one up; then rather no JSON than a secret.
    secrets.hide_bytes(&bytes, false).into_owned()
}
