//! Deleting a run: one rename takes it out of sight, then its files go. Who is killed in between leaves that to whoever
//! comes next. Must not delete what somebody owns, nor what a link leads to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::{Manifest, Refusal, RunId};

use crate::error::{CommitError, StoreError};
use crate::failpoint;

use super::layout::{DELETED, Layout, MANIFEST, OWNER_LOCK, RUN_LOCK};
use super::lock;
use super::{adopt, changed, document, durable};

/// How often a directory is emptied that somebody still puts things in: whoever handed a file over when it was moved.
const TRIES: usize = 100;

pub(crate) fn delete(
    layout: &Layout,
    id: &RunId,
    check: &(dyn Fn(&Manifest) -> Result<(), Refusal> + Sync),
    patience: Duration,
) -> Result<(), CommitError> {
    let dir = layout.find(id)?;
    // Nothing is taken out of sight whose files would stay.
    if !fs::symlink_metadata(&dir).is_ok_and(|found| found.is_dir()) {
        return Err(StoreError::Foreign { path: dir }.into());
    }
    let owner_path = dir.join(OWNER_LOCK);
    // Somebody else may delete it between two looks.
    let vanished = |error| if dir.exists() { error } else { layout.not_found(id) };
    let owner = durable::open_side_file(&owner_path).map_err(vanished)?;
    let free = lock::try_exclusive(&owner);
    if !free.map_err(|source| StoreError::Lock { path: owner_path, source })? {
        return Err(StoreError::Owned { id: id.clone() }.into());
    }
    let lock = lock::exclusive(&dir.join(RUN_LOCK), patience);
    let _run = lock.map_err(vanished)?;
    let manifest = document::load(&dir, id)?.ok_or_else(|| layout.not_found(id))?;
    check(&manifest).map_err(CommitError::Refused)?;
    durable::check("store.delete.checked", &dir)?;
    // Two deletions of one name, with a creation in between, must not meet in the place things are moved to.
    let _create = lock::exclusive(&layout.create_lock(), patience)?;
    let Some(bucket) = dir.parent() else { return Err(layout.not_found(id).into()) };
    let away = bucket.join(format!("{DELETED}{id}"));
    remove(&away)?;
    let announced = changed::announce(layout, &dir);
    durable::check("store.delete.announced", &dir)?;
    durable::rename(&dir, &away)?;
    announced.landed();
    durable::sync_dir(bucket)?;
    durable::check("store.delete.moved", &away)?;
    Ok(remove(&away)?)
}

/// Finishes the deletion of a run that somebody was killed at. The run as it was, if there was one.
pub(crate) fn finish(
    layout: &Layout,
    id: &RunId,
    patience: Duration,
) -> Result<Option<Manifest>, StoreError> {
    if layout.remains(id)?.is_empty() {
        return Ok(None);
    }
    // Whoever deletes at this moment holds it until nothing is left.
    let _create = lock::exclusive(&layout.create_lock(), patience)?;
    let mut manifest = None;
    for path in layout.remains(id)? {
        manifest = document::load(&path, id).ok().flatten().or(manifest);
        remove(&path)?;
    }
    Ok(manifest)
}

/// Takes away what deletions left that were not finished, and runs on whose way here somebody died. What cannot be taken away now stays for the next one.
pub(crate) fn sweep(layout: &Layout, remains: &[PathBuf]) {
    if remains.is_empty() {
        return;
    }
    let Ok(file) = durable::open_side_file(&layout.create_lock()) else { return };
    if !lock::try_exclusive(&file).unwrap_or(false) {
        return;
    }
    let _lock = lock::Lock::taken(file);
    for path in remains {
        if !adopt::is_at_work(path) {
            let _ = remove(path);
        }
    }
}

pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Remove { path: path.to_path_buf(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(StoreError::Foreign { path: path.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(fail(source)),
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match empty(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && tries < TRIES => {}
            emptied => return emptied.map_err(fail),
        }
    }
}

/// The manifest goes last: as long as anything is left, it says whose it is.
fn empty(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == MANIFEST {
            continue;
        }
        if entry.file_type()?.is_dir() {
            gone(fs::remove_dir_all(entry.path()))?;
        } else {
            gone(fs::remove_file(entry.path()))?;
        }
    }
    failpoint::check("store.delete.emptied")?;
    gone(fs::remove_file(path.join(MANIFEST)))?;
    gone(fs::remove_dir(path))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
