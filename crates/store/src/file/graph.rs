//! Turns of those who change what runs have to do with one another. Must not be used where a run alone decides: everybody
//! waits for everybody here.

use std::time::Duration;

use agent_runner_model::Manifest;

use crate::error::{CommitError, StoreError};
use crate::listing::RunQuery;
use crate::run_store::AmongCheck;

use super::layout::Layout;
use super::{durable, lock, query};

/// The turn of whoever changes what runs have to do with one another.
#[derive(Debug)]
pub struct FileGraph {
    _lock: lock::Lock,
}

pub(crate) fn hold(layout: &Layout, patience: Duration) -> Result<FileGraph, StoreError> {
    durable::make_dirs(layout.runs())?;
    Ok(FileGraph { _lock: lock::exclusive(&layout.graph_lock(), patience)? })
}

/// Looks at all runs there are, for whoever has the turn.
pub(crate) fn check(layout: &Layout, _turn: &FileGraph, check: &AmongCheck<'_>) -> Result<(), CommitError> {
    let everything = RunQuery { include_archived: true, ..RunQuery::default() };
    let listing = query::query(layout, &everything)?;
    let manifests: Vec<Manifest> = listing.runs.into_iter().map(|listed| listed.manifest).collect();
    check(&manifests, &listing.problems).map_err(CommitError::Refused)
}
