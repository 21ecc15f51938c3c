//! Operations on the worktrees of runs. Whatever is destroyed was put aside before, under a name of the run.

use std::path::Path;
use std::time::Duration;

use agent_runner_api::operations::{ListSnapshots, ListWorkspaces, RemoveWorkspace, RestoreWorkspace};
use agent_runner_api::view::{
    RemovedWorkspace, RestoredWorkspace, SnapshotDetail, SnapshotList, SnapshotView, WorkspaceList,
};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::hook::{HookSpec, Worktree};
use agent_runner_model::phase::Phase;
use agent_runner_model::spec::{Origin, RunSpec};
use agent_runner_model::{ControlFact, Fact, Manifest, Refusal, RunId, Secrets};
use agent_runner_store::{Kin, Takeover};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::hints::what_to_do;
use super::runs::problem;
use crate::compose::OWN_WORKTREE;
use crate::engine::Engine;
use crate::failure::{acquire_error, refusal_error, store_error};
use crate::git::{self, GitError, Snapshot, Taken, Want, WorktreeError};
use crate::place::Places;
use crate::worktree::{self, FILES_LIMIT};

/// How long to try for a run's lease: somebody may be testing it.
const PATIENCE: Duration = Duration::from_millis(250);
/// What nobody has worded: ids, times, places of this run, words of closed lists.
const WORDLESS: [&str; 10] =
    ["runId", "status", "repoRoot", "path", "base", "state", "ref", "commit", "takenAt", "parent"];

/// A view of a run's worktree without values that are shown to nobody.
pub(super) fn hidden<T: Serialize + DeserializeOwned>(manifest: &Manifest, view: T) -> Result<T, ApiError> {
    Secrets::of(&manifest.spec).hide_view(view, &WORDLESS).ok_or_else(|| {
        ApiError::new(ErrorCode::Internal, "the answer cannot be gone through for values to hide")
    })
}

/// What was not done to a repository, as callers get to see it.
pub(super) fn worktree_error(error: &WorktreeError) -> ApiError {
    let code = match error {
        WorktreeError::Git(
            GitError::Missing | GitError::Start(_) | GitError::Late | GitError::Refused(_),
        ) => ErrorCode::Process,
        WorktreeError::Io { .. } => ErrorCode::Storage,
        WorktreeError::UnknownCommit { .. } | WorktreeError::BranchName { .. } => ErrorCode::Invalid,
        WorktreeError::NoSnapshot { .. } | WorktreeError::NoSnapshots => ErrorCode::NotFound,
        WorktreeError::NoRepository { .. }
        | WorktreeError::NoWorktree { .. }
        | WorktreeError::OtherRepository { .. }
        | WorktreeError::MainWorktree { .. }
        | WorktreeError::UnreadableHead { .. }
        | WorktreeError::NoBranch { .. }
        | WorktreeError::OtherBranch { .. }
        | WorktreeError::InUse { .. }
        | WorktreeError::There { .. }
        | WorktreeError::NotEmpty { .. }
        | WorktreeError::Nested { .. }
        | WorktreeError::InTheWay { .. }
        | WorktreeError::NestedInTheWay { .. }
        | WorktreeError::CannotKeep { .. }
        | WorktreeError::TreeLocked { .. }
        | WorktreeError::Locked { .. }
        | WorktreeError::TooMany => ErrorCode::NotAllowed,
    };
    ApiError::from_error(code, error).hint(error.hint())
}

pub(super) fn snapshot_view(snapshot: &Snapshot) -> SnapshotView {
    SnapshotView {
        number: snapshot.number,
        name: snapshot.name.clone(),
        commit: snapshot.commit.clone(),
        files: snapshot.files,
    }
}

fn no_worktree(run_id: &RunId) -> ApiError {
    ApiError::new(ErrorCode::NotAllowed, format!("run {run_id} has no worktree of its own"))
        .hint("`agent-runner workspace list` shows the runs that have one")
}

fn worktree_of(manifest: &Manifest) -> Result<&Worktree, ApiError> {
    let run_id = &manifest.spec.run_id;
    manifest.spec.worktree.as_ref().ok_or_else(|| {
        let elsewhere = match &manifest.spec.origin {
            Origin::Imported { from } => from.worktree.as_ref(),
            Origin::Local | Origin::Claimed { .. } => None,
        };
        let Some(there) = elsewhere else { return no_worktree(run_id) };
        let message = format!("the worktree of run {run_id} is not here: it stayed where the run was made");
        ApiError::new(ErrorCode::NotAllowed, message)
            .hint(format!("it was {} there, with the branch {}", there.path, there.branch))
    })
}

/// A directory of the repository that is there.
fn repository_of(worktree: &Worktree) -> &Path {
    Path::new(if worktree::is_there(worktree) { &worktree.path } else { &worktree.repo_root })
}

impl<S: Places + 'static> Handle<ListWorkspaces> for Engine<S> {
    async fn call(&self, request: ListWorkspaces) -> Result<WorkspaceList, ApiError> {
        let found = self.store.kin(Kin::Worktrees).await.map_err(|error| store_error(&error))?;
        let problems = found.problems.into_iter().map(problem).collect();
        let mut list = WorkspaceList { workspaces: Vec::new(), problems };
        for manifest in found.runs {
            let Some(worktree) = &manifest.spec.worktree else { continue };
            let name = Path::new(&worktree.repo_root).file_name();
            let is_asked =
                |repo: &String| *repo == manifest.spec.repo || name.is_some_and(|n| n == repo.as_str());
            if request.repo.as_ref().is_some_and(|repo| !is_asked(repo)) {
                continue;
            }
            let (manifest, situation) = self.observe(manifest).await?;
            let view = self.workspace_view(&manifest, situation.lease).await?;
            list.workspaces.push(view);
        }
        Ok(list)
    }
}

impl<S: Places + 'static> Handle<ListSnapshots> for Engine<S> {
    async fn call(&self, request: ListSnapshots) -> Result<SnapshotList, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        let worktree = worktree_of(&manifest)?;
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let kept = git::snapshots(tools, &run_id, repository_of(worktree)).await;
        let kept = kept.map_err(|error| worktree_error(&error))?;
        let snapshots = kept.into_iter().map(|kept| SnapshotDetail {
            snapshot: SnapshotView {
                number: kept.number,
                name: kept.name,
                commit: kept.commit,
                files: kept.files,
            },
            taken_at: kept.taken_at,
            parent: kept.parent,
        });
        let (repo_root, snapshots) = (worktree.repo_root.clone(), snapshots.collect());
        hidden(&manifest, SnapshotList { run_id, repo_root, snapshots })
    }
}

impl<S: Places + 'static> Handle<RestoreWorkspace> for Engine<S> {
    async fn call(&self, request: RestoreWorkspace) -> Result<RestoredWorkspace, ApiError> {
        const WHAT: &str = "restoring the worktree";
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        let worktree = worktree_of(&manifest)?.clone();
        // Nobody's work is in the way of another place.
        let held = if request.to.is_none() { Some(self.hold_still(&run_id, WHAT).await?) } else { None };
        let refused = |error: WorktreeError| worktree_error(&error);
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let repository = repository_of(&worktree);
        let (number, commit) =
            git::find(tools, &run_id, repository, request.number).await.map_err(refused)?;
        if let Some(to) = request.to {
            if !Path::new(&to).is_absolute() {
                return Err(ApiError::new(ErrorCode::Invalid, format!("{to} is not absolute"))
                    .hint("name the whole path of the directory"));
            }
            git::into_directory(tools, repository, &commit, Path::new(&to)).await.map_err(refused)?;
            let restored = RestoredWorkspace { run_id, number, commit, path: to, before: None };
            return hidden(&manifest, restored);
        }
        if !worktree::is_there(&worktree) {
            let message = format!("the worktree {} is not there", worktree.path);
            return Err(ApiError::new(ErrorCode::NotAllowed, message).hint(format!(
                "`agent-runner workspace restore {run_id} --to DIR` writes the files to another place"
            )));
        }
        let alone = self.enter_alone(&run_id, Path::new(&worktree.path)).await?;
        let taken = worktree::keep(tools, &run_id, &worktree, Want::Uncommitted).await.map_err(refused)?;
        self.record(&run_id, &taken).await?;
        git::into_worktree(tools, Path::new(&worktree.path), &commit).await.map_err(refused)?;
        drop((alone, held));
        let before = taken.snapshot.as_ref().map(snapshot_view);
        hidden(&manifest, RestoredWorkspace { run_id, number, commit, path: worktree.path, before })
    }
}

impl<S: Places + 'static> Handle<RemoveWorkspace> for Engine<S> {
    async fn call(&self, request: RemoveWorkspace) -> Result<RemovedWorkspace, ApiError> {
        const WHAT: &str = "removing the worktree";
        let run_id = self.resolve(&request.run)?;
        worktree_of(&self.look_at(&run_id).await?)?;
        let (_lease, manifest) = self.hold_still(&run_id, WHAT).await?;
        let worktree = worktree_of(&manifest)?;
        if let Phase::Ready = &manifest.state.phase {
            let why = "it is approved for its start";
            return Err(refusal_error(&Refusal::NotAllowed { what: WHAT, why: why.to_owned() })
                .hint(format!("`agent-runner run reset {run_id}` takes the approval back")));
        }
        if !worktree::is_there(worktree) {
            let message = format!("the worktree {} is not there", worktree.path);
            return Err(ApiError::new(ErrorCode::NotAllowed, message).hint(format!(
                "`agent-runner workspace snapshots {run_id}` shows what was put aside from it"
            )));
        }
        let refused = |error: WorktreeError| worktree_error(&error);
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let (path, repo) = (Path::new(&worktree.path), Path::new(&worktree.repo_root));
        let _held = self.enter_alone(&run_id, path).await?;
        if !git::is_own(tools, &run_id, path).map_err(refused)? {
            let message = format!("{} was there before the run", worktree.path);
            return Err(ApiError::new(ErrorCode::NotAllowed, message)
                .hint("`git worktree remove` removes it, if nobody needs it any more"));
        }
        let taken = worktree::keep(tools, &run_id, worktree, Want::Noted).await.map_err(refused)?;
        // On record before anything is destroyed, whatever comes of that.
        self.record(&run_id, &taken).await?;
        let last = worktree::replace_worktree(tools, &run_id, repo, path).await.map_err(refused)?;
        // Somebody may have written there at the last moment.
        self.record(&run_id, &last).await?;
        git::forget(tools, &run_id, repo).await.map_err(refused)?;
        let before = taken.snapshot.as_ref().map(snapshot_view);
        let (path, branch) = (worktree.path.clone(), worktree.branch.clone());
        hidden(&manifest, RemovedWorkspace { run_id, path, branch, before })
    }
}

impl<S: Places + 'static> Engine<S> {
    /// Takes a run's lease, so that nobody starts it meanwhile, and looks whether it is at rest.
    async fn hold_still(&self, run_id: &RunId, what: &'static str) -> Result<(S::Owner, Manifest), ApiError> {
        let at_rest = |manifest: &Manifest| match &manifest.state.phase {
            Phase::Initialized | Phase::Ready | Phase::Ended { .. } => Ok(()),
            Phase::Active { .. } => {
                let why = "it is running, or was interrupted: abort it or let it end first".to_owned();
                Err(what_to_do(refusal_error(&Refusal::NotAllowed { what, why }), run_id))
            }
        };
        at_rest(&self.look_at(run_id).await?)?;
        let lease = self.store.acquire_owner(run_id, PATIENCE, Takeover::Never).await;
        let lease = lease.map_err(|error| acquire_error(&error))?;
        let manifest = self.look_at(run_id).await?;
        at_rest(&manifest)?;
        Ok((lease, manifest))
    }

    /// Puts a snapshot on record.
    async fn record(&self, run_id: &RunId, taken: &Taken) -> Result<(), ApiError> {
        match worktree::fact(taken) {
            Some(fact) => self.commit(run_id, &[Fact::Control(fact)]).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Before a run is reset: puts aside what is not committed in its worktree, and with `put_back` makes that what it was
    /// when it was made, or makes it again. Answers with what keeps the run still.
    pub(super) async fn reset_worktree(
        &self,
        run_id: &RunId,
        put_back: bool,
    ) -> Result<Option<S::Owner>, ApiError> {
        let manifest = self.look_at(run_id).await?;
        let Some(worktree) = &manifest.spec.worktree else {
            return if put_back { Err(no_worktree(run_id)) } else { Ok(None) };
        };
        let (lease, _) = self.hold_still(run_id, "resetting the run").await?;
        let refused = |error: WorktreeError| worktree_error(&error);
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let want = if put_back { Want::Reachable } else { Want::Uncommitted };
        let alone = match put_back {
            true => self.enter_alone(run_id, Path::new(&worktree.path)).await?,
            false => None,
        };
        let taken = worktree::keep(tools, run_id, worktree, want).await.map_err(refused)?;
        // On record before anything is destroyed, whatever comes of that.
        self.record(run_id, &taken).await?;
        if put_back {
            self.put_back(run_id, worktree).await?;
        }
        drop(alone);
        Ok(Some(lease))
    }

    async fn put_back(&self, run_id: &RunId, worktree: &Worktree) -> Result<(), ApiError> {
        let refused = |error: WorktreeError| worktree_error(&error);
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let (path, branch) = (Path::new(&worktree.path), worktree.branch.as_str());
        if !worktree::is_there(worktree) {
            let (repo, from) = (Path::new(&worktree.repo_root), Some(worktree.base.as_str()));
            let plan = git::Plan { run_id, repo, path, branch, from };
            git::add(tools, &plan).await.map_err(refused)?;
        }
        let tip = git::keep_branch(tools, run_id, path, branch).await.map_err(refused)?;
        if let (Some(name), Some(commit)) = (tip.name, tip.commit.clone()) {
            let fact = ControlFact::SnapshotTaken { name, commit, files: 0 };
            self.commit(run_id, &[Fact::Control(fact)]).await?;
        }
        git::put_back(tools, path, branch, &worktree.base, tip.commit.as_deref()).await.map_err(refused)
    }

    /// Refuses a run whose worktree cannot be made, if that can be told before there is one.
    pub(super) async fn require_worktree(&self, spec: &RunSpec) -> Result<(), ApiError> {
        let is_own = |hook: &&HookSpec| hook.source.builtin.as_deref() == Some(OWN_WORKTREE);
        let Some(hook) = spec.hooks.iter().find(is_own) else { return Ok(()) };
        let asked = |key: &str| hook.config.get(key).and_then(serde_json::Value::as_str);
        let (branch, from) = (asked("branch"), asked("from"));
        // What variables and hooks make of it is known later.
        if [branch, from].into_iter().flatten().any(|text| text.contains("{{")) {
            return Ok(());
        }
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        let made = git::may_add(tools, Path::new(&spec.cwd), branch, from).await;
        made.map_err(|error| worktree_error(&error))
    }

    /// Takes away what a run that is gone noted about its worktree. The repository may be gone as well.
    pub(super) async fn forget_worktree(&self, manifest: &Manifest) {
        if let Some(worktree) = &manifest.spec.worktree {
            let tools = worktree::tools(&self.config, FILES_LIMIT);
            let _ = git::forget(tools, &manifest.spec.run_id, Path::new(&worktree.repo_root)).await;
        }
    }

    /// A run that is deleted takes the knowledge of its worktree with it: that has to go first.
    pub(super) async fn refuse_worktree(&self, manifest: &Manifest) -> Result<(), ApiError> {
        let Some(worktree) = manifest.spec.worktree.as_ref().filter(|worktree| worktree::is_taken(worktree))
        else {
            return Ok(());
        };
        let run_id = &manifest.spec.run_id;
        if !worktree::is_there(worktree) {
            let why = format!("{} is still there, though it is no worktree any more", worktree.path);
            return Err(refusal_error(&Refusal::NotAllowed { what: "deleting the run", why })
                .hint("`git worktree repair` may make it one again; else move it away, or delete it"));
        }
        let tools = worktree::tools(&self.config, FILES_LIMIT);
        match git::is_own(tools, run_id, Path::new(&worktree.path)) {
            Ok(false) => Ok(()),
            // If nobody can tell, it stays.
            Ok(true) | Err(_) => {
                let why = format!("its worktree {} is still there", worktree.path);
                let refusal = Refusal::NotAllowed { what: "deleting the run", why };
                Err(refusal_error(&refusal)
                    .hint(format!("`agent-runner workspace remove {run_id}` removes it first")))
            }
        }
    }
}
