//! Which directory a run works in, with whom it goes together there, and who is in its way. Must not decide what comes of
//! that: `next_step` does.

use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::spec::{BusyPolicy, RunSpec};
use agent_runner_store::Member;

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
}
