//! What workers said in the reference implementation as logs of attempts, and the original as it is kept beside the run.
//! Values that nobody is shown go into none of it.

use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_model::{REDACTED, Secrets, Timestamp};
use serde_json::Value;

use super::schema::{ReferenceAttempt, ReferenceProvenance, ReferenceRun};

/// The log of events of an attempt.
pub(super) fn events(
    run: &ReferenceRun,
    attempt: &ReferenceAttempt,
    stderr: &str,
    secrets: &Secrets,
) -> Vec<u8> {
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

/// The original manifest as it is kept, with every value hidden that nobody is shown.
pub(super) fn original(text: &[u8], secrets: &Secrets, hidden: &[String]) -> Vec<u8> {
    let Ok(mut whole) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    if hidden.is_empty() {
        return text.to_vec();
    }
    // Numbers are no texts that could be gone through.
    for place in ["/runtimeVars", "/resetSeed/runtimeVars"] {
        let vars = whole.pointer_mut(place).and_then(Value::as_object_mut);
        for (name, value) in vars.into_iter().flatten() {
            if hidden.contains(name) {
                *value = Value::String(REDACTED.to_owned());
            }
        }
    }
    let shown = secrets.hide_view(whole, &[]).unwrap_or(Value::Null);
    let bytes = serde_json::to_vec_pretty(&shown).unwrap_or_default();
    // A name of a field may hold one, too; then rather no JSON than a secret.
    secrets.hide_bytes(&bytes, false).into_owned()
}
