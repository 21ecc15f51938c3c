//! When a run is to start by itself: once, or again and again. Must not start anything, nor reckon when a cron expression is
//! due next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// When a run starts by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Whether it counts; one that is paused keeps its time.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The next time.
    pub run_at: Timestamp,
    /// How it recurs; nothing for once.
    pub recurrence: Option<Recurrence>,
}

/// How a schedule recurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recurrence {
    /// The cron expression, as it was given.
    pub expression: String,
    /// The time zone it is read in, by its IANA name.
    pub timezone: String,
    /// What the next time is made of.
    pub mode: RecurrenceMode,
    /// Whether it goes on after a run that did not end well.
    pub continue_on_failure: bool,
}

/// What the next time of a schedule is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecurrenceMode {
    /// The run, as it stands.
    Reuse,
    /// The run, as it was created.
    Reset,
    /// A new run like it.
    Clone,
}

/// How a schedule stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum ScheduleState {
    /// There is none.
    #[default]
    None,
    /// It does not count for now.
    Paused,
    /// Its time has not come.
    Future,
    /// Its time has come.
    Due,
}

impl RecurrenceMode {
    /// The spelling used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Reset => "reset",
            Self::Clone => "clone",
        }
    }
}

impl ScheduleState {
    /// How a schedule stands.
    pub fn of(schedule: Option<&Schedule>, now: Timestamp) -> Self {
        match schedule {
            None => Self::None,
            Some(schedule) if !schedule.enabled => Self::Paused,
            Some(schedule) if schedule.run_at <= now => Self::Due,
            Some(_) => Self::Future,
        }
    }

    /// The spelling used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Paused => "paused",
            Self::Future => "future",
            Self::Due => "due",
        }
    }
}

fn yes() -> bool {
    true
}
