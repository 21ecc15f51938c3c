//! Task operations.

use std::borrow::Cow;

use agent_runner_api::operations::{
    AddTask, AppendNotes, DeleteTask, EditTask, ListTasks, PassBlock, SetTask, ShowTask, TaskAuthor,
};
use agent_runner_api::view::{TaskDetail, TaskList, TaskView};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::{Author, Manifest, Refusal, TaskFact, TaskId, redacted};
use agent_runner_store::failpoint;

use crate::compose::{new_task_id, requested_task_id};
use crate::engine::Engine;
use crate::failure::{refusal_error, store_error};
use crate::place::Places;

fn author(author: TaskAuthor) -> Author {
    match author {
        TaskAuthor::Person => Author::Person,
        TaskAuthor::Worker { fence } => Author::Worker(fence),
    }
}

/// Longest request id, in bytes.
const MAX_REQUEST_ID: usize = 128;

fn check_request_id(request: &str) -> Result<(), ApiError> {
    if request.is_empty() || request.len() > MAX_REQUEST_ID {
        let message = format!("a request id has 1 to {MAX_REQUEST_ID} characters");
        return Err(
            ApiError::new(ErrorCode::Invalid, message).hint("use a UUID, or any other short random text")
        );
    }
    Ok(())
}

/// What whoever asks may see of the run: the worker at work has been told everything.
fn seen_by(manifest: &Manifest, by: TaskAuthor) -> Cow<'_, Manifest> {
    match by {
        TaskAuthor::Worker { fence } if manifest.live_attempt().is_some_and(|live| live.fence == fence) => {
            Cow::Borrowed(manifest)
        }
        TaskAuthor::Worker { .. } | TaskAuthor::Person => redacted(manifest),
    }
}

fn detail(manifest: &Manifest, id: &TaskId, by: TaskAuthor) -> Result<TaskDetail, ApiError> {
    let manifest = seen_by(manifest, by);
    let task = manifest.state.final_tasks.get(id).ok_or_else(|| {
        let known = manifest.state.final_tasks.keys().cloned().collect();
        refusal_error(&Refusal::TaskNotFound { id: id.clone(), known })
    })?;
    Ok(TaskDetail {
        run_id: manifest.spec.run_id.clone(),
        task: TaskView::from(task),
        passed_blocks: task.passed_blocks.clone(),
    })
}

impl<S: Places + 'static> Engine<S> {
    async fn change(&self, run: &str, by: TaskAuthor, fact: TaskFact) -> Result<Manifest, ApiError> {
        self.change_once(run, by, fact, None).await
    }

    /// With a request id, a change that landed already is not made again.
    async fn change_once(
        &self,
        run: &str,
        by: TaskAuthor,
        fact: TaskFact,
        request: Option<String>,
    ) -> Result<Manifest, ApiError> {
        let run_id = self.resolve(run)?;
        request.as_deref().map_or(Ok(()), check_request_id)?;
        let manifest = self.change_task(&run_id, author(by), &fact, request.as_ref()).await?;
        failpoint::hit("task.after_commit");
        Ok(manifest)
    }

    async fn look(&self, run: &str) -> Result<Manifest, ApiError> {
        let run_id = self.resolve(run)?;
        self.store.snapshot(&run_id).await.map_err(|error| store_error(&error))
    }
}

impl<S: Places + 'static> Handle<ListTasks> for Engine<S> {
    async fn call(&self, request: ListTasks) -> Result<TaskList, ApiError> {
        let manifest = self.look(&request.run).await?;
        let manifest = seen_by(&manifest, request.author);
        Ok(TaskList {
            run_id: manifest.spec.run_id.clone(),
            tasks_completed: manifest.tasks_completed(),
            tasks_total: manifest.state.final_tasks.len(),
            tasks: manifest.state.final_tasks.values().map(TaskView::from).collect(),
        })
    }
}

impl<S: Places + 'static> Handle<ShowTask> for Engine<S> {
    async fn call(&self, request: ShowTask) -> Result<TaskDetail, ApiError> {
        detail(&self.look(&request.run).await?, &request.task, request.author)
    }
}

impl<S: Places + 'static> Handle<SetTask> for Engine<S> {
    async fn call(&self, request: SetTask) -> Result<TaskDetail, ApiError> {
        if request.status.is_none() && request.notes.is_none() {
            return Err(ApiError::new(ErrorCode::Invalid, "task set requires at least one field")
                .hint("give --status, --notes, or both"));
        }
        let fact = TaskFact::Set { id: request.task.clone(), status: request.status, notes: request.notes };
        detail(&self.change(&request.run, request.author, fact).await?, &request.task, request.author)
    }
}

impl<S: Places + 'static> Handle<AppendNotes> for Engine<S> {
    async fn call(&self, request: AppendNotes) -> Result<TaskDetail, ApiError> {
        let fact = TaskFact::NotesAppended { id: request.task.clone(), text: request.text };
        let manifest = self.change_once(&request.run, request.author, fact, request.request_id).await?;
        detail(&manifest, &request.task, request.author)
    }
}

impl<S: Places + 'static> Handle<PassBlock> for Engine<S> {
    async fn call(&self, request: PassBlock) -> Result<TaskDetail, ApiError> {
        let fact =
            TaskFact::BlockPassed { id: request.task.clone(), block: request.block, note: request.note };
        detail(&self.change(&request.run, request.author, fact).await?, &request.task, request.author)
    }
}

impl<S: Places + 'static> Handle<AddTask> for Engine<S> {
    async fn call(&self, request: AddTask) -> Result<TaskDetail, ApiError> {
        let id = match &request.request_id {
            Some(request) => requested_task_id(request)?,
            None => new_task_id()?,
        };
        let fact = TaskFact::Added { id: id.clone(), title: request.title, body: request.body };
        let manifest = self.change_once(&request.run, request.author, fact, request.request_id).await?;
        detail(&manifest, &id, request.author).map_err(|error| ApiError {
            message: format!("task \"{id}\" was added by this request and has been deleted since"),
            ..error
        })
    }
}

impl<S: Places + 'static> Handle<EditTask> for Engine<S> {
    async fn call(&self, request: EditTask) -> Result<TaskDetail, ApiError> {
        if request.title.is_none() && request.body.is_none() {
            return Err(ApiError::new(ErrorCode::Invalid, "task edit requires at least one field")
                .hint("give --title, --body, or both"));
        }
        let fact = TaskFact::Edited { id: request.task.clone(), title: request.title, body: request.body };
        detail(&self.change(&request.run, request.author, fact).await?, &request.task, request.author)
    }
}

impl<S: Places + 'static> Handle<DeleteTask> for Engine<S> {
    async fn call(&self, request: DeleteTask) -> Result<TaskDetail, ApiError> {
        let before = detail(&self.look(&request.run).await?, &request.task, request.author)?;
        self.change(&request.run, request.author, TaskFact::Deleted { id: request.task }).await?;
        Ok(before)
    }
}
