//! Telling somebody that a run has ended: a desktop notification, or a command line of the user's. Must not change the
//! run: it is over, and nothing depends on whether anybody heard.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::{Outcome, Phase, Stage};
use agent_runner_model::redacted;
use agent_runner_model::spec::NotifySpec;
use agent_runner_supervisor::{Exit, Job, Limits, LineSink, MAX_LINE, Program, Source, Stdin, StopRequest};
use tokio::sync::watch;

use super::environment::{
    ATTEMPT_FENCE, COMMAND, CONFIG_DIR, CWD, DRIVER_SOCKET, NOT_INHERITED, RUN_GROUP_ID, RUN_ID, STATE_DIR,
};
use super::ports::Say;
use super::settle::marker;
use super::work::Driver;
use crate::clock::random_text;
use crate::engine::Environment;
use crate::failure::chain;
use crate::place::Places;

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

/// How long a command may take to tell somebody.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to leave after that.
const GRACE: Duration = Duration::from_secs(2);
/// Lines of its output that are kept in the driver's log.
const MAX_LINES: usize = 50;
/// Characters of its marker.
const MARKER_LENGTH: usize = 24;

/// Something to be said, and how.
pub(super) struct Notification {
    argv: Vec<OsString>,
    env: Environment,
    cwd: PathBuf,
}

impl<S: Places + 'static> Driver<S> {
    /// What is to be said now that this driver has ended the run; nothing if it has not, or nobody wants to know.
    pub(super) fn notification(&self) -> Option<Notification> {
        let Phase::Ended { .. } = &self.manifest.state.phase else { return None };
        let wanted = self.manifest.spec.notify.as_ref().filter(|_| self.took_active)?;
        let shown = redacted(&self.manifest);
        let told = told_variables(&shown);
        let argv = match wanted {
            NotifySpec::Desktop => desktop(&told.title, &told.summary),
            NotifySpec::Command { line } => vec!["/bin/sh".into(), "-c".into(), line.into()],
        };
        let env = self.told_environment(&shown, &told);
        let cwd = PathBuf::from(&self.manifest.spec.cwd);
        // The directory may be gone; that must not keep anybody from hearing of the end.
        let cwd = if cwd.is_dir() { cwd } else { PathBuf::from("/") };
        Some(Notification { argv, env, cwd })
    }

    fn told_environment(&self, shown: &Manifest, told: &Told) -> Environment {
        let (spec, state) = (&shown.spec, &shown.state);
        let config = &self.engine.config;
        let own: [(&str, OsString); 6] = [
            (RUN_ID, spec.run_id.as_str().into()),
            (RUN_GROUP_ID, state.run_group_id.as_str().into()),
            (CWD, spec.cwd.as_str().into()),
            (COMMAND, spec.command.as_str().into()),
            (STATE_DIR, config.state_dir.clone().into_os_string()),
            (CONFIG_DIR, config.config_dir.clone().into_os_string()),
        ];
        let own = own.map(|(name, value)| (OsString::from(name), value));
        let own: Environment =
            own.into_iter().chain(told.variables(&format!("{}: {}", told.title, told.summary))).collect();
        // The command is nobody's worker, whoever started the run.
        let foreign = [ATTEMPT_FENCE, DRIVER_SOCKET];
        let kept = self.environment.iter().filter(|(name, _)| {
            let named = |other: &&str| name.as_os_str() == *other;
            !NOT_INHERITED.iter().any(named)
                && !foreign.iter().any(named)
                && !own.iter().any(|(other, _)| name == other)
        });
        kept.cloned().collect::<Environment>().into_iter().chain(own).collect()
    }
}

impl Notification {
    /// Says it, and waits until it is said or took too long. What goes wrong is only worth a line in the driver's log.
    pub(super) async fn send(self, say: &Say) {
        let Ok(mark) = random_text(MARKER_LENGTH) else { return };
        let program =
            Program { argv: self.argv, env: self.env, cwd: self.cwd, stdin: Stdin::Null, max_line: MAX_LINE };
        let job = match Job::spawn(&program, &marker(&mark)) {
            Ok(job) => job,
            Err(error) => {
                return say.words(&format!("nobody was told that the run has ended: {}", chain(&error)));
            }
        };
        let limits = Limits { wall: Some(DEADLINE), idle: None, grace: GRACE };
        // Nobody asks it to stop; the sender stays here so that nobody seems to.
        let (_stop, requests) = watch::channel(StopRequest::None);
        let report = job.run(&limits, requests, &mut Lines { say, left: MAX_LINES }).await;
        match (report.stop, report.exit) {
            (None, Exit::Code(0)) => {}
            (Some(_), _) => say.words(&format!(
                "the notification took more than {} seconds and was ended",
                DEADLINE.as_secs()
            )),
            (None, Exit::Code(code)) => say.words(&format!("the notification failed with exit code {code}")),
            (None, Exit::Signal(signal)) => {
                say.words(&format!("the notification was ended by signal {signal}"))
            }
        }
    }
}

/// Output of the command, for the driver's log.
struct Lines<'a> {
    say: &'a Say,
    left: usize,
}

impl LineSink for Lines<'_> {
    fn line(&mut self, _source: Source, line: &[u8], truncated: bool) {
        if self.left > 0 {
            self.left -= 1;
            self.say.line("notification", line, truncated);
        }
    }
}

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
pub(crate) fn told_variables(manifest: &Manifest) -> Told {
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
