//! The tree of runs that started one another.

use std::collections::{BTreeMap, BTreeSet};

use agent_runner_api::operations::GetTree;
use agent_runner_api::view::{RunSummary, RunTree, TreeNode};
use agent_runner_api::{ApiError, Handle};
use agent_runner_model::{Manifest, RunId};
use agent_runner_store::{RunQuery, StoreError};

use super::runs::problem;
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

impl<S: Places + 'static> Handle<GetTree> for Engine<S> {
    async fn call(&self, request: GetTree) -> Result<RunTree, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let everything = RunQuery { include_archived: true, ..RunQuery::default() };
        let listing = self.store.query(&everything).await.map_err(|error| store_error(&error))?;
        let mut known: BTreeMap<RunId, Manifest> = BTreeMap::new();
        for listed in listing.runs {
            known.insert(listed.manifest.spec.run_id.clone(), listed.manifest);
        }
        if !known.contains_key(&run_id) {
            // Read once more, for the reason why it was not listed.
            known.insert(run_id.clone(), self.look_at(&run_id).await?);
        }
        let (above, absent) = above(&known, &run_id);
        let (missing_parent_run_id, unreadable_parent_run_id) = self.gone_or_unreadable(absent).await?;
        let mut node = self.below(&known, run_id.clone()).await?;
        for parent in above {
            let Some(manifest) = known.get(&parent) else { continue };
            node = TreeNode::new(self.summary(manifest).await?, vec![node]);
        }
        let problems = listing.problems.into_iter().map(problem).collect();
        Ok(RunTree { run_id, missing_parent_run_id, unreadable_parent_run_id, root: node, problems })
    }
}

/// The runs above a run, nearest first, and the one that is named but not there. Nobody can be his own ancestor,
/// whatever manifests say.
fn above(known: &BTreeMap<RunId, Manifest>, run_id: &RunId) -> (Vec<RunId>, Option<RunId>) {
    let mut above = Vec::new();
    let mut next = run_id.clone();
    loop {
        let Some(parent) = known.get(&next).and_then(|manifest| manifest.spec.parent_run_id.clone()) else {
            return (above, None);
        };
        if !known.contains_key(&parent) {
            return (above, Some(parent));
        }
        if parent == *run_id || above.contains(&parent) {
            return (above, None);
        }
        above.push(parent.clone());
        next = parent;
    }
}

impl<S: Places + 'static> Engine<S> {
    /// A run that was not listed is not there any more, or cannot be read.
    async fn gone_or_unreadable(
        &self,
        absent: Option<RunId>,
    ) -> Result<(Option<RunId>, Option<RunId>), ApiError> {
        let Some(run_id) = absent else { return Ok((None, None)) };
        match self.store.snapshot(&run_id).await {
            Err(StoreError::NotFound { .. }) => Ok((Some(run_id), None)),
            // It came back while this was looking: nothing is known of what is above it.
            Ok(_) | Err(_) => Ok((None, Some(run_id))),
        }
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
