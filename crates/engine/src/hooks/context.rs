//! What a hook is told: one JSON document. Must not decide which hook runs.

use agent_runner_model::attempt::{AttemptEnd, AttemptRecord};
use agent_runner_model::hook::{HookPhase, HookSpec, Transition};
use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::Stage;
use agent_runner_model::task::Task;
use serde_json::{Value, json};

use crate::compose;

/// Layout of the document.
const SCHEMA_VERSION: u32 = 1;

/// A change of a task that hooks are asked about, with the task before and after it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) transition: Transition,
    pub(crate) before: Option<Task>,
    pub(crate) after: Option<Task>,
}

/// A hook's turn.
pub(crate) struct Moment<'a> {
    /// The run as it stands.
    pub(crate) manifest: &'a Manifest,
    /// Where its files are.
    pub(crate) workspace_dir: String,
    /// The hook.
    pub(crate) hook: &'a HookSpec,
    /// Its configuration, filled.
    pub(crate) config: Value,
    /// What the worker is, or was, told.
    pub(crate) prompt: String,
    /// What the worker said, as far as it is known.
    pub(crate) transcript: Option<String>,
    /// The change of a task it is asked about.
    pub(crate) judged: Option<Judged>,
}

/// The document a hook reads.
pub(super) fn document(moment: &Moment<'_>) -> Value {
    let manifest = moment.manifest;
    let (spec, state) = (&manifest.spec, &manifest.state);
    let mut document = json!({
        "schemaVersion": SCHEMA_VERSION,
        "phase": moment.hook.phase.as_str(),
        "hookId": moment.hook.hook_id,
        "assignment": {
            "name": spec.assignment.as_ref().map_or("", |assignment| &assignment.name),
            "sourcePath": spec.assignment.as_ref().map(|assignment| &assignment.source_path),
        },
        "run": {
            "runId": spec.run_id,
            "runGroupId": state.run_group_id,
            "parentRunId": spec.parent_run_id,
            "repo": spec.repo,
            "status": manifest.status(false).as_str(),
            "backend": spec.backend,
            "model": spec.model,
            "effort": spec.effort,
            "cwd": spec.cwd,
            "workspaceDir": moment.workspace_dir,
            "name": state.name,
            "note": state.note,
            "pinned": state.pinned,
            "backendSessionId": state.backend_session_id,
            "totalAttemptCount": state.attempt_records.len(),
            "maxAttemptsPerSession": spec.max_attempts_per_session,
            "totalSessionCount": state.sessions.len(),
            "timeoutSec": spec.timeout_sec,
            "unrestricted": spec.unrestricted,
            "worktree": spec.worktree,
        },
        "vars": vars(manifest),
        "state": state.hook_state,
        "attachments": state.attachments,
        "tasks": tasks(manifest),
        "config": moment.config,
    });
    let more = match moment.hook.phase {
        HookPhase::Prepare => json!({
            "defaultInitialPrompt": spec.brief,
            "currentInitialPrompt": spec.template.initial_prompt.as_ref().unwrap_or(&spec.brief),
            "initialLockedFields": spec.locked_fields,
        }),
        HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit => attempt(moment),
        HookPhase::TaskTransition => transition(moment),
    };
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}

fn vars(manifest: &Manifest) -> Value {
    let values = manifest.spec.runtime_vars.iter();
    values.map(|(name, var)| (name.clone(), serde_json::to_value(&var.value).unwrap_or_default())).collect()
}

fn tasks(manifest: &Manifest) -> Value {
    let items: Vec<Value> = manifest.state.final_tasks.values().map(task).collect();
    json!({
        "items": items,
        "completed": manifest.tasks_completed(),
        "total": manifest.state.final_tasks.len(),
    })
}

fn task(task: &Task) -> Value {
    json!({
        "id": task.id,
        "title": task.title,
        "body": task.body,
        "status": task.status,
        "notes": task.notes,
    })
}

fn attempt(moment: &Moment<'_>) -> Value {
    let manifest = moment.manifest;
    let session = manifest.session();
    let (index, count, spent) = session
        .map_or((0, 0, 0), |session| (session.session_index, session.attempt_count, session.attempts_spent));
    let left = manifest.spec.max_attempts_per_session.saturating_sub(spent);
    let mut more = json!({
        "attemptPrompt": moment.prompt,
        "sessionIndex": index,
    });
    let Value::Object(fields) = &mut more else { return more };
    let (attempt_index, retries) = match moment.hook.phase {
        HookPhase::BeforeAttempt => (count, left.saturating_sub(1)),
        HookPhase::Prepare | HookPhase::AfterAttempt | HookPhase::AfterExit | HookPhase::TaskTransition => {
            (count.saturating_sub(1), left)
        }
    };
    fields.insert("attemptIndexInSession".into(), attempt_index.into());
    fields.insert("retriesRemaining".into(), retries.into());
    if moment.hook.phase != HookPhase::BeforeAttempt
        && let Some(last) = manifest.state.attempt_records.last()
    {
        fields.insert("attemptResult".into(), result(moment, last));
    }
    if let Some(Stage::Closing { outcome, .. }) = manifest.stage() {
        let mut ended = manifest.clone();
        ended.state.phase = agent_runner_model::phase::Phase::Ended { outcome: outcome.clone() };
        let outcome = json!({
            "status": ended.status(false).as_str(),
            "exitCode": outcome.exit_code(),
        });
        fields.insert("outcome".into(), outcome);
    }
    more
}

fn result(moment: &Moment<'_>, last: &AttemptRecord) -> Value {
    json!({
        "attemptNumber": last.attempt_number,
        "exitCode": last.exit_code,
        "signal": last.signal,
        "timedOut": matches!(last.end, AttemptEnd::TimedOut { .. }),
        "aborted": last.end == AttemptEnd::Aborted,
        "end": last.end,
        "transcript": moment.transcript,
        "rawStdout": last.output_tail,
        "rawStderr": "",
        "sessionId": moment.manifest.state.backend_session_id,
        "usage": last.usage,
    })
}

fn transition(moment: &Moment<'_>) -> Value {
    let Some(judged) = &moment.judged else { return json!({}) };
    let (before, after) = (judged.before.as_ref(), judged.after.as_ref());
    let to = after.or(before).map(|task| {
        json!({
            "status": judged.transition.to,
            "notes": task.notes,
            "title": task.title,
            "body": task.body,
        })
    });
    let from = before.map(|task| json!({ "status": task.status, "notes": task.notes }));
    let differs = |field: fn(&Task) -> &str| match (before, after) {
        (Some(before), Some(after)) => field(before) != field(after),
        (None, Some(_)) | (Some(_), None) => true,
        (None, None) => false,
    };
    let fields = [
        ("status", differs(|task| task.status.as_str())),
        ("notes", differs(|task| &task.notes)),
        ("title", differs(|task| &task.title)),
        ("body", differs(|task| &task.body)),
    ];
    let changed: Vec<&str> = fields.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
    json!({
        "transition": {
            "taskId": judged.transition.task_id,
            "source": judged.transition.source.as_str(),
            "from": from,
            "to": to,
            "tentative": true,
            "changedFields": changed,
        }
    })
}

/// The texts of a hook's configuration with the run's variables in them.
pub(super) fn filled(config: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match config {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => config.clone(),
    }
}

/// What a run's variables stand for in a hook's configuration.
pub(super) fn filler(manifest: &Manifest, places: &compose::Places) -> impl Fn(&str) -> String + use<> {
    let values = compose::known_values(manifest, places);
    move |text: &str| compose::render(text, &values).into_owned()
}
