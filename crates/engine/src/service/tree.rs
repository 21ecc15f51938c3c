//! The tree of runs that started one another.

use std::collections::{BTreeMap, BTreeSet};

use agent_runner_api::operations::GetTree;
use agent_runner_api::view::{RunSummary, RunTree, TreeNode};
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::{Manifest, RunId};
use agent_runner_store::{Kin, StoreError};

use super::runs::problem;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

impl<S: Places + 'static> Handle<GetTree> for Engine<S> {
    async fn call(&self, request: GetTree) -> Result<RunTree, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let own = self.look_at(&run_id).await?;
        let Above { runs, missing, unreadable } = self.line_above(&own).await;
        let found = self.store.kin(Kin::Descendants(&run_id)).await.map_err(|error| store_error(&error))?;
        let mut known: BTreeMap<RunId, Manifest> = BTreeMap::new();
        for manifest in found.runs.into_iter().chain([own]) {
            known.insert(manifest.spec.run_id.clone(), manifest);
        }
        let mut node = self.below(&known, run_id.clone()).await?;
        for manifest in runs {
            node = TreeNode::new(self.summary(&manifest).await?, vec![node]);
        }
        let (missing_parent_run_id, unreadable_parent_run_id) = (missing, unreadable);
        let problems = found.problems.into_iter().map(problem).collect();
        Ok(RunTree { run_id, missing_parent_run_id, unreadable_parent_run_id, root: node, problems })
    }
}

/// What is above a run.
#[derive(Default)]
struct Above {
    /// Nearest first.
    runs: Vec<Manifest>,
    /// The one at the top names this one, which is not there.
    missing: Option<RunId>,
    /// The one at the top names this one, which cannot be read.
    unreadable: Option<RunId>,
}

impl<S: Places + 'static> Engine<S> {
    /// Nobody can be his own ancestor, whatever manifests say.
    async fn line_above(&self, run: &Manifest) -> Above {
        let mut above = Above::default();
        let mut next = run.spec.parent_run_id.clone();
        while let Some(parent) = next.take() {
            let is_known = |known: &Manifest| known.spec.run_id == parent;
            if is_known(run) || above.runs.iter().any(is_known) {
                break;
            }
            match self.store.snapshot(&parent).await {
                Ok(manifest) => {
                    next.clone_from(&manifest.spec.parent_run_id);
                    above.runs.push(manifest);
                }
                Err(StoreError::NotFound { .. }) => above.missing = Some(parent),
                Err(_) => above.unreadable = Some(parent),
            }
        }
        above
    }

    async fn summary(&self, manifest: &Manifest) -> Result<RunSummary, ApiError> {
        let (manifest, situation) = self.observe(manifest.clone()).await?;
        Ok(RunSummary::new(&manifest, &situation))
    }

    /// A run and all below it. Without recursion: a tree may be as deep as somebody makes it.
    async fn below(&self, known: &BTreeMap<RunId, Manifest>, top: RunId) -> Result<TreeNode, ApiError> {
        let mut children: BTreeMap<&RunId, Vec<&Manifest>> = BTreeMap::new();
        for manifest in known.values() {
            if let Some(parent) = &manifest.spec.parent_run_id {
                children.entry(parent).or_default().push(manifest);
            }
        }
        for siblings in children.values_mut() {
            siblings.sort_by_key(|manifest| (manifest.spec.created_at, manifest.spec.run_id.clone()));
        }
        let mut order = vec![top.clone()];
        let mut seen: BTreeSet<RunId> = [top.clone()].into();
        let mut at = 0;
        while let Some(run_id) = order.get(at).cloned() {
            at += 1;
            for child in children.get(&run_id).into_iter().flatten() {
                if seen.insert(child.spec.run_id.clone()) {
                    order.push(child.spec.run_id.clone());
                }
            }
        }
        // The last ones have nobody below them that is not built yet.
        let mut built: BTreeMap<RunId, TreeNode> = BTreeMap::new();
        for run_id in order.iter().rev() {
            let Some(manifest) = known.get(run_id) else { continue };
            let own = children.get(run_id).into_iter().flatten();
            let nodes = own.filter_map(|child| built.remove(&child.spec.run_id)).collect();
            built.insert(run_id.clone(), TreeNode::new(self.summary(manifest).await?, nodes));
        }
        match built.remove(&top) {
            Some(node) => Ok(node),
            None => Ok(TreeNode::new(self.summary(&self.look_at(&top).await?).await?, Vec::new())),
        }
    }
}
