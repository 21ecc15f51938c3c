//! What can be said to a driver, and what it answers.

use agent_runner_api::ApiError;
use agent_runner_api::operations::{
    AddTask, AppendNotes, DeleteTask, EditTask, ListTasks, PassBlock, SetTask, ShowTask,
};
use agent_runner_model::manifest::Urgency;
use agent_runner_model::turn::TurnRecord;
use serde::{Deserialize, Serialize};

/// What can be said to a driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", content = "request", rename_all = "camelCase")]
pub enum Request {
    /// End the run.
    Abort {
        /// How fast.
        urgency: Urgency,
        /// Who asks, in words.
        by: String,
    },
    /// Somebody else committed something: tell those who watch.
    Changed,
    /// Send what the worker does, as it happens. What happened before is in the attempt's log.
    Watch,
    /// See the operation.
    SetTask(SetTask),
    /// See the operation.
    AppendNotes(AppendNotes),
    /// See the operation.
    PassBlock(PassBlock),
    /// See the operation.
    AddTask(AddTask),
    /// See the operation.
    EditTask(EditTask),
    /// See the operation.
    DeleteTask(DeleteTask),
    /// See the operation.
    ShowTask(ShowTask),
    /// See the operation.
    ListTasks(ListTasks),
}

/// What a driver answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Done; with the operation's reply, if it has one.
    Done(serde_json::Value),
    /// Not done.
    Failed(ApiError),
    /// From here on nothing that happens is missed, unless the watcher is too slow.
    Watching,
    /// The worker did something.
    Live(LiveEvent),
}

/// An event of the attempt that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    /// Which attempt.
    pub attempt_number: u32,
    /// What happened.
    pub record: TurnRecord,
}
