//! Where a run stands: phases, stages, waits, causes and outcomes. Must not decide how it moves (`apply`,
//! `next_step`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptEnd, LiveAttempt};
use crate::budget::BudgetKind;
use crate::hook::HookPhase;
use crate::ids::TaskId;
use crate::manifest::Rejection;
use crate::time::Timestamp;

/// Where a run stands in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Prepared; can still be adjusted. A passive run stays here until its tasks are done.
    Initialized,
    /// Approved for its first start.
    Ready,
    /// Being driven, or interrupted: whether a driver holds the lease tells which.
    Active {
        /// What is going on.
        stage: Stage,
    },
    /// Over, until somebody resumes it.
    Ended {
        /// With what result.
        outcome: Outcome,
    },
}

/// What an active run is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Stage {
    /// Nothing is under way: `next_step` says what comes.
    Deciding,
    /// Hooks before an attempt.
    Preparing {
        /// Index of the hook that runs next among those of this phase.
        cursor: u32,
    },
    /// A worker is, or may be, alive.
    Attempting {
        /// Which.
        attempt: LiveAttempt,
    },
    /// Hooks after an attempt, before its end counts.
    Judging {
        /// How the attempt ended.
        end: AttemptEnd,
        /// Index of the hook that runs next among those of this phase.
        cursor: u32,
    },
    /// The driver runs the run's checks itself.
    Verifying {
        /// Index of the check that runs next.
        cursor: u32,
    },
    /// Nothing to do until a time or a change.
    Waiting {
        /// For what.
        wait: Wait,
    },
    /// Hooks before the end.
    Closing {
        /// The result if no hook objects.
        outcome: Outcome,
        /// Index of the hook that runs next among those of this phase.
        cursor: u32,
    },
}

/// Why a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WaitReason {
    /// A usage or rate limit of the backend.
    Limit,
    /// A passing fault: the next attempt comes after a pause.
    Backoff,
    /// Somebody has to agree.
    Approval,
    /// Other runs have to end well first.
    Dependencies,
    /// A time that was set for it.
    Schedule,
    /// Another run works in its directory.
    Admission,
}

impl WaitReason {
    /// The spelling used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Backoff => "backoff",
            Self::Approval => "approval",
            Self::Dependencies => "dependencies",
            Self::Schedule => "schedule",
            Self::Admission => "admission",
        }
    }
}

/// A wait: until a time, or until something changes, or whichever is first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// When it is over; without one only a change ends it.
    pub until: Option<Timestamp>,
    /// Whether a change of the run (an approval, a message) ends it too.
    pub until_changed: bool,
    /// Why.
    pub why: WaitReason,
    /// In words, for people.
    pub detail: String,
}

/// Why a session was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Cause {
    /// The first start of the run.
    First,
    /// Somebody resumed it.
    Continue {
        /// With these words, or with the implicit message.
        message: Option<String>,
    },
    /// Messages were queued while it was busy.
    Queued {
        /// Their ids, oldest first.
        messages: Vec<String>,
    },
    /// A detached child run ended.
    Reinvoked {
        /// The child.
        run_id: String,
    },
    /// Its schedule fell due.
    Fired,
    /// A task that was called done was not.
    Rejected {
        /// Which.
        task_id: TaskId,
    },
    /// Another backend or model takes over.
    Fallback,
}

/// What an attempt tells its worker, and why it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PromptKind {
    /// The brief: the first attempt of the first session.
    Brief,
    /// The message of a resumed session.
    Message,
    /// Tasks are open although the worker ended its turn.
    Nudge,
    /// The same after the time was up.
    AfterTimeout,
    /// The same after the worker failed.
    AfterCrash,
    /// Go on where a killed driver or machine left off.
    AfterInterrupt,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// What happened, in words.
    pub detail: String,
    /// What to do about it.
    pub hint: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// The worker's program is missing.
    BinaryMissing,
    /// The backend wants to know who asks.
    Authentication,
    /// The configuration cannot work.
    Configuration,
    /// The worker failed the same way again and again, without progress.
    Crashing,
    /// A usage or rate limit was met, and the run was not to wait for its end.
    Limited,
    /// The backend stayed unreachable or overloaded.
    Unavailable,
    /// Another run works in the same directory, and this one was not to wait for it.
    Busy,
    /// The driver was interrupted again and again, without progress.
    Interrupted,
    /// A hook did not do what a hook has to do.
    Hook,
    /// The run wants something this version cannot do.
    Unsupported,
    /// The driver itself failed, a full disk for example.
    Internal,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Every task is completed; without tasks, the worker ended its turn normally.
    Success,
    /// Somebody has to help: tasks are blocked, a ceiling is reached, or a hook objects.
    Blocked {
        /// The blocked tasks, in list order.
        tasks: Vec<TaskId>,
        /// The ceiling that is reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<BudgetKind>,
        /// The hook that objects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Rejection>,
    },
    /// The retries are spent and tasks are open.
    Exhausted,
    /// The backend or the driver failed.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Somebody cancelled it.
    Aborted,
}

impl Outcome {
    /// The exit code a command that ran it to this end returns. 75 is `EX_TEMPFAIL` of sysexits.h: later it may go well.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Exhausted => 1,
            Self::Blocked { .. } => 2,
            Self::Failed { failure: Failure { kind: FailureKind::Limited, .. } } => 75,
            Self::Failed { .. } => 4,
            Self::Aborted => 130,
        }
    }
}

/// A step of a run that other code carries out: which hook, of which phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookRef {
    /// When it runs.
    pub phase: HookPhase,
    /// Its index among those of this phase.
    pub index: u32,
}

/// The status people see. A view of the phase, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Prepared.
    Initialized,
    /// Approved.
    Ready,
    /// Active.
    Running,
    /// Active, but no driver holds the lease.
    Interrupted,
    /// Ended with every task completed.
    Success,
    /// Ended with a blocked task.
    Blocked,
    /// Ended with open tasks and no retries left.
    Exhausted,
    /// Cancelled.
    Aborted,
    /// Ended by a failure of the backend or the driver.
    Error,
}

impl RunStatus {
    /// The spelling used in files, flags and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Success => "success",
            Self::Blocked => "blocked",
            Self::Exhausted => "exhausted",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}
