//! What every backend has to offer.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use agent_runner_model::RunId;
use agent_runner_model::Timestamp;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::budget::BudgetKind;
use agent_runner_model::spec::{Effort, Value};
use agent_runner_model::turn::TurnEvent;
use agent_runner_model::usage::{Meter, Usage};
use agent_runner_supervisor::{Exit, Source, Stdin};

/// What a backend is asked to do in one turn.
#[derive(Debug, Clone)]
pub struct TurnRequest {
    /// The run.
    pub run_id: RunId,
    /// The run's display name, if it has one.
    pub name: Option<String>,
    /// Where the worker works.
    pub cwd: PathBuf,
    /// What the worker is told.
    pub prompt: String,
    /// A file with the same text.
    pub prompt_file: PathBuf,
    /// Backend-owned configuration, checked when the run was created.
    pub config: BTreeMap<String, Value>,
    /// Extra arguments, last in the command line.
    pub extra_args: Vec<String>,
    /// Backend-specific model name.
    pub model: Option<String>,
    /// How hard the model is asked to think.
    pub effort: Option<Effort>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// The backend's own handle of the conversation to go on with.
    pub session_id: Option<String>,
    /// This program, for the worker that is built in.
    pub own_program: PathBuf,
    /// How workers call this program in a shell, as their brief tells them.
    pub command: String,
    /// Whether the run has tasks to report.
    pub has_tasks: bool,
    /// The environment the worker inherits, for settings a backend reads itself, such as its program's path.
    pub environment: Vec<(OsString, OsString)>,
    /// When the turn starts.
    pub now: Timestamp,
}

/// How a worker is given its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptDelivery {
    /// Not at all: it reads the task list.
    None,
    /// On its standard input.
    Stdin,
    /// As an argument.
    Argument,
    /// As the path of a file.
    File,
}

/// How a turn is started and read.
pub struct Plan {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Variables it is given besides those it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Variables it does not inherit.
    pub env_remove: Vec<&'static str>,
    /// What it reads.
    pub stdin: Stdin,
    /// Bytes of a line of its standard output that are read; the rest of a longer one is dropped.
    pub max_line: usize,
    /// How it gets the prompt: a file has to be there before it starts.
    pub delivery: PromptDelivery,
    /// Reads its output.
    pub reader: Box<dyn TurnReader>,
}

/// What a turn came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnReport {
    /// How it ended. This says nothing about the tasks.
    pub end: AttemptEnd,
    /// The end of the output, lossy.
    pub output_tail: String,
    /// What it used, as far as it was measured for this turn alone.
    pub usage: Usage,
    /// What the backend's own counter over the whole conversation stands at, if it keeps one.
    pub meter: Option<Meter>,
    /// The backend cannot go on with the conversation: it does not know it, or it is full.
    pub session_lost: bool,
}

impl TurnReport {
    /// A turn of which nothing but its end is known.
    pub fn ended(end: AttemptEnd, output_tail: String) -> Self {
        Self { end, output_tail, usage: Usage::default(), meter: None, session_lost: false }
    }
}

/// Reads the output of one turn.
pub trait TurnReader: Send {
    /// A line, without its newline; cut if it was too long. Returns what it tells, in order.
    fn line(&mut self, source: Source, line: &[u8], truncated: bool, now: Timestamp) -> Vec<TurnEvent>;
    /// The worker's program ended, by itself or because it was stopped.
    fn finish(&mut self, exit: Exit) -> TurnReport;
}

/// What a note about a backend's safety rules depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyFacts {
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: bool,
    /// Whether the run has tasks to report.
    pub has_tasks: bool,
    /// Whether the run was made from an agent file, which may say how far it goes.
    pub has_agent_file: bool,
}

/// Speaks one kind of worker's language.
pub trait Backend: Send + Sync {
    /// Its name in definitions and flags.
    fn id(&self) -> &'static str;
    /// Whether a later turn remembers the earlier ones. One that does not is told everything again.
    fn remembers(&self) -> bool;
    /// Whether it can begin in a conversation that it did not begin itself, and whether this can be its handle.
    fn check_session(&self, _id: &str) -> Result<(), BackendError> {
        Err(BackendError::NoSessions(self.id()))
    }
    /// What of a budget it measures while a turn goes on. Time and attempts are counted without it.
    fn measures(&self) -> &'static [BudgetKind] {
        &[]
    }
    /// Whether it has nothing to do in a run without tasks.
    fn needs_tasks(&self) -> bool {
        false
    }
    /// What people should know about its safety rules when a run is created: that they are bypassed and how to
    /// restrict it, or that they apply and how to widen them.
    fn safety_note(&self, _of: SafetyFacts) -> Option<String> {
        None
    }
    /// What people can do where the program it starts is not found or cannot be executed.
    fn missing_program_hint(&self) -> &'static str {
        "install it"
    }
    /// Whether its worker may change files under these rules. When in doubt it may: then nobody else works beside it.
    fn may_write(&self, _unrestricted: bool, _extra_args: &[String]) -> bool {
        true
    }
    /// Checks backend-owned configuration when a run is created. Errors say what to change.
    fn check(&self, config: &BTreeMap<String, Value>) -> Result<(), BackendError>;
    /// How a turn is started and read. Errors mean that the configuration cannot work.
    fn plan(&self, request: &TurnRequest) -> Result<Plan, BackendError>;
}

/// Why a backend cannot work as configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is no backend of that name.
    #[error("there is no backend {id:?}; there are {}", known.join(", "))]
    Unknown {
        /// As given.
        id: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// A setting is missing.
    #[error("backend {backend:?} needs backendConfig.{backend}.{field}: {expected}")]
    Missing {
        /// The backend.
        backend: &'static str,
        /// The setting.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A setting is not acceptable.
    #[error("backendConfig.{backend}.{field} is not acceptable: {why}")]
    Setting {
        /// The backend.
        backend: &'static str,
        /// The setting.
        field: String,
        /// Why not.
        why: String,
    },
    /// What should be the handle of a conversation is none.
    #[error("{id:?} is no session id of backend {backend:?}: start a new run, or name the id it gave")]
    Session {
        /// The backend.
        backend: &'static str,
        /// As given.
        id: String,
    },
    /// It cannot go on with a conversation that somebody else began.
    #[error("backend {0:?} cannot begin in a conversation that is there already")]
    NoSessions(&'static str),
    /// Its safety rules cannot let the task commands through as they are spelled.
    #[error(
        "backend {backend:?} cannot be allowed to run {command:?}: {why}; set AGENT_RUNNER_CMD to another spelling"
    )]
    Command {
        /// The backend.
        backend: &'static str,
        /// How workers call this program.
        command: String,
        /// Why not.
        why: &'static str,
    },
    /// It has no worker to start.
    #[error("backend {0:?} starts no worker; drive the run through the task commands")]
    NoWorker(&'static str),
}
