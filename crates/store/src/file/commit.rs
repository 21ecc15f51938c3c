//! Committing facts. The rename of the manifest is the commit: whoever reads it sees all of a change or none.

use std::path::Path;
use std::time::Duration;

use agent_runner_model::event::EventBody;
use agent_runner_model::{Fact, Manifest, RunId, Timestamp, apply_all};

use crate::error::{CommitError, StoreError};

use super::document::{self, Points};
use super::layout::{Layout, RUN_LOCK};
use super::lock;
use super::log::{self, EventLog, Guarded, len64};
use super::{changed, durable};

const POINTS: Points = Points { written: "store.commit.tmp_written", synced: "store.commit.tmp_synced" };

pub(crate) fn commit(
    layout: &Layout,
    id: &RunId,
    facts: &[Fact],
    now: Timestamp,
    patience: Duration,
) -> Result<Manifest, CommitError> {
    let dir = layout.find(id)?;
    let lock = lock::exclusive(&dir.join(RUN_LOCK), patience);
    let _lock = lock.map_err(|error| if dir.exists() { error } else { layout.not_found(id) })?;
    durable::check("store.commit.locked", &dir)?;
    let before = document::load(&dir, id)?.ok_or_else(|| layout.not_found(id))?;
    document::check_writable(&before, &dir)?;
    let applied = apply_all(&before, facts, now)?;
    if applied.events.is_empty() && applied.manifest == before {
        return Ok(before);
    }
    let announced = changed::announce(layout, &dir);
    durable::check("store.commit.announced", &dir)?;
    let written = write(&dir, &before, applied.manifest, applied.events, now);
    announced.landed();
    Ok(written?)
}

/// Makes a change durable: first what happened, then what is so.
fn write(
    dir: &Path,
    before: &Manifest,
    mut manifest: Manifest,
    mut events: Vec<EventBody>,
    now: Timestamp,
) -> Result<Manifest, StoreError> {
    let log = EventLog::open(dir)?;
    let mut counted = before.events_len;
    match log.guard(counted)? {
        Guarded::Short { found, usable } => {
            repair(dir, before, usable)?;
            events.insert(0, EventBody::HistoryLost { expected_bytes: counted, found_bytes: found });
            counted = usable;
        }
        // Whoever repaired it was killed before it could say so; how much was lost is not known any more.
        Guarded::Whole if log.lacks(before.last_cursor, counted)? => {
            events.insert(0, EventBody::HistoryLost { expected_bytes: counted, found_bytes: counted });
        }
        Guarded::Whole => {}
    }
    durable::check("store.commit.guarded", dir)?;

    let at = now.max(before.state.updated_at);
    let count = events.len() as u64;
    let lines = log::render(events, before.last_cursor, at)
        .map_err(|source| StoreError::Encode { id: before.spec.run_id.clone(), source })?;
    manifest.revision = before.revision + 1;
    manifest.last_cursor = before.last_cursor + count;
    manifest.events_len = counted + len64(&lines);
    manifest.state.updated_at = at;
    if !lines.is_empty() {
        log.append(counted, &lines)?;
    }
    if let Err(error) = document::stage(dir, &manifest, &POINTS) {
        log.withdraw(counted);
        return Err(error);
    }
    document::replace(dir, "store.commit.renamed")?;
    durable::check("store.commit.dir_synced", dir)?;
    Ok(manifest)
}

/// Lowers what counts to what is left, before anything is appended: nobody may read as history what is not committed.
fn repair(dir: &Path, before: &Manifest, usable: u64) -> Result<(), StoreError> {
    let mut repaired = before.clone();
    repaired.events_len = usable;
    document::stage(dir, &repaired, &POINTS)?;
    document::replace(dir, "store.commit.repaired")
}
