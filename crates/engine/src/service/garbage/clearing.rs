//! What can be given back without deleting a run: logs that were never compressed, deletions that were not finished, copies
//! that nobody asks any more. Must leave alone what somebody may be at.

use std::collections::BTreeSet;

use agent_runner_api::view::{Cleared, ClearedKind, Collection, CompressedLogs, NotCollected};
use agent_runner_model::phase::Phase;
use agent_runner_model::{Lease, RunId};
use agent_runner_store::{Accounts, DeadCache, DeadWhy, LooseKind, StoreError};

use super::picture::Picture;
use crate::engine::Engine;
use crate::failure::chain;
use crate::place::Places;

impl<S: Places + 'static> Engine<S> {
    /// Finishes deletions, and takes dead copies away.
    pub(super) async fn clear_leftovers(&self, accounts: &Accounts, collection: &mut Collection) {
        for loose in accounts.loose.iter().filter(|loose| loose.kind == LooseKind::Deletion) {
            // What is called like one, and is none, is nobody's here.
            let Some(run_id) = &loose.run_id else { continue };
            let finished = match collection.dry_run {
                true => Ok(None),
                false => self.store.finish_deletion(run_id).await,
            };
            match finished {
                Ok(_) => collection.cleared.push(Cleared {
                    kind: ClearedKind::Deletion,
                    path: loose.path.to_string_lossy().into_owned(),
                    bytes: loose.space.allocated,
                }),
                Err(error) => collection.failed.push(failed(run_id, &error)),
            }
        }
        let dead = self.store.dead_caches(!collection.dry_run).await;
        collection.cleared.extend(dead.into_iter().map(cleared));
    }

    /// Compresses logs of runs that are over, and that nobody drives. An attempt that ended writes nothing more.
    pub(super) async fn compress_logs(
        &self,
        accounts: &Accounts,
        picture: &Picture,
        collection: &mut Collection,
    ) {
        let deleted: BTreeSet<RunId> = collection.deleted.iter().map(|run| run.run_id.clone()).collect();
        for candidate in picture.candidates.iter().filter(|run| run.in_scope) {
            let run_id = &candidate.run_id;
            let Ok(at) = find(accounts, &candidate.repo, run_id) else { continue };
            let Some(files) = accounts.runs.get(at).map(|run| &run.unsealed) else { continue };
            let is_over = picture
                .manifests
                .get(run_id)
                .is_some_and(|manifest| matches!(manifest.state.phase, Phase::Ended { .. }));
            if files.is_empty() || !is_over || deleted.contains(run_id) {
                continue;
            }
            let owner = self.store.observe_owner(run_id).await;
            if !owner.is_ok_and(|owner| owner.lease == Lease::Free) {
                continue;
            }
            match collection.dry_run {
                true => {
                    let logs = CompressedLogs { run_id: run_id.clone(), files: files.clone(), bytes: 0 };
                    collection.compressed.push(logs);
                }
                false => self.compress_logs_of(run_id, files, collection).await,
            }
        }
    }

    async fn compress_logs_of(&self, run_id: &RunId, files: &[String], collection: &mut Collection) {
        let mut logs = CompressedLogs { run_id: run_id.clone(), files: Vec::new(), bytes: 0 };
        for name in files {
            match self.store.seal_blob(run_id, name).await {
                // Somebody else was faster, or is at it.
                Ok(0) => {}
                Ok(bytes) => {
                    logs.bytes = logs.bytes.saturating_add(bytes);
                    logs.files.push(name.clone());
                }
                Err(StoreError::NotFound { .. }) => break,
                Err(error) => collection.failed.push(failed(run_id, &error)),
            }
        }
        if !logs.files.is_empty() {
            collection.compressed.push(logs);
        }
    }
}

/// The account of a run.
fn find(accounts: &Accounts, repo: &str, run_id: &RunId) -> Result<usize, usize> {
    accounts.runs.binary_search_by(|run| (run.repo.as_str(), run.name.as_str()).cmp(&(repo, run_id.as_str())))
}

fn failed(run_id: &RunId, error: &StoreError) -> NotCollected {
    NotCollected { run_id: run_id.clone(), message: chain(error), hint: error.hint() }
}

fn cleared(cache: DeadCache) -> Cleared {
    let kind = match cache.why {
        DeadWhy::StateDirGone => ClearedKind::StateDirGone,
        DeadWhy::OtherBoot => ClearedKind::OtherBoot,
        DeadWhy::ThrownAway => ClearedKind::ThrownAway,
    };
    Cleared { kind, path: cache.path.to_string_lossy().into_owned(), bytes: cache.space.allocated }
}
