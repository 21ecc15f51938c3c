//! What somebody is told of a run: words and variables for whoever passes them on. Must not tell anybody itself.

use std::ffi::OsString;

use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::{Outcome, Phase, Stage};
use agent_runner_model::redacted;

use crate::engine::Environment;

/// How the run ended, as `run status` says it.
const RUN_STATUS: &str = "AGENT_RUNNER_RUN_STATUS";
/// The exit code that goes with that.
const RUN_EXIT_CODE: &str = "AGENT_RUNNER_RUN_EXIT_CODE";
/// The run's display name; empty without one.
const RUN_NAME: &str = "AGENT_RUNNER_RUN_NAME";
/// The sentence a desktop notification shows.
const RUN_SUMMARY: &str = "AGENT_RUNNER_RUN_SUMMARY";

/// The program that shows notifications on a desktop: the one every Linux desktop has for this, or the one of macOS.
pub const DESKTOP_NOTIFIER: &str = if cfg!(target_os = "macos") { "osascript" } else { "notify-send" };

/// What somebody is told of a run.
pub(crate) struct Told {
    pub(crate) title: String,
    pub(crate) summary: String,
    status: &'static str,
    exit_code: String,
    name: String,
}

impl Told {
    /// The same as environment variables, with the words that a person reads.
    pub(crate) fn variables(&self, words: &str) -> Environment {
        let own: [(&str, &str); 4] = [
            (RUN_STATUS, self.status),
            (RUN_EXIT_CODE, &self.exit_code),
            (RUN_NAME, &self.name),
            (RUN_SUMMARY, words),
        ];
        own.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

/// What somebody is told of a run. One that is about to end is told as what it will have been.
pub(crate) fn told(manifest: &Manifest) -> Told {
    let mut shown = redacted(manifest).into_owned();
    if let Some(Stage::Closing { outcome, .. }) = shown.stage().cloned() {
        shown.state.phase = Phase::Ended { outcome };
    }
    Told {
        title: title(&shown),
        summary: summary(&shown),
        status: shown.status(false).as_str(),
        exit_code: shown.outcome().map(|outcome| outcome.exit_code().to_string()).unwrap_or_default(),
        name: shown.state.name.clone().unwrap_or_default().replace('\0', ""),
    }
}

/// What the notifier is called with. Texts are arguments, never code.
pub(crate) fn desktop(title: &str, summary: &str) -> Vec<OsString> {
    if cfg!(target_os = "macos") {
        let script =
            "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
        return [DESKTOP_NOTIFIER, "-e", script, title, summary].map(OsString::from).to_vec();
    }
    [DESKTOP_NOTIFIER, "--app-name=agent-runner", "--", title, summary].map(OsString::from).to_vec()
}

fn title(manifest: &Manifest) -> String {
    match &manifest.state.name {
        Some(name) => format!("{name} ({})", manifest.spec.run_id),
        None => format!("Run {}", manifest.spec.run_id),
    }
}

fn summary(manifest: &Manifest) -> String {
    let status = manifest.status(false).as_str();
    let tasks = match manifest.state.final_tasks.len() {
        0 => String::new(),
        total => format!(", {} of {total} tasks completed", manifest.tasks_completed()),
    };
    let why = match manifest.outcome() {
        Some(Outcome::Failed { failure }) => format!(": {}", failure.detail),
        Some(Outcome::Blocked { over: Some(over), .. }) => {
            format!(": the ceiling of {} is reached", over.as_str())
        }
        Some(Outcome::Blocked { by: Some(by), .. }) => format!(": hook {} objects: {}", by.by, by.detail),
        Some(Outcome::Blocked { tasks, over: None, by: None }) => {
            let ids: Vec<&str> = tasks.iter().map(|id| id.as_str()).collect();
            format!(": {} blocked", ids.join(", "))
        }
        Some(Outcome::Success | Outcome::Exhausted | Outcome::Aborted) | None => String::new(),
    };
    // Arguments and variables cannot hold a NUL; words that do are told without it.
    format!("{status}{tasks}{why}").replace('\0', "")
}
