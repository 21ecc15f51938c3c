//! One attempt: a fence and a marker are committed, then the worker is spawned, then its process is committed; so
//! a driver killed between any two leaves a trace of what to look for.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;

use agent_runner_backends::{Plan, PromptDelivery, TurnRequest};
use agent_runner_model::attempt::{AttemptEnd, LiveAttempt, Misconfiguration, ProcessRef};
use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::{PromptKind, Stage};
use agent_runner_model::usage::Usage;
use agent_runner_model::{DriverFact, EndReport, Secrets};
use agent_runner_store::{failpoint, repo_bucket};
use agent_runner_supervisor::{Job, Program, SpawnError};

use super::environment::worker_environment;
use super::settle::{clear_prompt, marker, prompt_file, seal_logs};
use super::work::{Driver, Flow, Trouble};
use crate::clock::random_text;
use crate::compose;
use crate::failure::chain;
use crate::place::Places;

/// Characters of an attempt's marker.
const MARKER_LENGTH: usize = 24;

impl<S: Places + 'static> Driver<S> {
    pub(super) async fn attempt(&mut self, preview: &Manifest, prompt: PromptKind) -> Result<Flow, Trouble> {
        let words = match self.engine.registry.get(&preview.spec.backend) {
            Ok(backend) => {
                let places = compose::Places::new(&self.engine.config, repo_bucket);
                let words = compose::prompt(preview, prompt, backend.remembers(), &places);
                words + &compose::budget_words(preview, self.engine.now())
            }
            // Planning the turn will say what is wrong with the backend.
            Err(_) => String::new(),
        };
        // A driver that was killed while it compressed left that to the next one.
        seal_logs(self.engine.store.as_ref(), &self.manifest, 0, &self.say).await;
        let value = random_text(MARKER_LENGTH).map_err(Trouble::Random)?;
        self.fact(DriverFact::AttemptStarting { marker: value.clone(), prompt });
        self.commit().await?;
        let attempt = match self.manifest.stage() {
            Some(Stage::Attempting { attempt }) if attempt.marker == value => attempt.clone(),
            // The run has changed since the step was decided.
            Some(_) | None => return Ok(Flow::Again),
        };
        failpoint::hit("driver.attempt_committed");
        let (job, plan) = match self.spawn(&attempt, words).await {
            Ok(spawned) => spawned,
            Err(report) => {
                clear_prompt(self.engine.store.as_ref(), &self.manifest, &attempt, &self.say).await;
                self.fact(DriverFact::AttemptEnded { fence: attempt.fence, report: *report });
                return Ok(Flow::Again);
            }
        };
        failpoint::hit("driver.spawned");
        let identity = job.identity();
        let here = self.holder();
        let process = ProcessRef {
            pid: identity.pid,
            pgid: identity.pgid,
            start_time: identity.start_time,
            boot_id: here.boot_id.clone(),
            pid_namespace: here.pid_namespace.clone(),
        };
        self.fact(DriverFact::AttemptSpawned { fence: attempt.fence, process });
        let recorded = self.commit().await;
        failpoint::hit("driver.spawn_committed");
        self.turn(&attempt, job, plan.reader, recorded.err()).await
    }

    /// Starts the worker. A worker that cannot be started is an attempt that ended.
    async fn spawn(&mut self, attempt: &LiveAttempt, words: String) -> Result<(Job, Plan), Box<EndReport>> {
        let spec = &self.manifest.spec;
        let name = prompt_file(attempt);
        let place = self.engine.store.location(&self.run_id).unwrap_or_default();
        let request = TurnRequest {
            run_id: self.run_id.clone(),
            name: self.manifest.state.name.clone(),
            cwd: PathBuf::from(&spec.cwd),
            prompt: words,
            prompt_file: place.join(&name),
            config: spec.backend_config.clone(),
            extra_args: spec.resolved_backend_args.clone(),
            model: spec.model.clone(),
            effort: spec.effort,
            unrestricted: spec.unrestricted,
            session_id: self.manifest.state.backend_session_id.clone(),
            own_program: self.engine.config.own_program.clone(),
            command: spec.command.clone(),
            has_tasks: !self.manifest.state.final_tasks.is_empty(),
            environment: self.environment.clone(),
            now: self.engine.now(),
        };
        let backend = self.engine.registry.get(&spec.backend);
        let plan = backend.and_then(|backend| backend.plan(&request)).map_err(|error| {
            not_started(AttemptEnd::Misconfigured {
                what: Misconfiguration::Configuration,
                detail: chain(&error),
            })
        })?;
        let told = match plan.delivery {
            // The worker reads it; it is put right when the attempt is over.
            PromptDelivery::File => Cow::Borrowed(request.prompt.as_str()),
            PromptDelivery::None | PromptDelivery::Stdin | PromptDelivery::Argument => {
                Secrets::of(spec).hide(&request.prompt)
            }
        };
        let written = self.engine.store.append_blob(&self.run_id, &name, told.as_bytes()).await;
        match (written, plan.delivery) {
            (Ok(()), _)
            | (Err(_), PromptDelivery::None | PromptDelivery::Stdin | PromptDelivery::Argument) => {}
            (Err(error), PromptDelivery::File) => {
                let detail = format!("the prompt's file could not be written: {}", chain(&error));
                return Err(not_started(AttemptEnd::Crashed { detail }));
            }
        }
        let mut env = worker_environment(
            &self.environment,
            &self.manifest,
            attempt.fence,
            &self.engine.config,
            &self.socket,
        );
        env.retain(|(name, _)| {
            !plan.env_remove.iter().any(|other| name == other)
                && !plan.env.iter().any(|(other, _)| name == other)
        });
        env.extend(plan.env.iter().cloned());
        let launcher = spec.launcher.argv.iter().map(OsString::from);
        let program = Program {
            argv: launcher.chain(plan.argv.iter().cloned()).collect(),
            env,
            cwd: request.cwd,
            stdin: plan.stdin.clone(),
            max_line: plan.max_line,
        };
        match Job::spawn(&program, &marker(&attempt.marker)) {
            Ok(job) => Ok((job, plan)),
            Err(error) => {
                let backend = self.engine.registry.get(&self.manifest.spec.backend);
                let hint = backend.map_or("install it", |backend| backend.missing_program_hint());
                Err(not_started(spawn_end(&error, hint)))
            }
        }
    }
}

/// Why a worker could not be started; `hint` is what the backend says of a program that is missing.
fn spawn_end(error: &SpawnError, hint: &str) -> AttemptEnd {
    let detail = chain(error);
    let misconfigured = |what, detail| AttemptEnd::Misconfigured { what, detail };
    match error {
        SpawnError::NotFound { .. } | SpawnError::NotExecutable { .. } => {
            misconfigured(Misconfiguration::BinaryMissing, format!("{detail}; {hint}"))
        }
        SpawnError::MissingDirectory { .. } => misconfigured(Misconfiguration::DirectoryMissing, detail),
        SpawnError::TooLarge { .. } => misconfigured(Misconfiguration::Configuration, detail),
        SpawnError::Failed { .. } => AttemptEnd::Crashed { detail },
    }
}

fn not_started(end: AttemptEnd) -> Box<EndReport> {
    Box::new(EndReport {
        end,
        exit_code: None,
        signal: None,
        output_tail: String::new(),
        leftovers: 0,
        usage: Usage::default(),
        meter: None,
        session_lost: false,
        events_missing: None,
    })
}
