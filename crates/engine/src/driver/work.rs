//! The driver's loop: ask for the next step, carry it out, commit what came of it. Facts that need no effect in
//! between are committed together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_runner_model::manifest::{Departure, Manifest, Urgency};
use agent_runner_model::phase::{Failure, FailureKind, Outcome, Phase, Stage, Wait, WaitReason};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{
    Applied, ControlFact, DriverFact, Epoch, Fact, Observation, Refusal, RunId, Secrets, Step, apply_all,
    budget, next_step,
};
use agent_runner_store::{
    AcquireError, CommitError, Holder, OwnerLease as _, StoreError, Takeover, failpoint,
};
use tokio::sync::{broadcast, mpsc};

use super::control::Control;
use super::environment::names;
use super::gate::Surroundings;
use super::listen::{Listening, Talk, serve};
use super::ports::{Ports, Say, Signal, Wake, hold_leash};
use super::settle::{
    LEASE_PATIENCE, clear_prompt, copy_records, driver_ref, end_attempt, interrupted, seal_logs,
};
use crate::engine::{Engine, Environment};
use crate::failure::chain;
use crate::place::Places;
use crate::talk::LiveEvent;
use crate::workspace::git_head;

/// Longest sleep without a look at the clock on the wall, which goes on while the machine sleeps.
pub(super) const NAP: Duration = Duration::from_secs(30);
/// How often the world may contradict a decision before the driver concludes that it is the one who is wrong.
const MAX_REFUSALS: u32 = 100;
/// Events of the worker that may pile up before a slow watcher misses some.
const LIVE_BACKLOG: usize = 128;
/// Things from outside that may pile up while the driver is busy committing.
const CONTROL_BACKLOG: usize = 64;

/// What a driver is started for.
pub struct DriveRequest {
    /// The run.
    pub run_id: RunId,
    /// What its workers inherit.
    pub environment: Environment,
    /// What happens when the command that started the run is killed outright.
    pub on_orphan: OrphanPolicy,
    /// Take the run over even if nobody here can tell whether its driver lives.
    pub take_over: bool,
}

/// Why a driver could not do its work. The run is not lost: another driver can go on.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// Somebody else drives it.
    #[error("cannot drive run {run_id}")]
    Acquire {
        /// The run.
        run_id: RunId,
        /// Why.
        #[source]
        source: AcquireError,
    },
    /// The manifest cannot be read.
    #[error("cannot read run {run_id}")]
    Read {
        /// The run.
        run_id: RunId,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The last commit did not succeed.
    #[error("cannot record how run {run_id} ended")]
    LastWord {
        /// The run.
        run_id: RunId,
        /// Why.
        #[source]
        source: CommitError,
    },
    /// Another driver took over.
    #[error("another driver has taken over run {0}")]
    Replaced(RunId),
    /// There is no randomness to be had.
    #[error("cannot make up a marker")]
    Random(#[source] getrandom::Error),
}

/// Why a commit did not succeed.
pub(super) enum Trouble {
    /// Another driver took over.
    Replaced,
    /// The disk refused.
    Storage(StoreError),
    /// The run would not have it, again and again.
    Confused(Refusal),
    /// There is no randomness to be had.
    Random(getrandom::Error),
}

/// Whether the loop goes on.
pub(super) enum Flow {
    Again,
    Leave,
}

pub(super) struct Driver<S: Places> {
    pub(super) engine: Arc<Engine<S>>,
    pub(super) run_id: RunId,
    pub(super) owner: S::Owner,
    pub(super) epoch: Epoch,
    pub(super) environment: Environment,
    pub(super) wake: Wake,
    pub(super) say: Say,
    pub(super) control: mpsc::Receiver<Control>,
    pub(super) live: broadcast::Sender<LiveEvent>,
    pub(super) socket: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) pending: Vec<Fact>,
    pub(super) surroundings: Surroundings<S::Place>,
    refusals: u32,
    /// Whether what hooks of an earlier driver left running was looked for.
    pub(super) ended_earlier_hooks: bool,
    /// Whether the run was active when this driver took it.
    pub(super) took_active: bool,
}

/// Drives a run until it ends, is left to a later driver, or cannot be driven.
pub async fn drive<S: Places + 'static>(
    engine: Arc<Engine<S>>,
    request: DriveRequest,
    ports: Ports,
) -> Result<(), DriveError> {
    let run_id = request.run_id.clone();
    let takeover = if request.take_over { Takeover::Unknown } else { Takeover::Never };
    let wake = Wake::new(ports.wake);
    let owner = match engine.store.acquire_owner(&run_id, LEASE_PATIENCE, takeover).await {
        Ok(owner) => owner,
        Err(source) => {
            if matches!(source, AcquireError::Held { .. }) {
                wake.say_busy();
            }
            return Err(DriveError::Acquire { run_id, source });
        }
    };
    failpoint::hit("driver.took_lease");
    let read = engine.store.snapshot(&run_id).await;
    let manifest = read.map_err(|source| DriveError::Read { run_id: run_id.clone(), source })?;
    let (control_sender, control) = mpsc::channel(CONTROL_BACKLOG);
    if let Some(leash) = ports.leash {
        tokio::spawn(hold_leash(leash, request.on_orphan, control_sender.clone()));
    }
    tokio::spawn(forward_signals(ports.signals, control_sender.clone()));
    let (live, _) = broadcast::channel(LIVE_BACKLOG);
    let socket = engine.socket(&run_id);
    // The sender stays here, so that the receiving end never finds itself alone.
    let talk = Talk { run_id: run_id.clone(), control: control_sender, live: live.clone() };
    let say = Say::new(ports.say, Secrets::of(&manifest.spec));
    let listening = listen(&engine, &socket, talk.clone(), &say);
    // The starter may talk to this driver as soon as it hears of it.
    wake.signal();

    let took_active = matches!(manifest.state.phase, Phase::Active { .. });
    let driver = driver_ref(owner.holder());
    let epoch = Epoch(manifest.state.epoch.0.saturating_add(1));
    // What an earlier driver of this run died over. It has to be said before there is something newer to say.
    if let Err(error) = engine.deliver_notice(&manifest).await {
        say.words(&format!("the parent run was not told of an earlier end: {}", chain(&error)));
    }
    let around = Arc::clone(&engine);
    let mut driver = Driver {
        engine,
        run_id,
        owner,
        epoch,
        environment: request.environment,
        wake,
        say: say.clone(),
        control,
        live,
        socket,
        manifest,
        pending: vec![Fact::Driver { epoch, fact: DriverFact::Took { driver } }],
        surroundings: Surroundings::default(),
        refusals: 0,
        ended_earlier_hooks: false,
        took_active,
    };
    let result = driver.work().await;
    let notification = driver.notification();
    let left = driver.manifest.clone();
    // Those who wait for the directory wait for the socket to close: it must be theirs by then.
    driver.surroundings.leave();
    drop(listening);
    drop(talk);
    // The lease is free before anybody is told: who is told may go on with the run at once.
    drop(driver);
    around.after_end(&left, &|text| say.words(text)).await;
    if let Some(notification) = notification {
        notification.send(&say).await;
    }
    result
}

/// A driver that cannot listen still drives: aborts reach it by the manifest and a signal.
fn listen<S: Places + 'static>(
    engine: &Arc<Engine<S>>,
    socket: &Path,
    talk: Talk,
    say: &Say,
) -> Option<Listening> {
    match serve(engine, socket, talk) {
        Ok(listening) => Some(listening),
        Err(error) => {
            say.words(&format!("cannot listen on {}: {error}", socket.display()));
            None
        }
    }
}

async fn forward_signals(mut signals: mpsc::Receiver<Signal>, control: mpsc::Sender<Control>) {
    while let Some(Signal::Terminate) = signals.recv().await {
        let why = "the driver was told to terminate".to_owned();
        if control.send(Control::Leave { why }).await.is_err() {
            return;
        }
    }
}

impl<S: Places + 'static> Driver<S> {
    async fn work(&mut self) -> Result<(), DriveError> {
        if !self.took_active {
            return Ok(());
        }
        loop {
            match self.step().await {
                Ok(Flow::Again) => {}
                Ok(Flow::Leave) => return Ok(()),
                Err(Trouble::Replaced) => return Err(DriveError::Replaced(self.run_id.clone())),
                Err(Trouble::Random(source)) => return Err(DriveError::Random(source)),
                Err(Trouble::Storage(error)) => {
                    let hint = if error.is_full() { "free some space" } else { "see to the state directory" };
                    let detail = format!("the run could not be recorded: {}", chain(&error));
                    return self.last_word(detail, &format!("{hint}, then resume the run")).await;
                }
                Err(Trouble::Confused(refusal)) => {
                    let detail = format!("the driver and the run disagree: {refusal}");
                    return self
                        .last_word(detail, "report this with the run's audit, then resume the run")
                        .await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Flow, Trouble> {
        while let Ok(control) = self.control.try_recv() {
            match control {
                Control::Abort { by, urgency } => self.request_abort(by, urgency),
                Control::Leave { why } => {
                    if self.leave(why).await? {
                        return Ok(Flow::Leave);
                    }
                }
                Control::StarterLost { detail } => self.fact(DriverFact::StarterLost { detail }),
                Control::Changed => self.wake.signal(),
            }
        }
        let preview = match apply_all(&self.manifest, &self.pending, self.engine.now()) {
            Ok(Applied { manifest, .. }) => manifest,
            Err(refusal) => {
                self.contradicted(refusal)?;
                self.reload().await?;
                return Ok(Flow::Again);
            }
        };
        let mut step = next_step(&preview, &Observation::default(), self.engine.now());
        if step.begins_work() {
            let gate = self.gate(&preview).await?;
            step = next_step(&preview, &Observation { gate, ..Observation::default() }, self.engine.now());
        }
        match step {
            Step::OpenSession(cause) => {
                let environment = names(&self.environment);
                self.fact(DriverFact::SessionOpened { cause, environment });
                self.look_around();
            }
            Step::StartAttempt { prompt } => return self.attempt(&preview, prompt).await,
            Step::Recover(attempt) => {
                let ended = end_attempt(&attempt, self.owner.holder(), &preview).await;
                clear_prompt(self.engine.store.as_ref(), &preview, &attempt, &self.say).await;
                let report = interrupted(ended.len());
                self.fact(DriverFact::AttemptEnded { fence: attempt.fence, report });
            }
            Step::Wait(wait) => return self.wait(&preview, wait).await,
            Step::Finish(Outcome::Blocked { over: Some(_), .. })
                if self.settle_own_account(&preview).await =>
            {
                self.reload().await?;
            }
            Step::Finish(outcome) => {
                if outcome == Outcome::Aborted {
                    self.put_aside(&preview).await;
                }
                self.look_around();
                self.fact(DriverFact::Finished { outcome });
                self.commit().await?;
            }
            Step::RunHook(hook) => return self.hook(hook).await,
            Step::Verify { .. } => {
                let failure = Failure {
                    kind: FailureKind::Unsupported,
                    detail: "the run asks for checks, which this version cannot run".to_owned(),
                    hint: "resume it with the version that created it".to_owned(),
                };
                self.look_around();
                self.fact(DriverFact::Finished { outcome: Outcome::Failed { failure } });
                self.commit().await?;
            }
            Step::Watch(_) | Step::External | Step::Rest => {
                self.commit().await?;
                failpoint::hit("driver.finished");
                return Ok(Flow::Leave);
            }
        }
        Ok(Flow::Again)
    }

    /// Gives back what runs it started no longer hold of its budget, before that is taken for a reached ceiling. Says
    /// whether it did.
    pub(super) async fn settle_own_account(&self, manifest: &Manifest) -> bool {
        if !manifest.state.budget.has_open_entries() {
            return false;
        }
        match self.engine.settle_account(&self.run_id).await {
            Ok(changed) => changed,
            Err(error) => {
                self.say
                    .words(&format!("what is set aside of the budget was not settled: {}", chain(&error)));
                false
            }
        }
    }

    /// Whether a run that waits has no time left for it.
    pub(super) fn is_out_of_time(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// How long the run may still be active.
    pub(super) fn time_left(&self) -> Option<Duration> {
        budget::time_left(&self.manifest, self.engine.now())
    }

    pub(super) fn holder(&self) -> &Holder {
        self.owner.holder()
    }

    pub(super) fn fact(&mut self, fact: DriverFact) {
        self.pending.push(Fact::Driver { epoch: self.epoch, fact });
    }

    /// Puts what is checked out on record beside what comes next, in the same commit.
    pub(super) fn look_around(&mut self) {
        let head = git_head(Path::new(&self.manifest.spec.cwd));
        self.fact(DriverFact::WorkspaceSeen { head });
    }

    pub(super) fn request_abort(&mut self, by: String, urgency: Urgency) {
        self.pending.push(Fact::Control(ControlFact::AbortRequested { by, urgency }));
    }

    /// Commits what is pending. What the run refuses, because it has changed meanwhile, is dropped from the end:
    /// later facts are judgements that rest on earlier ones.
    pub(super) async fn commit(&mut self) -> Result<(), Trouble> {
        while !self.pending.is_empty() {
            let now = self.engine.now();
            match self.engine.store.commit(&self.run_id, &self.pending, now).await {
                Ok(manifest) => {
                    let recorded = self.manifest.state.attempt_records.len();
                    self.manifest = manifest;
                    self.pending.clear();
                    self.refusals = 0;
                    self.wake.signal();
                    copy_records(self.engine.store.as_ref(), &self.manifest, recorded, &self.say).await;
                    seal_logs(self.engine.store.as_ref(), &self.manifest, recorded, &self.say).await;
                    return Ok(());
                }
                Err(CommitError::Refused(Refusal::StaleDriver)) => return Err(Trouble::Replaced),
                Err(CommitError::Refused(refusal)) => self.contradicted(refusal)?,
                Err(CommitError::Store(error)) => return Err(Trouble::Storage(error)),
            }
        }
        self.reload().await
    }

    fn contradicted(&mut self, refusal: Refusal) -> Result<(), Trouble> {
        self.pending.pop();
        self.refusals += 1;
        if self.refusals > MAX_REFUSALS {
            return Err(Trouble::Confused(refusal));
        }
        Ok(())
    }

    pub(super) async fn reload(&mut self) -> Result<(), Trouble> {
        self.manifest = self.engine.store.snapshot(&self.run_id).await.map_err(Trouble::Storage)?;
        Ok(())
    }

    /// Leaves the run to a later driver, unless somebody wants it ended: then there is work left to do.
    pub(super) async fn leave(&mut self, why: String) -> Result<bool, Trouble> {
        self.commit().await?;
        self.fact(DriverFact::Left { why });
        // Refused while somebody wants the run to end; then nothing but that refusal is dropped.
        self.commit().await?;
        let left =
            self.manifest.state.driver.as_ref().map(|driver| driver.departure) == Some(Departure::Left);
        Ok(left)
    }

    async fn wait(&mut self, preview: &Manifest, wait: Wait) -> Result<Flow, Trouble> {
        if !matches!(preview.stage(), Some(Stage::Waiting { .. })) {
            self.fact(DriverFact::WaitStarted { wait: wait.clone() });
        }
        self.commit().await?;
        let Some(Stage::Waiting { .. }) = self.manifest.stage() else { return Ok(Flow::Again) };
        match wait.why {
            WaitReason::Dependencies | WaitReason::Admission => return self.wait_for_others(&wait).await,
            WaitReason::Limit | WaitReason::Backoff | WaitReason::Approval | WaitReason::Schedule => {}
        }
        // A clock on the wall that is set back must not make the wait longer, and one that goes on while the machine
        // sleeps may make it shorter.
        let whole = wait.until.map(|until| until.since(self.engine.now()));
        let began = tokio::time::Instant::now();
        loop {
            let left = wait.until.map(|until| until.since(self.engine.now()));
            let left = left.zip(whole).map(|(left, whole)| left.min(whole.saturating_sub(began.elapsed())));
            if left.is_some_and(|left| left.is_zero()) || self.is_out_of_time() {
                self.fact(DriverFact::WaitEnded);
                return Ok(Flow::Again);
            }
            let nap = [left, self.time_left()].into_iter().flatten().fold(NAP, Duration::min);
            let control = tokio::select! {
                () = tokio::time::sleep(nap) => None,
                control = self.control.recv() => control,
            };
            match control {
                None => {}
                Some(Control::Abort { by, urgency }) => {
                    self.request_abort(by, urgency);
                    return Ok(Flow::Again);
                }
                Some(Control::Leave { why }) => {
                    return Ok(if self.leave(why).await? { Flow::Leave } else { Flow::Again });
                }
                Some(Control::StarterLost { detail }) => {
                    self.fact(DriverFact::StarterLost { detail });
                    self.commit().await?;
                }
                Some(Control::Changed) => {
                    self.wake.signal();
                    self.reload().await?;
                    if self.manifest.state.abort_request.is_some() {
                        return Ok(Flow::Again);
                    }
                    if wait.until_changed {
                        self.fact(DriverFact::WaitEnded);
                        return Ok(Flow::Again);
                    }
                }
            }
        }
    }
}
