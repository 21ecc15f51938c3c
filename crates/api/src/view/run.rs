//! Views of runs.

use std::collections::BTreeMap;

use agent_runner_model::capabilities::{Capabilities, Lease, capabilities};
use agent_runner_model::digest::{ActiveTask, Digest, active_task};
use agent_runner_model::event::EventRecord;
use agent_runner_model::hook::{HookSpec, Worktree};
use agent_runner_model::manifest::{Manifest, Preparation, QueuedMessage, Rejection};
use agent_runner_model::phase::{Failure, Outcome, Phase, RunStatus, Stage, Wait};
use agent_runner_model::schedule::{Schedule, ScheduleState};
use agent_runner_model::spec::{BusyPolicy, Effort, LimitPolicy, LockableField, Origin, PASSIVE_BACKEND};
use agent_runner_model::usage::{UsageTotals, totals};
use agent_runner_model::vars::{RuntimeVar, VarProvenance, VarValue};
use agent_runner_model::{Import, RunId, Timestamp, redacted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::{BudgetView, DependencyState, DependencyView, DependentView, Relations};
use super::session::{AttemptView, SessionView, attempts_of};
use super::task::TaskView;

/// What the reader of a manifest knows besides it.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Whether somebody drives the run.
    pub lease: Lease,
    /// The run's directory.
    pub workspace_dir: String,
    /// What people should know about the backend's own safety rules in this run.
    pub safety_note: Option<String>,
    /// When it was looked at.
    pub now: Timestamp,
    /// What other runs have to do with it.
    pub relations: Relations,
}

/// The agent of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub source_path: Option<String>,
}

/// The assignment of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub source_path: String,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Its name in commands.
    pub run_id: RunId,
    /// The run that started it.
    pub parent_run_id: Option<RunId>,
    /// Runs it belongs with.
    pub run_group_id: String,
    /// The bucket.
    pub repo: String,
    /// The status the manifest has.
    pub status: RunStatus,
    /// The status as things are: `interrupted` when nobody drives an active run.
    pub effective_status: RunStatus,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// Whether boards show it first.
    pub pinned: bool,
    /// The agent.
    pub agent_name: String,
    /// Display name.
    pub name: Option<String>,
    /// The assignment.
    pub assignment_name: Option<String>,
    /// The backend.
    pub backend: String,
    /// The model.
    pub model: Option<String>,
    /// Where it works.
    pub cwd: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Attempts that ended.
    pub total_attempt_count: usize,
    /// Sessions opened.
    pub total_session_count: usize,
    /// Retries + 1.
    pub max_attempts_per_session: u32,
    /// Completed tasks.
    pub tasks_completed: usize,
    /// All tasks.
    pub tasks_total: usize,
    /// The task that is being worked on.
    pub active_task: Option<ActiveTask>,
    /// What it waits for, and until when.
    pub wait: Option<Wait>,
    /// How what it depends on stands.
    pub dependency_state: DependencyState,
    /// What its attempts used together.
    pub usage: UsageTotals,
    /// What may be done with it.
    pub capabilities: Capabilities,
}

/// A run, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    /// What lists show too.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Whether a driver is at work on it.
    pub is_live: bool,
    /// Whether somebody drives it, as far as can be told here.
    pub lease: Lease,
    /// Its directory; `run.json` there is the manifest.
    pub workspace_dir: String,
    /// Counts the commits.
    pub revision: u64,
    /// Cursor of its newest event.
    pub last_cursor: u64,
    /// The agent.
    pub agent: AgentView,
    /// The assignment.
    pub assignment: Option<AssignmentView>,
    /// Effort.
    pub effort: Option<Effort>,
    /// Note for people.
    pub note: Option<String>,
    /// The backend's own handle of its conversation.
    pub backend_session_id: Option<String>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// What people should know about the backend's own safety rules in this run.
    pub safety_note: Option<String>,
    /// What it does when a usage or rate limit is met.
    pub on_limit: LimitPolicy,
    /// What it does when another run works in its directory.
    pub on_busy: BusyPolicy,
    /// Whether its worker may change files.
    pub may_write: bool,
    /// Seconds one attempt may take.
    pub timeout_sec: u32,
    /// Exit code that goes with its end.
    pub exit_code: Option<u8>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The hook that blocked it, or wanted another attempt when none was left, and why.
    pub blocked_by: Option<Rejection>,
    /// How far hooks have come that prepare it; nothing when there is nothing left to prepare.
    pub preparation: Option<Preparation>,
    /// Sessions, oldest first.
    pub sessions: Vec<SessionView>,
    /// The open session.
    pub current_session: Option<SessionView>,
    /// The newest session.
    pub last_session: Option<SessionView>,
    /// Attempts, oldest first; the last may be under way.
    pub attempts: Vec<AttemptView>,
    /// Messages for the next session.
    pub queued_resume_messages: Vec<QueuedMessage>,
    /// Tasks, in list order.
    pub tasks: Vec<TaskView>,
    /// The message it was created with.
    pub message: Option<String>,
    /// For whoever started it.
    pub caller_instructions: Option<String>,
    /// Fields that could not be overridden.
    pub locked_fields: Vec<LockableField>,
    /// Its ceilings, and how far they are reached; nothing without any.
    pub budget: Option<BudgetView>,
    /// What has to end well before it may start.
    pub dependencies: Vec<DependencyView>,
    /// What waits for it; nothing where nobody looked, while it is watched.
    pub dependents: Option<Vec<DependentView>>,
    /// How many runs it is nested in.
    pub call_depth: u32,
    /// The name of what is put in front of the backend's program; `direct` for nothing.
    pub launcher: String,
    /// What its variables came to; values from an environment are not shown.
    pub runtime_vars: BTreeMap<String, VarValue>,
    /// Where each value came from.
    pub runtime_var_sources: BTreeMap<String, VarSourceView>,
    /// The hooks it was made with.
    pub resolved_hooks: Vec<HookSpec>,
    /// What hooks remember of it, by name.
    pub hook_state: BTreeMap<String, serde_json::Value>,
    /// When it was to start by itself. This version keeps that, and starts nothing by itself.
    pub schedule: Option<Schedule>,
    /// How that stands at this moment.
    #[serde(default)]
    pub schedule_state: ScheduleState,
    /// The container its workers have to be in; this version does not start such a run.
    pub execution_environment: Option<serde_json::Value>,
    /// Its own git worktree.
    pub worktree: Option<Worktree>,
    /// Where it came from; nothing for a run that was made here.
    #[serde(default)]
    pub imported: Option<Import>,
}

/// Where the value of a variable came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VarSourceView {
    /// Where.
    pub source: VarProvenance,
    /// The environment variable it was read from, here or by the run it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_name: Option<String>,
    /// Whether the value is shown to nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// The run it was inherited from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_from_run_id: Option<RunId>,
}

impl From<&RuntimeVar> for VarSourceView {
    fn from(var: &RuntimeVar) -> Self {
        Self {
            source: var.source,
            env_name: var.env_name.clone(),
            redacted: var.is_redacted(),
            inherited_from_run_id: var.inherited_from_run_id.clone(),
        }
    }
}

impl RunSummary {
    /// The view of a manifest.
    pub fn new(manifest: &Manifest, situation: &Situation) -> Self {
        let manifest = &*redacted(manifest);
        let spec = &manifest.spec;
        let state = &manifest.state;
        let free = match situation.lease {
            Lease::Free => true,
            Lease::Held | Lease::Unknown => false,
        };
        Self {
            run_id: spec.run_id.clone(),
            parent_run_id: spec.parent_run_id.clone(),
            run_group_id: state.run_group_id.clone(),
            repo: spec.repo.clone(),
            status: manifest.status(false),
            effective_status: manifest.status(free),
            archived_at: state.archived_at,
            pinned: state.pinned,
            agent_name: spec.agent.name.clone(),
            name: state.name.clone(),
            assignment_name: spec.assignment.as_ref().map(|assignment| assignment.name.clone()),
            backend: spec.backend.clone(),
            model: spec.model.clone(),
            cwd: spec.cwd.clone(),
            created_at: spec.created_at,
            started_at: state.started_at,
            updated_at: state.updated_at,
            ended_at: state.ended_at,
            total_attempt_count: state.attempt_records.len(),
            total_session_count: state.sessions.len(),
            max_attempts_per_session: spec.max_attempts_per_session,
            tasks_completed: manifest.tasks_completed(),
            tasks_total: state.final_tasks.len(),
            active_task: active_task(manifest),
            wait: wait_of(manifest),
            dependency_state: situation.relations.state(),
            usage: totals(&state.attempt_records),
            capabilities: capabilities(manifest, situation.lease),
        }
    }

    /// The view of a run that is not active, which nobody has to be asked about but those it depends on.
    pub fn of_digest(digest: Digest, dependency_state: DependencyState) -> Self {
        Self {
            run_id: digest.run_id,
            parent_run_id: digest.parent,
            run_group_id: digest.group,
            repo: digest.repo,
            status: digest.status,
            effective_status: digest.status,
            archived_at: digest.archived_at,
            pinned: digest.pinned,
            agent_name: digest.agent,
            name: digest.name,
            assignment_name: digest.assignment,
            backend: digest.backend,
            model: digest.model,
            cwd: digest.cwd,
            created_at: digest.created_at,
            started_at: digest.started_at,
            updated_at: digest.updated_at,
            ended_at: digest.ended_at,
            total_attempt_count: digest.attempts,
            total_session_count: digest.sessions,
            max_attempts_per_session: digest.max_attempts_per_session,
            tasks_completed: digest.tasks_completed,
            tasks_total: digest.tasks_total,
            active_task: digest.active_task,
            wait: None,
            dependency_state,
            usage: digest.usage,
            capabilities: digest.capabilities,
        }
    }
}

impl RunDetail {
    /// The view of a manifest.
    pub fn new(manifest: &Manifest, situation: &Situation) -> Self {
        let manifest = &*redacted(manifest);
        let spec = &manifest.spec;
        let state = &manifest.state;
        let vars = &spec.runtime_vars;
        let sessions: Vec<SessionView> = state.sessions.iter().map(SessionView::from).collect();
        let failure = match manifest.outcome() {
            Some(Outcome::Failed { failure }) => Some(failure.clone()),
            Some(Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Aborted)
            | None => None,
        };
        let is_live = match (&state.phase, situation.lease) {
            (Phase::Active { .. }, Lease::Held) => true,
            (Phase::Initialized | Phase::Ready | Phase::Active { .. } | Phase::Ended { .. }, _) => false,
        };
        Self {
            summary: RunSummary::new(manifest, situation),
            is_live,
            lease: situation.lease,
            workspace_dir: situation.workspace_dir.clone(),
            revision: manifest.revision,
            last_cursor: manifest.last_cursor,
            agent: AgentView { name: spec.agent.name.clone(), source_path: spec.agent.source_path.clone() },
            assignment: spec.assignment.as_ref().map(|assignment| AssignmentView {
                name: assignment.name.clone(),
                source_path: assignment.source_path.clone(),
            }),
            effort: spec.effort,
            note: state.note.clone(),
            backend_session_id: state.backend_session_id.clone(),
            unrestricted: spec.unrestricted,
            safety_note: situation.safety_note.clone(),
            on_limit: state.on_limit,
            on_busy: spec.on_busy,
            may_write: spec.may_write,
            timeout_sec: spec.timeout_sec,
            exit_code: manifest.outcome().map(Outcome::exit_code),
            failure,
            blocked_by: match manifest.outcome() {
                Some(Outcome::Blocked { by, .. }) => by.clone(),
                Some(Outcome::Exhausted) => state.rejection.clone(),
                Some(Outcome::Success | Outcome::Failed { .. } | Outcome::Aborted) | None => None,
            },
            preparation: state.preparation,
            current_session: sessions.last().filter(|session| session.ended_at.is_none()).cloned(),
            last_session: sessions.last().cloned(),
            sessions,
            attempts: attempts_of(manifest),
            queued_resume_messages: state.queued_resume_messages.clone(),
            tasks: state.final_tasks.values().map(TaskView::from).collect(),
            message: spec.message.clone(),
            caller_instructions: spec.caller_instructions.clone(),
            locked_fields: spec.locked_fields.clone(),
            budget: BudgetView::new(manifest, situation.now),
            dependencies: situation.relations.dependencies.clone(),
            dependents: situation.relations.dependents.clone(),
            call_depth: spec.call_depth,
            launcher: spec.launcher.name.clone(),
            runtime_vars: vars.iter().map(|(name, var)| (name.clone(), var.value.clone())).collect(),
            runtime_var_sources: vars.iter().map(|(name, var)| (name.clone(), var.into())).collect(),
            resolved_hooks: spec.hooks.clone(),
            hook_state: state.hook_state.clone(),
            schedule: state.schedule.clone(),
            schedule_state: ScheduleState::of(state.schedule.as_ref(), situation.now),
            execution_environment: spec.execution_environment.clone(),
            worktree: spec.worktree.clone(),
            imported: match &spec.origin {
                Origin::Imported { from } => Some((**from).clone()),
                Origin::Local | Origin::Claimed { .. } => None,
            },
        }
    }
}

impl RunDetail {
    /// People and tools drive it; it has no worker.
    pub fn is_passive(&self) -> bool {
        self.summary.backend == PASSIVE_BACKEND
    }
}

fn wait_of(manifest: &Manifest) -> Option<Wait> {
    match manifest.stage() {
        Some(Stage::Waiting { wait }) => Some(wait.clone()),
        Some(_) | None => None,
    }
}

/// A run and events of it, read as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReading {
    /// The run.
    pub run: RunDetail,
    /// Events in order.
    pub events: Vec<EventRecord>,
    /// Cursor of the newest event there is.
    pub last_cursor: u64,
}

/// The handoff to the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    /// The run.
    pub run_id: RunId,
    /// Markdown.
    pub brief: String,
}

/// A run directory that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListProblem {
    /// The manifest's path.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// What could not be read.
    pub problems: Vec<ListProblem>,
    /// Where the next page begins; nothing at the end, and without a limit.
    #[serde(default)]
    pub next_cursor: Option<String>,
}
