//! What a run came to, why, and what to do next: what a person reads first, and perhaps alone.

use agent_runner_api::view::{RunDetail, TaskView};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::event::EventBody;
use agent_runner_model::phase::{FailureKind, RunStatus};
use agent_runner_model::task::TaskStatus;

use super::super::next::{next_steps, over};
use super::block::{Block, Line, Section, Span, code, line, paragraph, strong, text};
use super::data::Report;
use super::foreign::{beginning, ending};
use super::page::Room;
use super::words::{self, run_badge};

/// Open tasks that are named here; the rest are in the list of tasks.
const MAX_OPEN: usize = 20;
/// Blocked tasks whose notes are repeated here.
const MAX_BLOCKED: usize = 10;
/// Bytes of a reason.
const MAX_REASON: usize = 2000;

pub(super) fn outcome<'a>(report: &'a Report, room: &Room) -> Section<'a> {
    let detail = &report.run.run;
    let mut blocks = vec![Block::Paragraph(statement(report))];
    blocks.extend(why(report));
    blocks.extend(blocked_tasks(detail, room));
    blocks.extend(left_over_work(detail, room));
    if let Some(note) = detail.note.as_ref().filter(|note| !note.trim().is_empty()) {
        blocks.push(paragraph("The note that somebody left on this run:"));
        blocks.push(Block::Words(beginning(note, room.note)));
    }
    let next = next_steps(detail);
    if !next.is_empty() {
        blocks.push(Block::Paragraph(vec![strong("What to do next:")]));
        blocks.push(Block::List(next.into_iter().map(next_step).collect()));
    }
    Section::new("Outcome", "outcome", blocks)
}

fn next_step<'a>(step: String) -> Line<'a> {
    // The command, and sometimes words about it.
    match step.split_once("   ") {
        Some((command, words)) => vec![code(command.to_owned()), text(format!(" {words}"))],
        None => vec![code(step)],
    }
}

/// One sentence.
fn statement(report: &Report) -> Line<'_> {
    let detail = &report.run.run;
    let summary = &detail.summary;
    let (done, all) = (summary.tasks_completed, summary.tasks_total);
    let tally = format!("{done} of {} completed", words::tasks(all));
    let with = |status| detail.tasks.iter().filter(|task| task.status == status).count();
    let open = detail.tasks.iter().filter(|task| task.status.is_open()).count();
    let words = match summary.effective_status {
        RunStatus::Success if all == 0 => {
            "the worker ended its turn normally; there was no task list.".to_owned()
        }
        RunStatus::Success => format!("every task is completed ({done} of {all})."),
        RunStatus::Blocked => match over(detail) {
            Some(over) => format!("the ceiling of {} is reached; {tally}.", over.as_str()),
            None => {
                format!("{} and the run needs an answer; {tally}.", are(with(TaskStatus::Blocked), "blocked"))
            }
        },
        RunStatus::Exhausted => format!("the retries are spent and {}; {tally}.", are(open, "open")),
        RunStatus::Error => match detail.failure.as_ref().map(|failure| failure.kind) {
            Some(FailureKind::Limited) => format!("it stopped at a limit and can be resumed later; {tally}."),
            Some(_) | None => format!("it failed; {tally}."),
        },
        RunStatus::Aborted => format!("it was cancelled; {tally}."),
        RunStatus::Interrupted => format!("nobody drives it any more, and it can go on; {tally}."),
        RunStatus::Running => format!("it is not over; {tally}."),
        RunStatus::Ready => format!("it is approved and was not started yet; {tally}."),
        RunStatus::Initialized if detail.is_passive() => format!("it goes on as its tasks do; {tally}."),
        RunStatus::Initialized => format!("it was created and is not approved yet; {tally}."),
    };
    vec![run_badge(summary.effective_status), text(format!(": {words}"))]
}

/// `2 tasks are open`.
fn are(count: usize, what: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb} {what}", words::tasks(count))
}

fn why(report: &Report) -> Vec<Block<'_>> {
    let detail = &report.run.run;
    if let Some(failure) = &detail.failure {
        return vec![
            Block::Paragraph(vec![strong("Why:"), text(" "), text(beginning(&failure.detail, MAX_REASON))]),
            Block::Paragraph(vec![strong("What helps:"), text(" "), text(failure.hint.as_str())]),
        ];
    }
    if let Some(by) = &detail.blocked_by {
        let hook = format!("hook {} objects: ", by.by);
        let words = text(beginning(&by.detail, MAX_REASON));
        return vec![Block::Paragraph(vec![strong("Why:"), text(" "), text(hook), words])];
    }
    match detail.summary.effective_status {
        RunStatus::Exhausted | RunStatus::Interrupted => last_end(detail).into_iter().collect(),
        RunStatus::Aborted => abort(report).into_iter().collect(),
        RunStatus::Running => vec![Block::Paragraph(doing(detail))],
        RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Error
        | RunStatus::Ready
        | RunStatus::Initialized => Vec::new(),
    }
}

/// What a worker needs help with is in the end of its notes.
fn blocked_tasks<'a>(detail: &'a RunDetail, room: &Room) -> Vec<Block<'a>> {
    let blocked = detail.tasks.iter().filter(|task| task.status == TaskStatus::Blocked);
    let mut blocks = Vec::new();
    for task in blocked.take(MAX_BLOCKED) {
        blocks.push(Block::Paragraph(named(task)));
        let notes = task.notes.trim();
        if !notes.is_empty() {
            blocks.push(Block::Words(ending(notes, room.note.min(MAX_REASON)).0.into()));
        }
    }
    blocks
}

fn named(task: &TaskView) -> Line<'_> {
    vec![
        words::task_badge(task.status),
        text(" "),
        code(task.id.as_str()),
        text(" "),
        text(task.title.as_str()),
    ]
}

fn last_end(detail: &RunDetail) -> Option<Block<'_>> {
    let attempt = detail.attempts.iter().rev().find(|attempt| attempt.end.is_some())?;
    let end = attempt.end.as_ref()?;
    Some(Block::Paragraph(vec![
        strong("How the last attempt ended:"),
        text(" "),
        text(beginning(&end.detail(), MAX_REASON).into_owned()),
        text("."),
    ]))
}

fn abort(report: &Report) -> Option<Block<'_>> {
    let by = report.run.incidents.iter().rev().find_map(|event| match event.body() {
        Some(EventBody::AbortRequested { by }) => Some(by),
        Some(_) | None => None,
    })?;
    Some(Block::Paragraph(vec![strong("By:"), text(" "), text(by), text(".")]))
}

/// What a run is at.
fn doing(detail: &RunDetail) -> Line<'_> {
    if let Some(wait) = &detail.summary.wait {
        let until = wait.until.map(|until| format!(" until {}", words::time(until))).unwrap_or_default();
        return vec![
            strong("It waits"),
            text(format!("{until}: ")),
            text(beginning(&wait.detail, MAX_REASON)),
        ];
    }
    let attempt = match detail.attempts.last() {
        Some(attempt) if attempt.end.is_none() => format!("It is in attempt {}", attempt.attempt_number),
        Some(_) | None => "It is between attempts".to_owned(),
    };
    match &detail.summary.active_task {
        Some(task) => {
            vec![
                text(format!("{attempt}, at task ")),
                code(task.id.as_str()),
                text(" "),
                text(task.title.as_str()),
            ]
        }
        None => line(format!("{attempt}.")),
    }
}

/// What is still to be done, where the run itself goes no further.
fn left_over_work<'a>(detail: &'a RunDetail, room: &Room) -> Vec<Block<'a>> {
    match detail.summary.effective_status {
        RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Error
        | RunStatus::Aborted
        | RunStatus::Interrupted => {}
        RunStatus::Success | RunStatus::Running | RunStatus::Ready | RunStatus::Initialized => {
            return Vec::new();
        }
    }
    let open: Vec<&TaskView> = detail.tasks.iter().filter(|task| task.status.is_open()).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut items: Vec<Line<'_>> =
        open.iter().take(MAX_OPEN.min(room.rows)).map(|task| named(task)).collect();
    if open.len() > items.len() {
        items.push(line(format!("and {} more", open.len() - items.len())));
    }
    vec![Block::Paragraph(vec![strong("Open tasks:")]), Block::List(items)]
}

/// How an attempt ended, in words; what has no end yet is under way.
pub(super) fn end_line(end: Option<&AttemptEnd>) -> Line<'_> {
    let Some(end) = end else { return vec![Span::Badge(super::block::Tone::Plain, "under way")] };
    let mut line = vec![words::end_badge(end)];
    match end {
        AttemptEnd::Reported | AttemptEnd::Interrupted | AttemptEnd::Aborted => {}
        AttemptEnd::Limited { reset_at: Some(reset_at), detail } => {
            line.push(text(format!(" until {}: ", words::time(*reset_at))));
            line.push(text(beginning(detail, 200)));
        }
        AttemptEnd::TimedOut { .. }
        | AttemptEnd::Crashed { .. }
        | AttemptEnd::ProtocolError { .. }
        | AttemptEnd::Overloaded { .. }
        | AttemptEnd::Network { .. }
        | AttemptEnd::Limited { reset_at: None, .. }
        | AttemptEnd::OverBudget { .. }
        | AttemptEnd::Misconfigured { .. } => {
            line.push(text(": "));
            line.push(text(beginning(&end.detail(), 200).into_owned()));
        }
    }
    line
}
