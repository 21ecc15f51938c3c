//! The last commit of a driver whose disk refuses. Must not start anything: no worker lives when this is asked.

use std::time::Duration;

use agent_runner_model::manifest::Manifest;
use agent_runner_model::phase::{Failure, FailureKind, Outcome, Phase, Stage};
use agent_runner_model::{DriverFact, Fact, Fence, Refusal, Timestamp, apply_all};
use agent_runner_store::{CommitError, OwnerLease as _};

use super::settle::interrupted;
use super::work::{DriveError, Driver};
use crate::failure::chain;
use crate::place::Places;

/// How long the last commit of a run is tried when the disk refuses it.
const LAST_WORD_PATIENCE: Duration = Duration::from_secs(60);

impl<S: Places + 'static> Driver<S> {
    /// The disk refuses: free what was put aside for this and try to record at least the end. What cannot be
    /// recorded is said, and the run is left to whoever recovers it.
    pub(super) async fn last_word(&mut self, detail: String, hint: &str) -> Result<(), DriveError> {
        self.say.words(&format!("{detail}; {hint}"));
        let _ = self.owner.release_reserve();
        let deadline = tokio::time::Instant::now() + LAST_WORD_PATIENCE;
        let failure = Failure { kind: FailureKind::Internal, detail, hint: hint.to_owned() };
        loop {
            let now = self.engine.now();
            let facts = self.last_facts(&failure, now);
            match self.engine.store.commit(&self.run_id, &facts, now).await {
                Ok(manifest) => {
                    self.manifest = manifest;
                    self.wake.signal();
                    return Ok(());
                }
                Err(CommitError::Refused(Refusal::StaleDriver)) => {
                    return Err(DriveError::Replaced(self.run_id.clone()));
                }
                Err(source) if tokio::time::Instant::now() >= deadline => {
                    return Err(DriveError::LastWord { run_id: self.run_id.clone(), source });
                }
                Err(error) => {
                    self.say.words(&format!("cannot record the end of the run yet: {}", chain(&error)));
                    if let Ok(manifest) = self.engine.store.snapshot(&self.run_id).await {
                        self.manifest = manifest;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// What is left to record. What was pending may be the run's good end: then it is that. Otherwise the run ends
    /// as failed, without an attempt that was about to start: no worker lives when this is asked.
    fn last_facts(&self, failure: &Failure, now: Timestamp) -> Vec<Fact> {
        let mut facts = self.pending.clone();
        let reached = loop {
            match apply_all(&self.manifest, &facts, now) {
                Ok(applied) if live_attempt(&applied.manifest).is_none() || facts.is_empty() => {
                    break applied.manifest;
                }
                Err(_) if facts.is_empty() => break self.manifest.clone(),
                Ok(_) | Err(_) => {
                    facts.pop();
                }
            }
        };
        if !matches!(reached.state.phase, Phase::Active { .. }) {
            return facts;
        }
        if let Some(fence) = live_attempt(&reached) {
            // Its start was recorded although the commit seemed to fail.
            let report = interrupted(0);
            facts.push(Fact::Driver { epoch: self.epoch, fact: DriverFact::AttemptEnded { fence, report } });
        }
        let outcome = Outcome::Failed { failure: failure.clone() };
        facts.push(Fact::Driver { epoch: self.epoch, fact: DriverFact::Finished { outcome } });
        facts
    }
}

/// The attempt that is under way as far as the manifest says.
fn live_attempt(manifest: &Manifest) -> Option<Fence> {
    match manifest.stage() {
        Some(Stage::Attempting { attempt }) => Some(attempt.fence),
        Some(_) | None => None,
    }
}
