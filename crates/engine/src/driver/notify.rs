//! Telling somebody that a run has ended: a desktop notification, or a command line of the user's. Must not change the
//! run: it is over, and nothing depends on whether anybody heard.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::Phase;
use agent_runner_model::redacted;
use agent_runner_model::spec::NotifySpec;
use agent_runner_supervisor::{Exit, Job, Limits, LineSink, MAX_LINE, Program, Source, Stdin, StopRequest};
use tokio::sync::watch;

use super::environment::NOT_INHERITED;
use super::ports::Say;
use super::settle::marker;
use super::work::Driver;
use crate::clock::random_text;
use crate::engine::Environment;
use crate::environment::{
    ATTEMPT_FENCE, COMMAND, CONFIG_DIR, CWD, DRIVER_SOCKET, RUN_GROUP_ID, RUN_ID, STATE_DIR, is_git_place,
};
use crate::failure::chain;
use crate::place::Places;
use crate::told::{Told, desktop, told};

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
        let told = told(&shown);
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
                && !is_git_place(name)
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
