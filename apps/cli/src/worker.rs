//! The embedded worker: runs the command blocks of each open task and reports through the task operations, like any
//! other worker. It is started by a driver and knows its run from its environment.

mod block;

use agent_runner_api::operations::{AppendNotes, ListTasks, PassBlock, SetTask, ShowTask, TaskAuthor};
use agent_runner_api::view::TaskView;
use agent_runner_api::{ErrorCode, Handle as _};
use agent_runner_definitions::{BlockShell, CommandBlock, command_blocks};
use agent_runner_engine::driver::RUN_ID;
use agent_runner_model::TaskId;
use agent_runner_model::task::TaskStatus;

use crate::app::App;
use crate::commands::task::author;
use crate::exit::{Failure, Outcome, usage};
use crate::settings::variable;
use crate::worker::block::{Ended, run_block};

/// Whether a run is the one this process works for.
pub(crate) fn is_own_run(run: &str) -> bool {
    variable(RUN_ID).is_some_and(|own| own == run)
}

pub(crate) async fn work(app: &App) -> Outcome {
    let run = variable(RUN_ID).and_then(|run| run.into_string().ok()).ok_or_else(|| {
        let hint = "start it with `agent-runner run --backend shell`";
        usage("this command is started by a driver, for one run", hint)
    })?;
    let by = author(app, &run)?;
    let list = app.engine.call(ListTasks { run: run.clone(), author: by }).await?;
    for task in list.tasks.iter().filter(|task| task.status.is_open()) {
        work_task(app, &run, by, task).await?;
    }
    Ok(0)
}

async fn work_task(app: &App, run: &str, by: TaskAuthor, task: &TaskView) -> Result<(), Failure> {
    let blocks = command_blocks(&task.body);
    if blocks.is_empty() {
        let notes = "There is nothing to run: the task has no fenced `sh` or `bash` block.".to_owned();
        return set(app, run, by, &task.id, TaskStatus::Blocked, Some(notes)).await;
    }
    let detail = app.engine.call(ShowTask { run: run.to_owned(), task: task.id.clone(), author: by }).await?;
    set(app, run, by, &task.id, TaskStatus::InProgress, None).await?;
    for (index, block) in (0u32..).zip(&blocks) {
        if detail.passed_blocks.contains(&index) {
            continue;
        }
        let ended = run_block(block);
        let note = note(index, blocks.len(), block, &ended);
        let (run, task) = (run.to_owned(), task.id.clone());
        if ended.passed {
            app.engine.call(PassBlock { run, task, author: by, block: index, note }).await?;
        } else {
            // The task stays open: the run's retries decide how often it is tried.
            app.engine.call(AppendNotes { run, task, author: by, text: note, request_id: None }).await?;
            return Ok(());
        }
    }
    match set(app, run, by, &task.id, TaskStatus::Completed, None).await {
        // A hook objects. What it says is for whoever can do something about it; the other tasks go on meanwhile.
        Err(Failure::Error(error)) if error.code == ErrorCode::NotAllowed => {
            let (run, task) = (run.to_owned(), task.id.clone());
            let text = format!("Not completed: {}", error.message);
            app.engine.call(AppendNotes { run, task, author: by, text, request_id: None }).await?;
            Ok(())
        }
        reported => reported,
    }
}

async fn set(
    app: &App,
    run: &str,
    by: TaskAuthor,
    task: &TaskId,
    status: TaskStatus,
    notes: Option<String>,
) -> Result<(), Failure> {
    let (run, task) = (run.to_owned(), task.clone());
    app.engine.call(SetTask { run, task, author: by, status: Some(status), notes }).await?;
    Ok(())
}

/// What is kept of a block: the command, how it ended, and the end of what it printed.
fn note(index: u32, count: usize, block: &CommandBlock, ended: &Ended) -> String {
    let shell = match block.shell {
        BlockShell::Sh => "sh",
        BlockShell::Bash => "bash",
    };
    let mut note = format!("Block {} of {count} ({shell}): {}\n", index + 1, ended.words);
    for line in block.script.trim_end().lines() {
        note.push_str(&format!("  $ {line}\n"));
    }
    for line in ended.output.lines() {
        note.push_str(&format!("  | {line}\n"));
    }
    note
}
