//! `task set`, `append-notes`, `add`, `edit`, `delete`.

use agent_runner_api::operations::{AddTask, AppendNotes, DeleteTask, EditTask, SetTask};
use agent_runner_engine::talk::Request;
use agent_runner_model::task::TaskStatus;

use super::{author, perform, task_id};
use crate::app::App;
use crate::args::{AddArgs, AppendNotesArgs, DeleteArgs, EditArgs, SetArgs};
use crate::exit::{Failure, Outcome, usage};
use crate::output::{reply, text_or_stdin};

pub(crate) async fn set(app: &App, args: SetArgs) -> Outcome {
    let SetArgs { run, task, status, notes, output } = args;
    let author = author(app, &run)?;
    let status = status.as_deref().map(parse_status).transpose()?;
    let notes = notes.map(text_or_stdin).transpose()?;
    let request = SetTask { run, task: task_id(&task)?, author, status, notes };
    let detail = perform(app, request, Request::SetTask).await?;
    reply(output.output_format, &detail, |detail| {
        format!("updated {} (status={})\n", detail.task.id, detail.task.status.as_str())
    })?;
    Ok(0)
}

fn parse_status(text: &str) -> Result<TaskStatus, Failure> {
    TaskStatus::parse(text).ok_or_else(|| {
        let known: Vec<&str> = TaskStatus::ALL.iter().map(|status| status.as_str()).collect();
        usage(format!("invalid --status {text:?}"), format!("use one of {}", known.join(", ")))
    })
}

pub(crate) async fn append_notes(app: &App, args: AppendNotesArgs) -> Outcome {
    let AppendNotesArgs { run, task, text, request_id, output } = args;
    let author = author(app, &run)?;
    let text = text_or_stdin(text)?;
    let request = AppendNotes { run, task: task_id(&task)?, author, text, request_id };
    let detail = perform(app, request, Request::AppendNotes).await?;
    reply(output.output_format, &detail, |detail| format!("appended notes to {}\n", detail.task.id))?;
    Ok(0)
}

pub(crate) async fn add(app: &App, args: AddArgs) -> Outcome {
    let AddArgs { run, title, body, request_id, output } = args;
    let author = author(app, &run)?;
    let body = text_or_stdin(body)?;
    let detail = perform(app, AddTask { run, author, title, body, request_id }, Request::AddTask).await?;
    reply(output.output_format, &detail, |detail| {
        format!("added task {} \"{}\"\n", detail.task.id, detail.task.title)
    })?;
    Ok(0)
}

pub(crate) async fn edit(app: &App, args: EditArgs) -> Outcome {
    let EditArgs { run, task, title, body, output } = args;
    let author = author(app, &run)?;
    let body = body.map(text_or_stdin).transpose()?;
    let request = EditTask { run, task: task_id(&task)?, author, title, body };
    let detail = perform(app, request, Request::EditTask).await?;
    reply(output.output_format, &detail, |detail| format!("edited {}\n", detail.task.id))?;
    Ok(0)
}

pub(crate) async fn delete(app: &App, args: DeleteArgs) -> Outcome {
    let DeleteArgs { run, task, output } = args;
    let author = author(app, &run)?;
    let request = DeleteTask { run, task: task_id(&task)?, author };
    let detail = perform(app, request, Request::DeleteTask).await?;
    reply(output.output_format, &detail, |detail| format!("deleted {}\n", detail.task.id))?;
    Ok(0)
}
