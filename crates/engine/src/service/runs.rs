//! Run operations: create, approve, resume, abort, look.

use agent_runner_api::operations::{
    AbortRun, CreateRun, GetBrief, GetRun, ReadRun, ReadyRun, ResumeRun, Start,
};
use agent_runner_api::view::{Brief, ListProblem, RunDetail, RunReading};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::manifest::{Departure, Dependency, Urgency};
use agent_runner_model::phase::{Cause, Phase};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{
    Author, ControlFact, Fact, Lease, Manifest, RunId, Secrets, TaskFact, apply_all, redacted,
};
use agent_runner_store::{NewRun, Problem, Seeds, StoreError, Takeover, failpoint, repo_bucket};
use agent_runner_supervisor::{EndSignal, Identity, signal_process};

use super::hints::what_to_do;
use crate::clock::random_text;
use crate::compose::{Composed, compose, new_task_id};
use crate::driver::settle;
use crate::engine::{Engine, seems_abandoned};
use crate::failure::{internal, refusal_error, store_error};
use crate::launch::LaunchRequest;
use crate::place::Places;
use crate::shares::Occasion;
use crate::talk::{self, Request, TalkError};

/// Letters and digits of a run id: 50 random bits, short enough to type.
const RUN_ID_LENGTH: usize = 10;
/// How often a taken id is tried again. Once is unlikely; more often means that something is broken.
const ID_TRIES: usize = 8;

impl<S: Places + 'static> Handle<CreateRun> for Engine<S> {
    async fn call(&self, request: CreateRun) -> Result<RunDetail, ApiError> {
        if let (Some(run), Start::Later) = (request.run_id.clone(), request.start) {
            return self.create_again(&run, request).await;
        }
        let library = self.library(request.caller_dir.clone());
        let lineage = self.lineage(&request).await?;
        let is_alone = request.after.is_empty() && !lineage.takes_a_share;
        let ancestors = self.ancestors(&lineage.ancestors).await?;
        let composed = compose(&request, &library, &self.registry, &self.config, &ancestors, repo_bucket)?
            .descending(lineage);
        let spec = composed.spec()?;
        self.check_measured(&spec.backend, &spec.budget.hard, spec.budget.on_unmeasured)?;
        self.require_worktree(&spec).await?;
        // Hooks may still send it elsewhere.
        if let (Start::Now { .. }, false) = (request.start, spec.needs_preparation()) {
            self.require_admission(&spec).await?;
        }
        let manifest = match is_alone {
            true => self.create(&composed, request.start).await?,
            false => self.create_among(&composed, &request).await?,
        };
        failpoint::hit("command.created");
        let manifest = match request.start {
            Start::Later => self.prepare(manifest).await?,
            Start::Now { .. } if manifest.spec.is_passive() => self.prepare(manifest).await?,
            Start::Now { .. } => manifest,
        };
        match (&manifest.state.phase, request.start) {
            (Phase::Active { .. }, Start::Now { on_orphan }) => {
                let run_id = manifest.spec.run_id.clone();
                self.launcher.launch(LaunchRequest { run_id, on_orphan, take_over: false }).await?;
            }
            (Phase::Initialized | Phase::Ready | Phase::Active { .. } | Phase::Ended { .. }, _) => {}
        }
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Has hooks prepare a run that was made, if there are any: by a driver, which lets go of it after that.
    pub(super) async fn prepare(&self, manifest: Manifest) -> Result<Manifest, ApiError> {
        if manifest.state.preparation.is_none() {
            return Ok(manifest);
        }
        let run_id = manifest.spec.run_id.clone();
        let manifest = self.commit(&run_id, &[Fact::Control(ControlFact::PreparationStarted)]).await?;
        failpoint::hit("command.preparing");
        self.launcher.launch(unattended(run_id, false)).await?;
        Ok(manifest)
    }

    async fn create(&self, composed: &Composed, start: Start) -> Result<Manifest, ApiError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let now = self.now();
            let text = random_text(RUN_ID_LENGTH).map_err(|error| internal(&error))?;
            let run_id = RunId::parse(&text).map_err(|error| internal(&error))?;
            let named = composed.named(run_id, now)?;
            let (mut manifest, mut events) = Manifest::new(named.spec, named.name);
            if let Some(group_id) = named.run_group_id {
                if Secrets::of(&manifest.spec).are_in(&group_id) {
                    let message = "the group's id holds a value that is shown to nobody";
                    return Err(ApiError::new(ErrorCode::Invalid, message).hint("choose another one"));
                }
                manifest.state.run_group_id = group_id;
            }
            // A run that is to start at once is created started: one commit, and no moment in between.
            if let (Start::Now { .. }, false) = (start, manifest.spec.is_passive()) {
                let fact =
                    Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
                let started =
                    apply_all(&manifest, &[fact], now).map_err(|refusal| refusal_error(&refusal))?;
                manifest = started.manifest;
                events.extend(started.events);
            }
            let seeds = Seeds { agent: named.agent_seed, assignment: named.assignment_seed };
            match self.store.create(NewRun { manifest, events, seeds }, now).await {
                Ok(manifest) => return Ok(manifest),
                Err(StoreError::Exists { .. }) if tries < ID_TRIES => {}
                Err(error) => return Err(store_error(&error)),
            }
        }
    }

    /// Creates a run that has to do with others. What it depends on, and what its parent sets aside for it, is committed
    /// together with its start; a run that is refused that goes again.
    async fn create_among(&self, composed: &Composed, request: &CreateRun) -> Result<Manifest, ApiError> {
        let facts = self.after(&request.after, &[])?;
        let created = self.create(composed, Start::Later).await?;
        let run_id = &created.spec.run_id;
        let committed = self.join(&created, request.start, facts).await;
        if committed.is_err() {
            let _ = self.store.delete(run_id, &|_| Ok(())).await;
        }
        committed.map_err(|error| match error.hint {
            Some(_) => error,
            None => error.hint("the run was not made; leave out --after, or name another run or group"),
        })
    }

    /// The facts of a run that is to wait for these as well as for what it has.
    pub(super) fn after(&self, runs: &[String], has: &[Dependency]) -> Result<Vec<Fact>, ApiError> {
        let mut all = has.to_vec();
        for run in runs {
            let dependency = Dependency::Run { run_id: self.resolve(run)? };
            if !all.contains(&dependency) {
                all.push(dependency);
            }
        }
        let added = all.into_iter().skip(has.len());
        Ok(added.map(|dependency| Fact::Control(ControlFact::DependencyAdded { dependency })).collect())
    }

    async fn join(
        &self,
        created: &Manifest,
        start: Start,
        mut facts: Vec<Fact>,
    ) -> Result<Manifest, ApiError> {
        if let (Start::Now { .. }, false) = (start, created.spec.is_passive()) {
            let cause = Cause::First;
            facts.push(Fact::Control(ControlFact::Started { cause, seen: None, on_limit: None }));
            return self.start(created, &facts, Occasion::New).await;
        }
        let run_id = &created.spec.run_id;
        self.commit_among(run_id, &facts).await.map_err(|error| what_to_do(error, run_id))
    }

    /// A run as the reply to a change of it. Who depends on it is not looked for: that takes a look at all runs.
    pub(crate) async fn detail(&self, manifest: &Manifest) -> Result<RunDetail, ApiError> {
        self.detail_among(manifest, false).await
    }

    /// A run, and with dependents those that depend on it.
    pub(super) async fn detail_among(
        &self,
        manifest: &Manifest,
        with_dependents: bool,
    ) -> Result<RunDetail, ApiError> {
        let (manifest, mut situation) = self.observe(manifest.clone()).await?;
        self.relate(&manifest, &mut situation, with_dependents).await?;
        Ok(RunDetail::new(&manifest, &situation))
    }

    pub(super) async fn look_at(&self, run_id: &RunId) -> Result<Manifest, ApiError> {
        self.store.snapshot(run_id).await.map_err(|error| store_error(&error))
    }

    /// A run is resumed only if nobody drives it, as far as can be told.
    async fn require_undriven(&self, manifest: &Manifest, take_over: bool) -> Result<(), ApiError> {
        let run_id = &manifest.spec.run_id;
        let (manifest, situation) = self.observe(manifest.clone()).await?;
        match (&manifest.state.phase, situation.lease) {
            (Phase::Active { .. }, Lease::Held) => Err(ApiError::new(
                ErrorCode::Busy,
                format!("run {run_id} is running"),
            )
            .hint(format!(
                "`agent-runner run attach {run_id}` watches it, `agent-runner run abort {run_id}` ends it, \
                     `agent-runner run queue-message {run_id} MESSAGE` leaves it a message"
            ))),
            (Phase::Active { .. }, Lease::Unknown) if !take_over => Err(ApiError::new(
                ErrorCode::Busy,
                format!("run {run_id} was last driven on another host or in another container"),
            )
            .hint("if that driver is certainly gone, repeat the command with --take-over")),
            (Phase::Active { .. } | Phase::Initialized | Phase::Ready | Phase::Ended { .. }, _) => Ok(()),
        }
    }

    /// Asks the driver to end the run: over its socket, and if that fails by a durable request and a signal.
    async fn ask_driver(&self, run_id: &RunId, request: &AbortRun) -> Result<(), ApiError> {
        let words = Request::Abort { urgency: urgency(request), by: request.by.clone() };
        match talk::ask(&self.socket(run_id), &words).await {
            Ok(_) => return Ok(()),
            Err(
                TalkError::Refused(_)
                | TalkError::Unreachable { .. }
                | TalkError::Silent
                | TalkError::Garbled { .. },
            ) => {}
        }
        let manifest = self.record_abort(run_id, request).await?;
        if !matches!(manifest.state.phase, Phase::Active { .. }) {
            return Ok(());
        }
        let driver = manifest.state.driver.as_ref().filter(|driver| {
            // Who has left may be anybody: a command that recovered the run, for one.
            driver.host == self.config.host && driver.departure == Departure::None
        });
        if let Some(driver) = driver {
            let identity = Identity { pid: driver.pid, pgid: driver.pid, start_time: driver.start_time };
            // A driver that left in the meantime needs no signal.
            let _ = signal_process(&identity, EndSignal::Terminate);
        }
        Ok(())
    }

    /// Puts the request into the manifest. A run that ended since it was looked at needs none.
    async fn record_abort(&self, run_id: &RunId, request: &AbortRun) -> Result<Manifest, ApiError> {
        match self.commit(run_id, &[abort_fact(request)]).await {
            Err(error) if error.code == ErrorCode::NotAllowed => self.look_at(run_id).await,
            recorded => recorded,
        }
    }
}

fn urgency(request: &AbortRun) -> Urgency {
    if request.at_once { Urgency::AtOnce } else { Urgency::Graceful }
}

fn abort_fact(request: &AbortRun) -> Fact {
    Fact::Control(ControlFact::AbortRequested { by: request.by.clone(), urgency: urgency(request) })
}

impl<S: Places + 'static> Handle<ReadyRun> for Engine<S> {
    async fn call(&self, request: ReadyRun) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let readied = self.commit(&run_id, &[Fact::Control(ControlFact::Readied)]).await;
        let manifest = readied.map_err(|error| what_to_do(error, &run_id))?;
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Handle<ResumeRun> for Engine<S> {
    async fn call(&self, request: ResumeRun) -> Result<RunDetail, ApiError> {
        self.resume(request, Vec::new()).await
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Goes on with a run. `facts` come first, in the same commit.
    pub(super) async fn resume(
        &self,
        request: ResumeRun,
        mut facts: Vec<Fact>,
    ) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        self.require_undriven(&manifest, request.take_over).await?;
        self.require_dependencies(&manifest).await?;
        self.require_admission(&manifest.spec).await?;
        let starts_ready = matches!(manifest.state.phase, Phase::Ready);
        if starts_ready && (request.message.is_some() || !request.add_tasks.is_empty()) {
            let why = "the handoff of a ready run is frozen: it takes neither a message nor tasks";
            return Err(ApiError::new(ErrorCode::NotAllowed, why)
                .hint("start it without them, and resume it with them later"));
        }
        let brings_something = request.message.is_some() || !request.add_tasks.is_empty();
        let changes_more = !facts.is_empty();
        // Its last end is told before the next one comes.
        self.after_end(&manifest, &|_| {}).await;
        facts.extend(tell_parent(&manifest, request.tell_parent));
        for title in request.add_tasks {
            let fact = TaskFact::Added { id: new_task_id()?, title, body: String::new() };
            facts.push(self.ask_hooks(manifest.clone(), Author::Person, &fact).await?);
        }
        let cause = if starts_ready { Cause::First } else { Cause::Continue { message: request.message } };
        facts.push(Fact::Control(ControlFact::Started {
            cause,
            seen: Some(manifest.state.epoch),
            on_limit: request.on_limit,
        }));
        let committed = self.start(&manifest, &facts, Occasion::GoesOn).await;
        let manifest = committed.map_err(|error| what_to_do(error, &run_id))?;
        let on_orphan = request.on_orphan;
        let launch = LaunchRequest { run_id: run_id.clone(), on_orphan, take_over: request.take_over };
        match self.launcher.launch(launch).await {
            Ok(()) => self.detail(&manifest).await,
            // What else was asked for has happened, and the run goes on, whoever drives it.
            Err(error) if error.code == ErrorCode::Busy && changes_more => {
                self.detail(&self.look_at(&run_id).await?).await
            }
            Err(error) if error.code == ErrorCode::Busy && brings_something => Err(error.hint(format!(
                "another command resumed it at the same moment; the message and the tasks of this one are kept in \
                 the run; `agent-runner run attach {run_id}` watches the run"
            ))),
            Err(error) => Err(error),
        }
    }
}

/// Whether the parent is told is decided by whoever starts a run. Going on with an interrupted one does not take back what
/// was promised.
fn tell_parent(manifest: &Manifest, tell: Option<bool>) -> Option<Fact> {
    let tell = tell.filter(|_| manifest.spec.parent_run_id.is_some())?;
    let goes_on = matches!(manifest.state.phase, Phase::Active { .. });
    (tell || !goes_on).then_some(Fact::Control(ControlFact::TellParent { tell }))
}

impl<S: Places + 'static> Handle<AbortRun> for Engine<S> {
    async fn call(&self, request: AbortRun) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let (manifest, situation) = self.observe(self.look_at(&run_id).await?).await?;
        if !matches!(manifest.state.phase, Phase::Active { .. }) {
            let status = manifest.status(false).as_str();
            return Err(ApiError::new(
                ErrorCode::NotAllowed,
                format!("run {run_id} is not running: it is {status}"),
            )
            .hint(format!(
                "there is nothing to end; `agent-runner run archive {run_id}` puts it away, \
                 `agent-runner run status {run_id}` shows how it stands"
            )));
        }
        match situation.lease {
            Lease::Held => self.ask_driver(&run_id, &request).await?,
            Lease::Free => {
                self.record_abort(&run_id, &request).await?;
                match settle(self, &run_id, Takeover::Never).await {
                    Ok(settled) => self.after_end(&settled.manifest, &|_| {}).await,
                    // Somebody else clears up at this moment, and finds the request.
                    Err(error) if error.code == ErrorCode::Busy => {}
                    Err(error) => return Err(error),
                }
            }
            Lease::Unknown => {
                // The driver, wherever it is, reads the request when it looks at the manifest next.
                self.record_abort(&run_id, &request).await?;
            }
        }
        let manifest = self.look_at(&run_id).await?;
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Handle<GetRun> for Engine<S> {
    async fn call(&self, request: GetRun) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        self.detail_among(&manifest, request.with_dependents).await
    }
}

impl<S: Places + 'static> Handle<ReadRun> for Engine<S> {
    async fn call(&self, request: ReadRun) -> Result<RunReading, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let read = || self.store.tail(&run_id, request.after, None);
        let mut tail = read().await.map_err(|error| store_error(&error))?;
        // As in `observe`, but with the events that belong to what is shown.
        let mut situation = loop {
            let situation = self.situation(&tail.manifest).await?;
            if !seems_abandoned(&tail.manifest, &situation) {
                break situation;
            }
            let again = read().await.map_err(|error| store_error(&error))?;
            if again.manifest.revision == tail.manifest.revision {
                break situation;
            }
            tail = again;
        };
        self.relate(&tail.manifest, &mut situation, false).await?;
        let mut events = tail.events;
        if let Some(limit) = request.limit {
            let keep = usize::try_from(limit).unwrap_or(usize::MAX);
            events.drain(..events.len().saturating_sub(keep));
        }
        let last_cursor = tail.manifest.last_cursor;
        Ok(RunReading { run: RunDetail::new(&tail.manifest, &situation), events, last_cursor })
    }
}

impl<S: Places + 'static> Handle<GetBrief> for Engine<S> {
    async fn call(&self, request: GetBrief) -> Result<Brief, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        let brief = redacted(&manifest).spec.brief.clone();
        Ok(Brief { run_id, brief })
    }
}

/// What could not be listed, as it is shown.
pub(super) fn problem(problem: Problem) -> ListProblem {
    ListProblem { path: problem.path.to_string_lossy().into_owned(), message: problem.message }
}

/// How a run is started when nobody is there to be lost.
pub(crate) fn unattended(run_id: RunId, take_over: bool) -> LaunchRequest {
    LaunchRequest { run_id, on_orphan: OrphanPolicy::Continue, take_over }
}
