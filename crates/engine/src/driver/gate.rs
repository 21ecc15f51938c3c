//! What keeps a run from working that is not in its manifest: other runs in its directory. Sees to it that nobody works
//! there unannounced, and waits for those who do. Must not decide what comes of it: `next_step` does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_api::ErrorCode;
use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::Wait;
use agent_runner_model::{DriverFact, Gate, RunId};
use agent_runner_store::{Entry, Member, Takeover};
use tokio::task::JoinSet;

use super::control::Control;
use super::settle::settle;
use super::work::{Driver, Flow, Trouble};
use crate::admission::{member, root, words};
use crate::failure::chain;
use crate::place::Places;
use crate::talk;

/// How long nothing is looked at while those who are in the way can be heard leaving.
const SLOW: Duration = Duration::from_secs(5);
/// The same where they cannot: nobody listens in their name, or the one who left was not the last.
const SHORT: Duration = Duration::from_millis(500);

/// What a run works in, and who was in its way when it last looked.
pub(super) struct Surroundings<P> {
    /// The proof of working in the directory.
    place: Option<P>,
    /// The directory it is of.
    root: Option<PathBuf>,
    in_the_way: Vec<RunId>,
}

impl<P> Default for Surroundings<P> {
    fn default() -> Self {
        Self { place: None, root: None, in_the_way: Vec::new() }
    }
}

impl<P> Surroundings<P> {
    /// Lets others into the directory.
    pub(super) fn leave(&mut self) {
        self.place = None;
    }
}

impl<S: Places + 'static> Driver<S> {
    /// Whether work may begin. From the first time that it may, the directory is this run's until its driver is done:
    /// between attempts, too, because work that is half done is in it.
    pub(super) async fn gate(&mut self, preview: &Manifest) -> Result<Gate, Trouble> {
        self.surroundings.in_the_way.clear();
        // Work that has begun is not held up by a dependency that somebody takes up again.
        let has_begun = self.surroundings.place.is_some();
        let root = root(Path::new(&preview.spec.cwd));
        if has_begun && self.surroundings.root.as_ref() == Some(&root) {
            return Ok(Gate::Open);
        }
        // A hook may have sent it elsewhere.
        self.surroundings.leave();
        if !has_begun
            && preview.spec.waits_for_dependencies
            && let Some(detail) = self.engine.unsatisfied(preview).await.map_err(Trouble::Storage)?
        {
            return Ok(Gate::Dependencies { detail });
        }
        let member = member(&preview.spec);
        let mut settled: Vec<RunId> = Vec::new();
        loop {
            let entry = self.engine.store.enter_workspace(&root, &member, &settled).await;
            match entry.map_err(Trouble::Storage)? {
                Entry::Entered(place) => {
                    self.surroundings.place = Some(place);
                    self.surroundings.root = Some(root);
                    return Ok(Gate::Open);
                }
                Entry::Busy(others) => return Ok(self.busy(&others, &root)),
                Entry::Abandoned(killed) => {
                    let (gone, left) = self.settle_killed(killed).await;
                    if !left.is_empty() {
                        return Ok(self.busy(&left, &root));
                    }
                    settled.extend(gone);
                }
            }
        }
    }

    fn busy(&mut self, others: &[Member], root: &Path) -> Gate {
        self.surroundings.in_the_way = others.iter().map(|other| other.run_id.clone()).collect();
        Gate::Busy { detail: words(others, root) }
    }

    /// Ends what killed runs left running in the directory. Says whose that was, and who is still seen to by somebody else.
    async fn settle_killed(&self, killed: Vec<Member>) -> (Vec<RunId>, Vec<Member>) {
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for member in killed {
            match settle(&self.engine, &member.run_id, Takeover::Never).await {
                Ok(_) => gone.push(member.run_id),
                Err(error) if error.code == ErrorCode::Busy => left.push(member),
                Err(error) if error.code == ErrorCode::NotFound => gone.push(member.run_id),
                Err(error) => {
                    // Nobody could ever work there again if this were waited for.
                    self.say.words(&format!("run {} cannot be recovered: {}", member.run_id, chain(&error)));
                    gone.push(member.run_id);
                }
            }
        }
        (gone, left)
    }

    /// Waits until what is in the way has changed. The wait is on record.
    pub(super) async fn wait_for_others(&mut self, wait: &Wait) -> Result<Flow, Trouble> {
        let mut hears = true;
        loop {
            let manifest = self.manifest.clone();
            let still = match self.gate(&manifest).await? {
                Gate::Dependencies { detail } | Gate::Busy { detail } => detail == wait.detail,
                Gate::Open => false,
            };
            if !still || self.is_out_of_time() {
                self.fact(DriverFact::WaitEnded);
                if self.manifest.session().is_some_and(|session| session.attempt_count == 0) {
                    // What the others did there is not this run's work.
                    self.look_around();
                }
                return Ok(Flow::Again);
            }
            let mut leaving = JoinSet::new();
            if hears {
                for run_id in &self.surroundings.in_the_way {
                    let socket = self.engine.socket(run_id);
                    leaving.spawn(async move { talk::until_gone(&socket).await });
                }
            }
            let patience = if hears { SLOW } else { SHORT };
            let patience = self.time_left().map_or(patience, |left| patience.min(left));
            let event = async {
                tokio::select! {
                    control = self.control.recv() => control,
                    Some(_) = leaving.join_next() => None,
                }
            };
            match tokio::time::timeout(patience, event).await {
                Err(_) => hears = true,
                // Whoever left was in the way, or nobody listened: looking again tells, after that only the clock.
                Ok(None) => hears = false,
                Ok(Some(control)) => {
                    if let Some(flow) = self.disturbed(control).await? {
                        return Ok(flow);
                    }
                }
            }
        }
    }

    /// What is said to a driver that waits for others; nothing if it goes on waiting.
    async fn disturbed(&mut self, control: Control) -> Result<Option<Flow>, Trouble> {
        match control {
            Control::Abort { by, urgency } => {
                self.request_abort(by, urgency);
                return Ok(Some(Flow::Again));
            }
            Control::Leave { why } => {
                return Ok(Some(if self.leave(why).await? { Flow::Leave } else { Flow::Again }));
            }
            Control::StarterLost { detail } => {
                self.fact(DriverFact::StarterLost { detail });
                self.commit().await?;
            }
            Control::Changed => {
                self.wake.signal();
                self.reload().await?;
                if self.manifest.state.abort_request.is_some() {
                    return Ok(Some(Flow::Again));
                }
                if self.manifest.state.next_cause.is_some() {
                    self.fact(DriverFact::WaitEnded);
                    return Ok(Some(Flow::Again));
                }
            }
        }
        Ok(None)
    }
}
