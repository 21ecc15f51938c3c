//! One line about each event.

use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::{Cause, PromptKind};

use super::span::reason_words;
use super::transfer::import_words;
use super::usage::{amount_words, usage_words};

/// What happened, without its time. Events of newer versions are shown as they are.
pub(crate) fn event_line(event: &EventRecord) -> String {
    let Some(body) = event.body() else {
        return format!("{} {}", event.kind, serde_json::Value::Object(event.fields.clone()));
    };
    match body {
        EventBody::RunCreated { agent, assignment, backend, tasks_total } => {
            let assignment = assignment.map(|name| format!(", assignment {name}")).unwrap_or_default();
            format!("created: agent {agent}{assignment}, backend {backend}, {tasks_total} tasks")
        }
        EventBody::RunReady {} => "approved for its first start".to_owned(),
        EventBody::RunStarted { session_index, cause } => {
            format!("session {session_index} opened: {}", cause_words(&cause))
        }
        EventBody::DriverStarted { pid, host } => format!("driver {pid} on {host} took the run"),
        EventBody::DriverLeft { why } => format!("driver left: {why}"),
        EventBody::StarterLost { detail } => detail,
        EventBody::AttemptStarted { attempt_number, prompt, .. } => {
            format!("attempt {attempt_number} started{}", prompt_words(prompt))
        }
        EventBody::AttemptRecorded { attempt_number, end, leftovers, usage, .. } => {
            let left = match leftovers {
                0 => String::new(),
                1 => "; 1 process it left behind was ended".to_owned(),
                count => format!("; {count} processes it left behind were ended"),
            };
            let used =
                if usage.is_unknown() { String::new() } else { format!("; used {}", usage_words(&usage)) };
            format!("attempt {attempt_number} ended: {}{used}{left}", end_words(&end))
        }
        EventBody::BackendSessionUpdated { backend_session_id } => {
            format!("the backend calls its session {backend_session_id}")
        }
        EventBody::BackendSessionLost { backend_session_id } => {
            format!(
                "the backend no longer knows its session {backend_session_id}; the next attempt begins another"
            )
        }
        EventBody::Waiting { wait } => {
            let until = wait.until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("waiting{until} ({}): {}", reason_words(wait.why), wait.detail)
        }
        EventBody::RunImported { from } => format!("imported {}", import_words(&from)),
        EventBody::WaitEnded {} => "the wait is over".to_owned(),
        EventBody::HookRecorded { hook_id, outcome, duration_ms, summary, source_changed, .. } => {
            let said = summary.map(|summary| format!(": {summary}")).unwrap_or_default();
            let changed =
                if source_changed { "; its file has changed since the run was created" } else { "" };
            format!("hook {hook_id}: {} ({duration_ms} ms){said}{changed}", outcome.as_str())
        }
        EventBody::PreparationStarted {} => "hooks prepare the run".to_owned(),
        EventBody::Prepared {} => "prepared".to_owned(),
        EventBody::CheckRecorded { check, objection } => match objection {
            Some(objection) => format!("check {check} objects: {objection}"),
            None => format!("check {check} passed"),
        },
        EventBody::MessageQueued { message_id } => format!("message {message_id} waits for the next session"),
        EventBody::MessageRemoved { message_id } => format!("message {message_id} taken back"),
        EventBody::RunReset {} => "reset: as it was created".to_owned(),
        EventBody::SnapshotTaken { name, commit: _, files } => {
            let what = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            format!("put aside what was not committed: {what}, as {name}")
        }
        EventBody::RunReconfigured { changed } => format!("reconfigured: {}", changed.join(", ")),
        EventBody::RunArchived {} => "archived".to_owned(),
        EventBody::RunUnarchived {} => "taken back out of the archive".to_owned(),
        EventBody::MetadataChanged { field } => format!("{field} changed"),
        EventBody::DependenciesChanged { dependencies } => dependency_words(&dependencies),
        EventBody::AttachmentAdded { attachment_id, name } => format!("attached {name} ({attachment_id})"),
        EventBody::AttachmentRemoved { attachment_id } => format!("attachment {attachment_id} removed"),
        EventBody::ChildEnded { run_id } => format!("run {run_id}, which it started, has ended"),
        EventBody::ParentNotified {} => "its parent was told of the end".to_owned(),
        EventBody::BudgetReserved { run_id, amount } => {
            format!("set aside for run {run_id}: {}", amount_words(&amount))
        }
        EventBody::BudgetSettled { run_id, used } => format!("run {run_id} used {}", amount_words(&used)),
        EventBody::RunExtended { by } => format!("ceilings raised by {}", amount_words(&by)),
        EventBody::AbortRequested { by } => format!("abort requested: {by}"),
        EventBody::RunFinished { status, exit_code, detail } => {
            let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("ended: {} (exit code {exit_code}){detail}", status.as_str())
        }
        EventBody::RunReopened {} => "opened again: a task is open".to_owned(),
        EventBody::HistoryLost { expected_bytes, found_bytes } => {
            format!("history lost: the log has {found_bytes} of {expected_bytes} bytes")
        }
        EventBody::ReferenceEvent { event, details } => {
            format!("{event} {}", serde_json::Value::Object(details))
        }
        EventBody::TaskUpdated { task_id, from, status, fields, .. } => match from {
            Some(from) => format!("task {task_id}: {} -> {}", from.as_str(), status.as_str()),
            None => format!("task {task_id}: {} changed", fields.join(", ")),
        },
        EventBody::TaskAdded { task_id, title, .. } => format!("task {task_id} added: {title}"),
        EventBody::TaskDeleted { task_id } => format!("task {task_id} deleted"),
    }
}

/// Whether the event is worth a line while a run is watched. The audit shows them all.
pub(crate) fn is_worth_watching(event: &EventRecord) -> bool {
    match event.body() {
        Some(EventBody::TaskUpdated { from, .. }) => from.is_some(),
        Some(
            EventBody::RunCreated { .. }
            | EventBody::DriverStarted { .. }
            | EventBody::RunReady {}
            | EventBody::BackendSessionUpdated { .. }
            | EventBody::RunFinished { .. },
        ) => false,
        Some(_) | None => true,
    }
}

fn dependency_words(dependencies: &[Dependency]) -> String {
    let names = dependencies.iter().map(|dependency| match dependency {
        Dependency::Run { run_id } => format!("run {run_id}"),
        Dependency::Group { group_id } => format!("group {group_id}"),
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        "depends on nothing".to_owned()
    } else {
        format!("depends on {}", names.join(", "))
    }
}

fn cause_words(cause: &Cause) -> &'static str {
    match cause {
        Cause::First => "first start",
        Cause::Continue { message: Some(_) } => "resumed with a message",
        Cause::Continue { message: None } => "resumed",
        Cause::Queued { .. } => "messages were waiting",
        Cause::Reinvoked { .. } => "a child run ended",
        Cause::Fired => "its schedule fell due",
        Cause::Rejected { .. } => "a task was rejected",
        Cause::Fallback => "another backend takes over",
    }
}

fn prompt_words(prompt: PromptKind) -> &'static str {
    match prompt {
        PromptKind::Brief | PromptKind::Message => "",
        PromptKind::Nudge => ": tasks are still open",
        PromptKind::AfterTimeout => ": the time ran out before",
        PromptKind::AfterCrash => ": the worker failed before",
        PromptKind::AfterInterrupt => ": going on after an interruption",
    }
}

fn end_words(end: &AttemptEnd) -> String {
    match end {
        AttemptEnd::Limited { reset_at: Some(reset_at), detail } => format!("{detail} (until {reset_at})"),
        AttemptEnd::Reported
        | AttemptEnd::TimedOut { .. }
        | AttemptEnd::Crashed { .. }
        | AttemptEnd::ProtocolError { .. }
        | AttemptEnd::Overloaded { .. }
        | AttemptEnd::Network { .. }
        | AttemptEnd::Limited { .. }
        | AttemptEnd::Misconfigured { .. }
        | AttemptEnd::OverBudget { .. }
        | AttemptEnd::Interrupted
        | AttemptEnd::Aborted => end.detail(),
    }
}
