//! The driver's turn for a hook: lets it run while it listens, and puts what came of it on record. Holds no lock
//! meanwhile; what was not put on record is done again by the next driver.

use agent_runner_model::hook::{HookPhase, HookReport, HookSpec, HookVerdict, Mutations};
use agent_runner_model::manifest::Urgency;
use agent_runner_model::phase::HookRef;
use agent_runner_model::step::hook_spec;
use agent_runner_model::{DriverFact, Fact, Gate, Manifest, Observation, RunId, Step, apply, next_step};
use agent_runner_store::{failpoint, repo_bucket};
use agent_runner_supervisor::{Marker, StopRequest, end_leftovers, marker_values};
use serde_json::Value;
use tokio::sync::watch;

use super::control::Control;
use super::outbox::Log;
use super::settle::marker;
use super::turn::ask;
use super::work::{Driver, Flow, Trouble};
use crate::compose;
use crate::environment::ATTEMPT_MARKER;
use crate::hooks::{Host, Moment, Ran, end_orphans};
use crate::place::Places;
use crate::words::last_bytes;

/// Most bytes of a worker's standard error that a hook is told.
const MAX_COMPLAINTS: usize = 64 * 1024;

/// What hooks of a run's driver carry. The next driver knows it without having been told.
fn hook_marker(manifest: &Manifest, epoch: u64) -> Marker {
    marker(&format!("{}{epoch}", beginning(&manifest.spec.run_id)))
}

fn beginning(run_id: &RunId) -> String {
    format!("hook-{run_id}-")
}

/// What processes carry that hooks of a run's drivers have left, up to that driver. One that was killed at once has not
/// cleared up after those before it.
pub(crate) fn earlier_hooks(run_id: &RunId, newest: u64) -> Vec<Marker> {
    let beginning = beginning(run_id);
    let epoch = |value: &str| value.strip_prefix(&beginning)?.parse::<u64>().ok();
    let values = marker_values(ATTEMPT_MARKER);
    values
        .iter()
        .filter(|value| epoch(value).is_some_and(|epoch| epoch <= newest))
        .map(|v| marker(v))
        .collect()
}

/// Why a hook was asked to end.
enum Stopping {
    Abort,
    Leave(String),
    Trouble(Trouble),
}

impl<S: Places + 'static> Driver<S> {
    pub(super) async fn hook(&mut self, hook: HookRef) -> Result<Flow, Trouble> {
        self.end_earlier_hooks().await;
        self.commit().await?;
        let manifest = self.manifest.clone();
        let observation = Observation { gate: Gate::Open, ..Observation::default() };
        let is_next = next_step(&manifest, &observation, self.engine.now()) == Step::RunHook(hook);
        let Some(spec) = hook_spec(&manifest, hook).filter(|_| is_next).cloned() else {
            return Ok(Flow::Again);
        };
        failpoint::hit("driver.hook_begins");
        let (ran, stopping) = self.run_and_listen(&manifest, &spec).await;
        failpoint::hit("driver.hook_ran");
        match (ran, stopping) {
            (_, Some(Stopping::Trouble(trouble))) => Err(trouble),
            // What it has come to counts, even if somebody wanted it to end at the same moment.
            (Ran::Done(report, _hold), stopping) => {
                self.reload().await?;
                let report = Box::new(self.acceptable(hook, *report));
                self.fact(DriverFact::HookEnded { hook, report });
                self.commit().await?;
                failpoint::hit("driver.hook_committed");
                self.after_stop(stopping).await
            }
            (Ran::Stopped, stopping) => self.after_stop(stopping).await,
        }
    }

    async fn after_stop(&mut self, stopping: Option<Stopping>) -> Result<Flow, Trouble> {
        match stopping {
            None | Some(Stopping::Abort) => Ok(Flow::Again),
            Some(Stopping::Leave(why)) => Ok(if self.leave(why).await? { Flow::Leave } else { Flow::Again }),
            Some(Stopping::Trouble(trouble)) => Err(trouble),
        }
    }

    /// Processes of a hook whose driver was killed go before the hook has another turn.
    async fn end_earlier_hooks(&mut self) {
        if self.ended_earlier_hooks {
            return;
        }
        self.ended_earlier_hooks = true;
        end_orphans(&self.run_id).await;
        if let Some(before) = self.epoch.0.checked_sub(1).filter(|_| self.took_active) {
            let grace = std::time::Duration::from_secs(u64::from(self.manifest.spec.stop_grace_sec));
            let mut ended = Vec::new();
            for left in earlier_hooks(&self.run_id, before) {
                ended.extend(end_leftovers(&left, None, grace).await);
            }
            if !ended.is_empty() {
                self.say.words(&format!("{} processes of an earlier hook were ended", ended.len()));
            }
        }
    }

    async fn run_and_listen(
        &mut self,
        manifest: &Manifest,
        spec: &HookSpec,
    ) -> (Ran<S::Hold>, Option<Stopping>) {
        let engine = std::sync::Arc::clone(&self.engine);
        let (stop, requests) = watch::channel(StopRequest::None);
        let host = Host {
            environment: self.environment.clone(),
            marker: hook_marker(manifest, self.epoch.0),
            is_worker: false,
            stop: requests,
        };
        let transcript = self.transcript(manifest, spec.phase).await;
        let moment = Moment {
            manifest,
            workspace_dir: self.place(),
            hook: spec,
            config: Value::Null,
            prompt: self.prompt_words(manifest, spec.phase),
            transcript,
            stderr: self.complaints(manifest, spec.phase).await,
            judged: None,
        };
        let running = engine.run_hook(moment, host);
        tokio::pin!(running);
        let mut stopping = None;
        loop {
            tokio::select! {
                ran = &mut running => return (ran, stopping),
                Some(control) = self.control.recv() => {
                    self.heard_in_hook(control, spec.phase, &stop, &mut stopping).await;
                }
            }
        }
    }

    async fn heard_in_hook(
        &mut self,
        control: Control,
        phase: HookPhase,
        stop: &watch::Sender<StopRequest>,
        stopping: &mut Option<Stopping>,
    ) {
        match control {
            Control::Abort { urgency, by } => {
                self.request_abort(by, urgency);
                self.recorded_in_hook(stop, stopping).await;
                self.abort_hook(urgency, phase, stop, stopping);
            }
            Control::Leave { why } => {
                // A request in the manifest and a signal is how a run is aborted when nobody listens.
                let fresh = self.engine.store.snapshot(&self.run_id).await;
                match fresh.ok().and_then(|manifest| manifest.state.abort_request) {
                    Some(request) => self.abort_hook(request.urgency, phase, stop, stopping),
                    None => {
                        stopping.get_or_insert(Stopping::Leave(why));
                        ask(stop, StopRequest::Graceful);
                    }
                }
            }
            Control::StarterLost { detail } => {
                self.fact(DriverFact::StarterLost { detail });
                self.recorded_in_hook(stop, stopping).await;
            }
            Control::Changed => {
                self.wake.signal();
                let fresh = self.engine.store.snapshot(&self.run_id).await;
                if let Some(request) = fresh.ok().and_then(|manifest| manifest.state.abort_request) {
                    self.abort_hook(request.urgency, phase, stop, stopping);
                }
            }
        }
    }

    /// The hooks at the end of a run have their turn when it is aborted, too, unless somebody is in a hurry.
    fn abort_hook(
        &self,
        urgency: Urgency,
        phase: HookPhase,
        stop: &watch::Sender<StopRequest>,
        stopping: &mut Option<Stopping>,
    ) {
        let request = match (urgency, phase) {
            (Urgency::AtOnce, _) => StopRequest::Now,
            (Urgency::Graceful, HookPhase::AfterExit) => return,
            (
                Urgency::Graceful,
                HookPhase::Prepare
                | HookPhase::BeforeAttempt
                | HookPhase::AfterAttempt
                | HookPhase::TaskTransition,
            ) => StopRequest::Graceful,
        };
        stopping.get_or_insert(Stopping::Abort);
        ask(stop, request);
    }

    async fn recorded_in_hook(&mut self, stop: &watch::Sender<StopRequest>, stopping: &mut Option<Stopping>) {
        if let Err(trouble) = self.commit().await {
            ask(stop, StopRequest::Graceful);
            *stopping = Some(Stopping::Trouble(trouble));
        }
    }

    /// What a hook wants, if the run takes it; otherwise the hook has failed, and says why.
    fn acceptable(&self, hook: HookRef, report: HookReport) -> HookReport {
        let fact = DriverFact::HookEnded { hook, report: Box::new(report.clone()) };
        let fact = Fact::Driver { epoch: self.epoch, fact };
        match apply(&self.manifest, &fact, self.engine.now()) {
            Ok(_) => report,
            Err(refusal) => HookReport {
                verdict: HookVerdict::Failed { detail: refusal.to_string() },
                mutations: Mutations::default(),
                spec: None,
                ..report
            },
        }
    }

    fn place(&self) -> String {
        self.engine.store.location(&self.run_id).unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the worker is about to be told, or what it was told.
    fn prompt_words(&self, manifest: &Manifest, phase: HookPhase) -> String {
        let remembers =
            self.engine.registry.get(&manifest.spec.backend).is_ok_and(|backend| backend.remembers());
        let kind = match phase {
            HookPhase::BeforeAttempt => {
                let mut ready = manifest.clone();
                ready.spec.hooks.retain(|hook| hook.phase != HookPhase::BeforeAttempt);
                match next_step(&ready, &Observation::default(), self.engine.now()) {
                    Step::StartAttempt { prompt } => Some(prompt),
                    _ => None,
                }
            }
            HookPhase::AfterAttempt | HookPhase::AfterExit => {
                manifest.state.attempt_records.last().map(|record| record.prompt)
            }
            HookPhase::Prepare | HookPhase::TaskTransition => None,
        };
        let places = compose::Places::new(&self.engine.config, repo_bucket);
        kind.map(|kind| compose::prompt(manifest, kind, remembers, &places)).unwrap_or_default()
    }

    /// The end of what the program of the last worker complained about.
    async fn complaints(&self, manifest: &Manifest, phase: HookPhase) -> Option<String> {
        match phase {
            HookPhase::AfterAttempt | HookPhase::AfterExit => {
                let number = manifest.state.attempt_records.last()?.attempt_number;
                let log = self.engine.store.get_blob(&self.run_id, &Log::Stderr.of_attempt(number)).await;
                let log = log.ok().flatten().unwrap_or_default();
                Some(last_bytes(&String::from_utf8_lossy(&log), MAX_COMPLAINTS).to_owned())
            }
            HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::TaskTransition => None,
        }
    }

    /// What the worker of the last attempt said.
    async fn transcript(&self, manifest: &Manifest, phase: HookPhase) -> Option<String> {
        match phase {
            HookPhase::AfterAttempt | HookPhase::AfterExit => {
                let number = manifest.state.attempt_records.last()?.attempt_number;
                self.engine.said_in(manifest, number).await
            }
            HookPhase::Prepare | HookPhase::BeforeAttempt | HookPhase::TaskTransition => None,
        }
    }
}
