//! Reading a run and its history without a lock: the manifest first, then the log only as far as the manifest says.

use std::path::Path;

use agent_runner_model::{Manifest, RunId};

use crate::error::StoreError;
use crate::run_store::Tail;

use super::document;
use super::layout::Layout;
use super::leftovers;
use super::log::{self, Lines};

/// How often a reader starts over because the log was repaired while it read.
const ATTEMPTS: usize = 5;

pub(crate) fn snapshot(layout: &Layout, id: &RunId) -> Result<Manifest, StoreError> {
    let dir = layout.find(id)?;
    leftovers::clear(&dir);
    load(layout, id, &dir)
}

pub(crate) fn tail(
    layout: &Layout,
    id: &RunId,
    after: u64,
    limit: Option<usize>,
) -> Result<Tail, StoreError> {
    let dir = layout.find(id)?;
    leftovers::clear(&dir);
    let mut manifest = load(layout, id, &dir)?;
    let mut lines = read(&dir, &manifest, after)?;
    for _ in 1..ATTEMPTS {
        if !lines.short {
            break;
        }
        let again = load(layout, id, &dir)?;
        if (again.revision, again.events_len) == (manifest.revision, manifest.events_len) {
            // It is short for good: a part of the history is lost.
            break;
        }
        manifest = again;
        lines = read(&dir, &manifest, after)?;
    }
    let mut events = lines.events;
    if let Some(limit) = limit {
        events.truncate(limit);
    }
    let last_cursor = events.last().map_or(after, |event| event.cursor);
    Ok(Tail { manifest, events, last_cursor, unreadable: lines.unreadable })
}

/// Whoever has seen everything need not open the log.
fn read(dir: &Path, manifest: &Manifest, after: u64) -> Result<Lines, StoreError> {
    if after >= manifest.last_cursor {
        return Ok(Lines::default());
    }
    log::read(dir, manifest.events_len, after)
}

fn load(layout: &Layout, id: &RunId, dir: &Path) -> Result<Manifest, StoreError> {
    document::load(dir, id)?.ok_or_else(|| layout.not_found(id))
}
