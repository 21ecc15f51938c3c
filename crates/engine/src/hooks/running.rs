//! One hook's turn from beginning to end: it is told, started, bounded and understood. Must not commit anything.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use agent_runner_model::hook::{HookReport, HookVerdict, Mutations};
use agent_runner_model::spec::RunSpec;
use agent_runner_model::{Manifest, RunId, Secrets};
use agent_runner_supervisor::{Exit, Marker, Program, Stdin, StopRequest};
use tokio::sync::watch;

use super::answer::{self, Answer};
use super::builtin;
use super::context::{Moment, document_text, filled, filler};
use super::exchange::{MAX_OUTPUT, STDERR_TAIL, Said, SaidEnd, exchange};
use super::program::startable;
use crate::compose;
use crate::engine::{Engine, Environment};
use crate::environment::{
    ATTEMPT_FENCE, ATTEMPT_MARKER, CALL_DEPTH, COMMAND, CONFIG_DIR, CWD, DRIVER_SOCKET, HOOK_CHAIN,
    HOOK_PHASE, MAX_CALL_DEPTH, PARENT_RUN_ID, RUN_GROUP_ID, RUN_ID, STATE_DIR, is_git_place,
};
use crate::failure::chain;
use crate::place::Places;
use crate::words::last_bytes;

/// Who runs a hook, and on what terms.
pub(crate) struct Host {
    /// What the hook inherits.
    pub(crate) environment: Environment,
    /// What its processes carry.
    pub(crate) marker: Marker,
    /// Whether it still speaks for the attempt of the worker that called: then it keeps what proves that.
    pub(crate) is_worker: bool,
    /// Asks it to end.
    pub(crate) stop: watch::Receiver<StopRequest>,
}

/// What came of it.
pub(crate) enum Ran<H> {
    /// It has decided, or failed. Files it hands over are kept until the proof of that is dropped.
    Done(Box<HookReport>, Option<H>),
    /// Somebody wanted it to end before that.
    Stopped,
}

/// What a hook wanted, before it is checked.
pub(super) struct Wanted {
    pub(super) answer: Answer,
    /// A worktree it has made for the run.
    pub(super) worktree: Option<agent_runner_model::hook::Worktree>,
    pub(super) stderr: String,
    pub(super) source_changed: bool,
}

/// What that means for the run.
pub(super) struct Understood<H> {
    pub(super) verdict: HookVerdict,
    pub(super) mutations: Mutations,
    /// For a run that is being prepared: its spec from now on.
    pub(super) spec: Option<RunSpec>,
    pub(super) hold: Option<H>,
}

impl<H> Understood<H> {
    fn failed(detail: String) -> Self {
        let verdict = HookVerdict::Failed { detail };
        Self { verdict, mutations: Mutations::default(), spec: None, hold: None }
    }
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    Stopped,
    Failed { detail: String, stderr: String, source_changed: bool },
}

impl NoAnswer {
    pub(super) fn failed(detail: impl Into<String>) -> Self {
        Self::Failed { detail: detail.into(), stderr: String::new(), source_changed: false }
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Runs a hook. What it did to the world has happened; what it wants of the run is only reported.
    pub(crate) async fn run_hook(&self, mut moment: Moment<'_>, host: Host) -> Ran<S::Hold> {
        let began = Instant::now();
        let manifest = moment.manifest;
        let secrets = Secrets::of(&manifest.spec);
        let fill = filler(manifest, &compose::Places::new(&self.config, agent_runner_store::repo_bucket));
        moment.config = filled(&moment.hook.config, &fill);
        let wanted = match &moment.hook.source.builtin {
            Some(name) => builtin::run(self, name, &moment, &host).await,
            None => self.run_file(&moment, &host).await,
        };
        let outcome = match wanted {
            Ok(wanted) => {
                let (stderr, source_changed) = (wanted.stderr.clone(), wanted.source_changed);
                match self.understood(manifest, &moment, wanted).await {
                    Ok(understood) => (understood, stderr, source_changed),
                    Err(detail) => (Understood::failed(detail), stderr, source_changed),
                }
            }
            Err(NoAnswer::Stopped) => return Ran::Stopped,
            Err(NoAnswer::Failed { detail, stderr, source_changed }) => {
                (Understood::failed(detail), stderr, source_changed)
            }
        };
        let (Understood { verdict, mutations, spec, hold }, stderr, source_changed) = outcome;
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let stderr = last_bytes(&secrets.hide(&stderr), STDERR_TAIL).to_owned();
        let spec = spec.map(Box::new);
        let report = HookReport { verdict, mutations, spec, duration_ms, stderr, source_changed };
        Ran::Done(Box::new(report), hold)
    }

    async fn run_file(&self, moment: &Moment<'_>, host: &Host) -> Result<Wanted, NoAnswer> {
        let environment = self.hook_environment(moment, host);
        let place = self.config.runtime_dir.clone();
        let start = startable(moment.hook, &place, &environment, host).await;
        let start = start.map_err(NoAnswer::failed)?;
        let program = Program {
            argv: start.argv,
            env: environment,
            cwd: directory(moment.manifest)?,
            stdin: Stdin::Bytes(document_text(moment)),
            max_line: MAX_OUTPUT,
        };
        let said = self.converse(moment, host, &program).await?;
        let source_changed = start.source_changed;
        let stderr = said.stderr.clone();
        let answer = match said.end {
            SaidEnd::Exit(Exit::Code(0)) => {
                answer::read(moment.hook.phase, &said.stdout, &Secrets::of(&moment.manifest.spec))
            }
            SaidEnd::Exit(exit) => Err(ended_with(exit, &said)),
            SaidEnd::Deadline | SaidEnd::Flood | SaidEnd::Stopped => Err(String::new()),
        };
        match answer {
            Ok(answer) => Ok(Wanted { answer, worktree: None, stderr, source_changed }),
            Err(detail) => Err(NoAnswer::Failed { detail, stderr, source_changed }),
        }
    }

    /// Talks with a program on a hook's terms. What ends at a bound is a failure.
    pub(super) async fn converse(
        &self,
        moment: &Moment<'_>,
        host: &Host,
        program: &Program,
    ) -> Result<Said, NoAnswer> {
        let deadline = Duration::from_secs(u64::from(moment.hook.timeout_sec));
        let said = exchange(program, &host.marker, deadline, host.stop.clone()).await;
        let said =
            said.map_err(|error| NoAnswer::failed(format!("it cannot be started: {}", chain(&error))))?;
        let (seconds, stderr) = (moment.hook.timeout_sec, said.stderr.clone());
        let bound = match said.end {
            SaidEnd::Exit(_) => return Ok(said),
            SaidEnd::Stopped => return Err(NoAnswer::Stopped),
            SaidEnd::Deadline => {
                format!("it was stopped after {seconds} seconds; `timeoutSec` of the hook gives it more")
            }
            SaidEnd::Flood => {
                format!("it printed more than {} MiB and was stopped", MAX_OUTPUT / 1024 / 1024)
            }
        };
        Err(NoAnswer::Failed { detail: bound, stderr, source_changed: false })
    }

    /// What a hook inherits: what whoever runs it was given, without what is meant for workers, and where it is.
    pub(super) fn hook_environment(&self, moment: &Moment<'_>, host: &Host) -> Environment {
        let manifest = moment.manifest;
        let spec = &manifest.spec;
        let before = host.environment.iter().find(|(name, _)| name == HOOK_CHAIN);
        let link = chain_link(&spec.run_id, &moment.hook.hook_id);
        let chain = match before.and_then(|(_, value)| value.to_str()).filter(|value| !value.is_empty()) {
            Some(before) => format!("{before}\n{link}"),
            None => link,
        };
        let own: [(&str, std::ffi::OsString); 11] = [
            (RUN_ID, spec.run_id.as_str().into()),
            (PARENT_RUN_ID, spec.run_id.as_str().into()),
            (RUN_GROUP_ID, manifest.state.run_group_id.as_str().into()),
            (CALL_DEPTH, spec.call_depth.saturating_add(1).to_string().into()),
            (MAX_CALL_DEPTH, self.config.max_call_depth.to_string().into()),
            (CWD, spec.cwd.as_str().into()),
            (COMMAND, spec.command.as_str().into()),
            (STATE_DIR, self.config.state_dir.clone().into_os_string()),
            (CONFIG_DIR, self.config.config_dir.clone().into_os_string()),
            (HOOK_CHAIN, chain.into()),
            (HOOK_PHASE, moment.hook.phase.as_str().into()),
        ];
        // A hook is nobody's worker, unless a worker's command runs it.
        let workers: &[&str] =
            if host.is_worker { &[] } else { &[ATTEMPT_FENCE, ATTEMPT_MARKER, DRIVER_SOCKET] };
        let kept = host.environment.iter().filter(|(name, _)| {
            let named = |other: &str| name.as_os_str() == other;
            !workers.iter().any(|other| named(other))
                && !is_git_place(name)
                && !own.iter().any(|(other, _)| named(other))
        });
        let mut environment: Environment = kept.cloned().collect();
        environment.extend(own.into_iter().map(|(name, value)| (name.into(), value)));
        environment
    }
}

/// How a hook of a run is named in the chain of hooks.
pub(crate) fn chain_link(run_id: &RunId, hook_id: &str) -> String {
    format!("{run_id} {hook_id}")
}

/// Where a hook works. One that was written for the run's directory must not work in another one.
pub(super) fn directory(manifest: &Manifest) -> Result<PathBuf, NoAnswer> {
    let cwd = PathBuf::from(&manifest.spec.cwd);
    match cwd.is_dir() {
        true => Ok(cwd),
        false => Err(NoAnswer::failed(format!("the run's directory {} is not there", cwd.display()))),
    }
}

pub(super) fn ended_with(exit: Exit, said: &Said) -> String {
    let how = match exit {
        Exit::Code(code) => format!("it ended with exit code {code}"),
        Exit::Signal(signal) => format!("it was ended by signal {signal}"),
    };
    let last = said.stderr.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| how.clone(), |line| format!("{how}: {}", last_bytes(line.trim(), STDERR_TAIL)))
}
