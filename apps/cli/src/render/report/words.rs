//! Words for what a report tells: times, sizes, ends, causes.

use std::time::Duration;

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, EndClass};
use agent_runner_model::phase::{Cause, PromptKind, RunStatus};
use agent_runner_model::task::TaskStatus;

use super::super::span::duration_words;
use super::block::{Span, Tone};

/// `2026-05-04 10:11:12 UTC`.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", rest.get(..8).unwrap_or(rest))
}

/// The time of day alone if it is the same day as another one.
pub(super) fn time_beside(at: Timestamp, other: Timestamp) -> String {
    let whole = time(at);
    match (whole.split_once(' '), time(other).split_once(' ')) {
        (Some((day, rest)), Some((same, _))) if day == same => rest.to_owned(),
        (_, _) => whole,
    }
}

pub(super) fn took(from: Timestamp, to: Timestamp) -> String {
    duration_words(to.since(from))
}

pub(super) fn duration(duration: Duration) -> String {
    duration_words(duration)
}

pub(super) fn bytes(count: usize) -> String {
    if count < 1024 { format!("{count} bytes") } else { format!("{} KiB", count / 1024) }
}

/// `1 process`, `2 processes`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

pub(super) fn tasks(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "task", "tasks")
}

pub(super) fn run_badge(status: RunStatus) -> Span<'static> {
    Span::Badge(run_tone(status), status.as_str())
}

pub(super) fn run_tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Success => Tone::Good,
        RunStatus::Blocked | RunStatus::Exhausted | RunStatus::Interrupted | RunStatus::Aborted => {
            Tone::Careful
        }
        RunStatus::Error => Tone::Bad,
        RunStatus::Initialized | RunStatus::Ready | RunStatus::Running => Tone::Plain,
    }
}

pub(super) fn task_badge(status: TaskStatus) -> Span<'static> {
    let (tone, word) = match status {
        TaskStatus::Completed => (Tone::Good, "completed"),
        TaskStatus::Blocked => (Tone::Bad, "blocked"),
        TaskStatus::InProgress => (Tone::Careful, "in progress"),
        TaskStatus::Pending => (Tone::Plain, "pending"),
    };
    Span::Badge(tone, word)
}

pub(super) fn end_badge(end: &AttemptEnd) -> Span<'static> {
    let tone = match end.class() {
        EndClass::Reported => Tone::Good,
        EndClass::TimedOut
        | EndClass::Overloaded
        | EndClass::Network
        | EndClass::Limited
        | EndClass::OverBudget => Tone::Careful,
        EndClass::Crashed | EndClass::ProtocolError | EndClass::Misconfigured => Tone::Bad,
        EndClass::Interrupted | EndClass::Aborted => Tone::Plain,
    };
    Span::Badge(tone, end.class().as_str())
}

/// What the worker was told.
pub(super) fn prompt(prompt: PromptKind) -> &'static str {
    match prompt {
        PromptKind::Brief => "the brief",
        PromptKind::Message => "a message",
        PromptKind::Nudge => "tasks are open",
        PromptKind::AfterTimeout => "the time ran out before",
        PromptKind::AfterCrash => "it failed before",
        PromptKind::AfterInterrupt => "it was cut off before",
    }
}

/// Why a session was opened.
pub(super) fn cause(cause: &Cause) -> &'static str {
    match cause {
        Cause::First => "the first start",
        Cause::Continue { message: Some(_) } => "resumed with a message",
        Cause::Continue { message: None } => "resumed",
        Cause::Queued { .. } => "messages were waiting",
        Cause::Reinvoked { .. } => "a child run ended",
        Cause::Fired => "its schedule fell due",
        Cause::Rejected { .. } => "a task was rejected",
        Cause::Fallback => "another backend took over",
    }
}
