//! Requests about the tasks of a run.

use agent_runner_model::task::TaskStatus;
use agent_runner_model::{Fence, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who changes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TaskAuthor {
    /// A person, or a program outside the run.
    Person,
    /// The worker of the attempt with this fence.
    Worker {
        /// From the worker's environment.
        fence: Fence,
    },
}

requests! {
    /// Lists a run's tasks.
    ListTasks {
        /// Id or path.
        run: String,
        /// Who asks: the worker at work sees values that nobody else is shown.
        author: TaskAuthor,
    }
    /// Shows one task.
    ShowTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who asks: the worker at work sees values that nobody else is shown.
        author: TaskAuthor,
    }
    /// Sets a task's status, its notes, or both.
    SetTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// The new status.
        status: Option<TaskStatus>,
        /// The new notes, in place of the old ones.
        notes: Option<String>,
    }
    /// Adds a paragraph to a task's notes.
    AppendNotes {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// The paragraph.
        text: String,
        /// Made up by the caller; the operation counts once however often it is repeated with it.
        request_id: Option<String>,
    }
    /// Records that a command block of a task's body passed.
    PassBlock {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who says so.
        author: TaskAuthor,
        /// Index of the block, from 0.
        block: u32,
        /// A paragraph for the notes.
        note: String,
    }
    /// Adds a task at the end of the list.
    AddTask {
        /// Id or path.
        run: String,
        /// Who adds it.
        author: TaskAuthor,
        /// One line.
        title: String,
        /// Markdown.
        body: String,
        /// Made up by the caller; the operation counts once however often it is repeated with it.
        request_id: Option<String>,
    }
    /// Changes title or body of a pending task.
    EditTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who changes it.
        author: TaskAuthor,
        /// The new title.
        title: Option<String>,
        /// The new body.
        body: Option<String>,
    }
    /// Deletes a pending task.
    DeleteTask {
        /// Id or path.
        run: String,
        /// Task id.
        task: TaskId,
        /// Who deletes it.
        author: TaskAuthor,
    }
}
