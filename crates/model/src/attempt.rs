//! Attempts: one start of a worker each, how it ended, and what that end costs. This is the attempt table.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::BudgetKind;
use crate::ids::Fence;
use crate::phase::PromptKind;
use crate::time::Timestamp;
use crate::usage::{Meter, Usage};

/// The same failure this often in a row, without progress, ends the run.
pub const MAX_CRASHES: u32 = 3;
/// This many waits for an overloaded or unreachable backend in a row end the run.
pub const MAX_BACKOFFS: u32 = 10;
/// This many interruptions in a row, without progress, end the run.
pub const MAX_INTERRUPTIONS: u32 = 5;
/// The first pause for an overloaded or unreachable backend; it doubles up to `BACKOFF_MAX`.
pub const BACKOFF_BASE: Duration = Duration::from_secs(10);
/// The longest pause for an overloaded or unreachable backend.
pub const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// A process as the manifest knows it. A pid alone is not an identity: it is used again, and means another process in
/// another namespace and after a reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRef {
    /// Process id.
    pub pid: u32,
    /// Process group id.
    pub pgid: u32,
    /// Start time, in clock ticks since boot.
    pub start_time: u64,
    /// Which boot of which machine; empty where the system does not say.
    pub boot_id: String,
    /// The process namespace the numbers belong to; empty where the system does not say.
    pub pid_namespace: String,
}

/// An attempt that is under way, or was when its driver died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveAttempt {
    /// Monotonic over the run, from 0.
    pub attempt_number: u32,
    /// Never restarts.
    pub fence: Fence,
    /// Random; every process of this attempt carries it in its environment.
    pub marker: String,
    /// What the worker was told.
    pub prompt: PromptKind,
    /// When it was about to be spawned.
    pub started_at: Timestamp,
    /// The worker's process; nothing between the commit before the spawn and the one after.
    pub process: Option<ProcessRef>,
    /// `state.progress` when it started.
    pub progress_at_start: u64,
    /// What it used so far, where somebody has to know that before it ends.
    #[serde(default, skip_serializing_if = "Usage::is_unknown")]
    pub usage: Usage,
}

/// Which limit ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TimeoutKind {
    /// The attempt's wall-clock limit.
    Wall,
    /// The longest allowed silence.
    Idle,
}

/// What is wrong with a set-up that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Misconfiguration {
    /// The program is not there, or cannot be executed.
    BinaryMissing,
    /// The directory it is to work in is gone, or cannot be entered.
    DirectoryMissing,
    /// The backend refused for want of credentials.
    Authentication,
    /// Something else in the configuration.
    Configuration,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AttemptEnd {
    /// The worker ended its turn normally. This says nothing about the tasks.
    Reported,
    /// It was stopped because a limit ran out.
    TimedOut {
        /// Which limit.
        limit: TimeoutKind,
    },
    /// The worker failed: an exit code, a signal.
    Crashed {
        /// In words.
        detail: String,
    },
    /// The worker spoke, but not the backend's language.
    ProtocolError {
        /// In words.
        detail: String,
    },
    /// The backend asks to try later, without saying when.
    Overloaded {
        /// In words.
        detail: String,
    },
    /// The backend could not be reached.
    Network {
        /// In words.
        detail: String,
    },
    /// A usage or rate limit.
    Limited {
        /// When it is lifted, if the backend said so.
        reset_at: Option<Timestamp>,
        /// In words.
        detail: String,
    },
    /// It can not work as set up.
    Misconfigured {
        /// In which way.
        what: Misconfiguration,
        /// In words.
        detail: String,
    },
    /// It reached one of the run's ceilings and was stopped.
    OverBudget {
        /// Which.
        over: BudgetKind,
    },
    /// The driver or the machine died, or the driver was told to leave.
    Interrupted,
    /// Somebody cancelled the run.
    Aborted,
}

/// The kind of an attempt's end, without its details. Streaks are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndClass {
    /// See [`AttemptEnd::Reported`].
    Reported,
    /// See [`AttemptEnd::TimedOut`].
    TimedOut,
    /// See [`AttemptEnd::Crashed`].
    Crashed,
    /// See [`AttemptEnd::ProtocolError`].
    ProtocolError,
    /// See [`AttemptEnd::Overloaded`].
    Overloaded,
    /// See [`AttemptEnd::Network`].
    Network,
    /// See [`AttemptEnd::Limited`].
    Limited,
    /// See [`AttemptEnd::Misconfigured`].
    Misconfigured,
    /// See [`AttemptEnd::OverBudget`].
    OverBudget,
    /// See [`AttemptEnd::Interrupted`].
    Interrupted,
    /// See [`AttemptEnd::Aborted`].
    Aborted,
}

impl EndClass {
    /// Whether an attempt that ended so is one of the session's attempts. Faults of the machine, the network and
    /// the quota never are.
    pub fn costs_retry(self) -> bool {
        match self {
            Self::Reported | Self::TimedOut | Self::Crashed | Self::ProtocolError | Self::OverBudget => true,
            Self::Overloaded
            | Self::Network
            | Self::Limited
            | Self::Misconfigured
            | Self::Interrupted
            | Self::Aborted => false,
        }
    }

    /// Whether an attempt that ended so goes on with a streak of the other kind: the same row of the attempt table.
    /// A backend that is overloaded now and unreachable then is one trouble, not two that take turns.
    pub fn continues(self, streak: Self) -> bool {
        let passing = |class| matches!(class, Self::Overloaded | Self::Network);
        self == streak || (passing(self) && passing(streak))
    }

    /// The spelling used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::TimedOut => "timed out",
            Self::Crashed => "crashed",
            Self::ProtocolError => "protocol error",
            Self::Overloaded => "overloaded",
            Self::Network => "network",
            Self::Limited => "limited",
            Self::Misconfigured => "misconfigured",
            Self::OverBudget => "over budget",
            Self::Interrupted => "interrupted",
            Self::Aborted => "aborted",
        }
    }
}

impl AttemptEnd {
    /// Its kind.
    pub fn class(&self) -> EndClass {
        match self {
            Self::Reported => EndClass::Reported,
            Self::TimedOut { .. } => EndClass::TimedOut,
            Self::Crashed { .. } => EndClass::Crashed,
            Self::ProtocolError { .. } => EndClass::ProtocolError,
            Self::Overloaded { .. } => EndClass::Overloaded,
            Self::Network { .. } => EndClass::Network,
            Self::Limited { .. } => EndClass::Limited,
            Self::Misconfigured { .. } => EndClass::Misconfigured,
            Self::OverBudget { .. } => EndClass::OverBudget,
            Self::Interrupted => EndClass::Interrupted,
            Self::Aborted => EndClass::Aborted,
        }
    }

    /// What happened in a few words, for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Reported => "the worker ended its turn".to_owned(),
            Self::TimedOut { limit: TimeoutKind::Wall } => "the time limit ran out".to_owned(),
            Self::TimedOut { limit: TimeoutKind::Idle } => "the worker was silent for too long".to_owned(),
            Self::Crashed { detail }
            | Self::ProtocolError { detail }
            | Self::Overloaded { detail }
            | Self::Network { detail }
            | Self::Limited { detail, .. }
            | Self::Misconfigured { detail, .. } => detail.clone(),
            Self::OverBudget { over } => format!("the ceiling of `{}` is reached", over.as_str()),
            Self::Interrupted => "the driver was interrupted".to_owned(),
            Self::Aborted => "cancelled".to_owned(),
        }
    }
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    /// Monotonic over the run, from 0.
    pub attempt_number: u32,
    /// The session it belongs to, from 0.
    pub session_index: u32,
    /// From 0 within its session.
    pub attempt_index_in_session: u32,
    /// Never restarts.
    pub fence: Fence,
    /// What the worker was told.
    pub prompt: PromptKind,
    /// When it was about to be spawned.
    pub started_at: Timestamp,
    /// When its end was recorded.
    pub ended_at: Timestamp,
    /// `state.progress` when it started.
    pub progress_at_start: u64,
    /// How it ended.
    pub end: AttemptEnd,
    /// Exit code of the worker's program; nothing when it died by a signal or never started.
    pub exit_code: Option<i32>,
    /// Signal that ended the worker's program.
    pub signal: Option<i32>,
    /// The end of what it printed, lossy, at most a few KiB.
    pub output_tail: String,
    /// Processes the worker left behind, which were ended.
    pub leftovers: u32,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// What the backend's own counter stood at after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<Meter>,
    /// It only found out that its conversation is gone. It cost no retry, and its words are said again in another one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unheard: bool,
    /// Why its log of events has gaps, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_missing: Option<String>,
}

impl AttemptRecord {
    /// Whether it is one of the session's attempts.
    pub fn costs_retry(&self) -> bool {
        self.end.class().costs_retry() && !self.unheard
    }
}

/// Plain facts are left out of the record where they do not hold.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How long to pause before the attempt after `failures` passing faults in a row (1 is the first). Up to a quarter
/// is taken off by `salt`, so that many runs that met the same fault do not come back at once.
pub fn backoff(failures: u32, salt: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = BACKOFF_BASE.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    let millis = u64::try_from(full.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis - (millis / 4) * (salt % 1024) / 1024)
}
