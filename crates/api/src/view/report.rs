//! The view for people who were not there: what the history and the workers' events of a run come to.

use agent_runner_model::event::EventRecord;
use agent_runner_model::phase::Wait;
use agent_runner_model::{TaskId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::RunDetail;

/// A run and what its history comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// When it was looked at.
    pub seen_at: Timestamp,
    /// The run.
    pub run: RunDetail,
    /// The last change of each task's status, of tasks that had one.
    pub task_changes: Vec<TaskChange>,
    /// What the workers did and said, one entry an attempt, oldest first.
    pub digests: Vec<AttemptDigest>,
    /// Waits, oldest first.
    pub waits: Vec<WaitRecord>,
    /// What got in the way, as events: interruptions, aborts, lost history. Oldest first.
    pub incidents: Vec<EventRecord>,
    /// What could not be read, and why.
    pub warnings: Vec<String>,
}

/// A change of a task's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskChange {
    /// Which task.
    pub task_id: TaskId,
    /// When.
    pub at: Timestamp,
    /// The attempt whose worker did it; nothing for a person.
    pub attempt_number: Option<u32>,
}

/// What a worker did and said in an attempt. Everything in it is the worker's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptDigest {
    /// Which attempt.
    pub attempt_number: u32,
    /// The model that answered, if the backend said so.
    pub model: Option<String>,
    /// What it said last; the end of it, if it is long.
    pub last_words: Option<String>,
    /// Tools it called.
    pub tool_calls: u64,
    /// Calls that failed.
    pub failed_tool_calls: u64,
    /// What it was refused by the backend's safety rules, the first ones.
    pub refusals: Vec<RefusedPermission>,
    /// How many refusals there were besides.
    pub more_refusals: u64,
    /// What went wrong, the first ones.
    pub errors: Vec<WorkerError>,
    /// How many errors there were besides.
    pub more_errors: u64,
}

/// Something a worker was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedPermission {
    /// When.
    pub at: Timestamp,
    /// The tool it wanted to use.
    pub tool: String,
    /// What it wanted to do, or why it was refused.
    pub detail: String,
}

/// Something that went wrong in a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerError {
    /// When.
    pub at: Timestamp,
    /// In words.
    pub text: String,
}

/// A wait that a run went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over; nothing while it lasts.
    pub ended_at: Option<Timestamp>,
    /// What it was for.
    pub wait: Wait,
}
