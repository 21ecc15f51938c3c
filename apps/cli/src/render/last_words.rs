//! What a worker said last: in a run without tasks that is its result. Must not look anything up.

use agent_runner_api::view::RunDetail;
use agent_runner_model::phase::RunStatus;

use super::clean::indent;

/// Lines of it that are shown.
const LINES: usize = 60;
/// Characters of it that are shown.
const CHARACTERS: usize = 4000;

/// Whether a run has come to something that only its worker's words tell.
pub(crate) fn is_told_in_words(detail: &RunDetail) -> bool {
    match detail.summary.effective_status {
        RunStatus::Success | RunStatus::Exhausted | RunStatus::Aborted => {
            detail.tasks.is_empty() && !detail.is_passive()
        }
        // What is shown of a failure is the end of all output.
        RunStatus::Error
        | RunStatus::Blocked
        | RunStatus::Interrupted
        | RunStatus::Running
        | RunStatus::Ready
        | RunStatus::Initialized => false,
    }
}

/// Whether a backend's worker is a program that prints lines, and not a model that gives an answer.
pub(super) fn prints_lines(backend: &str) -> bool {
    matches!(backend, "shell" | "command")
}

/// The words, as far as they have room. An answer begins with what matters, and a program's output ends with it.
pub(super) fn last_words(detail: &RunDetail, words: &str) -> String {
    let words = words.trim();
    let all = words.lines().count();
    let lines = match prints_lines(&detail.summary.backend) {
        true => words.lines().skip(all.saturating_sub(LINES)).collect::<Vec<_>>(),
        false => words.lines().take(LINES).collect(),
    }
    .join("\n");
    let characters = lines.chars().count();
    let shown: String = match prints_lines(&detail.summary.backend) {
        true => lines.chars().skip(characters.saturating_sub(CHARACTERS)).collect(),
        false => lines.chars().take(CHARACTERS).collect(),
    };
    let is_whole = all <= LINES && characters <= CHARACTERS;
    let which = match (is_whole, prints_lines(&detail.summary.backend)) {
        (true, _) => "The worker's last words:",
        (false, true) => "The end of the worker's last words:",
        (false, false) => "The beginning of the worker's last words:",
    };
    format!("{which}\n{}\n", indent(&shown))
}
