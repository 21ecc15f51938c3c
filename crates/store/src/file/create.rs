//! Creating a run. Its manifest comes last: killed before that, there is no run, only a name that is taken. With a manifest
//! that does not count yet, that goes too as soon as somebody comes across it (`leftovers`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::event::EventBody;
use agent_runner_model::manifest::SCHEMA_VERSION;
use agent_runner_model::{Manifest, Timestamp};

use crate::bucket;
use crate::error::StoreError;
use crate::run_store::{NewRun, Seeds};

use super::document::{self, Points};
use super::layout::{AGENT_SEED, ASSIGNMENT_SEED, EVENTS, Layout, OWNER_LOCK, RUN_LOCK};
use super::lock::{self, Lock};
use super::log::{self, len64};
use super::{changed, durable};

const POINTS: Points = Points { written: "store.create.wrote_tmp", synced: "store.create.wrote_tmp" };

pub(crate) fn create(
    layout: &Layout,
    new: NewRun,
    now: Timestamp,
    patience: Duration,
) -> Result<Manifest, StoreError> {
    let repo = &new.manifest.spec.repo;
    bucket::check(repo).map_err(|why| StoreError::Name { name: repo.clone(), why })?;
    // Held until it is a run: whoever comes across what is left of it can tell that nobody is at work on it.
    let (dir, _lock) = claim(layout, &new.manifest, patience)?;
    let staged = fill(&dir, new, now);
    if staged.is_err() {
        // Nobody has seen it: a full disk must not keep the name, nor the space.
        let _ = fs::remove_dir_all(&dir);
    }
    let manifest = staged?;
    let announced = changed::announce(layout, &dir);
    durable::check("store.create.announced", &dir)?;
    document::replace(&dir, "store.create.renamed")?;
    announced.landed();
    if let Some(bucket) = dir.parent() {
        durable::sync_dir(bucket)?;
    }
    durable::check("store.create.synced", &dir)?;
    Ok(manifest)
}

/// Writes everything but the name of the manifest.
fn fill(dir: &Path, new: NewRun, now: Timestamp) -> Result<Manifest, StoreError> {
    let NewRun { mut manifest, events, seeds } = new;
    write_seeds(dir, &seeds)?;
    durable::check("store.create.wrote_seeds", dir)?;
    let lines = log_lines(&manifest, &events, now)?;
    durable::write_new(&dir.join(EVENTS), &lines)?;
    durable::check("store.create.wrote_log", dir)?;
    durable::open_side_file(&dir.join(OWNER_LOCK))?;
    manifest.schema_version = SCHEMA_VERSION;
    manifest.revision = 1;
    manifest.last_cursor = events.len() as u64;
    manifest.events_len = len64(&lines);
    manifest.state.updated_at = now.max(manifest.state.updated_at);
    document::stage(dir, &manifest, &POINTS)?;
    Ok(manifest)
}

/// Takes the id, in whichever bucket, by making its directory, and the lock of whoever writes there.
fn claim(layout: &Layout, manifest: &Manifest, patience: Duration) -> Result<(PathBuf, Lock), StoreError> {
    durable::make_dirs(layout.runs())?;
    let _lock = lock::exclusive(&layout.create_lock(), patience)?;
    durable::check("store.create.locked", layout.runs())?;
    changed::begin_another(layout);
    let id = &manifest.spec.run_id;
    if let Some(path) = layout.taken(id)? {
        return Err(StoreError::Exists { id: id.clone(), path });
    }
    let bucket = layout.bucket(&manifest.spec.repo);
    durable::make_dirs(&bucket)?;
    let dir = bucket.join(id.as_str());
    if !durable::make_dir(&dir)? {
        return Err(StoreError::Exists { id: id.clone(), path: dir });
    }
    durable::check("store.create.made_dir", &dir)?;
    match lock::exclusive(&dir.join(RUN_LOCK), patience) {
        Ok(lock) => Ok((dir, lock)),
        Err(error) => {
            let _ = fs::remove_dir_all(&dir);
            Err(error)
        }
    }
}

pub(super) fn write_seeds(dir: &Path, seeds: &Seeds) -> Result<(), StoreError> {
    for (name, text) in [(AGENT_SEED, &seeds.agent), (ASSIGNMENT_SEED, &seeds.assignment)] {
        if let Some(text) = text {
            durable::write_new(&dir.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}

fn log_lines(manifest: &Manifest, events: &[EventBody], now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let at = now.max(manifest.state.updated_at);
    let id = manifest.spec.run_id.clone();
    log::render(events.to_vec(), 0, at).map_err(|source| StoreError::Encode { id, source })
}
