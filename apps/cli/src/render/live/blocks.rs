//! The parts of the picture, each as lines: the head, the attempt, the tasks, the wait, what was used.

use agent_runner_api::view::{AttemptView, RunDetail, TaskView};
use agent_runner_model::phase::{PromptKind, RunStatus};
use agent_runner_model::task::TaskStatus;

use super::line::{Line, Look};
use crate::render::clean::{cell, squeeze, width};
use crate::render::span::{clock_words, until_words, wait_words};
use crate::wall::Wall;

/// Below this there is room for the most important words only.
pub(super) const NARROW: usize = 60;
/// Widest column of task ids.
const MAX_ID: usize = 24;
/// What stands between the parts of a line.
const GAP: &str = " · ";

/// The first line, or two where one does not hold it all: what must be seen first.
pub(super) fn head(run: &RunDetail, columns: usize) -> (Line, Option<Line>) {
    let summary = &run.summary;
    let status = summary.effective_status;
    let mut first = Line::plain("Run ")
        .and(Look::Strong, summary.run_id.to_string())
        .and(Look::Plain, GAP)
        .and(status_look(status), status.as_str());
    if summary.tasks_total > 0 {
        let (done, all) = (summary.tasks_completed, summary.tasks_total);
        first = match columns < NARROW {
            true => first.and(Look::Plain, format!("{GAP}{done}/{all} tasks")),
            false => first.and(Look::Plain, format!("{GAP}{done} of {all} tasks done")),
        };
    }
    if let Some(name) = &summary.name {
        first = first.and(Look::Plain, format!("{GAP}{}", squeeze(name)));
    }
    let mut worker = vec![summary.backend.clone()];
    worker.extend(summary.model.iter().map(|model| squeeze(model)));
    let worker = format!("{} ({})", squeeze(&summary.agent_name), worker.join(", "));
    match first.width() + width(GAP) + width(&worker) <= columns {
        true => (first.and(Look::Plain, format!("{GAP}{worker}")), None),
        false => (first, Some(Line::of(Look::Faint, worker))),
    }
}

fn status_look(status: RunStatus) -> Look {
    match status {
        RunStatus::Running => Look::Busy,
        RunStatus::Success => Look::Good,
        RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted
        | RunStatus::Error
        | RunStatus::Interrupted => Look::Bad,
        RunStatus::Initialized | RunStatus::Ready => Look::Plain,
    }
}

/// The attempt that is under way.
pub(super) fn live_attempt(run: &RunDetail) -> Option<&AttemptView> {
    run.attempts.last().filter(|attempt| attempt.ended_at.is_none())
}

/// Which attempt it is, how long it has taken, and why it was started.
pub(super) fn attempt(run: &RunDetail, columns: usize, wall: &Wall) -> Option<Line> {
    let attempt = live_attempt(run)?;
    let mut words = vec![format!("attempt {}", attempt.attempt_number)];
    if let Some(session) = &run.current_session {
        let (number, most) = (session.attempts_spent + 1, session.max_attempts_per_session);
        words.push(match columns < NARROW {
            true => format!("try {number} of {most}"),
            false => format!("try {number} of at most {most}"),
        });
    }
    words.push(clock_words(wall.now().since(attempt.started_at)));
    words.extend(reason(attempt.prompt).map(str::to_owned));
    Some(Line::plain(words.join(GAP)))
}

fn reason(prompt: PromptKind) -> Option<&'static str> {
    match prompt {
        PromptKind::Brief => None,
        PromptKind::Message => Some("with a message"),
        PromptKind::Nudge => Some("nudged: tasks are still open"),
        PromptKind::AfterTimeout => Some("the time ran out before"),
        PromptKind::AfterCrash => Some("the worker failed before"),
        PromptKind::AfterInterrupt => Some("after an interruption"),
    }
}

/// What the run waits for, counted down.
pub(super) fn wait(run: &RunDetail, columns: usize, wall: &Wall) -> Option<Line> {
    let wait = run.summary.wait.as_ref()?;
    let words = if columns < NARROW { until_words(wait, wall) } else { wait_words(wait, wall) };
    Some(Line::of(Look::Busy, "waits ").and(Look::Plain, squeeze(&words)))
}

/// A task in a line.
fn task_line(task: &TaskView, id_width: usize) -> Line {
    let (look, mark) = match task.status {
        TaskStatus::Pending => (Look::Plain, "[ ]"),
        TaskStatus::InProgress => (Look::Busy, "[~]"),
        TaskStatus::Completed => (Look::Good, "[x]"),
        TaskStatus::Blocked => (Look::Bad, "[!]"),
    };
    let title = match task.status {
        TaskStatus::InProgress => Look::Strong,
        TaskStatus::Completed => Look::Faint,
        TaskStatus::Pending | TaskStatus::Blocked => Look::Plain,
    };
    Line::of(look, mark)
        .and(Look::Plain, format!(" {}  ", cell(task.id.as_str(), id_width)))
        .and(title, squeeze(&task.title))
}

/// The newest line of a task's notes, where they say how it stands now.
pub(super) fn note(task: &TaskView) -> Option<Line> {
    match task.status {
        TaskStatus::InProgress | TaskStatus::Blocked => {}
        TaskStatus::Pending | TaskStatus::Completed => return None,
    }
    let line = task.notes.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(Line::of(Look::Faint, format!("    - {}", squeeze(line))))
}

/// The tasks in at most so many lines, with at most so many notes: those around the first open one, and how many more
/// there are on either side.
pub(super) fn tasks(run: &RunDetail, room: usize, notes: usize) -> Vec<Line> {
    let tasks = &run.tasks;
    let id_width = tasks.iter().map(|task| width(task.id.as_str())).max().unwrap_or(0).min(MAX_ID);
    let (start, end) = shown(tasks, room);
    let mut lines = Vec::new();
    let mut notes = notes;
    for (index, task) in tasks.iter().enumerate().take(end).skip(start) {
        let hidden = match index {
            _ if end - start < 3 => 0,
            index if index == start && start > 0 => start + 1,
            index if index + 1 == end && end < tasks.len() => tasks.len() - end + 1,
            _ => 0,
        };
        if hidden > 0 {
            lines.push(Line::of(Look::Faint, format!("    … {hidden} more")));
            continue;
        }
        lines.push(task_line(task, id_width));
        if let Some(note) = note(task).filter(|_| notes > 0) {
            lines.push(note);
            notes -= 1;
        }
    }
    lines
}

/// Which tasks are shown: from, up to.
fn shown(tasks: &[TaskView], room: usize) -> (usize, usize) {
    if tasks.len() <= room {
        return (0, tasks.len());
    }
    let active = tasks.iter().position(|task| task.status == TaskStatus::InProgress);
    let open = active.or_else(|| tasks.iter().position(|task| task.status.is_open())).unwrap_or(0);
    let start = open.saturating_sub(room / 2).min(tasks.len() - room);
    (start, start + room)
}

/// How many notes there are to show.
pub(super) fn notes(run: &RunDetail) -> usize {
    run.tasks.iter().filter(|task| note(task).is_some()).count()
}
