//! Which directory a run works in, with whom it goes together there, and who is in its way. Must not decide what comes of
//! that: `next_step` does.

use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::RunId;
use agent_runner_model::phase::Phase;
use agent_runner_model::spec::{BusyPolicy, RunSpec};
use agent_runner_store::{Entry, Member};

use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;
use crate::workspace;

/// The directory that one run works in at a time: the whole work tree where there is one, since work in one corner of it
/// touches the others.
pub(crate) fn root(cwd: &Path) -> PathBuf {
    match workspace::find(cwd) {
        Some(repository) => repository.work_tree,
        None => std::fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_path_buf()),
    }
}

/// Who works there, in words.
pub(crate) fn words(members: &[Member], root: &Path) -> String {
    let names: Vec<&str> = members.iter().map(|member| member.run_id.as_str()).collect();
    match names[..] {
        [name] => format!("run {name} works in {}", root.display()),
        _ => format!("runs {} work in {}", names.join(", "), root.display()),
    }
}

/// A run as others in its directory see it.
pub(crate) fn member(spec: &RunSpec) -> Member {
    Member {
        run_id: spec.run_id.clone(),
        tree: spec.ancestors().pop().unwrap_or_else(|| spec.run_id.clone()),
        may_write: spec.may_write,
        shares: spec.on_busy == BusyPolicy::Share,
        alone: false,
    }
}

impl<S: Places> Engine<S> {
    /// Refuses what would end at once because another run works in the directory.
    pub(crate) async fn require_admission(&self, spec: &RunSpec) -> Result<(), ApiError> {
        if spec.on_busy != BusyPolicy::Fail || spec.is_passive() {
            return Ok(());
        }
        let root = root(Path::new(&spec.cwd));
        let member = member(spec);
        let others = self.store.look_into_workspace(&root, &member).await;
        let others = others.map_err(|error| store_error(&error))?;
        if others.is_empty() {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::Busy, words(&others, &root))
            .hint("start it when the other run is done, or let it wait with --on-busy wait"))
    }

    /// Keeps every other run out of a work tree that is about to be changed for a run, until the answer is dropped. Refused
    /// if one works there. Nothing is kept if the run's own driver is there: it keeps the others out itself.
    pub(crate) async fn enter_alone(
        &self,
        run_id: &RunId,
        tree: &Path,
    ) -> Result<Option<S::Place>, ApiError> {
        let root = root(tree);
        let mut settled: Vec<RunId> = Vec::new();
        loop {
            let entry = self.store.enter_workspace(&root, &alone(run_id), &settled).await;
            match entry.map_err(|error| store_error(&error))? {
                Entry::Entered(place) => return Ok(Some(place)),
                Entry::Busy(others) if others.iter().all(|other| other.run_id == *run_id) => return Ok(None),
                Entry::Busy(others) => return Err(works_there(&others, &root)),
                Entry::Abandoned(killed) => {
                    for member in killed {
                        if !self.is_at_rest(&member.run_id).await? {
                            return Err(was_killed_there(&member, &root));
                        }
                        settled.push(member.run_id);
                    }
                }
            }
        }
    }

    /// Whether a run has ended, or never began, and so has left nothing running; or is gone.
    async fn is_at_rest(&self, run_id: &RunId) -> Result<bool, ApiError> {
        match self.store.snapshot(run_id).await.map_err(|error| store_error(&error)) {
            Ok(manifest) => Ok(!matches!(manifest.state.phase, Phase::Active { .. })),
            Err(error) if error.code == ErrorCode::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Who else works in a work tree, in words. Disturbs nobody.
    pub(crate) async fn who_else_works_in(
        &self,
        run_id: &RunId,
        tree: &Path,
    ) -> Result<Option<String>, ApiError> {
        let root = root(tree);
        let others = self.store.look_into_workspace(&root, &alone(run_id)).await;
        let others = others.map_err(|error| store_error(&error))?;
        Ok((!others.is_empty()).then(|| words(&others, &root)))
    }
}

fn alone(run_id: &RunId) -> Member {
    Member { run_id: run_id.clone(), tree: run_id.clone(), may_write: true, shares: false, alone: true }
}

fn works_there(others: &[Member], root: &Path) -> ApiError {
    ApiError::new(ErrorCode::Busy, words(others, root))
        .hint("repeat the command when that is done, or abort it")
}

fn was_killed_there(member: &Member, root: &Path) -> ApiError {
    let run_id = &member.run_id;
    let message =
        format!("run {run_id} was killed in {}, and may have left something running", root.display());
    ApiError::new(ErrorCode::Busy, message)
        .hint(format!("`agent-runner run abort {run_id}` ends it; resumed, it ends by itself"))
}
