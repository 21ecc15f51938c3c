//! What a worker is told at the start of each attempt.

use std::fmt::Write as _;

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, EndClass};
use agent_runner_model::budget::{self, BudgetKind};
use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::PromptKind;
use agent_runner_model::task::{Task, TaskStatus};

use super::fill::{Places, known_values};
use super::render::{Values, render};

/// What is said when a run is resumed without words.
const GO_ON: &str = "Look at the task list and go on with what is still open.";
/// Characters of a task's newest note that a prompt repeats.
const NOTE_WIDTH: usize = 200;

/// The words for an attempt. A worker that does not remember the turns before is told everything again.
pub(crate) fn prompt(manifest: &Manifest, kind: PromptKind, remembers: bool, places: &Places) -> String {
    let follow_up = match (&manifest.state.next_prompt, kind) {
        // A hook's words take the place of all others.
        (Some(words), PromptKind::Brief) => return words.clone(),
        (Some(words), _) => format!("{}\n", words.trim_end()),
        (None, _) => follow_up(manifest, kind, places),
    };
    if kind == PromptKind::Brief {
        return follow_up;
    }
    // A conversation that never began cannot be gone on with, whatever the backend could remember.
    let goes_on = remembers && manifest.state.backend_session_id.is_some();
    let again = match kind {
        // They are in the prompt itself, or in the brief.
        PromptKind::Brief | PromptKind::Message => None,
        PromptKind::Nudge
        | PromptKind::AfterTimeout
        | PromptKind::AfterCrash
        | PromptKind::AfterInterrupt => words_to_repeat(manifest, goes_on),
    };
    let again = again.map_or_else(String::new, |words| format!("# Message\n\n{}\n\n", words.trim()));
    if goes_on {
        format!("{again}{follow_up}")
    } else {
        format!("{}\n{again}{follow_up}", manifest.spec.brief)
    }
}

/// What is said by the kind of the prompt: in the assignment's words, if it has some.
fn follow_up(manifest: &Manifest, kind: PromptKind, places: &Places) -> String {
    if let Some(words) = manifest.spec.template.prompts.get(&kind) {
        // At once, so that no value is looked through for names of the other kind.
        let values = known_values(manifest, places).into_iter().chain(prompt_values(manifest)).collect();
        return format!("{}\n", render(words, &values).trim_end());
    }
    match kind {
        PromptKind::Brief => manifest.spec.brief.clone(),
        PromptKind::Message => message(manifest),
        PromptKind::Nudge => open_work(manifest, &["Your turn ended, but the work is not done.".to_owned()]),
        PromptKind::AfterTimeout => {
            let limit = manifest.spec.timeout_sec;
            open_work(manifest, &[format!(
                "Your last turn was stopped because its time ran out ({limit} seconds). Work in smaller steps and \
                 report each task as soon as its state changes."
            )])
        }
        PromptKind::AfterCrash => open_work(manifest, &[format!("Your last turn failed: {}.", last_detail(manifest))]),
        PromptKind::AfterInterrupt => open_work(manifest, &[
            "Your last turn was cut off in the middle by something outside of it. What it had begun may be half \
             done: look before you go on."
                .to_owned(),
        ]),
    }
}

/// What the keys of an assignment's own prompts stand for, besides those that all texts have. A variable of such a name is
/// not meant here.
fn prompt_values(manifest: &Manifest) -> Values {
    let open: Vec<&Task> = manifest.open_tasks().collect();
    let rejection = manifest.state.rejection.as_ref();
    let own = [
        ("open_tasks", open_list(&open).trim_end().to_owned()),
        ("open_count", open.len().to_string()),
        ("total_count", manifest.state.final_tasks.len().to_string()),
        ("completed_count", manifest.tasks_completed().to_string()),
        ("detail", last_detail(manifest)),
        ("objection", rejection.map(|rejection| rejection.detail.clone()).unwrap_or_default()),
        ("timeout_sec", manifest.spec.timeout_sec.to_string()),
    ];
    own.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What the session was opened with, if the worker may not know it: it begins anew, or no turn of the session has ended
/// in a way that shows that the words were taken up.
fn words_to_repeat(manifest: &Manifest, goes_on: bool) -> Option<String> {
    let session = manifest.session()?;
    let words = session.message.clone()?;
    let turns = manifest.state.attempt_records.iter();
    let heard =
        turns.filter(|record| record.session_index == session.session_index).any(|record| {
            match record.end.class() {
                EndClass::Reported | EndClass::TimedOut => true,
                EndClass::Crashed
                | EndClass::ProtocolError
                | EndClass::Overloaded
                | EndClass::Network
                | EndClass::Limited
                | EndClass::Misconfigured
                | EndClass::OverBudget
                | EndClass::Interrupted
                | EndClass::Aborted => false,
            }
        });
    (!goes_on || !heard).then_some(words)
}

/// What is left of a budget that is nearly used up; nothing while there is plenty.
pub(crate) fn budget_words(manifest: &Manifest, now: Timestamp) -> String {
    let left: Vec<String> = budget::nearly_reached(manifest, now)
        .into_iter()
        .map(|(kind, left)| match kind {
            BudgetKind::WallClock => format!("{left} seconds"),
            BudgetKind::Tokens => format!("{left} tokens"),
            BudgetKind::CostUsd => budget::dollars(left),
            // This one is among them.
            BudgetKind::Attempts if left <= 1 => "no attempt after this one".to_owned(),
            BudgetKind::Attempts if left == 2 => "1 attempt after this one".to_owned(),
            BudgetKind::Attempts => format!("{} attempts after this one", left - 1),
            BudgetKind::Turns if left == 1 => "1 turn".to_owned(),
            BudgetKind::Turns => format!("{left} turns"),
        })
        .collect();
    if left.is_empty() {
        return String::new();
    }
    format!(
        "\nThis run's budget is nearly used up; what is left: {}. It is stopped at the end of it. Do what matters most \
         first, and report each task as soon as its state changes.\n",
        left.join(", ")
    )
}

fn message(manifest: &Manifest) -> String {
    let words = manifest.session().and_then(|session| session.message.clone());
    let blocked = manifest.count(TaskStatus::Blocked) > 0;
    match words {
        // Words for a blocked run are an answer to it; a list of tasks in front of them would hide the answer.
        Some(words) if blocked => format!("{words}\n"),
        Some(words) if manifest.open_tasks().next().is_none() => format!("{words}\n"),
        Some(words) => open_work(manifest, &[words]),
        None => open_work(manifest, &[GO_ON.to_owned()]),
    }
}

fn last_detail(manifest: &Manifest) -> String {
    manifest
        .state
        .attempt_records
        .last()
        .map(|record| &record.end)
        .map(AttemptEnd::detail)
        .unwrap_or_default()
}

fn open_work(manifest: &Manifest, opening: &[String]) -> String {
    let mut text = opening.join("\n\n");
    text.push('\n');
    if let Some(rejection) = &manifest.state.rejection {
        let _ = write!(text, "\n`{}` objects: {}\n", rejection.by, rejection.detail);
    }
    let open: Vec<&Task> = manifest.open_tasks().collect();
    if open.is_empty() {
        return text;
    }
    let total = manifest.state.final_tasks.len();
    let _ = write!(text, "\n{} of {total} tasks are still open:\n\n", open.len());
    text.push_str(&open_list(&open));
    let (command, run) = (&manifest.spec.command, &manifest.spec.run_id);
    let _ = write!(
        text,
        "\nDo each of them now and report it: `{command} task set {run} <task-id> --status completed`, or \
         `--status blocked --notes \"what is missing\"` if it cannot be done. `{command} task show {run} <task-id>` \
         shows what a task asks for.\n"
    );
    text
}

/// The open tasks, one a line, with what is wrong with each.
fn open_list(open: &[&Task]) -> String {
    let mut text = String::new();
    for task in open {
        let wrong = match task.status {
            TaskStatus::Pending if task.notes.is_empty() => "pending: nothing was reported for it",
            TaskStatus::Pending => "pending: it has notes, but was not completed",
            TaskStatus::InProgress => "in progress: it was begun, but neither completed nor blocked",
            TaskStatus::Completed | TaskStatus::Blocked => task.status.as_str(),
        };
        let _ = writeln!(text, "- `{}` {} ({wrong})", task.id, task.title);
        if let Some(note) = newest_note(task) {
            let _ = writeln!(text, "  newest note: {note}");
        }
    }
    text
}

fn newest_note(task: &Task) -> Option<String> {
    let line = task.notes.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().take(NOTE_WIDTH).collect())
}
