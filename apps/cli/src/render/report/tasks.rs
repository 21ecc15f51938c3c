//! The tasks: how each stands, and what the worker noted.

use std::collections::HashMap;

use agent_runner_api::view::{TaskChange, TaskView};
use agent_runner_model::TaskId;
use agent_runner_model::task::TaskStatus;

use super::block::{Block, Line, Part, Section, Span, code, column, line, numbers, paragraph, text};
use super::data::Report;
use super::foreign::ending;
use super::page::Room;
use super::words::{self, task_badge};

pub(super) fn tasks<'a>(report: &'a Report, room: &Room) -> Section<'a> {
    let detail = &report.run.run;
    if detail.tasks.is_empty() {
        return Section::new("Tasks", "tasks", vec![paragraph("This run has no task list.")]);
    }
    let changes: HashMap<&TaskId, &TaskChange> =
        report.run.task_changes.iter().map(|change| (&change.task_id, change)).collect();
    let columns = vec![
        numbers("#"),
        column("Status"),
        column("Task"),
        column("Title"),
        column("Last change of status"),
    ];
    let rows =
        detail.tasks.iter().enumerate().map(|(index, task)| row(index, task, changes.get(&task.id).copied()));
    let tally =
        format!("{} of {} completed.", detail.summary.tasks_completed, words::tasks(detail.tasks.len()));
    let mut section = Section::new(
        "Tasks",
        "tasks",
        vec![paragraph(tally), Block::Table { columns, rows: rows.collect() }],
    );
    let noted = detail.tasks.iter().enumerate().filter(|(_, task)| has_notes(task));
    section.parts = noted.map(|(index, task)| notes(report, index, task, room)).collect();
    section
}

fn has_notes(task: &TaskView) -> bool {
    !task.notes.trim().is_empty()
}

fn row<'a>(index: usize, task: &'a TaskView, change: Option<&TaskChange>) -> Vec<Line<'a>> {
    let id = if has_notes(task) {
        Span::Link { anchor: anchor(index), text: task.id.as_str().into() }
    } else {
        code(task.id.as_str())
    };
    let changed = match change {
        Some(TaskChange { at, attempt_number: Some(number), .. }) => {
            line(format!("{}, attempt {number}", words::time(*at)))
        }
        Some(TaskChange { at, attempt_number: None, .. }) => line(format!("{}, a person", words::time(*at))),
        None => line("never"),
    };
    vec![
        line((index + 1).to_string()),
        vec![task_badge(task.status)],
        vec![id],
        line(task.title.as_str()),
        changed,
    ]
}

fn anchor(index: usize) -> String {
    format!("task-{}", index + 1)
}

fn notes<'a>(report: &'a Report, index: usize, task: &'a TaskView, room: &Room) -> Part<'a> {
    let run = &report.run.run.summary.run_id;
    let (shown, missing) = ending(task.notes.trim(), room.note);
    let mut blocks = Vec::new();
    if missing > 0 {
        blocks.push(Block::Paragraph(vec![
            text(format!("The first {} of the notes are left out; all of them: ", words::bytes(missing))),
            code(format!("agent-runner task show {run} {}", task.id)),
        ]));
    }
    blocks.push(Block::Words(shown.into()));
    let folded = match task.status {
        TaskStatus::Completed => true,
        TaskStatus::Pending | TaskStatus::InProgress | TaskStatus::Blocked => false,
    };
    let heading = vec![
        text("Notes of "),
        code(task.id.as_str()),
        text(" "),
        text(task.title.as_str()),
        text(", "),
        task_badge(task.status),
    ];
    Part { heading, anchor: anchor(index), folded, blocks }
}
