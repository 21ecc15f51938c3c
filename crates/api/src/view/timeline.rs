//! Views of what happened in a run.

use agent_runner_model::Timestamp;
use agent_runner_model::event::EventRecord;
use agent_runner_model::turn::TurnRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::RunDetail;

/// Something that happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TimelineEntry {
    /// To the run.
    Run {
        /// The event, as `run audit` shows it.
        event: EventRecord,
    },
    /// In an attempt: what the worker did or said.
    Worker {
        /// Which attempt.
        attempt_number: u32,
        /// The event.
        record: TurnRecord,
    },
}

impl TimelineEntry {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Run { event } => event.at,
            Self::Worker { record, .. } => record.at,
        }
    }
}

/// What happened in a run and what its workers did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The run.
    pub run: RunDetail,
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// Attempts whose events cannot be read, and why.
    pub warnings: Vec<String>,
}
