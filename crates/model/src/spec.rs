//! The frozen input of a run: everything decided when it was created. Must not change afterwards; what changes is
//! in `state`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::BudgetSpec;
use crate::hook::{HookPhase, HookSpec, TaskPatch, Worktree};
use crate::ids::{RunId, TaskId};
use crate::import::Import;
use crate::phase::PromptKind;
use crate::task::TaskSpec;
use crate::time::Timestamp;
use crate::vars::{RuntimeVar, VarSpec};

/// Default limit of one attempt, in seconds of wall-clock time.
pub const DEFAULT_TIMEOUT_SEC: u32 = 3600;
/// Default number of retries after the first attempt of a session.
pub const DEFAULT_MAX_RETRIES: u32 = 3;
/// Most retries that can be asked for.
pub const MAX_RETRIES: u32 = 20;
/// The agent name of a run that was started without an agent file.
pub const AD_HOC_AGENT: &str = "ad-hoc";
/// The launcher that puts nothing in front of a worker's program.
pub const DIRECT_LAUNCHER: &str = "direct";
/// Runs that may be nested in one another, unless the environment says otherwise.
pub const DEFAULT_MAX_CALL_DEPTH: u32 = 8;
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
        /// The budget: it can be made smaller, but not larger.
        Budget = "budget",
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
    /// The agents it extended, nearest first. What it has from them is in the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<BaseSpec>,
    /// Role instructions, Markdown.
    pub instructions: String,
}

/// A definition that another one extended when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseSpec {
    /// Its name.
    pub name: String,
    /// The file it came from, `bundled:…` for one compiled into the program.
    pub source_path: String,
    /// The SHA-256 sum of that file, in hexadecimal digits.
    pub sha256: String,
}

/// The assignment as it was when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSpec {
    /// Its name; for a checklist the file's stem.
    pub name: String,
    /// The file it came from, `bundled:…` for one compiled into the program.
    pub source_path: String,
    /// The assignments it extended, nearest first. What it has from them is in the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<BaseSpec>,
    /// Work instructions, Markdown.
    pub instructions: String,
}

/// What is put in front of a worker's program. `direct` puts nothing there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherSpec {
    /// Its name; `direct` for none, `inline` for one that an agent file spells out.
    pub name: String,
    /// The program and its arguments; empty for none.
    pub argv: Vec<String>,
}

impl Default for LauncherSpec {
    fn default() -> Self {
        Self { name: DIRECT_LAUNCHER.to_owned(), argv: Vec::new() }
    }
}

/// How texts of definitions are filled with variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum TemplateEngine {
    /// `{{key}}` is replaced where the key is known; everything else stays as it is.
    #[default]
    Plain,
    /// Handlebars, with loops and conditions.
    Handlebars,
}

impl TemplateEngine {
    /// Every value, in the documented order.
    pub const ALL: &'static [Self] = &[Self::Plain, Self::Handlebars];

    /// The spelling in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Handlebars => "handlebars",
        }
    }
}

/// The texts of a run before variables went in, so that they can be filled again while it is initialized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// How the agent's texts are filled.
    pub role_engine: TemplateEngine,
    /// How the assignment's texts are filled.
    pub work_engine: TemplateEngine,
    /// Role instructions.
    pub role: String,
    /// Work instructions.
    pub work: String,
    /// The task list.
    pub tasks: Vec<TaskSpec>,
    /// The tasks that are written out in the assignment and filled as its other texts are. The others are filled plainly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work_tasks: Vec<TaskId>,
    /// For whoever starts the run.
    pub caller_instructions: Option<String>,
    /// The launcher's program and arguments.
    pub launcher: Vec<String>,
    /// The message.
    #[serde(default)]
    pub message: Option<String>,
    /// The directory to work in, as it was asked for; nothing for the caller's.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Where it starts, if it is relative.
    #[serde(default)]
    pub caller_dir: String,
    /// The directory of definitions it was made with; empty in runs of versions that did not keep it.
    #[serde(default)]
    pub config_dir: String,
    /// What workers are told after an attempt that left work open, instead of the usual words. They are filled when they
    /// are told, because most of what they can name is known only then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<PromptKind, String>,
    /// What a hook wants the worker to be told first, instead of the brief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_prompt: Option<String>,
    /// What the agent says about backends, for hooks that choose another one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub backends: BTreeMap<String, BackendSettings>,
}

/// What an agent says about one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct BackendSettings {
    /// Backend-owned configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub config: BTreeMap<String, Value>,
    /// Extra arguments for the backend's program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// What a run does when another one works in its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum BusyPolicy {
    /// It waits until the other one is done.
    #[default]
    Wait,
    /// It ends at once.
    Fail,
    /// It works there all the same.
    Share,
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
    /// Made elsewhere and brought here as a whole.
    Imported {
        /// How.
        from: Box<Import>,
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

/// Everything decided when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// What is put in front of the backend's program.
    #[serde(default)]
    pub launcher: LauncherSpec,
    /// Extra arguments for the backend's program, last in its command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_backend_args: Vec<String>,
    /// The backend's conversation that the run begins in, instead of a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_session_id: Option<String>,
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
    /// The texts before variables went in.
    #[serde(default)]
    pub template: Template,
    /// The variables its definitions declare.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<VarSpec>,
    /// What they came to. Values from an environment are here and nowhere else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runtime_vars: BTreeMap<String, RuntimeVar>,
    /// How a worker calls this program, as the brief tells it.
    pub command: String,
    /// When the run was created.
    pub created_at: Timestamp,
    /// The run that started this one.
    pub parent_run_id: Option<RunId>,
    /// The runs above that one, nearest first: they count what this one uses even if one in between is deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_ancestors: Vec<RunId>,
    /// How many runs it is nested in.
    #[serde(default)]
    pub call_depth: u32,
    /// Whether the run that started this one is told when it ends.
    #[serde(default)]
    pub notify_parent: bool,
    /// Whether it starts only when its dependencies have ended well, instead of being refused.
    #[serde(default)]
    pub waits_for_dependencies: bool,
    /// What it does when another run works in its directory.
    #[serde(default)]
    pub on_busy: BusyPolicy,
    /// Whether its worker may change files.
    #[serde(default = "yes")]
    pub may_write: bool,
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
    /// Whether the hooks that prepare it have done so.
    #[serde(default)]
    pub prepared: bool,
    /// What they left for later hooks, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prepared_state: BTreeMap<String, serde_json::Value>,
    /// How they changed its tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepared_tasks: Vec<TaskPatch>,
    /// Its own git worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
    /// The container its workers are to be in, as the reference implementation describes it. This version has none, so such a
    /// run is kept and shown, and never started outside of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_environment: Option<serde_json::Value>,
    /// Whom git names for commits of its workers: `Name <mail>`; nothing leaves that to their environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_as: Option<String>,
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

fn yes() -> bool {
    true
}

impl RunSpec {
    /// People and tools drive this run through the task commands; it has no worker and no driver.
    pub fn is_passive(&self) -> bool {
        self.backend == PASSIVE_BACKEND
    }

    /// Whether hooks have to prepare it before its first start, and have not done so.
    pub fn needs_preparation(&self) -> bool {
        !self.prepared && self.hooks.iter().any(|hook| hook.phase == HookPhase::Prepare)
    }

    /// The runs it descends from, nearest first. Some may have been deleted.
    pub fn ancestors(&self) -> Vec<RunId> {
        self.parent_run_id.iter().chain(&self.further_ancestors).cloned().collect()
    }
}
