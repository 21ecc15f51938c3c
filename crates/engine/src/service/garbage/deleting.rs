//! Deletes what was decided upon, and decides again right before: whoever resumes, pins, or begins to depend on a run while
//! this is at work must not lose it. Must not delete in any other way than `run delete` does.

use std::collections::BTreeSet;

use agent_runner_api::ApiError;
use agent_runner_api::view::{Collection, NotCollected};
use agent_runner_model::retention::{Going, Keep, holders};
use agent_runner_model::{Manifest, Refusal, RunId};
use agent_runner_store::{CommitError, StoreError, failpoint};

use super::collecting::collected_run;
use super::picture::{Ask, Picture};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

/// How many runs go in one turn. Others who change what runs have to do with one another wait for that long.
const BATCH: usize = 64;

/// What came of a run that was to go.
enum Fate {
    Gone,
    /// Somebody else has deleted it.
    Missing,
    Kept(Keep, Option<RunId>),
    Failed(StoreError),
}

/// What this has done so far.
struct Progress<'a> {
    collection: &'a mut Collection,
    /// Runs that were to go and stay.
    stuck: BTreeSet<RunId>,
    /// Runs that could not be deleted because the disk is full.
    unlucky: Vec<Going>,
}

impl<S: Places + 'static> Engine<S> {
    /// Deletes runs in this order. What cannot be deleted is said; only what stops everything is an error.
    pub(super) async fn delete_planned(
        &self,
        ask: &Ask,
        before: &Picture,
        going: Vec<Going>,
        collection: &mut Collection,
    ) -> Result<(), ApiError> {
        let mut progress = Progress { collection, stuck: BTreeSet::new(), unlucky: Vec::new() };
        for batch in going.chunks(BATCH) {
            self.delete_batch(ask, before, batch, &mut progress).await?;
        }
        // By now there may be the little space that even a deletion can need.
        let again = std::mem::take(&mut progress.unlucky);
        if again.is_empty() {
            return Ok(());
        }
        let is_again = |run: &RunId| again.iter().any(|going| going.run_id == *run);
        progress.collection.failed.retain(|failed| !is_again(&failed.run_id));
        progress.stuck.retain(|run| !is_again(run));
        self.delete_batch(ask, before, &again, &mut progress).await
    }

    async fn delete_batch(
        &self,
        ask: &Ask,
        before: &Picture,
        batch: &[Going],
        progress: &mut Progress<'_>,
    ) -> Result<(), ApiError> {
        self.settle_shares(before, batch, progress).await;
        let turn = match self.store.hold_graph().await {
            Ok(turn) => turn,
            Err(error) => return stopped(&error, batch, progress),
        };
        let picture = match self.picture(ask).await {
            Ok(picture) => picture,
            Err(error) => return stopped(&error, batch, progress),
        };
        failpoint::hit("gc.decided");
        let decision = ask.decide(&picture);
        let wanted: BTreeSet<&RunId> = decision.going.iter().map(|going| &going.run_id).collect();
        let mut holders = holders(&picture.candidates);
        let mut gone = Vec::new();
        for going in batch {
            let run_id = &going.run_id;
            let Some(manifest) = picture.manifests.get(run_id) else { continue };
            let first_holder = holders.get(run_id).and_then(|holders| holders.first());
            let fate = match first_holder.filter(|_| wanted.contains(run_id)) {
                _ if progress.stuck.contains(run_id) => continue,
                // It could not be deleted, or was made after the plan.
                Some(first) => Fate::Kept(Keep::Family, Some((*first).clone())),
                None if wanted.contains(run_id) => self.delete_as_decided(manifest).await,
                None => {
                    let staying = decision.staying.iter().find(|staying| staying.run_id == *run_id);
                    staying.map_or(Fate::Kept(Keep::Changed, None), |staying| {
                        Fate::Kept(staying.keep, staying.by.clone())
                    })
                }
            };
            if matches!(fate, Fate::Gone | Fate::Missing) {
                for holders in holders.values_mut() {
                    holders.remove(run_id);
                }
            }
            if matches!(fate, Fate::Gone) {
                gone.push(manifest);
            }
            progress.note(ask, &picture, going, fate);
        }
        drop(turn);
        for manifest in gone {
            self.forget_worktree(manifest).await;
        }
        Ok(())
    }

    /// What runs that stay have set aside for those that go goes back: afterwards nobody could tell what they used.
    async fn settle_shares(&self, before: &Picture, batch: &[Going], progress: &mut Progress<'_>) {
        for Going { run_id, .. } in batch {
            let Some(manifest) = before.manifests.get(run_id) else { continue };
            let parent = manifest.spec.parent_run_id.as_ref().and_then(|parent| before.manifests.get(parent));
            let entry = parent.and_then(|parent| parent.state.budget.children.get(run_id));
            if entry.is_none_or(|entry| entry.settled) {
                continue;
            }
            if let Err(error) = self.settle_share(manifest).await {
                progress.stuck.insert(run_id.clone());
                progress.collection.failed.push(not_collected(run_id, &error));
            }
        }
    }

    /// Deletes a run if it still is what was decided upon.
    async fn delete_as_decided(&self, decided: &Manifest) -> Fate {
        let same = |found: &Manifest| match found.revision == decided.revision {
            true => Ok(()),
            false => {
                let why = "it was changed meanwhile".to_owned();
                Err(Refusal::NotAllowed { what: "deleting the run", why })
            }
        };
        match self.store.delete(&decided.spec.run_id, &same).await {
            Ok(()) => Fate::Gone,
            Err(CommitError::Refused(_)) => Fate::Kept(Keep::Changed, None),
            Err(CommitError::Store(StoreError::NotFound { .. })) => Fate::Missing,
            // Whoever drove it is about to leave, or somebody goes on with it.
            Err(CommitError::Store(StoreError::Owned { .. })) => Fate::Kept(Keep::Active, None),
            Err(CommitError::Store(error)) => Fate::Failed(error),
        }
    }
}

/// Nothing can be deleted at all. Where something was, the rest is named.
fn stopped(error: &StoreError, batch: &[Going], progress: &mut Progress<'_>) -> Result<(), ApiError> {
    if progress.collection.deleted.is_empty() {
        return Err(store_error(error));
    }
    for going in batch {
        progress.failed(&going.run_id, error);
    }
    Ok(())
}

fn not_collected(run_id: &RunId, error: &ApiError) -> NotCollected {
    let mut message = error.message.clone();
    for cause in &error.causes {
        message.push_str(": ");
        message.push_str(cause);
    }
    NotCollected { run_id: run_id.clone(), message, hint: error.hint.clone() }
}

impl Progress<'_> {
    fn note(&mut self, ask: &Ask, picture: &Picture, going: &Going, fate: Fate) {
        let run_id = &going.run_id;
        match fate {
            Fate::Gone => self.collection.deleted.extend(collected_run(ask, picture, going)),
            Fate::Missing => {}
            Fate::Kept(keep, by) => {
                self.stuck.insert(run_id.clone());
                self.collection.kept.extend(picture.kept_by(ask, run_id, going.reason, keep, by));
            }
            Fate::Failed(error) => {
                if error.is_full() {
                    self.unlucky.push(going.clone());
                }
                self.failed(run_id, &error);
            }
        }
    }

    fn failed(&mut self, run_id: &RunId, error: &StoreError) {
        self.stuck.insert(run_id.clone());
        let failed = not_collected(run_id, &store_error(error));
        // What was left of it by somebody else may be in the way of both.
        if !self.collection.failed.contains(&failed) {
            self.collection.failed.push(failed);
        }
    }
}
