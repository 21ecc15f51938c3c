//! `task`: the commands by which workers and people report.

mod change;
mod look;

use agent_runner_api::operations::TaskAuthor;
use agent_runner_api::{ApiError, Handle, Operation};
use agent_runner_engine::driver::{ATTEMPT_FENCE, RUN_ID};
use agent_runner_engine::talk::Request;
use agent_runner_model::{Fence, TaskId};

use crate::app::{App, LocalEngine};
use crate::args::TaskCommand;
use crate::exit::{Failure, Outcome, usage};
use crate::settings::variable;
use crate::tasks_over_socket::over_socket;

pub(crate) async fn task(app: &App, command: TaskCommand) -> Outcome {
    match command {
        TaskCommand::List(args) => look::list(app, args).await,
        TaskCommand::Show(args) => look::show(app, args).await,
        TaskCommand::Set(args) => change::set(app, args).await,
        TaskCommand::AppendNotes(args) => change::append_notes(app, args).await,
        TaskCommand::Add(args) => change::add(app, args).await,
        TaskCommand::Edit(args) => change::edit(app, args).await,
        TaskCommand::Delete(args) => change::delete(app, args).await,
    }
}

/// Who speaks: the worker of an attempt when its environment says so and the run is its own, else a person.
pub(crate) fn author(app: &App, run: &str) -> Result<TaskAuthor, Failure> {
    let own_run = variable(RUN_ID).and_then(|run| run.into_string().ok());
    let (Some(own_run), Some(fence)) = (own_run, variable(ATTEMPT_FENCE)) else {
        return Ok(TaskAuthor::Person);
    };
    let is_own = own_run == run || app.store.resolve(run).is_ok_and(|resolved| resolved.as_str() == own_run);
    if !is_own {
        return Ok(TaskAuthor::Person);
    }
    let number = fence.to_str().and_then(|fence| fence.parse().ok());
    let number = number.ok_or_else(|| {
        let message = format!("{ATTEMPT_FENCE} is not a number: {}", fence.display());
        usage(message, "it is set for workers by the driver; leave it as it is, or unset it")
    })?;
    Ok(TaskAuthor::Worker { fence: Fence(number) })
}

pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    TaskId::parse(text).map_err(|error| {
        usage(format!("{text:?} is not a task id: {error}"), "`agent-runner task list RUN-ID` shows the ids")
    })
}

/// Carries a task operation out here, or, for a worker that cannot reach the state directory, through the run's
/// driver.
pub(crate) async fn perform<O>(
    app: &App,
    request: O,
    words: impl Fn(O) -> Request,
) -> Result<O::Reply, ApiError>
where
    O: Operation + Clone,
    LocalEngine: Handle<O>,
{
    match app.engine.call(request.clone()).await {
        Ok(reply) => Ok(reply),
        Err(error) => over_socket::<O>(error, words(request)).await,
    }
}
