//! What can be told of a run's worktree without changing anything: how it is, and whether it may be removed.

use std::path::Path;
use std::time::Duration;

use agent_runner_api::ApiError;
use agent_runner_api::view::{WorkspaceState, WorkspaceView};
use agent_runner_model::Manifest;
use agent_runner_model::capabilities::Lease;
use agent_runner_model::hook::Worktree;
use agent_runner_model::phase::Phase;

use super::workspaces::hidden;
use crate::engine::Engine;
use crate::git::{self, WorktreeError};
use crate::place::Places;
use crate::worktree;

/// How long git may take for one worktree of a list.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// What was found out.
struct Found {
    state: WorkspaceState,
    snapshots: Option<u32>,
    why: Option<String>,
}

impl<S: Places + 'static> Engine<S> {
    pub(super) async fn workspace_view(
        &self,
        manifest: &Manifest,
        lease: Lease,
    ) -> Result<WorkspaceView, ApiError> {
        let run_id = manifest.spec.run_id.clone();
        let status = manifest.status(lease == Lease::Free);
        let Some(worktree) = manifest.spec.worktree.clone() else {
            return Err(ApiError::new(agent_runner_api::ErrorCode::Internal, "the run has no worktree"));
        };
        let found = self.look_into(manifest, &worktree).await;
        let Worktree { repo_root, path, branch, base, made_branch: _ } = worktree;
        let Found { state, snapshots, why } = found;
        let removable = why.is_none();
        let view =
            WorkspaceView { run_id, status, repo_root, path, branch, base, state, snapshots, removable, why };
        hidden(manifest, view)
    }

    async fn look_into(&self, manifest: &Manifest, worktree: &Worktree) -> Found {
        let run_id = &manifest.spec.run_id;
        let tools = worktree::tools(&self.config, LOOK_LIMIT);
        let is_there = worktree::is_there(worktree);
        let place = Path::new(if is_there { &worktree.path } else { &worktree.repo_root });
        let kept = git::snapshots(tools, run_id, place).await;
        let snapshots = kept.ok().map(|kept| u32::try_from(kept.len()).unwrap_or(u32::MAX));
        if !is_there {
            let (state, why) = match worktree::is_taken(worktree) {
                true => (WorkspaceState::Unknown, "what is there is no worktree of the repository"),
                false => (WorkspaceState::Missing, "it is not there"),
            };
            return Found { state, snapshots, why: Some(why.to_owned()) };
        }
        match git::look(tools, place).await {
            Ok(look) => {
                let state = if look.dirty == 0 { WorkspaceState::Clean } else { WorkspaceState::Dirty };
                let others = self.who_else_works_in(run_id, place).await;
                let others = others.unwrap_or_else(|error| Some(error.to_string()));
                let why = match may_be_removed(manifest) {
                    Err(why) => Some(why),
                    Ok(()) if others.is_some() => others,
                    Ok(()) => self
                        .what_keeps_it(manifest, place, look.nested)
                        .await
                        .unwrap_or_else(|error| Some(worktree::worded(&error))),
                };
                Found { state, snapshots, why }
            }
            Err(error) => {
                Found { state: WorkspaceState::Unknown, snapshots, why: Some(worktree::worded(&error)) }
            }
        }
    }

    async fn what_keeps_it(
        &self,
        manifest: &Manifest,
        place: &Path,
        nested: Vec<String>,
    ) -> Result<Option<String>, WorktreeError> {
        let tools = worktree::tools(&self.config, LOOK_LIMIT);
        if !git::is_own(tools, &manifest.spec.run_id, place)? {
            return Ok(Some("it was there before the run".to_owned()));
        }
        Ok((!nested.is_empty()).then(|| worktree::worded(&WorktreeError::Nested { paths: nested })))
    }
}

fn may_be_removed(manifest: &Manifest) -> Result<(), String> {
    match &manifest.state.phase {
        Phase::Initialized | Phase::Ended { .. } => Ok(()),
        Phase::Ready => Err("the run is approved for its start".to_owned()),
        Phase::Active { .. } => Err("the run is running, or was interrupted".to_owned()),
    }
}
