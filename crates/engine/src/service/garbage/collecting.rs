//! The operation: what is asked for, in which order it is done, and what is said about it. Must not judge single runs.

use std::time::Duration;

use agent_runner_api::operations::CollectGarbage;
use agent_runner_api::view::{CollectedRun, Collection, PolicyView};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::retention::{Going, Policy};
use agent_runner_store::{RunQuery, SpaceQuery};

use super::picture::{Ask, Picture, shown_name};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;
use crate::service::runs::problem;

impl<S: Places + 'static> Handle<CollectGarbage> for Engine<S> {
    async fn call(&self, request: CollectGarbage) -> Result<Collection, ApiError> {
        let CollectGarbage { dry_run, older_than_sec, keep, max_bytes, compress_only, cwd, repo } = request;
        let policy = Policy { older_than: older_than_sec.map(Duration::from_secs), keep, max_bytes };
        if policy.is_empty() && !compress_only {
            return Err(nothing_asked());
        }
        let scope = RunQuery { cwd, repo, include_archived: true, ..RunQuery::default() };
        let accounts = self.store.space(&SpaceQuery::default()).await;
        let accounts = accounts.map_err(|error| store_error(&error))?;
        let mut ask = Ask::new(policy, scope, self.now(), &accounts);
        let picture = self.picture(&ask).await.map_err(|error| store_error(&error))?;
        ask.count_others(&accounts, &picture);
        let mut collection = Collection {
            dry_run,
            policy: PolicyView { older_than_sec, keep, max_bytes },
            deleted: Vec::new(),
            kept: Vec::new(),
            compressed: Vec::new(),
            cleared: Vec::new(),
            failed: Vec::new(),
            bytes_freed: 0,
            bytes_left: 0,
            problems: picture.problems.clone().into_iter().map(problem).collect(),
        };
        if !compress_only {
            // What needs no space comes first: the disk may be full.
            self.clear_leftovers(&accounts, &mut collection).await;
            let decision = ask.decide(&picture);
            collection.kept = decision.staying.iter().filter_map(|run| picture.kept(&ask, run)).collect();
            match dry_run {
                true => collection.deleted = collected(&ask, &picture, &decision.going),
                false => self.delete_planned(&ask, &picture, decision.going, &mut collection).await?,
            }
        }
        self.compress_logs(&accounts, &picture, &mut collection).await;
        sum_up(&ask, &picture, &mut collection);
        Ok(collection)
    }
}

fn nothing_asked() -> ApiError {
    ApiError::new(ErrorCode::Invalid, "nothing says which runs are to go").hint(
        "`agent-runner gc --older-than 30d` deletes those that ended longer ago, `--keep 50` all but the newest of each \
         repository, `--max-size 10G` the oldest until the rest takes no more; `--compress-only` deletes nothing",
    )
}

fn collected(ask: &Ask, picture: &Picture, going: &[Going]) -> Vec<CollectedRun> {
    going.iter().filter_map(|going| collected_run(ask, picture, going)).collect()
}

pub(super) fn collected_run(ask: &Ask, picture: &Picture, going: &Going) -> Option<CollectedRun> {
    let manifest = picture.manifests.get(&going.run_id)?;
    Some(CollectedRun {
        run_id: going.run_id.clone(),
        repo: manifest.spec.repo.clone(),
        name: shown_name(manifest),
        ended_at: manifest.state.ended_at,
        reason: going.reason,
        bytes: ask.bytes(&going.run_id),
    })
}

fn sum_up(ask: &Ask, picture: &Picture, collection: &mut Collection) {
    let deleted: u64 = collection.deleted.iter().map(|run| run.bytes).sum();
    let compressed: u64 = collection.compressed.iter().map(|logs| logs.bytes).sum();
    let cleared: u64 = collection.cleared.iter().map(|cleared| cleared.bytes).sum();
    let asked = picture.candidates.iter().filter(|run| run.in_scope);
    let before: u64 = ask.others.saturating_add(asked.map(|run| run.bytes).sum());
    collection.bytes_freed = deleted.saturating_add(compressed).saturating_add(cleared);
    collection.bytes_left = before.saturating_sub(deleted).saturating_sub(compressed);
}
