//! The manifest: the one durable record of a run. Holds the frozen spec and the changing state; how state changes
//! is `apply`'s business.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attachment::Attachment;
use crate::attempt::{AttemptRecord, EndClass, LiveAttempt};
use crate::budget::BudgetState;
use crate::event::EventBody;
use crate::ids::{Epoch, Fence, RunId, TaskId};
use crate::phase::{Cause, Outcome, Phase, RunStatus, Stage};
use crate::schedule::Schedule;
use crate::spec::{BackendSettings, Effort, LimitPolicy, LockableField, RunSpec};
use crate::task::{Task, TaskStatus};
use crate::time::Timestamp;

/// The manifest layout this version writes. Older ones are migrated by whoever holds the owner lease; newer ones
/// are never written.
pub const SCHEMA_VERSION: u32 = 1;

/// The durable record of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Layout of this record.
    pub schema_version: u32,
    /// Counts the commits.
    pub revision: u64,
    /// Cursor of the newest event that counts; 0 before the first.
    pub last_cursor: u64,
    /// Bytes of the event log that count. What lies beyond was never committed.
    pub events_len: u64,
    /// Decided when the run was created.
    pub spec: RunSpec,
    /// What changes.
    pub state: RunState,
}

/// Everything about a run that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunState {
    /// Where the run stands.
    pub phase: Phase,
    /// Runs that belong together; the run's own id when it stands alone.
    pub run_group_id: String,
    /// Display name.
    pub name: Option<String>,
    /// Note for people, Markdown. Never sent to a worker.
    pub note: Option<String>,
    /// Whether boards show it first.
    pub pinned: bool,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// The tasks as they stand, in list order.
    pub final_tasks: IndexMap<TaskId, Task>,
    /// Counts changes of task status; progress is a change of this number.
    pub progress: u64,
    /// Execution windows, oldest first.
    pub sessions: Vec<Session>,
    /// Why the next session is to be opened; nothing while one is open or none is wanted.
    pub next_cause: Option<Cause>,
    /// Attempts that ended, oldest first.
    pub attempt_records: Vec<AttemptRecord>,
    /// The number of the first attempt since the run was created or reset: numbers are never used twice.
    #[serde(default)]
    pub first_attempt_number: u32,
    /// The fence the next attempt gets.
    pub next_fence: Fence,
    /// The newest driver's epoch.
    pub epoch: Epoch,
    /// The newest driver.
    pub driver: Option<DriverRef>,
    /// Ends of the same kind in a row without progress.
    pub streak: Option<Streak>,
    /// The attempt whose wait has been served.
    pub served: Option<Fence>,
    /// How far hooks have come that prepare the run; nothing when there is nothing to prepare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
    /// What hooks remember of the run, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hook_state: BTreeMap<String, serde_json::Value>,
    /// What a hook wants the worker to be told next, until it had its turn with it: faults that cost no retry keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_prompt: Option<String>,
    /// Whether those words came while an attempt was under way, and so are for the one after it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub next_prompt_waits: bool,
    /// The configuration as it was frozen, if a hook has changed it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_config: Option<Box<FrozenConfig>>,
    /// What a hook or a check objected to, until a worker had its turn with it: faults that cost no retry keep it.
    pub rejection: Option<Rejection>,
    /// The backend's own handle of its conversation.
    pub backend_session_id: Option<String>,
    /// What to do when a usage or rate limit is met.
    #[serde(default)]
    pub on_limit: LimitPolicy,
    /// Messages for the next session, oldest first.
    pub queued_resume_messages: Vec<QueuedMessage>,
    /// Requests that came lately, oldest first: said again, they change nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent_requests: Vec<RecentRequest>,
    /// When the run is to start by itself.
    pub schedule: Option<Schedule>,
    /// What has to end well before this run may start.
    pub dependencies: Vec<Dependency>,
    /// Files that were handed over with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What changes about its budget.
    #[serde(default)]
    pub budget: BudgetState,
    /// Whether its parent is told of its end, as whoever started it last has decided; else as it was when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell_parent: Option<bool>,
    /// The end of this run that its parent has to be told, or was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_notice: Option<ParentNotice>,
    /// Ends of runs this one started that it was told of, by the ids of their notices.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub heard: BTreeSet<String>,
    /// Somebody wants the run to end.
    pub abort_request: Option<AbortRequest>,
    /// First start.
    pub started_at: Option<Timestamp>,
    /// Last commit that changed something.
    pub updated_at: Timestamp,
    /// When the run ended, while it is ended.
    pub ended_at: Option<Timestamp>,
}

/// A driver: the process that holds a run's owner lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriverRef {
    /// Process id.
    pub pid: u32,
    /// Start time, in clock ticks since boot.
    pub start_time: u64,
    /// Host name.
    pub host: String,
    /// What became of it.
    pub departure: Departure,
}

/// Whether a driver left by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Departure {
    /// It drives, or it was killed.
    None,
    /// It ended the run, or left it for a later driver.
    Left,
}

/// An execution window of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// From 0.
    pub session_index: u32,
    /// Why it was opened.
    pub cause: Cause,
    /// What it was opened with, in words.
    pub message: Option<String>,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
    /// With what result; nothing while it is open.
    pub outcome: Option<Outcome>,
    /// The first attempt's number, if one was started.
    pub first_attempt_number: Option<u32>,
    /// Attempts started in it.
    pub attempt_count: u32,
    /// Attempts that counted against `maxAttemptsPerSession`.
    pub attempts_spent: u32,
    /// How many may be spent.
    pub max_attempts_per_session: u32,
    /// Names of the environment variables its workers are given. Never values.
    pub environment: Vec<String>,
    /// What the working directory's repository stood at when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_before: Option<GitHead>,
    /// The same when the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_after: Option<GitHead>,
}

/// What a git repository has checked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitHead {
    /// The commit, in hexadecimal digits; nothing before the first one.
    pub commit: Option<String>,
    /// The branch; nothing when none is checked out.
    pub branch: Option<String>,
}

/// Ends of the same kind in a row without progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Streak {
    /// Which kind.
    pub class: EndClass,
    /// How many.
    pub count: u32,
}

/// What a hook or a check objected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// The hook's or check's id.
    pub by: String,
    /// What is wrong, in words.
    pub detail: String,
    /// Whether another attempt is wanted whatever the tasks say.
    #[serde(default)]
    pub insists: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// How far hooks have come that prepare a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preparation {
    /// Index of the hook that runs next among those that prepare.
    pub cursor: u32,
    /// Whether the run starts when they are done.
    pub starts: bool,
}

/// What hooks of later phases can change of a run's configuration, as it was when the run was prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrozenConfig {
    /// Working directory.
    pub cwd: String,
    /// Backend.
    pub backend: String,
    /// Its configuration and extra arguments.
    pub settings: BackendSettings,
    /// Model.
    pub model: Option<String>,
    /// Effort.
    pub effort: Option<Effort>,
    /// Limit of one attempt, in seconds.
    pub timeout_sec: u32,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// Locked fields.
    pub locked_fields: Vec<LockableField>,
}

/// The end of a run that its parent is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentNotice {
    /// The same however often it is said: the run and its session.
    pub id: String,
    /// The words.
    pub text: String,
    /// Whether the parent has it.
    pub delivered: bool,
}

/// A message that waits for the next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuedMessage {
    /// Unique within the run.
    pub id: String,
    /// The words.
    pub text: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// The run whose end it tells; nothing for a message of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_run_id: Option<RunId>,
}

/// A request that came lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecentRequest {
    /// Made up by the caller.
    pub id: String,
    /// What it asked for, as a digest: the same id for something else is a mistake.
    pub digest: String,
}

/// What has to end well before a run may start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Dependency {
    /// One run.
    Run {
        /// Which.
        run_id: RunId,
    },
    /// Every run of a group.
    Group {
        /// Which.
        group_id: String,
    },
}

/// Somebody wants the run to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbortRequest {
    /// When.
    pub at: Timestamp,
    /// Who or what, in words.
    pub by: String,
    /// How fast.
    pub urgency: Urgency,
}

/// How fast a run is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// The worker is given time to leave.
    Graceful,
    /// The worker is ended at once.
    AtOnce,
}

impl Manifest {
    /// A run as it is created: initialized, its tasks pending. `events_len` and `last_cursor` are the store's to
    /// set.
    pub fn new(spec: RunSpec, name: Option<String>) -> (Self, Vec<EventBody>) {
        let final_tasks = tasks_of(&spec);
        let created = EventBody::RunCreated {
            agent: spec.agent.name.clone(),
            assignment: spec.assignment.as_ref().map(|assignment| assignment.name.clone()),
            backend: spec.backend.clone(),
            tasks_total: final_tasks.len(),
        };
        let state = RunState {
            phase: Phase::Initialized,
            run_group_id: spec.run_id.to_string(),
            name,
            note: None,
            pinned: false,
            archived_at: None,
            final_tasks,
            progress: 0,
            sessions: Vec::new(),
            next_cause: None,
            attempt_records: Vec::new(),
            first_attempt_number: 0,
            next_fence: Fence(1),
            epoch: Epoch(0),
            driver: None,
            streak: None,
            served: None,
            preparation: spec.needs_preparation().then_some(Preparation { cursor: 0, starts: false }),
            hook_state: spec.prepared_state.clone(),
            next_prompt: None,
            next_prompt_waits: false,
            frozen_config: None,
            rejection: None,
            backend_session_id: spec.backend_session_id.clone(),
            on_limit: spec.on_limit,
            queued_resume_messages: Vec::new(),
            recent_requests: Vec::new(),
            schedule: None,
            dependencies: Vec::new(),
            attachments: Vec::new(),
            budget: BudgetState::default(),
            tell_parent: None,
            parent_notice: None,
            heard: BTreeSet::new(),
            abort_request: None,
            started_at: None,
            updated_at: spec.created_at,
            ended_at: None,
        };
        let manifest =
            Self { schema_version: SCHEMA_VERSION, revision: 0, last_cursor: 0, events_len: 0, spec, state };
        (manifest, vec![created])
    }

    /// The status people see. `lease_free` says that an active run has no driver.
    pub fn status(&self, lease_free: bool) -> RunStatus {
        match &self.state.phase {
            Phase::Initialized => RunStatus::Initialized,
            Phase::Ready => RunStatus::Ready,
            Phase::Active { .. } if lease_free => RunStatus::Interrupted,
            Phase::Active { .. } => RunStatus::Running,
            Phase::Ended { outcome } => match outcome {
                Outcome::Success => RunStatus::Success,
                Outcome::Blocked { .. } => RunStatus::Blocked,
                Outcome::Exhausted => RunStatus::Exhausted,
                Outcome::Failed { .. } => RunStatus::Error,
                Outcome::Aborted => RunStatus::Aborted,
            },
        }
    }

    /// The open session, or the last one.
    pub fn session(&self) -> Option<&Session> {
        self.state.sessions.last()
    }

    /// The attempt whose worker is, or may be, alive.
    pub fn live_attempt(&self) -> Option<&LiveAttempt> {
        match self.stage() {
            Some(Stage::Attempting { attempt }) => Some(attempt),
            Some(_) | None => None,
        }
    }

    /// The number the next attempt gets.
    pub fn next_attempt_number(&self) -> u32 {
        let ended = u32::try_from(self.state.attempt_records.len()).unwrap_or(u32::MAX);
        self.state.first_attempt_number.saturating_add(ended)
    }

    /// The stage of an active run.
    pub fn stage(&self) -> Option<&Stage> {
        match &self.state.phase {
            Phase::Active { stage } => Some(stage),
            Phase::Initialized | Phase::Ready | Phase::Ended { .. } => None,
        }
    }

    /// The result of an ended run.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state.phase {
            Phase::Ended { outcome } => Some(outcome),
            Phase::Initialized | Phase::Ready | Phase::Active { .. } => None,
        }
    }

    /// Whether the task list is still what the spec says, and nothing is known of it yet.
    pub fn tasks_are_as_created(&self) -> bool {
        self.state.final_tasks.iter().eq(tasks_of(&self.spec).iter())
    }

    /// How many tasks are completed.
    pub fn tasks_completed(&self) -> usize {
        self.count(TaskStatus::Completed)
    }

    /// How many tasks have that status.
    pub fn count(&self, status: TaskStatus) -> usize {
        self.state.final_tasks.values().filter(|task| task.status == status).count()
    }

    /// The blocked tasks, in list order.
    pub fn blocked_tasks(&self) -> Vec<TaskId> {
        let blocked = self.state.final_tasks.values().filter(|task| task.status == TaskStatus::Blocked);
        blocked.map(|task| task.id.clone()).collect()
    }

    /// The open tasks, in list order.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.state.final_tasks.values().filter(|task| task.status.is_open())
    }
}

/// The task list a run begins with.
pub(crate) fn tasks_of(spec: &RunSpec) -> IndexMap<TaskId, Task> {
    let mut tasks: IndexMap<TaskId, Task> =
        spec.tasks.iter().map(|task| (task.id.clone(), Task::new(task.clone()))).collect();
    for patch in &spec.prepared_tasks {
        if let Some(task) = tasks.get_mut(&patch.task_id) {
            patch.apply(task);
        }
    }
    tasks
}
