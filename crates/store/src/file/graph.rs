//! Commits that must fit to what other runs are. Must not be used where a run alone decides: everybody takes turns here.

use std::time::Duration;

use agent_runner_model::{Fact, Manifest, RunId, Timestamp};

use crate::error::CommitError;
use crate::run_store::{AmongCheck, RunQuery};

use super::layout::Layout;
use super::{commit, durable, lock, query};

pub(crate) fn commit_among(
    layout: &Layout,
    id: &RunId,
    facts: &[Fact],
    now: Timestamp,
    check: &AmongCheck<'_>,
    patience: Duration,
) -> Result<Manifest, CommitError> {
    durable::make_dirs(layout.runs())?;
    let _graph = lock::exclusive(&layout.graph_lock(), patience)?;
    let everything = RunQuery { include_archived: true, ..RunQuery::default() };
    let listing = query::query(layout, &everything)?;
    let manifests: Vec<Manifest> = listing.runs.into_iter().map(|listed| listed.manifest).collect();
    check(&manifests, &listing.problems).map_err(CommitError::Refused)?;
    commit::commit(layout, id, facts, now, patience)
}
