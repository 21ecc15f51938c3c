//! `task list` and `task show`.

use agent_runner_api::operations::{ListTasks, ShowTask};
use agent_runner_api::view::{TaskDetail, TaskList};
use agent_runner_engine::talk::Request;

use super::{author, perform, task_id};
use crate::app::App;
use crate::args::{TaskListArgs, TaskShowArgs};
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, indent, task_table};

pub(crate) async fn list(app: &App, args: TaskListArgs) -> Outcome {
    let TaskListArgs { run, output } = args;
    let author = author(app, &run)?;
    let list = perform(app, ListTasks { run, author }, Request::ListTasks).await?;
    reply(output.output_format, &list, list_text)?;
    Ok(0)
}

fn list_text(list: &TaskList) -> String {
    if list.tasks.is_empty() {
        return format!("Run {} has no tasks.\n", list.run_id);
    }
    let count = format!("{} of {} tasks completed\n", list.tasks_completed, list.tasks_total);
    task_table(&list.tasks) + &count
}

pub(crate) async fn show(app: &App, args: TaskShowArgs) -> Outcome {
    let TaskShowArgs { run, task, output } = args;
    let task = task_id(&task)?;
    let author = author(app, &run)?;
    let detail = perform(app, ShowTask { run, task, author }, Request::ShowTask).await?;
    reply(output.output_format, &detail, show_text)?;
    Ok(0)
}

fn show_text(detail: &TaskDetail) -> String {
    let task = &detail.task;
    let mut text = format!("{}  {}\nstatus: {}\n", task.id, task.title, task.status.as_str());
    if !task.body.trim().is_empty() {
        text.push_str(&format!("\n{}\n", task.body.trim_end()));
    }
    if !task.notes.trim().is_empty() {
        text.push_str(&format!("\nnotes:\n{}\n", indent(task.notes.trim_end())));
    }
    clean(&text)
}
