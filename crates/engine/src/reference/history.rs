//! The history of a run of the reference implementation as one of ours. What both have a word for is told in ours; everything
//! else is told as it stands there. Where there is no history, or none of an attempt, it is made from what the manifest knows.

use std::collections::BTreeMap;

use agent_runner_model::attempt::AttemptRecord;
use agent_runner_model::event::EventBody;
use agent_runner_model::phase::{Cause, RunStatus};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{Manifest, TaskId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::schema::{ReferenceEvent, ReferenceHookAudit, ReferenceRun};
use super::{attempts, hooks};

/// What every event there says of itself, and the history here knows anyway.
const SHARED: [&str; 3] = ["schemaVersion", "cursor", "runId"];

/// What happened, and when.
pub(super) type Happened = (Timestamp, EventBody);

/// The history, and how many lines of the log are none of it.
pub(super) fn history(run: &ReferenceRun, manifest: &Manifest, log: &[u8]) -> (Vec<Happened>, usize) {
    let mut events: Vec<ReferenceEvent> = Vec::new();
    let mut unreadable = 0;
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match serde_json::from_slice::<ReferenceEvent>(line) {
            Ok(event) => events.push(event),
            Err(_) => unreadable += 1,
        }
    }
    let reset = events.iter().rposition(|event| event.event_type == "run.reset");
    let mut teller = Teller { run, manifest, statuses: seed_statuses(run), is_current: true };
    let mut told: Vec<Happened> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        teller.is_current = reset.is_none_or(|reset| index > reset);
        told.push((event.recorded_at, teller.tell(event)));
    }
    if told.is_empty() {
        told = without_log(run, manifest);
    }
    // Clocks are set back now and then; a history is read from top to bottom.
    let mut latest = Timestamp::from_millis(0);
    for (at, _) in &mut told {
        latest = latest.max(*at);
        *at = latest;
    }
    with_attempts(&mut told, manifest);
    (told, unreadable)
}

/// That attempts were started is no event there, and that those ended which a backend's own history tells of is none either.
fn with_attempts(told: &mut Vec<Happened>, manifest: &Manifest) {
    for record in &manifest.state.attempt_records {
        let (number, session) = (record.attempt_number, record.session_index);
        let is_end = |body: &EventBody| matches!(body, EventBody::AttemptRecorded { attempt_number, .. } if *attempt_number == number);
        let opens = |body: &EventBody| matches!(body, EventBody::RunStarted { session_index, .. } if *session_index == session);
        let opened = told.iter().rposition(|(_, body)| opens(body)).map_or(0, |at| at + 1);
        let mut end = told.iter().rposition(|(_, body)| is_end(body));
        if end.is_none() {
            // Before what followed from it at the same moment.
            let place = place(told, opened, |at| at >= record.ended_at);
            insert(told, place, record.ended_at, attempt_ended(record));
            end = Some(place);
        }
        let place = place(told, opened, |at| at > record.started_at).min(end.unwrap_or(usize::MAX));
        insert(told, place, record.started_at, attempt_started(record));
    }
}

/// The first place from there on whose time is as late as that; else the end.
fn place(told: &[Happened], from: usize, is_late: impl Fn(Timestamp) -> bool) -> usize {
    let found = told.iter().skip(from).position(|(at, _)| is_late(*at));
    found.map_or(told.len(), |found| from + found)
}

fn insert(told: &mut Vec<Happened>, place: usize, at: Timestamp, body: EventBody) {
    let before = place.checked_sub(1).and_then(|before| told.get(before)).map(|(at, _)| *at);
    told.insert(place, (before.map_or(at, |before| before.max(at)), body));
}

fn seed_statuses(run: &ReferenceRun) -> BTreeMap<TaskId, TaskStatus> {
    run.reset_seed.final_tasks.values().map(|task| (task.id.clone(), task.status)).collect()
}

struct Teller<'a> {
    run: &'a ReferenceRun,
    manifest: &'a Manifest,
    /// How tasks stood at this point.
    statuses: BTreeMap<TaskId, TaskStatus>,
    /// Whether this is what the manifest still knows of, and not something from before a reset: numbers begin anew there.
    is_current: bool,
}

impl Teller<'_> {
    fn tell(&mut self, event: &ReferenceEvent) -> EventBody {
        let body = self.life(event).or_else(|| metadata(event)).or_else(|| self.task(event));
        body.or_else(|| hook(event)).unwrap_or_else(|| verbatim(event))
    }

    fn life(&self, event: &ReferenceEvent) -> Option<EventBody> {
        Some(match event.event_type.as_str() {
            "run.created" => created(self.run),
            "run.ready" => EventBody::RunReady {},
            "run.started" | "run.resumed" => {
                let session_index: u32 = field(event, "sessionIndex")?;
                let session = self.run.sessions.get(usize::try_from(session_index).ok()?);
                let cause = match session.filter(|_| self.is_current) {
                    Some(session) => attempts::cause_of(session),
                    None if session_index == 0 => Cause::First,
                    None => Cause::Continue { message: None },
                };
                EventBody::RunStarted { session_index, cause }
            }
            "run.attempt_recorded" if self.is_current => {
                let number: u32 = field(event, "attemptNumber")?;
                let mut records = self.manifest.state.attempt_records.iter();
                attempt_ended(records.find(|record| record.attempt_number == number)?)
            }
            "run.backend_session_updated" => {
                EventBody::BackendSessionUpdated { backend_session_id: field(event, "nextBackendSessionId")? }
            }
            "run.aborted" => EventBody::AbortRequested { by: field(event, "source")? },
            "run.finished" => {
                let status = field::<RunStatus>(event, "terminalStatus").filter(is_end)?;
                EventBody::RunFinished { status, exit_code: field(event, "exitCode")?, detail: None }
            }
            "run.reset" => EventBody::RunReset {},
            "run.archived" => EventBody::RunArchived {},
            "run.unarchived" => EventBody::RunUnarchived {},
            "run.parent_completion_notification_delivered" => EventBody::ParentNotified {},
            "run.queued_resume_message_added" => {
                EventBody::MessageQueued { message_id: field(event, "messageId")? }
            }
            "run.queued_resume_message_removed" => {
                EventBody::MessageRemoved { message_id: field(event, "messageId")? }
            }
            _ => return None,
        })
    }

    fn task(&mut self, event: &ReferenceEvent) -> Option<EventBody> {
        let task_id: TaskId = field(event, "taskId")?;
        Some(match event.event_type.as_str() {
            "task.added" => {
                self.statuses.insert(task_id.clone(), TaskStatus::Pending);
                EventBody::TaskAdded { task_id, title: field(event, "taskTitle")?, fence: None }
            }
            "task.updated" => {
                let before: Option<TaskStatus> = field(event, "statusBefore");
                let known = self.statuses.get(&task_id).copied();
                let status = field(event, "statusAfter").or(before).or(known)?;
                self.statuses.insert(task_id.clone(), status);
                let changes = [("notesChanged", "notes"), ("titleChanged", "title"), ("bodyChanged", "body")];
                let changed = |(there, _): &&(&str, &str)| field(event, there) == Some(true);
                let fields = changes.iter().filter(changed).map(|(_, here)| (*here).to_owned()).collect();
                let from = before.filter(|before| *before != status);
                EventBody::TaskUpdated { task_id, from, status, fields, fence: None }
            }
            "task.deleted" => EventBody::TaskDeleted { task_id },
            _ => return None,
        })
    }
}

fn is_end(status: &RunStatus) -> bool {
    match status {
        RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted
        | RunStatus::Error => true,
        RunStatus::Initialized | RunStatus::Ready | RunStatus::Running | RunStatus::Interrupted => false,
    }
}

fn field<T: DeserializeOwned>(event: &ReferenceEvent, name: &str) -> Option<T> {
    serde_json::from_value(event.details.get(name)?.clone()).ok()
}

fn created(run: &ReferenceRun) -> EventBody {
    EventBody::RunCreated {
        agent: run.agent.name.clone(),
        assignment: run.assignment.as_ref().map(|assignment| assignment.name.clone()),
        backend: run.reset_seed.backend.clone(),
        tasks_total: run.reset_seed.final_tasks.len(),
    }
}

fn metadata(event: &ReferenceEvent) -> Option<EventBody> {
    let changed = |name: &str| EventBody::MetadataChanged { field: name.to_owned() };
    Some(match event.event_type.as_str() {
        "run.renamed" => changed("name"),
        "run.group_changed" => changed("runGroupId"),
        "run.reconfigured" => {
            let mut changed: Vec<String> = field(event, "changedVarKeys")?;
            if field(event, "messageChanged") == Some(true) {
                changed.push("message".to_owned());
            }
            EventBody::RunReconfigured { changed }
        }
        _ => return None,
    })
}

fn hook(event: &ReferenceEvent) -> Option<EventBody> {
    if event.event_type != "run.hook_recorded" {
        return None;
    }
    let mut fields = event.details.clone();
    for name in ["sessionIndex", "attemptNumber", "taskId", "summary"] {
        fields.entry(name).or_insert(Value::Null);
    }
    hook_recorded(&serde_json::from_value(Value::Object(fields)).ok()?)
}

fn hook_recorded(audit: &ReferenceHookAudit) -> Option<EventBody> {
    let duration = audit.ended_at.since(audit.started_at);
    Some(EventBody::HookRecorded {
        phase: hooks::phase(&audit.phase)?,
        hook_id: audit.hook_id.clone(),
        outcome: hooks::outcome(&audit.outcome)?,
        started_at: audit.started_at,
        ended_at: audit.ended_at,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        session_index: audit.session_index,
        attempt_number: audit.attempt_number,
        task_id: audit.task_id.clone(),
        summary: audit.summary.clone(),
        mutated: Vec::new(),
        stderr: None,
        source_changed: false,
    })
}

/// An event as it stands there.
fn verbatim(event: &ReferenceEvent) -> EventBody {
    let details = event.details.iter().filter(|(name, _)| !SHARED.contains(&name.as_str()));
    let details: Map<String, Value> = details.map(|(name, value)| (name.clone(), value.clone())).collect();
    EventBody::ReferenceEvent { event: event.event_type.clone(), details }
}

fn attempt_started(record: &AttemptRecord) -> EventBody {
    EventBody::AttemptStarted {
        attempt_number: record.attempt_number,
        fence: record.fence,
        prompt: record.prompt,
    }
}

fn attempt_ended(record: &AttemptRecord) -> EventBody {
    EventBody::AttemptRecorded {
        attempt_number: record.attempt_number,
        end: record.end.clone(),
        exit_code: record.exit_code,
        signal: record.signal,
        leftovers: 0,
        usage: record.usage,
    }
}

/// What a manifest without a log tells.
fn without_log(run: &ReferenceRun, manifest: &Manifest) -> Vec<Happened> {
    let mut told = vec![(run.started_at, created(run))];
    for session in &manifest.state.sessions {
        let (session_index, cause) = (session.session_index, session.cause.clone());
        told.push((session.started_at, EventBody::RunStarted { session_index, cause }));
    }
    let audits = run.hook_audits.iter();
    told.extend(audits.filter_map(|audit| Some((audit.ended_at, hook_recorded(audit)?))));
    if let (Some(outcome), Some(ended_at)) = (manifest.outcome(), manifest.state.ended_at)
        && is_end_there(run)
    {
        let (status, exit_code) = (manifest.status(false), outcome.exit_code());
        told.push((ended_at, EventBody::RunFinished { status, exit_code, detail: None }));
    }
    told.sort_by_key(|(at, _)| *at);
    told
}

/// Whether the run had ended there. That one ended by coming here is told when it has come.
fn is_end_there(run: &ReferenceRun) -> bool {
    run.status != super::schema::ReferenceStatus::Running
}
