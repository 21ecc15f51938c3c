//! What a run's end means to the runs around it: its parent is told, and whoever waits for it looks again. All of it may
//! be done once more by whoever comes later, with the same result. Must not decide how a run ends.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::manifest::ParentNotice;
use agent_runner_model::phase::{Cause, Outcome, Phase};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{ControlFact, Fact, Lease, Manifest, RunId, budget};
use agent_runner_store::failpoint;

use crate::engine::Engine;
use crate::failure::{chain, store_error};
use crate::launch::LaunchRequest;
use crate::place::Places;
use crate::shares::Occasion;

/// The end of a run that its parent has not been told of for certain.
pub(crate) fn pending_notice(child: &Manifest) -> Option<(&RunId, &ParentNotice)> {
    let notice = child.state.parent_notice.as_ref().filter(|notice| !notice.delivered)?;
    Some((child.spec.parent_run_id.as_ref()?, notice))
}

impl<S: Places + 'static> Engine<S> {
    /// Sees to everything around a run that has ended. What goes wrong is said; `recover` does it again.
    pub(crate) async fn after_end(&self, ended: &Manifest, say: &(dyn Fn(&str) + Sync)) {
        if !matches!(ended.state.phase, Phase::Ended { .. }) {
            return;
        }
        self.tell_dependents(ended).await;
        if let Err(error) = self.settle_share(ended).await {
            say(&format!("what the run used of its parent's budget was not settled: {}", chain(&error)));
        }
        if let Err(error) = self.deliver_notice(ended).await {
            say(&format!("the parent run was not told of the end: {}; `recover` tells it", chain(&error)));
        }
    }

    /// Tells a parent of the end of a run it started, if that was not done: the parent knows whether it has heard it, so
    /// it hears it once, whoever dies on the way and whoever else tells it at the same moment.
    pub(crate) async fn deliver_notice(&self, child: &Manifest) -> Result<bool, ApiError> {
        let Some((parent, notice)) = pending_notice(child) else { return Ok(false) };
        let run_id = &child.spec.run_id;
        failpoint::hit("driver.notice_pending");
        let (id, text) = (notice.id.clone(), notice.text.clone());
        let told = ControlFact::ChildEnded { notice: id.clone(), child: run_id.clone(), text };
        match self.commit(parent, &[Fact::Control(told)]).await {
            Ok(parent) => {
                failpoint::hit("driver.notice_told");
                self.wake_parent(&parent, &id).await?;
            }
            // Nobody is left to be told.
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
        failpoint::hit("driver.notice_acted");
        let delivered = ControlFact::NoticeDelivered { notice: id };
        self.commit(run_id, &[Fact::Control(delivered)]).await?;
        failpoint::hit("driver.notice_delivered");
        Ok(true)
    }

    /// Starts a parent that is not at work on the words it was told. One that is gets to them before it ends; one that
    /// was aborted, or could not work anyway, gets them when somebody resumes it.
    async fn wake_parent(&self, parent: &Manifest, notice: &str) -> Result<(), ApiError> {
        match &parent.state.phase {
            Phase::Initialized | Phase::Ready => Ok(()),
            Phase::Active { .. } => {
                let was_started_for_it = match &parent.state.next_cause {
                    Some(Cause::Queued { messages }) => messages.iter().any(|id| id == notice),
                    Some(
                        Cause::First
                        | Cause::Continue { .. }
                        | Cause::Reinvoked { .. }
                        | Cause::Fired
                        | Cause::Rejected { .. }
                        | Cause::Fallback,
                    )
                    | None => false,
                };
                // Whoever started it may have died before there was a driver.
                let (_, situation) = self.observe(parent.clone()).await?;
                if was_started_for_it && situation.lease == Lease::Free {
                    return self.launch_parent(&parent.spec.run_id).await;
                }
                Ok(())
            }
            Phase::Ended { outcome } => {
                // What the run that has ended gave back is there for its parent.
                self.settle_account(&parent.spec.run_id).await?;
                let parent =
                    &self.store.snapshot(&parent.spec.run_id).await.map_err(|error| store_error(&error))?;
                if !self.may_be_woken(parent, outcome, notice).await? {
                    return Ok(());
                }
                let queued = &parent.state.queued_resume_messages;
                let cause =
                    Cause::Queued { messages: queued.iter().map(|message| message.id.clone()).collect() };
                let seen = Some(parent.state.epoch);
                let started = ControlFact::Started { cause, seen, on_limit: None };
                match self.start(parent, &[Fact::Control(started)], Occasion::GoesOn).await {
                    Ok(_) => {}
                    // It was put away, or is gone, since; or those above it have nothing left for it.
                    Err(error) if matches!(error.code, ErrorCode::NotAllowed | ErrorCode::NotFound) => {
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
                failpoint::hit("driver.notice_started");
                self.launch_parent(&parent.spec.run_id).await
            }
        }
    }

    async fn may_be_woken(
        &self,
        parent: &Manifest,
        outcome: &Outcome,
        notice: &str,
    ) -> Result<bool, ApiError> {
        let waits_for_it = parent.state.queued_resume_messages.iter().any(|message| message.id == notice);
        let is_wanted = match outcome {
            // Somebody ended it.
            Outcome::Aborted => false,
            Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Failed { .. } => true,
        };
        let is_free = parent.state.archived_at.is_none() && !parent.spec.is_passive();
        let has_means = budget::reached(parent, self.now()).is_none();
        if !(waits_for_it && is_wanted && is_free && has_means) {
            return Ok(false);
        }
        let open = self.unsatisfied(parent).await.map_err(|error| store_error(&error))?;
        Ok(open.is_none() || parent.spec.waits_for_dependencies)
    }

    async fn launch_parent(&self, run_id: &RunId) -> Result<(), ApiError> {
        let (run_id, on_orphan) = (run_id.clone(), OrphanPolicy::Continue);
        match self.launcher.launch(LaunchRequest { run_id, on_orphan, take_over: false }).await {
            // Somebody else was faster.
            Err(error) if error.code == ErrorCode::Busy => Ok(()),
            launched => launched,
        }
    }
}
