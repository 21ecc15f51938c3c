//! Putting directories of another program out of the way of runs that are made of them. They are kept whole, below
//! `imported/`, where no listing looks. Must not take anything away.
//!
//! A directory bears `.unfinished` until its run is in place. So who is killed leaves one of three things: the directory where it
//! was, the directory under that name, or the run and the directory.

use std::fs;
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;

use crate::asides::{Aside, Asides};
use crate::error::StoreError;

use super::layout::{Layout, is_absent};
use super::store::FileStore;
use super::{durable, lock};

/// Where they are kept, below the state directory.
const KEPT: &str = "imported";
/// What the name of one ends in whose run is not in place yet.
const UNFINISHED: &str = ".unfinished";

/// What stands behind that before the id of its run, if that is to be another one.
const AS: &str = "-as-";
/// The lock of whoever makes runs of them.
const LOCK: &str = ".lock";

/// The turn of whoever makes runs of directories of another program.
#[derive(Debug)]
pub struct FileTurn {
    _lock: lock::Lock,
}

impl Asides for FileStore {
    type Turn = FileTurn;

    async fn hold_imports(&self) -> Result<FileTurn, StoreError> {
        let folder = self.layout().state_dir().join(KEPT);
        durable::make_dirs(&folder)?;
        Ok(FileTurn { _lock: lock::exclusive(&folder.join(LOCK), self.patience())? })
    }

    async fn set_aside(
        &self,
        _turn: &FileTurn,
        dir: &Path,
        new_id: Option<&RunId>,
    ) -> Result<Option<Aside>, StoreError> {
        set_aside(self.layout(), dir, new_id)
    }

    async fn settle_aside(&self, _turn: &FileTurn, aside: &Aside) -> Result<PathBuf, StoreError> {
        settle(aside)
    }

    async fn put_back(&self, _turn: &FileTurn, aside: &Aside) -> Result<(), StoreError> {
        moved(&aside.place, &aside.from)
    }

    async fn unfinished_asides(&self, _turn: &FileTurn) -> Result<Vec<Aside>, StoreError> {
        unfinished(self.layout())
    }

    fn bearers(&self, id: &RunId, but: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let but = fs::canonicalize(but).ok();
        let is_other = |path: &PathBuf| but.is_none() || fs::canonicalize(path).ok() != but;
        Ok(self.layout().all_taken(id)?.into_iter().filter(is_other).collect())
    }

    fn kept_asides(&self, name: &str) -> Result<Vec<PathBuf>, StoreError> {
        kept(self.layout(), name)
    }
}

/// Moves a directory of the runs out of them; nothing if it is none of them.
fn set_aside(layout: &Layout, dir: &Path, new_id: Option<&RunId>) -> Result<Option<Aside>, StoreError> {
    let Some((bucket, name)) = among_runs(layout, dir) else { return Ok(None) };
    let from = layout.bucket(&bucket).join(&name);
    let folder = layout.state_dir().join(KEPT).join(&bucket);
    durable::make_dirs(&folder)?;
    let id = new_id.map(|id| format!("{AS}{id}")).unwrap_or_default();
    let place = free(&folder, &format!("{name}{UNFINISHED}{id}"));
    moved(&from, &place)?;
    durable::check("store.aside.moved", &place)?;
    Ok(Some(Aside { from, place, new_id: new_id.cloned() }))
}

/// Its run is in place: gives it the name it is kept under.
fn settle(aside: &Aside) -> Result<PathBuf, StoreError> {
    let (Some(folder), Some(name)) = (aside.place.parent(), aside.from.file_name()) else {
        return Ok(aside.place.clone());
    };
    let kept = free(folder, &name.to_string_lossy());
    moved(&aside.place, &kept)?;
    durable::check("store.aside.settled", &kept)?;
    Ok(kept)
}

/// Those somebody was killed at.
fn unfinished(layout: &Layout) -> Result<Vec<Aside>, StoreError> {
    let mut found = Vec::new();
    for bucket in children(&layout.state_dir().join(KEPT))? {
        for place in children(&bucket)? {
            let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // A number may stand behind it.
            let Some((name, rest)) = name.split_once(UNFINISHED) else { continue };
            let Some(repo) = bucket.file_name() else { continue };
            let id = rest.strip_prefix(AS).and_then(|rest| rest.split('.').next());
            let new_id = id.and_then(|id| RunId::parse(id).ok());
            found.push(Aside { from: layout.bucket(&repo.to_string_lossy()).join(name), place, new_id });
        }
    }
    Ok(found)
}

/// Those that had that name and are kept. A number may stand behind it.
fn kept(layout: &Layout, name: &str) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for bucket in children(&layout.state_dir().join(KEPT))? {
        let is_it = |place: &PathBuf| {
            let bears = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let rest = bears.strip_prefix(name);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.parse::<u64>().is_ok())
            })
        };
        found.extend(children(&bucket)?.into_iter().filter(is_it));
    }
    Ok(found)
}

/// The bucket and the name of a directory, if it lies where runs lie.
fn among_runs(layout: &Layout, dir: &Path) -> Option<(String, String)> {
    let dir = fs::canonicalize(dir).ok()?;
    let bucket = dir.parent()?;
    let runs = fs::canonicalize(layout.runs()).ok()?;
    if bucket.parent() != Some(runs.as_path()) {
        return None;
    }
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    Some((name(bucket)?, name(&dir)?))
}

/// A name that nothing has yet: nothing is ever overwritten.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut place = folder.join(name);
    let mut number = 2_u64;
    while place.symlink_metadata().is_ok() {
        place = folder.join(format!("{name}.{number}"));
        number += 1;
    }
    place
}

/// Renames durably: the new name first, so that it has one of them at any moment.
fn moved(from: &Path, to: &Path) -> Result<(), StoreError> {
    durable::rename(from, to)?;
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        durable::sync_dir(folder)?;
    }
    Ok(())
}

fn children(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = |source| StoreError::List { path: dir.to_path_buf(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry.map_err(fail)?.path());
    }
    found.sort();
    Ok(found)
}
