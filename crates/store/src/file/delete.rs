//! Deleting a run: one rename takes it out of sight, then its files go. Must not delete what somebody owns.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use agent_runner_model::{Manifest, Refusal, RunId};

use crate::error::{CommitError, StoreError};

use super::document;
use super::durable;
use super::layout::{DELETED, Layout, OWNER_LOCK, RUN_LOCK};
use super::lock;

pub(crate) fn delete(
    layout: &Layout,
    id: &RunId,
    check: &(dyn Fn(&Manifest) -> Result<(), Refusal> + Sync),
    patience: Duration,
) -> Result<(), CommitError> {
    let dir = layout.find(id)?;
    let owner_path = dir.join(OWNER_LOCK);
    let owner = durable::open_side_file(&owner_path)?;
    let free = lock::try_exclusive(&owner);
    if !free.map_err(|source| StoreError::Lock { path: owner_path, source })? {
        return Err(StoreError::Owned { id: id.clone() }.into());
    }
    let lock = lock::exclusive(&dir.join(RUN_LOCK), patience);
    let _run = lock.map_err(|error| if dir.exists() { error } else { layout.not_found(id) })?;
    let manifest = document::load(&dir, id)?.ok_or_else(|| layout.not_found(id))?;
    check(&manifest).map_err(CommitError::Refused)?;
    // Two deletions of one name, with a creation in between, must not meet in the place things are moved to.
    let _create = lock::exclusive(&layout.create_lock(), patience)?;
    let Some(bucket) = dir.parent() else { return Err(layout.not_found(id).into()) };
    let away = bucket.join(format!("{DELETED}{id}"));
    remove(&away)?;
    durable::rename(&dir, &away)?;
    durable::sync_dir(bucket)?;
    durable::check("store.delete.moved", &away)?;
    Ok(remove(&away)?)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::Remove { path: path.to_path_buf(), source }),
    }
}
