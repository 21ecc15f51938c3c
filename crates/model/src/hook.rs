//! Hooks: what a run's spec says of the code that runs at fixed points of it, what such code answers, and what it may
//! change. Must not run anything, and must not decide when a hook's turn comes (`next_step` does).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attachment::Attachment;
use crate::ids::TaskId;
use crate::spec::{Effort, LockableField, RunSpec};
use crate::task::{Task, TaskStatus, appended};

/// Default deadline of a hook, in seconds.
pub const DEFAULT_HOOK_TIMEOUT_SEC: u32 = 600;
/// Longest deadline that can be asked for, in seconds: one day.
pub const MAX_HOOK_TIMEOUT_SEC: u32 = 86_400;

/// When in a run's life a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookPhase {
    /// Once, before the run starts for the first time.
    Prepare,
    /// Before an attempt starts.
    BeforeAttempt,
    /// After an attempt ended, before it is judged.
    AfterAttempt,
    /// When the run is about to end.
    AfterExit,
    /// Around each change of a task.
    TaskTransition,
}

impl HookPhase {
    /// Every phase, in the documented order.
    pub const ALL: [Self; 5] =
        [Self::Prepare, Self::BeforeAttempt, Self::AfterAttempt, Self::AfterExit, Self::TaskTransition];

    /// The spelling used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::BeforeAttempt => "beforeAttempt",
            Self::AfterAttempt => "afterAttempt",
            Self::AfterExit => "afterExit",
            Self::TaskTransition => "taskTransition",
        }
    }
}

/// What is run. Exactly one of the three was authored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct HookSource {
    /// One that this program brings along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<String>,
    /// One that is looked up among the hooks of the configuration directory, then among the bundled ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A file, as it was authored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl HookSource {
    /// What was authored.
    pub fn label(&self) -> &str {
        self.builtin.as_deref().or(self.name.as_deref()).or(self.path.as_deref()).unwrap_or_default()
    }
}

/// What changes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransitionSource {
    /// The driver itself.
    RunLoop,
    /// `task set`.
    TaskSet,
    /// `task append-notes`, and a command block that passed.
    TaskAppendNotes,
    /// `task add`, and tasks that come with a resume.
    TaskAdd,
    /// `task edit`.
    TaskEdit,
    /// `task delete`.
    TaskDelete,
}

impl TransitionSource {
    /// Every value, in the documented order.
    pub const ALL: [Self; 6] = [
        Self::RunLoop,
        Self::TaskSet,
        Self::TaskAppendNotes,
        Self::TaskAdd,
        Self::TaskEdit,
        Self::TaskDelete,
    ];

    /// The spelling used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunLoop => "run-loop",
            Self::TaskSet => "task-set",
            Self::TaskAppendNotes => "task-append-notes",
            Self::TaskAdd => "task-add",
            Self::TaskEdit => "task-edit",
            Self::TaskDelete => "task-delete",
        }
    }
}

/// When a hook has anything to do. An empty list asks for nothing; all that is asked for must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct HookWhen {
    /// Sessions, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session_index: Vec<u32>,
    /// Attempts of a session, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempt_index_in_session: Vec<u32>,
    /// Tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_ids: Vec<TaskId>,
    /// Statuses before the change; a task that is added has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from_status: Vec<TaskStatus>,
    /// Statuses after the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_status: Vec<TaskStatus>,
    /// What changes the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<TransitionSource>,
}

impl HookWhen {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Code that runs at a fixed point of a run, as it was decided when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookSpec {
    /// Unique within the run: `<phase>:[task:<task-id>:]<index>:<source>`.
    pub hook_id: String,
    /// When it runs.
    pub phase: HookPhase,
    /// What was authored.
    pub source: HookSource,
    /// The file that is run, absolute; `bundled:…` for one compiled into the program, nothing for a builtin.
    #[serde(default)]
    pub resolved_path: Option<String>,
    /// The SHA-256 sum of that file when the run was created, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The task it was written on.
    #[serde(default)]
    pub task_scope_id: Option<TaskId>,
    /// When it has anything to do.
    #[serde(default)]
    pub when: HookWhen,
    /// Its `with:`, placeholders and all: they are filled when it runs.
    #[serde(default)]
    pub config: Value,
    /// How long it may take, in seconds.
    pub timeout_sec: u32,
}

impl HookSpec {
    /// Whether a hook around attempts has anything to do there.
    pub fn matches_attempt(&self, session_index: u32, attempt_index_in_session: u32) -> bool {
        let asks = |wanted: &[u32], is: u32| wanted.is_empty() || wanted.contains(&is);
        asks(&self.when.session_index, session_index)
            && asks(&self.when.attempt_index_in_session, attempt_index_in_session)
    }

    /// Whether a hook of the phase `taskTransition` has anything to do with a change of a task.
    pub fn matches_transition(&self, transition: &Transition) -> bool {
        let when = &self.when;
        let id = &transition.task_id;
        let from = |status: TaskStatus| when.from_status.contains(&status);
        self.phase == HookPhase::TaskTransition
            && self.task_scope_id.as_ref().is_none_or(|scope| scope == id)
            && (when.task_ids.is_empty() || when.task_ids.contains(id))
            && (when.from_status.is_empty() || transition.from.is_some_and(from))
            && (when.to_status.is_empty() || when.to_status.contains(&transition.to))
            && (when.source.is_empty() || when.source.contains(&transition.source))
    }
}

/// A change of a task that hooks are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Which task.
    pub task_id: TaskId,
    /// What changes it.
    pub source: TransitionSource,
    /// Its status before; nothing for a task that is added.
    pub from: Option<TaskStatus>,
    /// Its status after.
    pub to: TaskStatus,
}

/// What a hook has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookVerdict {
    /// No objection; for a change of a task: accepted.
    Continue,
    /// The worker is to be told this.
    Reinvoke {
        /// The words.
        prompt: String,
    },
    /// The run is to end blocked; for a change of a task: rejected.
    Block {
        /// Why, in words.
        reason: String,
    },
    /// It has nothing for this phase.
    Skipped,
    /// It did not do what a hook has to do.
    Failed {
        /// What went wrong, in words.
        detail: String,
    },
}

impl HookVerdict {
    /// The word for it in the run's history.
    pub fn outcome(&self, phase: HookPhase) -> HookOutcome {
        match (self, phase) {
            (Self::Continue, HookPhase::TaskTransition) => HookOutcome::Accepted,
            (Self::Block { .. } | Self::Reinvoke { .. }, HookPhase::TaskTransition) => HookOutcome::Rejected,
            (Self::Continue, _) => HookOutcome::Continue,
            (Self::Reinvoke { .. }, _) => HookOutcome::Reinvoke,
            (Self::Block { .. }, _) => HookOutcome::Block,
            (Self::Skipped, _) => HookOutcome::Skipped,
            (Self::Failed { .. }, _) => HookOutcome::Error,
        }
    }

    /// What it said, in words.
    pub fn summary(&self) -> Option<&str> {
        match self {
            Self::Continue | Self::Skipped => None,
            Self::Reinvoke { prompt } => Some(prompt),
            Self::Block { reason } => Some(reason),
            Self::Failed { detail } => Some(detail),
        }
    }
}

/// What came of running a hook, as the history tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookOutcome {
    /// No objection.
    Continue,
    /// The worker is told something.
    Reinvoke,
    /// The run ends blocked.
    Block,
    /// The change of the task is accepted.
    Accepted,
    /// It is not.
    Rejected,
    /// The hook has nothing for this phase.
    Skipped,
    /// The hook failed.
    Error,
}

impl HookOutcome {
    /// Whether the hook objected, or failed.
    pub fn is_objection(self) -> bool {
        match self {
            Self::Continue | Self::Accepted | Self::Skipped => false,
            Self::Reinvoke | Self::Block | Self::Rejected | Self::Error => true,
        }
    }

    /// The spelling used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Reinvoke => "reinvoke",
            Self::Block => "block",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }
}

/// What a hook did and said, as whoever ran it reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct HookReport {
    /// What it decided.
    pub verdict: HookVerdict,
    /// What it changes.
    pub mutations: Mutations,
    /// For a hook that prepares a run: the spec with that in it.
    pub spec: Option<Box<RunSpec>>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The end of what it complained about.
    pub stderr: String,
    /// Whether its file is another one than when the run was created.
    pub source_changed: bool,
}

/// A hook's change of a run's configuration. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunMutation {
    /// The working directory, absolute.
    pub cwd: Option<String>,
    /// The backend.
    pub backend: Option<String>,
    /// The model, or the backend's default.
    pub model: Option<Option<String>>,
    /// The effort, or the backend's default.
    pub effort: Option<Option<Effort>>,
    /// Limit of one attempt, in seconds.
    pub timeout_sec: Option<u32>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: Option<bool>,
    /// Fields that cannot be overridden.
    pub locked_fields: Option<Vec<LockableField>>,
    /// What the worker is told first, instead of the brief.
    pub initial_prompt: Option<String>,
    /// What the worker is told next.
    pub attempt_prompt: Option<String>,
}

/// A hook's change of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskPatch {
    /// Which task.
    pub task_id: TaskId,
    /// Its new status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// Notes instead of those there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes_replace: Option<String>,
    /// A paragraph more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes_append: Option<String>,
}

impl TaskPatch {
    /// Puts it on its task. Says which fields changed besides the status.
    pub(crate) fn apply(&self, task: &mut Task) -> Vec<String> {
        let notes = match (&self.notes_replace, &self.notes_append) {
            (Some(notes), _) => notes.clone(),
            (None, Some(text)) => appended(&task.notes, text),
            (None, None) => task.notes.clone(),
        };
        let status = self.status.unwrap_or(task.status);
        let mut fields = Vec::new();
        if notes != task.notes {
            fields.push("notes".to_owned());
        }
        if status != task.status || !fields.is_empty() {
            task.version = task.version.saturating_add(1);
        }
        if status == TaskStatus::Pending && !task.passed_blocks.is_empty() {
            task.passed_blocks.clear();
            fields.push("passedBlocks".to_owned());
        }
        task.status = status;
        task.notes = notes;
        fields
    }
}

/// Everything a hook changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mutations {
    /// The run's configuration.
    pub run: RunMutation,
    /// Variables; only while the run is prepared, where they come with the spec.
    pub vars: BTreeMap<String, Value>,
    /// What hooks remember of the run, by name; null forgets.
    pub state: BTreeMap<String, Value>,
    /// The note for people, or none.
    pub note: Option<Option<String>>,
    /// Whether boards show the run first.
    pub pinned: Option<bool>,
    /// Tasks.
    pub patch_tasks: Vec<TaskPatch>,
    /// Ids of attachments that go.
    pub attachments_removed: Vec<String>,
    /// Attachments that come; their files are there already.
    pub attachments_added: Vec<Attachment>,
    /// A worktree that was made for the run; while the run is prepared, it comes with the spec.
    pub worktree: Option<Worktree>,
}

/// A run's own git worktree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worktree {
    /// The directory of the repository that it belongs to, absolute.
    pub repo_root: String,
    /// Its own directory, absolute.
    pub path: String,
    /// The branch that is checked out there.
    pub branch: String,
    /// The commit it began at, in hexadecimal digits.
    pub base: String,
    /// Whether the branch was made with it.
    pub made_branch: bool,
}
