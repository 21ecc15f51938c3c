//! The frozen input of a run: everything decided when it was created. Must not change afterwards; what changes is
//! in `state`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::task::TaskSpec;
use crate::time::Timestamp;

/// Default limit of one attempt, in seconds of wall-clock time.
pub const DEFAULT_TIMEOUT_SEC: u32 = 3600;
/// Default number of retries after the first attempt of a session.
pub const DEFAULT_MAX_RETRIES: u32 = 3;
/// Most retries that can be asked for.
pub const MAX_RETRIES: u32 = 20;
/// The agent name of a run that was started without an agent file.
pub const AD_HOC_AGENT: &str = "ad-hoc";
/// The backend of runs that people and tools drive through the task commands.
pub const PASSIVE_BACKEND: &str = "passive";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the documented order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling used in files, flags and output.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value with that spelling.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// How hard a model is asked to think.
    Effort {
        /// No thinking.
        Off = "off",
        /// The least a backend offers.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// The usual amount.
        Medium = "medium",
        /// Much.
        High = "high",
        /// Very much.
        Xhigh = "xhigh",
        /// All a backend offers.
        Max = "max",
    }
}

words! {
    /// A field that a definition can lock against being overridden when a run is created.
    LockableField {
        /// The backend.
        Backend = "backend",
        /// The model.
        Model = "model",
        /// The effort.
        Effort = "effort",
        /// Role or work instructions.
        Instructions = "instructions",
        /// The wall-clock limit of an attempt.
        TimeoutSec = "timeoutSec",
        /// Whether the backend's own safety prompts are bypassed.
        Unrestricted = "unrestricted",
        /// The working directory.
        Cwd = "cwd",
        /// The message.
        Message = "message",
        /// The number of retries.
        MaxRetries = "maxRetries",
        /// The task list.
        Tasks = "tasks",
        /// The schedule.
        Schedule = "schedule",
    }
}

words! {
    /// What a driver does when the command that started it is killed outright.
    OrphanPolicy {
        /// The run goes on.
        Continue = "continue",
        /// The run is aborted.
        Abort = "abort",
    }
}

/// What a run does when its backend meets a usage or rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum LimitPolicy {
    /// It waits until the limit is lifted.
    #[default]
    Wait,
    /// It ends, to be resumed later.
    Stop,
}

/// Who is told that a run has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NotifySpec {
    /// The person at this machine's desktop.
    Desktop,
    /// A shell command line.
    Command {
        /// As given.
        line: String,
    },
}

/// The agent as it was when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// Its name; `ad-hoc` without an agent file.
    pub name: String,
    /// The file it came from, `bundled:…` for one compiled into the program, nothing when ad hoc.
    pub source_path: Option<String>,
    /// Role instructions, Markdown.
    pub instructions: String,
}

/// The assignment as it was when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSpec {
    /// Its name; for a checklist the file's stem.
    pub name: String,
    /// The file it came from, `bundled:…` for one compiled into the program.
    pub source_path: String,
    /// Work instructions, Markdown.
    pub instructions: String,
}

/// Ceilings on what a run may use. A missing one is no ceiling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSpec {
    /// Seconds of wall-clock time from the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_clock_sec: Option<u64>,
    /// Attempts, retried or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

/// Where the work came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Origin {
    /// Started here, by a person or a program.
    #[default]
    Local,
    /// A work item claimed from a platform under a lease.
    Claimed {
        /// Which platform and workspace.
        source: String,
        /// Which item there.
        item: String,
        /// Which claim of that item: every write to the platform carries it.
        claim_id: String,
    },
}

/// A check the driver runs itself before it believes that tasks are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckSpec {
    /// Unique within the run.
    pub id: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// When in a run's life a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookPhase {
    /// Before an attempt starts.
    BeforeAttempt,
    /// After an attempt ended, before it is judged.
    AfterAttempt,
    /// Before the run ends.
    BeforeFinish,
}

/// Code that runs at a fixed point of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookSpec {
    /// Unique within the run.
    pub id: String,
    /// When it runs.
    pub phase: HookPhase,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// Everything decided when the run was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSpec {
    /// The run's name in commands, unique in a state directory.
    pub run_id: RunId,
    /// The bucket: the repository that encloses `cwd`, else `unknown`.
    pub repo: String,
    /// Absolute working directory of every attempt.
    pub cwd: String,
    /// Who works.
    pub agent: AgentSpec,
    /// What there is to do; nothing in a run without a task list.
    pub assignment: Option<AssignmentSpec>,
    /// Which backend starts the worker.
    pub backend: String,
    /// Backend-owned configuration of that backend.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub backend_config: BTreeMap<String, Value>,
    /// Extra arguments for the backend's program, last in its command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_backend_args: Vec<String>,
    /// Backend-specific model name.
    pub model: Option<String>,
    /// How hard the model is asked to think.
    pub effort: Option<Effort>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// Limit of one attempt, in seconds of wall-clock time.
    pub timeout_sec: u32,
    /// Retries + 1: attempts that may be spent in one session.
    pub max_attempts_per_session: u32,
    /// Seconds between asking a worker to stop and ending it.
    pub stop_grace_sec: u32,
    /// What to do when a usage or rate limit is met, unless a resume said otherwise.
    #[serde(default)]
    pub on_limit: LimitPolicy,
    /// Who is told when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifySpec>,
    /// Fields that could not be overridden when the run was created, and its task list if `tasks` is among them.
    pub locked_fields: Vec<LockableField>,
    /// The message the run was created with.
    pub message: Option<String>,
    /// The whole handoff to the worker, composed once.
    pub brief: String,
    /// For the person or program that started the run; never sent to the worker.
    pub caller_instructions: Option<String>,
    /// The task list the run was created with.
    pub tasks: Vec<TaskSpec>,
    /// How a worker calls this program, as the brief tells it.
    pub command: String,
    /// When the run was created.
    pub created_at: Timestamp,
    /// The run that started this one.
    pub parent_run_id: Option<RunId>,
    /// Runs that belong together; the run's own id when it stands alone.
    pub run_group_id: String,
    /// Where the work came from.
    #[serde(default)]
    pub origin: Origin,
    /// Ceilings.
    #[serde(default)]
    pub budget: BudgetSpec,
    /// Checks the driver runs itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckSpec>,
    /// Code that runs at fixed points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSpec>,
}

/// A piece of backend-owned configuration: JSON without null and fractions, so that equal means equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
}

impl RunSpec {
    /// People and tools drive this run through the task commands; it has no worker and no driver.
    pub fn is_passive(&self) -> bool {
        self.backend == PASSIVE_BACKEND
    }
}
