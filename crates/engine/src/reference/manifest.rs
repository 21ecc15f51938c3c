//! The manifest of a run of the reference implementation as one of ours: what was decided when it was made, and how it stands.

use agent_runner_model::budget::BudgetState;
use agent_runner_model::hook::{HookPhase, TaskPatch};
use agent_runner_model::manifest::{FrozenConfig, Manifest, QueuedMessage, RunState};
use agent_runner_model::phase::Phase;
use agent_runner_model::schedule::{Recurrence, Schedule};
use agent_runner_model::spec::{
    AgentSpec, AssignmentSpec, BackendSettings, Effort, LauncherSpec, LockableField, Origin, RunSpec,
    Template,
};
use agent_runner_model::task::{Task, TaskSpec, TaskStatus};
use agent_runner_model::{Fence, Import, RunId};

use super::mapping::Circumstances;
use super::schema::{
    ReferenceCron, ReferenceLauncher, ReferenceMessage, ReferenceRun, ReferenceSchedule, ReferenceTask,
};
use super::{attempts, hooks, vars};

/// How briefs there speak of the program.
const COMMAND: &str = "agent-runner";
/// The name of a launcher that was written out where it was used.
const INLINE: &str = "inline";

/// The run as it is to be here.
pub(super) fn manifest(
    run: &ReferenceRun,
    from: Import,
    around: &Circumstances,
    stderr: &dyn Fn(u32) -> String,
    remarks: &mut Vec<String>,
) -> Manifest {
    let spec = spec(run, from, around, remarks);
    let (mut manifest, _) = Manifest::new(spec, run.name.clone());
    state(&mut manifest.state, run, stderr);
    manifest.state.frozen_config = frozen(run, &manifest.spec);
    manifest
}

pub(super) fn spec(
    run: &ReferenceRun,
    from: Import,
    around: &Circumstances,
    remarks: &mut Vec<String>,
) -> RunSpec {
    let seed = &run.reset_seed;
    let hooks = hooks::hooks(&run.resolved_hooks);
    let effort = effort(run.effort.as_deref(), remarks);
    let further_ancestors = around.further_ancestors.clone();
    let depth = usize::from(run.parent_run_id.is_some()) + further_ancestors.len();
    RunSpec {
        run_id: run.run_id.clone(),
        repo: (around.bucket)(&run.repo),
        cwd: run.cwd.clone(),
        agent: AgentSpec {
            name: run.agent.name.clone(),
            source_path: run.agent.source_path.clone(),
            bases: Vec::new(),
            instructions: run.agent.instructions.clone(),
        },
        assignment: run.assignment.as_ref().map(|assignment| AssignmentSpec {
            name: assignment.name.clone(),
            source_path: assignment.source_path.clone(),
            bases: Vec::new(),
            // They are in the brief, and nowhere else.
            instructions: String::new(),
        }),
        backend: run.backend.clone(),
        backend_config: vars::settings(run.backend_config.as_ref()),
        launcher: launcher(&run.launcher),
        resolved_backend_args: run.resolved_backend_args.clone(),
        backend_session_id: None,
        model: run.model.clone(),
        effort,
        unrestricted: run.unrestricted,
        timeout_sec: run.timeout_sec.max(1),
        max_attempts_per_session: run.max_attempts_per_session.max(1),
        stop_grace_sec: around.stop_grace_sec,
        on_limit: Default::default(),
        notify: None,
        locked_fields: locked(&run.locked_fields, remarks),
        message: run.message.clone(),
        brief: run.brief.clone(),
        caller_instructions: run.caller_instructions.clone(),
        tasks: seed.final_tasks.values().map(task_spec).collect(),
        template: Template::default(),
        vars: Vec::new(),
        runtime_vars: vars::runtime_vars(run),
        command: COMMAND.to_owned(),
        created_at: run.started_at,
        parent_run_id: run.parent_run_id.clone(),
        further_ancestors,
        call_depth: u32::try_from(depth).unwrap_or(u32::MAX),
        notify_parent: false,
        waits_for_dependencies: false,
        on_busy: Default::default(),
        may_write: true,
        origin: Origin::Imported { from: Box::new(from) },
        budget: Default::default(),
        checks: Vec::new(),
        // They have prepared it there.
        prepared: hooks.iter().any(|hook| hook.phase == HookPhase::Prepare),
        hooks,
        prepared_state: seed.hook_state.clone(),
        prepared_tasks: seed.final_tasks.values().filter_map(patch).collect(),
        worktree: None,
        execution_environment: run.execution_environment.clone(),
        commit_as: None,
    }
}

fn task_spec(task: &ReferenceTask) -> TaskSpec {
    TaskSpec { id: task.id.clone(), title: task.title.clone(), body: task.body.clone() }
}

/// What hooks had done to a task before the run was first started.
fn patch(task: &ReferenceTask) -> Option<TaskPatch> {
    let is_fresh = task.status == TaskStatus::Pending && task.notes.is_empty();
    (!is_fresh).then(|| TaskPatch {
        task_id: task.id.clone(),
        status: Some(task.status),
        notes_replace: Some(task.notes.clone()),
        notes_append: None,
    })
}

fn launcher(launcher: &ReferenceLauncher) -> LauncherSpec {
    match launcher {
        ReferenceLauncher::Direct => LauncherSpec::default(),
        ReferenceLauncher::Prefix { command, args, name } => LauncherSpec {
            name: name.clone().unwrap_or_else(|| INLINE.to_owned()),
            argv: std::iter::once(command).chain(args).cloned().collect(),
        },
    }
}

fn effort(word: Option<&str>, remarks: &mut Vec<String>) -> Option<Effort> {
    let word = word?;
    let effort = Effort::parse(word);
    if effort.is_none() {
        remarks.push(format!("its effort {word:?} is unknown here; the backend's own is used"));
    }
    effort
}

fn locked(words: &[String], remarks: &mut Vec<String>) -> Vec<LockableField> {
    let field = |word: &String| {
        let field = LockableField::parse(word);
        if field.is_none() {
            remarks.push(format!("its locked field {word:?} is unknown here"));
        }
        field
    };
    words.iter().filter_map(field).collect()
}

/// The configuration a reset goes back to, where hooks have changed it since.
fn frozen(run: &ReferenceRun, spec: &RunSpec) -> Option<Box<FrozenConfig>> {
    let seed = &run.reset_seed;
    let settings = BackendSettings {
        config: vars::settings(seed.backend_config.as_ref()),
        args: seed.resolved_backend_args.clone(),
    };
    let now =
        BackendSettings { config: spec.backend_config.clone(), args: spec.resolved_backend_args.clone() };
    let frozen = FrozenConfig {
        cwd: seed.cwd.clone(),
        backend: seed.backend.clone(),
        settings,
        model: seed.model.clone(),
        effort: effort(seed.effort.as_deref(), &mut Vec::new()),
        timeout_sec: seed.timeout_sec.max(1),
        unrestricted: seed.unrestricted,
        locked_fields: locked(&seed.locked_fields, &mut Vec::new()),
    };
    let current = FrozenConfig {
        cwd: spec.cwd.clone(),
        backend: spec.backend.clone(),
        settings: now,
        model: spec.model.clone(),
        effort: spec.effort,
        timeout_sec: spec.timeout_sec,
        unrestricted: spec.unrestricted,
        locked_fields: spec.locked_fields.clone(),
    };
    (frozen != current).then(|| Box::new(frozen))
}

fn state(state: &mut RunState, run: &ReferenceRun, stderr: &dyn Fn(u32) -> String) {
    let records = attempts::attempts(run, stderr);
    let tasks = run.final_tasks.values().map(|task| (task.id.clone(), task_of(task)));
    state.final_tasks = tasks.collect();
    state.sessions = attempts::sessions(run, &records);
    state.first_attempt_number = records.first().map_or(0, |record| record.attempt_number);
    state.next_fence = Fence(records.len() as u64 + 1);
    state.attempt_records = records;
    state.run_group_id.clone_from(&run.run_group_id);
    state.note.clone_from(&run.note);
    state.pinned = run.pinned;
    state.archived_at = run.archived_at;
    state.preparation = None;
    state.hook_state.clone_from(&run.hook_state);
    state.backend_session_id.clone_from(&run.backend_session_id);
    state.queued_resume_messages = run.queued_resume_messages.iter().map(message).collect();
    state.schedule = run.schedule.as_ref().map(schedule);
    state.dependencies.clone_from(&run.dependencies);
    state.budget = BudgetState::default();
    // Whoever resumes it decides that anew; nobody is told here of what happened there.
    state.tell_parent = Some(false);
    state.started_at = run.sessions.first().map(|session| session.started_at);
    state.updated_at = run.updated_at;
    match attempts::outcome(run, run.status) {
        Some(outcome) => {
            state.phase = Phase::Ended { outcome };
            let last = state.sessions.last().and_then(|session| session.ended_at);
            state.ended_at = Some(run.ended_at.or(last).unwrap_or(run.updated_at));
        }
        None => {
            let is_ready = run.status == super::schema::ReferenceStatus::Ready;
            state.phase = if is_ready { Phase::Ready } else { Phase::Initialized };
            state.ended_at = None;
        }
    }
}

fn task_of(task: &ReferenceTask) -> Task {
    Task { status: task.status, notes: task.notes.clone(), ..Task::new(task_spec(task)) }
}

fn message(message: &ReferenceMessage) -> QueuedMessage {
    let from_run_id: Option<RunId> = message.source.as_ref().map(|source| source.child_run_id.clone());
    QueuedMessage {
        id: message.id.clone(),
        text: message.text.clone(),
        queued_at: message.created_at,
        from_run_id,
    }
}

fn schedule(schedule: &ReferenceSchedule) -> Schedule {
    Schedule {
        enabled: schedule.enabled,
        run_at: schedule.run_at,
        recurrence: schedule.recurrence.as_ref().map(|recurrence| {
            let ReferenceCron::Cron { expression, timezone } = &recurrence.schedule;
            Recurrence {
                expression: expression.clone(),
                timezone: timezone.clone(),
                mode: recurrence.mode,
                continue_on_failure: recurrence.continue_on_failure,
            }
        }),
    }
}
