//! Views of tasks.

use agent_runner_model::task::{Task, TaskStatus};
use agent_runner_model::{RunId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A task, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// Unique within the run.
    pub id: TaskId,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// What is known of its completion.
    pub status: TaskStatus,
    /// Evidence and progress in the worker's words.
    pub notes: String,
}

impl From<&Task> for TaskView {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            title: task.title.clone(),
            body: task.body.clone(),
            status: task.status,
            notes: task.notes.clone(),
        }
    }
}

/// A run's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskList {
    /// The run.
    pub run_id: RunId,
    /// Completed ones.
    pub tasks_completed: usize,
    /// All.
    pub tasks_total: usize,
    /// In list order.
    pub tasks: Vec<TaskView>,
}

/// One task of a run, after the operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskDetail {
    /// The run.
    pub run_id: RunId,
    /// The task; as it was for one that was deleted.
    pub task: TaskView,
    /// Indexes of its command blocks that passed already.
    #[serde(default)]
    pub passed_blocks: Vec<u32>,
}
