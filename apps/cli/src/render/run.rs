//! How a run stands, and how it ended.

use std::time::Duration;

use agent_runner_api::view::RunDetail;
use agent_runner_model::phase::{RunStatus, Wait};
use agent_runner_model::schedule::{Schedule, ScheduleState};
use agent_runner_model::task::TaskStatus;

use super::clean::{clean, indent, one_line};
use super::family::{dependency_lines, dependency_state_words};
use super::fold::fold;
use super::last_words::last_words;
use super::next::{is_in_doubt, next_lines, over};
use super::span::{duration_words, wait_words};
use super::table::{fields, task_table};
use super::transfer::import_words;
use super::usage::{amount_words, totals_words};
use crate::wall::Wall;

/// Exit code when a driver died and its run waits to be resumed.
const INTERRUPTED: u8 = 4;
/// Lines of a task's notes that the end of a run repeats.
const NOTE_LINES: usize = 4;
/// Characters of a line of notes that the end of a run repeats.
const NOTE_WIDTH: usize = 160;

/// The exit code of a command that saw the run to this point.
pub(crate) fn exit_code(detail: &RunDetail) -> u8 {
    match (detail.exit_code, detail.summary.effective_status) {
        (Some(code), _) => code,
        (None, RunStatus::Interrupted) => INTERRUPTED,
        // It may be driven where nobody here can see it; that is not for this command to call a success.
        (None, RunStatus::Running) if is_in_doubt(detail) => INTERRUPTED,
        (None, _) => 0,
    }
}

/// A new run that was not started.
pub(crate) fn initialized(detail: &RunDetail, wall: &Wall, columns: Option<usize>) -> String {
    let run = &detail.summary.run_id;
    let mut text = format!(
        "Initialized run {run}: agent {}, backend {}, {} tasks, in {}\n",
        detail.summary.agent_name, detail.summary.backend, detail.summary.tasks_total, detail.summary.cwd
    );
    if !detail.runtime_vars.is_empty() {
        let values = detail.runtime_vars.iter().map(|(name, value)| format!("{name}={value}"));
        let values: Vec<String> = values.map(|value| one_line(&value, 80)).collect();
        text.push_str(&format!("Variables: {}\n", values.join(", ")));
    }
    if let Some(instructions) = &detail.caller_instructions {
        text.push_str(&format!("\n{}\n", instructions.trim_end()));
    }
    text.push('\n');
    fold(&clean(&text), columns) + &closing(detail, None, wall, columns)
}

/// The end of a watched run: the tasks, or without any what the worker said last, where the manifest is, what to do next.
/// Folded for a screen of so many columns, or not.
pub(crate) fn closing(
    detail: &RunDetail,
    words: Option<&str>,
    wall: &Wall,
    columns: Option<usize>,
) -> String {
    let summary = &detail.summary;
    let run = &summary.run_id;
    let mut text = task_table(&detail.tasks);
    for task in &detail.tasks {
        let shown = matches!(task.status, TaskStatus::Blocked) || (task.status.is_open() && is_over(detail));
        if shown && !task.notes.trim().is_empty() {
            text.push_str(&format!(
                "\n{}, end of its notes:\n{}\n",
                task.id,
                indent(&end_of_notes(&task.notes))
            ));
        }
    }
    if !detail.tasks.is_empty() {
        text.push('\n');
    }
    if let Some(words) = words {
        text.push_str(&format!("{}\n", last_words(detail, words)));
    }
    let status = summary.effective_status.as_str();
    let attempts = match summary.total_attempt_count {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    };
    let took = elapsed(detail).map(|took| format!(" in {}", duration_words(took))).unwrap_or_default();
    text.push_str(&format!(
        "Run {run}: {status} ({} of {} tasks completed, {attempts}{took})\n",
        summary.tasks_completed, summary.tasks_total
    ));
    if let Some(wait) = current_wait(detail) {
        text.push_str(&format!("Waiting: {}\n", one_line(&wait_words(wait, wall), 400)));
    }
    if !summary.usage.usage.is_unknown() {
        text.push_str(&format!("Used: {}\n", totals_words(&summary.usage)));
    }
    if let Some(over) = over(detail) {
        text.push_str(&format!("Why: the ceiling of `{}` is reached\n", over.as_str()));
    }
    if let Some(by) = &detail.blocked_by {
        text.push_str(&format!("Why: hook {} objects: {}\n", by.by, one_line(&by.detail, 400)));
    }
    if let Some(failure) = &detail.failure {
        text.push_str(&format!("Why: {}\nWhat to do: {}\n", one_line(&failure.detail, 400), failure.hint));
    }
    if let Some(tail) = last_output(detail) {
        text.push_str(&format!("The worker's last output:\n{}\n", indent(&tail)));
    }
    match detail.queued_resume_messages.len() {
        0 => {}
        1 => text.push_str("1 message waits for the next session.\n"),
        count => text.push_str(&format!("{count} messages wait for the next session.\n")),
    }
    text.push_str(&format!("Manifest: {}/run.json\n", detail.workspace_dir));
    fold(&clean(&text), columns) + &clean(&next_lines(detail, columns))
}

/// When it was to start by itself, and that nothing does that here.
fn schedule_words(schedule: &Schedule, state: ScheduleState) -> String {
    let recurs = schedule.recurrence.as_ref().map(|recurrence| {
        let on = if recurrence.continue_on_failure { ", also after a failure" } else { "" };
        format!("; {} ({}), {}{on}", recurrence.expression, recurrence.timezone, recurrence.mode.as_str())
    });
    let words = format!("{} ({}){}", schedule.run_at, state.as_str(), recurs.unwrap_or_default());
    format!("{}; kept, but this version starts nothing by itself", one_line(&words, 300))
}

/// What the run waits for. A driver that is gone waits for nothing.
fn current_wait(detail: &RunDetail) -> Option<&Wait> {
    let wait = detail.summary.wait.as_ref()?;
    matches!(detail.summary.effective_status, RunStatus::Running).then_some(wait)
}

fn is_over(detail: &RunDetail) -> bool {
    match detail.summary.effective_status {
        RunStatus::Initialized | RunStatus::Ready | RunStatus::Running => false,
        RunStatus::Interrupted
        | RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted
        | RunStatus::Error => true,
    }
}

fn end_of_notes(notes: &str) -> String {
    let lines: Vec<&str> = notes.lines().filter(|line| !line.trim().is_empty()).collect();
    let start = lines.len().saturating_sub(NOTE_LINES);
    lines[start..].iter().map(|line| one_line(line, NOTE_WIDTH)).collect::<Vec<_>>().join("\n")
}

/// A failed worker's last words say more than its exit code.
fn last_output(detail: &RunDetail) -> Option<String> {
    match detail.summary.effective_status {
        RunStatus::Error => {}
        RunStatus::Initialized
        | RunStatus::Ready
        | RunStatus::Running
        | RunStatus::Interrupted
        | RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted => return None,
    }
    let tail = detail.attempts.last().map(|attempt| attempt.output_tail.trim())?;
    (!tail.is_empty()).then(|| end_of_notes(tail))
}

/// How a run stands.
pub(crate) fn run_status(detail: &RunDetail, wall: &Wall, columns: Option<usize>) -> String {
    let summary = &detail.summary;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let mut pairs = vec![
        ("Run", summary.run_id.to_string()),
        ("Status", summary.effective_status.as_str().to_owned()),
        ("Tasks", format!("{} of {} completed", summary.tasks_completed, summary.tasks_total)),
        ("Name", or_none(&summary.name)),
        ("Agent", summary.agent_name.clone()),
        ("Assignment", or_none(&summary.assignment_name)),
        ("Backend", summary.backend.clone()),
        ("Directory", summary.cwd.clone()),
        ("Attempts", attempt_words(detail)),
        ("Created", summary.created_at.to_string()),
    ];
    if let Some(ended) = summary.ended_at {
        pairs.push(("Ended", ended.to_string()));
    }
    if let Some(wait) = current_wait(detail) {
        pairs.push(("Waiting", wait_words(wait, wall)));
    }
    if summary.total_attempt_count > 0 {
        pairs.push(("Used", totals_words(&summary.usage)));
    }
    if let Some(by) = &detail.blocked_by {
        pairs.push(("Why", format!("hook {} objects: {}", by.by, by.detail)));
    }
    if let Some(failure) = &detail.failure {
        pairs.push(("Why", failure.detail.clone()));
        pairs.push(("What to do", failure.hint.clone()));
    }
    if let Some(code) = detail.exit_code {
        pairs.push(("Exit code", code.to_string()));
    }
    if let Some(schedule) = &detail.schedule {
        pairs.push(("Schedule", schedule_words(schedule, detail.schedule_state)));
    }
    if detail.execution_environment.is_some() {
        pairs.push(("Container", "wanted; this version has none, and does not start the run".to_owned()));
    }
    match detail.queued_resume_messages.len() {
        0 => {}
        1 => pairs.push(("Messages", "1 waits for the next session".to_owned())),
        count => pairs.push(("Messages", format!("{count} wait for the next session"))),
    }
    if let Some(parent) = &summary.parent_run_id {
        pairs.push(("Parent", parent.to_string()));
    }
    if summary.run_group_id != summary.run_id.as_str() {
        pairs.push(("Group", summary.run_group_id.clone()));
    }
    if let Some(budget) = &detail.budget {
        pairs.push(("Budget", amount_words(&budget.ceilings)));
        pairs.push(("Left", amount_words(&budget.remaining)));
    }
    if summary.dependency_state.total > 0 {
        pairs.push(("Depends", dependency_state_words(&summary.dependency_state)));
    }
    if let Some(from) = &detail.imported {
        pairs.push(("Imported", import_words(from)));
    }
    pairs.push(("Manifest", format!("{}/run.json", detail.workspace_dir)));
    let mut text = fields(&pairs, columns);
    if !detail.dependencies.is_empty() {
        text.push_str(&format!("\nDepends on\n{}", dependency_lines(&detail.dependencies)));
    }
    let dependents = detail.dependents.as_deref().unwrap_or_default();
    if !dependents.is_empty() {
        text.push_str("\nWaited for by\n");
    }
    for dependent in dependents {
        text.push_str(&format!("  run {}: {}\n", dependent.run_id, dependent.effective_status.as_str()));
    }
    if !detail.tasks.is_empty() {
        text.push('\n');
        text.push_str(&fold(&task_table(&detail.tasks), columns));
    }
    let next = next_lines(detail, columns);
    if !next.is_empty() {
        text.push('\n');
    }
    clean(&(text + &next))
}

fn attempt_words(detail: &RunDetail) -> String {
    match &detail.last_session {
        None => "none".to_owned(),
        Some(session) => format!(
            "{} in all; {} of {} counted in session {}",
            detail.summary.total_attempt_count,
            session.attempts_spent,
            session.max_attempts_per_session,
            session.session_index
        ),
    }
}

/// How long a run has worked, or worked.
fn elapsed(detail: &RunDetail) -> Option<Duration> {
    let end = detail.summary.ended_at.unwrap_or(detail.summary.updated_at);
    Some(end.since(detail.summary.started_at?))
}
