//! What is left by somebody who was killed while writing: manifests that never counted, and runs that never came
//! to be. Both may hold values that are in no other file, so nobody waits for the next writer.
//! Must not touch what a living writer works on, nor what anybody else has put there.

use std::fs;
use std::path::Path;

use agent_runner_model::RunId;

use super::durable;
use super::layout::{
    AGENT_SEED, ASSIGNMENT_SEED, EVENTS, Layout, MANIFEST, MANIFEST_TMP, OWNER_LOCK, RUN_LOCK,
};
use super::lock::{self, Lock};

/// All that a run has before it is one.
const BEFORE_IT_IS_A_RUN: [&str; 6] =
    [MANIFEST_TMP, EVENTS, RUN_LOCK, OWNER_LOCK, AGENT_SEED, ASSIGNMENT_SEED];

/// Clears up in a directory that is a run, or was to become one. Failing to is no reason not to read the run.
pub(crate) fn clear(dir: &Path) {
    let tmp = dir.join(MANIFEST_TMP);
    if fs::symlink_metadata(&tmp).is_err() {
        return;
    }
    // Whoever is writing it holds this.
    let Some(_writing) = lock_if_free(&dir.join(RUN_LOCK)) else { return };
    match fs::symlink_metadata(dir.join(MANIFEST)) {
        Ok(_) => {
            let _ = fs::remove_file(&tmp);
        }
        Err(_) if is_no_run(dir) => {
            let _ = fs::remove_dir_all(dir);
        }
        // A run whose manifest somebody took away: nothing of it is thrown away but what never counted.
        Err(_) => {
            let _ = fs::remove_file(&tmp);
        }
    }
}

/// The same for a name that turns out to be no run.
pub(crate) fn clear_named(layout: &Layout, id: &RunId) {
    for bucket in layout.buckets().unwrap_or_default() {
        clear(&bucket.join(id.as_str()));
    }
}

fn lock_if_free(path: &Path) -> Option<Lock> {
    let file = durable::private().read(true).write(true).open(path).ok()?;
    lock::try_exclusive(&file).ok()?.then_some(())?;
    let lock = Lock::taken(file);
    lock::is_current(lock.file(), path).then_some(lock)
}

fn is_no_run(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| {
            entry.file_name().to_str().is_some_and(|name| BEFORE_IT_IS_A_RUN.contains(&name))
        })
    })
}
