//! What a hook is told: one JSON document. Must not decide which hook runs.

use agent_runner_api::hook::{
    AttemptContext, AttemptResult, ContextAssignment, ContextOutcome, ContextRun, ContextTask, ContextTasks,
    HOOK_SCHEMA_VERSION, HookContext, PrepareContext, TaskAfter, TaskBefore, TransitionContext,
    TransitionPart,
};
use agent_runner_model::attempt::{AttemptEnd, AttemptRecord};
use agent_runner_model::hook::{HookPhase, HookSpec, Transition};
use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::{Phase, Stage};
use agent_runner_model::task::Task;
use serde_json::Value;

use crate::compose;

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
    /// The end of what the worker's program complained about.
    pub(crate) stderr: Option<String>,
    /// The change of a task it is asked about.
    pub(crate) judged: Option<Judged>,
}

/// The document a hook reads.
pub(super) fn document(moment: &Moment<'_>) -> HookContext {
    let manifest = moment.manifest;
    let (spec, state) = (&manifest.spec, &manifest.state);
    let phase = moment.hook.phase;
    HookContext {
        schema_version: HOOK_SCHEMA_VERSION,
        phase,
        hook_id: moment.hook.hook_id.clone(),
        assignment: ContextAssignment {
            name: spec.assignment.as_ref().map(|assignment| assignment.name.clone()).unwrap_or_default(),
            source_path: spec.assignment.as_ref().map(|assignment| assignment.source_path.clone()),
        },
        run: run(moment),
        vars: spec.runtime_vars.iter().map(|(name, var)| (name.clone(), var.value.clone())).collect(),
        state: state.hook_state.clone(),
        attachments: state.attachments.clone(),
        tasks: ContextTasks {
            items: state.final_tasks.values().map(ContextTask::from).collect(),
            completed: manifest.tasks_completed(),
            total: state.final_tasks.len(),
        },
        config: moment.config.clone(),
        prepare: (phase == HookPhase::Prepare).then(|| PrepareContext {
            default_initial_prompt: spec.brief.clone(),
            current_initial_prompt: spec.template.initial_prompt.as_ref().unwrap_or(&spec.brief).clone(),
            initial_locked_fields: spec.locked_fields.clone(),
        }),
        attempt: attempt(moment),
        transition: moment.judged.as_ref().and_then(transition),
    }
}

/// The same as a program reads it.
pub(super) fn document_text(moment: &Moment<'_>) -> Vec<u8> {
    // Nothing in it can fail to be written.
    serde_json::to_vec(&document(moment)).unwrap_or_default()
}

fn run(moment: &Moment<'_>) -> ContextRun {
    let manifest = moment.manifest;
    let (spec, state) = (&manifest.spec, &manifest.state);
    ContextRun {
        run_id: spec.run_id.clone(),
        run_group_id: state.run_group_id.clone(),
        parent_run_id: spec.parent_run_id.clone(),
        repo: spec.repo.clone(),
        status: manifest.status(false),
        backend: spec.backend.clone(),
        model: spec.model.clone(),
        effort: spec.effort,
        cwd: spec.cwd.clone(),
        workspace_dir: moment.workspace_dir.clone(),
        name: state.name.clone(),
        note: state.note.clone(),
        pinned: state.pinned,
        backend_session_id: state.backend_session_id.clone(),
        total_attempt_count: state.attempt_records.len(),
        max_attempts_per_session: spec.max_attempts_per_session,
        total_session_count: state.sessions.len(),
        timeout_sec: spec.timeout_sec,
        unrestricted: spec.unrestricted,
        worktree: spec.worktree.clone(),
    }
}

fn attempt(moment: &Moment<'_>) -> AttemptContext {
    let manifest = moment.manifest;
    let (session_index, count, spent) = manifest
        .session()
        .map_or((0, 0, 0), |session| (session.session_index, session.attempt_count, session.attempts_spent));
    let left = manifest.spec.max_attempts_per_session.saturating_sub(spent);
    // Before an attempt, the one that comes is neither counted nor spent.
    let is_before = matches!(moment.hook.phase, HookPhase::BeforeAttempt | HookPhase::Prepare);
    let (attempt_index_in_session, retries_remaining) = match is_before {
        true => (count, left.saturating_sub(1)),
        false => (count.saturating_sub(1), left),
    };
    let is_after = matches!(moment.hook.phase, HookPhase::AfterAttempt | HookPhase::AfterExit);
    let last = manifest.state.attempt_records.last().filter(|_| is_after);
    AttemptContext {
        attempt_prompt: match moment.hook.phase {
            HookPhase::Prepare => {
                manifest.spec.template.initial_prompt.as_ref().unwrap_or(&manifest.spec.brief).clone()
            }
            HookPhase::BeforeAttempt
            | HookPhase::AfterAttempt
            | HookPhase::AfterExit
            | HookPhase::TaskTransition => moment.prompt.clone(),
        },
        session_index,
        attempt_index_in_session,
        retries_remaining,
        attempt_result: last.map(|last| result(moment, last)),
        outcome: outcome(manifest).filter(|_| moment.hook.phase == HookPhase::AfterExit),
    }
}

fn outcome(manifest: &Manifest) -> Option<ContextOutcome> {
    let Some(Stage::Closing { outcome, .. }) = manifest.stage() else { return None };
    let mut ended = manifest.clone();
    ended.state.phase = Phase::Ended { outcome: outcome.clone() };
    Some(ContextOutcome { status: ended.status(false), exit_code: outcome.exit_code() })
}

fn result(moment: &Moment<'_>, last: &AttemptRecord) -> AttemptResult {
    AttemptResult {
        attempt_number: last.attempt_number,
        exit_code: last.exit_code,
        signal: last.signal,
        timed_out: matches!(last.end, AttemptEnd::TimedOut { .. }),
        aborted: last.end == AttemptEnd::Aborted,
        end: last.end.clone(),
        transcript: moment.transcript.clone(),
        raw_stdout: last.output_tail.clone(),
        raw_stderr: moment.stderr.clone().unwrap_or_default(),
        session_id: moment.manifest.state.backend_session_id.clone(),
        usage: last.usage,
    }
}

fn transition(judged: &Judged) -> Option<TransitionPart> {
    let (before, after) = (judged.before.as_ref(), judged.after.as_ref());
    let to = after.or(before)?;
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
    let changed = fields.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned());
    let transition = TransitionContext {
        task_id: judged.transition.task_id.clone(),
        source: judged.transition.source,
        from: before.map(|task| TaskBefore { status: task.status, notes: task.notes.clone() }),
        to: TaskAfter {
            status: judged.transition.to,
            notes: to.notes.clone(),
            title: to.title.clone(),
            body: to.body.clone(),
        },
        tentative: true,
        changed_fields: changed.collect(),
    };
    Some(TransitionPart { transition })
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
