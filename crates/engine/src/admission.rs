//! Which directory a run works in, with whom it goes together there, and who is in its way. Must not decide what comes of
//! that: `next_step` does.

use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::RunId;
use agent_runner_model::spec::{BusyPolicy, RunSpec};
use agent_runner_store::Member;

use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;
use crate::workspace;

/// How many generations of runs are looked through. More than anybody nests; a circle of mistaken parents ends here.
const GENERATIONS: usize = 64;

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

impl<S: Places> Engine<S> {
    /// A run as others in its directory see it.
    pub(crate) async fn member(&self, spec: &RunSpec) -> Member {
        Member {
            run_id: spec.run_id.clone(),
            tree: self.root_run(spec).await,
            may_write: spec.may_write,
            shares: spec.on_busy == BusyPolicy::Share,
        }
    }

    /// The run at the root of a run's tree, as far as its ancestors still exist.
    async fn root_run(&self, spec: &RunSpec) -> RunId {
        let mut root = spec.run_id.clone();
        let mut parent = spec.parent_run_id.clone();
        for _ in 0..GENERATIONS {
            let Some(above) = parent else { break };
            parent = match self.store.snapshot(&above).await {
                Ok(manifest) => manifest.spec.parent_run_id,
                Err(_) => None,
            };
            root = above;
        }
        root
    }

    /// Refuses what would end at once because another run works in the directory.
    pub(crate) async fn require_admission(&self, spec: &RunSpec) -> Result<(), ApiError> {
        if spec.on_busy != BusyPolicy::Fail || spec.is_passive() {
            return Ok(());
        }
        let root = root(Path::new(&spec.cwd));
        let member = self.member(spec).await;
        let others = self.store.look_into_workspace(&root, &member).await;
        let others = others.map_err(|error| store_error(&error))?;
        if others.is_empty() {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::Busy, words(&others, &root))
            .hint("start it when the other run is done, or let it wait with --on-busy wait"))
    }
}
