//! What a hook reads.

use std::collections::BTreeMap;

use agent_runner_model::attachment::Attachment;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::hook::{HookPhase, TransitionSource, Worktree};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::{Effort, LockableField};
use agent_runner_model::task::{Task, TaskStatus};
use agent_runner_model::usage::Usage;
use agent_runner_model::vars::VarValue;
use agent_runner_model::{RunId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a hook reads on its standard input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookContext {
    /// Layout of this document: 1.
    pub schema_version: u32,
    /// When it runs.
    pub phase: HookPhase,
    /// Its id within the run.
    pub hook_id: String,
    /// What there is to do.
    pub assignment: ContextAssignment,
    /// The run.
    pub run: ContextRun,
    /// The run's variables.
    pub vars: BTreeMap<String, VarValue>,
    /// What hooks remember of the run.
    pub state: BTreeMap<String, Value>,
    /// Files that are handed over with it; their paths are relative to `run.workspaceDir`.
    pub attachments: Vec<Attachment>,
    /// Its tasks.
    pub tasks: ContextTasks,
    /// The hook's `with:`, filled.
    pub config: Value,
    /// In `prepare`: what the worker is going to be told first.
    #[serde(flatten)]
    pub prepare: Option<PrepareContext>,
    /// Where the run stands among its attempts.
    #[serde(flatten)]
    pub attempt: AttemptContext,
    /// In `taskTransition`: the change.
    #[serde(flatten)]
    pub transition: Option<TransitionPart>,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextAssignment {
    /// Its name; empty without an assignment.
    pub name: String,
    /// Its file.
    pub source_path: Option<String>,
}

/// The run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextRun {
    /// Its name in commands.
    pub run_id: RunId,
    /// Runs it belongs with.
    pub run_group_id: String,
    /// The run that started it.
    pub parent_run_id: Option<RunId>,
    /// The bucket.
    pub repo: String,
    /// Its status.
    pub status: RunStatus,
    /// The backend.
    pub backend: String,
    /// The model.
    pub model: Option<String>,
    /// The effort.
    pub effort: Option<Effort>,
    /// Where it works.
    pub cwd: String,
    /// Its own directory.
    pub workspace_dir: String,
    /// Display name.
    pub name: Option<String>,
    /// Note for people.
    pub note: Option<String>,
    /// Whether boards show it first.
    pub pinned: bool,
    /// The backend's own handle of its conversation.
    pub backend_session_id: Option<String>,
    /// Attempts that ended.
    pub total_attempt_count: usize,
    /// Retries + 1.
    pub max_attempts_per_session: u32,
    /// Sessions opened.
    pub total_session_count: usize,
    /// Limit of one attempt, in seconds.
    pub timeout_sec: u32,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// Its own git worktree.
    pub worktree: Option<Worktree>,
}

/// The tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextTasks {
    /// In list order.
    pub items: Vec<ContextTask>,
    /// How many are completed.
    pub completed: usize,
    /// How many there are.
    pub total: usize,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextTask {
    /// Its id.
    pub id: TaskId,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// What is known of its completion.
    pub status: TaskStatus,
    /// Evidence and progress.
    pub notes: String,
}

impl From<&Task> for ContextTask {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            title: task.title.clone(),
            body: task.body.clone(),
            status: task.status,
            notes: task.notes.clone(),
        }
    }
}

/// What a hook that prepares a run reads besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrepareContext {
    /// The brief.
    pub default_initial_prompt: String,
    /// What the worker is going to be told first, as hooks before this one have left it.
    pub current_initial_prompt: String,
    /// Fields that cannot be overridden.
    pub initial_locked_fields: Vec<LockableField>,
}

/// Where a run stands among its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptContext {
    /// What the worker is going to be told, or was told.
    pub attempt_prompt: String,
    /// The session, from 0.
    pub session_index: u32,
    /// The attempt within the session, from 0.
    pub attempt_index_in_session: u32,
    /// Attempts that are left after this one.
    pub retries_remaining: u32,
    /// What came of the attempt; nothing before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_result: Option<AttemptResult>,
    /// In `afterExit`: how the run is about to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ContextOutcome>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptResult {
    /// From 0.
    pub attempt_number: u32,
    /// Exit code of the worker's program.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Whether its time ran out.
    pub timed_out: bool,
    /// Whether somebody cancelled it.
    pub aborted: bool,
    /// How it ended.
    pub end: AttemptEnd,
    /// What the worker said: the end of it, at most 256 KiB.
    pub transcript: Option<String>,
    /// The end of the program's output.
    pub raw_stdout: String,
    /// The end of its standard error, at most 64 KiB.
    pub raw_stderr: String,
    /// The backend's own handle of its conversation.
    pub session_id: Option<String>,
    /// What it used.
    pub usage: Usage,
}

/// How a run is about to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextOutcome {
    /// The status it will have.
    pub status: RunStatus,
    /// The exit code that goes with it.
    pub exit_code: u8,
}

/// What a hook that is asked about a change of a task reads besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionPart {
    /// The change.
    pub transition: TransitionContext,
}

/// A change of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionContext {
    /// Which task.
    pub task_id: TaskId,
    /// What changes it.
    pub source: TransitionSource,
    /// The task before; nothing for one that is added.
    pub from: Option<TaskBefore>,
    /// The task after; for one that is deleted, the task as it was.
    pub to: TaskAfter,
    /// The change is not made yet: always true.
    pub tentative: bool,
    /// What changes: `status`, `notes`, `title`, `body`.
    pub changed_fields: Vec<String>,
}

/// A task before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskBefore {
    /// Its status.
    pub status: TaskStatus,
    /// Its notes.
    pub notes: String,
}

/// A task after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskAfter {
    /// Its status.
    pub status: TaskStatus,
    /// Its notes.
    pub notes: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}
