//! A worker's turn: watches it, keeps what it says, and stops it when somebody asks.

use std::sync::Arc;
use std::time::Duration;

use agent_runner_backends::TurnReader;
use agent_runner_model::attempt::{AttemptEnd, LiveAttempt, TimeoutKind};
use agent_runner_model::budget::{self, BudgetKind};
use agent_runner_model::manifest::Urgency;
use agent_runner_model::usage::Usage;
use agent_runner_model::{DriverFact, EndReport, Manifest, Secrets};
use agent_runner_store::failpoint;
use agent_runner_supervisor::{Exit, Job, JobReport, Limits, StopReason, StopRequest};
use tokio::sync::watch;
use tokio::time::Instant;

use super::control::Control;
use super::keeping::Keeping;
use super::log::{Outlets, Output};
use super::outbox::outbox;
use super::settle::clear_prompt;
use super::work::{Driver, Flow, NAP, Trouble};
use crate::engine::Environment;
use crate::place::Places;
use crate::words::last_bytes;

/// The variable that asks for standard output as it is.
const CAPTURE_STDOUT: &str = "AGENT_RUNNER_CAPTURE_BACKEND_STDOUT";

/// Bytes of the end of its output that an attempt's record keeps.
const OUTPUT_TAIL: usize = 2048;

/// Comes when it is time to look; never, if there is no such time.
async fn due(look: Option<Instant>) {
    match look {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Why a worker was asked to stop.
enum Stopping {
    Abort,
    Budget(BudgetKind),
    Leave(String),
    Trouble(Trouble),
}

impl<S: Places + 'static> Driver<S> {
    /// Watches the worker to its end. With `trouble` it is stopped at once: an attempt that cannot be recorded
    /// must not go on.
    pub(super) async fn turn(
        &mut self,
        attempt: &LiveAttempt,
        job: Job,
        reader: Box<dyn TurnReader>,
        trouble: Option<Trouble>,
    ) -> Result<Flow, Trouble> {
        let spec = &self.manifest.spec;
        let limits = Limits {
            wall: Some(Duration::from_secs(u64::from(spec.timeout_sec))),
            idle: None,
            grace: Duration::from_secs(u64::from(spec.stop_grace_sec)),
        };
        let requested = self.manifest.state.abort_request.as_ref().map(|request| request.urgency);
        let (mut stopping, asked) = match (trouble, requested) {
            (Some(trouble), _) => (Some(Stopping::Trouble(trouble)), StopRequest::Graceful),
            (None, Some(urgency)) => (Some(Stopping::Abort), stop_request(urgency)),
            (None, None) => (None, StopRequest::None),
        };
        let (stop, stop_requests) = watch::channel(asked);
        let (inlet, mut kept) = outbox();
        let engine = Arc::clone(&self.engine);
        let mut output = Output::new(
            reader,
            Outlets {
                attempt_number: attempt.attempt_number,
                now: Box::new(move || engine.now()),
                live: self.live.clone(),
                kept: inlet,
                captures_stdout: captures_stdout(&self.environment),
                secrets: Secrets::of(&self.manifest.spec),
            },
        );
        let mut keeping = Keeping::of(attempt.attempt_number);
        let report = {
            let running = job.run(&limits, stop_requests, &mut output);
            tokio::pin!(running);
            // When to look whether the run's time is up.
            let mut look = self.next_look(&self.manifest);
            loop {
                // What was read is written before more is read: a flood must not pile up in memory.
                tokio::select! {
                    biased;
                    batch = kept.next() => {
                        let used = batch.usage;
                        let recorded = self.keep(&mut keeping, batch).await;
                        stop_on_trouble(recorded, &stop, &mut stopping);
                        self.measure(used, &stop, &mut stopping).await;
                    }
                    Some(control) = self.control.recv() => {
                        self.steer(control, &stop, &mut stopping).await;
                    }
                    () = due(look), if stopping.is_none() => {
                        // Somebody may have given it more time.
                        let fresh = self.engine.store.snapshot(&self.run_id).await;
                        let manifest = fresh.unwrap_or_else(|_| self.manifest.clone());
                        self.keep_within(&manifest, &stop, &mut stopping).await;
                        look = self.next_look(&manifest);
                    }
                    report = &mut running => break report,
                }
            }
        };
        failpoint::hit("driver.worker_exited");
        while let Some(batch) = kept.take() {
            let used = batch.usage;
            let recorded = self.keep(&mut keeping, batch).await;
            stop_on_trouble(recorded, &stop, &mut stopping);
            self.measure(used, &stop, &mut stopping).await;
        }
        self.close_logs(&mut keeping).await;
        failpoint::hit("driver.leftovers_ended");
        clear_prompt(self.engine.store.as_ref(), &self.manifest, attempt, &self.say).await;
        let secrets = Secrets::of(&self.manifest.spec);
        let mut report = end_report(&mut *output.reader, &report, stopping.as_ref(), &secrets);
        let (name, missing) = keeping.finish();
        report.events_missing = missing;
        if let Some(id) = name {
            self.fact(DriverFact::BackendSession { id });
        }
        self.fact(DriverFact::AttemptEnded { fence: attempt.fence, report });
        match stopping {
            None | Some(Stopping::Abort | Stopping::Budget(_)) => {
                // What comes next is decided by what the worker made of the tasks, not by what they were before.
                self.reload().await?;
                Ok(Flow::Again)
            }
            Some(Stopping::Leave(why)) => Ok(if self.leave(why).await? { Flow::Leave } else { Flow::Again }),
            Some(Stopping::Trouble(trouble)) => Err(trouble),
        }
    }

    async fn steer(
        &mut self,
        control: Control,
        stop: &watch::Sender<StopRequest>,
        stopping: &mut Option<Stopping>,
    ) {
        match control {
            Control::Abort { urgency, by } => {
                self.request_abort(by, urgency);
                self.commit_or_stop(stop, stopping).await;
                if !matches!(stopping, Some(Stopping::Trouble(_))) {
                    *stopping = Some(Stopping::Abort);
                }
                // Whoever asks again without hurry does not take the worker's time to leave from it.
                ask(stop, stop_request(urgency));
            }
            Control::Leave { why } => {
                // A request in the manifest and a signal is how a run is aborted when nobody listens.
                let wanted = match self.engine.store.snapshot(&self.run_id).await {
                    Ok(manifest) => manifest.state.abort_request.map(|request| request.urgency),
                    Err(_) => None,
                };
                match (&stopping, wanted) {
                    (Some(Stopping::Abort | Stopping::Trouble(_)), _) => {}
                    (Some(Stopping::Leave(_) | Stopping::Budget(_)) | None, Some(_)) => {
                        *stopping = Some(Stopping::Abort);
                    }
                    (Some(Stopping::Leave(_) | Stopping::Budget(_)) | None, None) => {
                        *stopping = Some(Stopping::Leave(why));
                    }
                }
                ask(stop, wanted.map_or(StopRequest::Graceful, stop_request));
            }
            Control::StarterLost { detail } => {
                self.fact(DriverFact::StarterLost { detail });
                self.commit_or_stop(stop, stopping).await;
            }
            Control::Changed => {
                self.wake.signal();
                // A request in the manifest counts, whatever way it came.
                let Ok(manifest) = self.engine.store.snapshot(&self.run_id).await else { return };
                if let Some(request) = &manifest.state.abort_request {
                    if matches!(stopping, None | Some(Stopping::Budget(_))) {
                        *stopping = Some(Stopping::Abort);
                    }
                    ask(stop, stop_request(request.urgency));
                }
                // A run it started may have been given the rest.
                self.keep_within(&manifest, stop, stopping).await;
            }
        }
    }

    /// Puts on record what the attempt has used so far, where that is limited: runs that the worker starts are told by it
    /// what is left for them.
    async fn measure(
        &mut self,
        used: Option<Usage>,
        stop: &watch::Sender<StopRequest>,
        stopping: &mut Option<Stopping>,
    ) {
        if let Some(usage) = used.filter(|_| !budget::ceilings(&self.manifest).is_empty())
            && let Some(fence) = self.manifest.live_attempt().map(|attempt| attempt.fence)
        {
            self.fact(DriverFact::AttemptUsed { fence, usage });
            self.commit_or_stop(stop, stopping).await;
            let manifest = self.manifest.clone();
            self.keep_within(&manifest, stop, stopping).await;
        }
    }

    /// Until when nobody has to look whether the run's time is up; nothing if it has no end.
    fn next_look(&self, manifest: &Manifest) -> Option<Instant> {
        Instant::now().checked_add(budget::time_left(manifest, self.engine.now())?.min(NAP))
    }

    /// Stops the worker when a ceiling is passed.
    async fn keep_within(
        &self,
        manifest: &Manifest,
        stop: &watch::Sender<StopRequest>,
        stopping: &mut Option<Stopping>,
    ) {
        if stopping.is_some() || budget::exceeded(manifest, self.engine.now()).is_none() {
            return;
        }
        // Nobody is stopped for what is set aside for runs that have ended.
        let really = match self.settle_own_account(manifest).await {
            true => self.engine.store.snapshot(&self.run_id).await.ok(),
            false => None,
        };
        let manifest = really.as_ref().unwrap_or(manifest);
        if let Some(over) = budget::exceeded(manifest, self.engine.now()) {
            *stopping = Some(Stopping::Budget(over));
            ask(stop, StopRequest::Graceful);
        }
    }

    /// Commits what is pending; if that is impossible, the worker is stopped before anything else is tried.
    async fn commit_or_stop(&mut self, stop: &watch::Sender<StopRequest>, stopping: &mut Option<Stopping>) {
        let committed = self.commit().await;
        stop_on_trouble(committed, stop, stopping);
    }
}

fn stop_on_trouble(
    done: Result<(), Trouble>,
    stop: &watch::Sender<StopRequest>,
    stopping: &mut Option<Stopping>,
) {
    if let Err(trouble) = done {
        ask(stop, StopRequest::Graceful);
        *stopping = Some(Stopping::Trouble(trouble));
    }
}

fn captures_stdout(environment: &Environment) -> bool {
    let value = environment.iter().find(|(name, _)| name == CAPTURE_STDOUT).map(|(_, value)| value);
    value.is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
}

fn stop_request(urgency: Urgency) -> StopRequest {
    match urgency {
        Urgency::Graceful => StopRequest::Graceful,
        Urgency::AtOnce => StopRequest::Now,
    }
}

/// Requests only grow.
pub(super) fn ask(stop: &watch::Sender<StopRequest>, request: StopRequest) {
    stop.send_if_modified(|current| {
        let grows = request > *current;
        if grows {
            *current = request;
        }
        grows
    });
}

fn end_report(
    reader: &mut dyn TurnReader,
    report: &JobReport,
    stopping: Option<&Stopping>,
    secrets: &Secrets,
) -> EndReport {
    let told = reader.finish(report.exit);
    let end = match (stopping, report.stop) {
        (Some(Stopping::Abort), _) => AttemptEnd::Aborted,
        // What it had ended by itself by then counts as that.
        (Some(Stopping::Budget(_)), None) => told.end,
        (Some(Stopping::Budget(over)), Some(_)) => AttemptEnd::OverBudget { over: *over },
        (Some(Stopping::Leave(_) | Stopping::Trouble(_)), _) => AttemptEnd::Interrupted,
        (None, Some(StopReason::Wall)) => AttemptEnd::TimedOut { limit: TimeoutKind::Wall },
        (None, Some(StopReason::Idle)) => AttemptEnd::TimedOut { limit: TimeoutKind::Idle },
        (None, Some(StopReason::Requested)) => AttemptEnd::Interrupted,
        (None, None) => told.end,
    };
    let (exit_code, signal) = match report.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
    };
    EndReport {
        // Others put these words among their own, and cut them: what must not be seen is taken out before.
        end: secrets.hide_end(end),
        exit_code,
        signal,
        output_tail: last_bytes(&secrets.hide(&told.output_tail), OUTPUT_TAIL).to_owned(),
        leftovers: u32::try_from(report.leftovers.len()).unwrap_or(u32::MAX),
        usage: told.usage,
        meter: told.meter,
        session_lost: told.session_lost,
        events_missing: None,
    }
}
