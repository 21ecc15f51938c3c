//! Files that were handed over with a run: kept from readers, given to writers, each alone in a folder, and swept when
//! whoever made them died. Must not touch anything that a link leads to.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_runner_model::{Manifest, RunId};
use rustix::fs::FileType;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::run_store::{BlobKind, Stored};

use super::blobs::{check, check_replaced};
use super::folder::Folder;
use super::layout::Layout;
use super::lock::{self, Lock};
use super::{document, durable};

/// Bytes of a file that are held at once while it is copied.
const PIECE: usize = 64 * 1024;

/// Tells files of this process apart that are being made.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Works in a run's directory. Whoever deletes the run meanwhile is the reason for whatever fails then.
fn in_run<T>(
    layout: &Layout,
    id: &RunId,
    work: impl FnOnce(&Path) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let dir = layout.find(id)?;
    work(&dir).map_err(|error| if dir.exists() { error } else { layout.not_found(id) })
}

/// The folders of a name, and the file in the last of them.
pub(super) fn parts(name: &str) -> (Vec<&str>, &str) {
    match name.rsplit_once('/') {
        Some((folders, file)) => (folders.split('/').collect(), file),
        None => (Vec::new(), name),
    }
}

/// Keeps what a reader has, without ever holding more than a piece of it.
pub(crate) fn put_from(
    layout: &Layout,
    id: &RunId,
    name: &str,
    source: &mut dyn Read,
    limit: u64,
) -> Result<Stored, StoreError> {
    check(name)?;
    in_run(layout, id, |dir| {
        let (names, file) = parts(name);
        let mut way = vec![Folder::of_run(dir)?];
        for name in &names {
            let next = way.last().map(|folder| folder.make(name));
            way.extend(next.transpose()?);
        }
        let Some(folder) = way.pop() else { return Err(layout.not_found(id)) };
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let tmp = format!("{file}.{}-{unique}.tmp", std::process::id());
        let stored = copy(source, &folder, &tmp, limit).and_then(|stored| {
            folder.rename(&tmp, file)?;
            folder.sync()?;
            Ok(stored)
        });
        if stored.is_err() {
            let _ = folder.remove(&tmp);
            // A folder that was made for this alone goes too; one with something in it stays.
            if let (Some(above), Some(name)) = (way.last(), names.last()) {
                above.remove_empty(name);
            }
        }
        stored
    })
}

pub(super) fn copy(
    source: &mut dyn Read,
    folder: &Folder,
    name: &str,
    limit: u64,
) -> Result<Stored, StoreError> {
    let path = folder.path_of(name);
    let fail = |source| StoreError::Write { path: path.clone(), source };
    let mut file = folder.create(name)?;
    let (mut size, mut hash) = (0_u64, Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(StoreError::Input { source }),
        };
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if size > limit {
            return Err(StoreError::TooLarge { limit });
        }
        hash.update(&piece[..count]);
        file.write_all(&piece[..count]).map_err(fail)?;
        durable::check("store.blob.half_copied", &path)?;
    }
    durable::sync_file(&file, &path)?;
    durable::check("store.blob.copied", &path)?;
    Ok(Stored { size, sha256: hex(hash) })
}

/// Whether something is kept under a name.
pub(crate) fn has(layout: &Layout, id: &RunId, name: &str) -> Result<bool, StoreError> {
    check(name)?;
    in_run(layout, id, |dir| {
        let (names, file) = parts(name);
        let Some(folder) = Folder::of_run(dir)?.descend(names)? else { return Ok(false) };
        Ok(folder.entries()?.iter().any(|(entry, _)| entry == file))
    })
}

/// Folders of blobs are not deeper than that.
const DEEPEST: usize = 3;

/// What is kept in a folder, in order.
pub(crate) fn list(layout: &Layout, id: &RunId, folder: &str) -> Result<Vec<(String, BlobKind)>, StoreError> {
    check(&format!("{folder}/any"))?;
    in_run(layout, id, |dir| {
        let mut found = Vec::new();
        if let Some(inside) = Folder::of_run(dir)?.enter(folder)? {
            list_in(&inside, folder, DEEPEST, &mut found)?;
        }
        found.sort();
        Ok(found)
    })
}

fn list_in(
    folder: &Folder,
    path: &str,
    left: usize,
    found: &mut Vec<(String, BlobKind)>,
) -> Result<(), StoreError> {
    for (name, kind) in folder.entries()? {
        let path = format!("{path}/{name}");
        match kind {
            FileType::RegularFile => found.push((path, BlobKind::File)),
            FileType::Directory if left > 0 => {
                // It may be gone by now.
                if let Some(below) = folder.enter(&name)? {
                    list_in(&below, &path, left - 1, found)?;
                }
            }
            _ => found.push((path, BlobKind::Foreign)),
        }
    }
    Ok(())
}

/// Takes a file away, and the folder it was alone in. What is gone already is no error.
pub(crate) fn remove(layout: &Layout, id: &RunId, name: &str) -> Result<(), StoreError> {
    check_replaced(name)?;
    in_run(layout, id, |dir| {
        let (mut names, file) = parts(name);
        let last = names.pop();
        let Some(above) = Folder::of_run(dir)?.descend(names)? else { return Ok(()) };
        let Some(last) = last else { return above.remove(file) };
        let Some(folder) = above.enter(last)? else { return Ok(()) };
        folder.remove(file)?;
        above.remove_empty(last);
        Ok(())
    })
}

/// Keeps folders from being swept. Several may hold them at once.
pub(crate) fn hold(
    layout: &Layout,
    id: &RunId,
    folder: &str,
    patience: Duration,
) -> Result<FileHold, StoreError> {
    in_run(layout, id, |dir| Ok(FileHold { _lock: lock::shared(&hold_path(dir, folder)?, patience)? }))
}

fn hold_path(dir: &Path, folder: &str) -> Result<PathBuf, StoreError> {
    check(&format!("{folder}/any"))?;
    Ok(dir.join(format!("{folder}.lock")))
}

/// What keeps folders of files from being swept.
#[derive(Debug)]
pub struct FileHold {
    _lock: Lock,
}

/// Takes away folders that nobody knows. Who holds them is not waited for: there will be another sweep.
pub(crate) fn sweep(
    layout: &Layout,
    id: &RunId,
    folder: &str,
    is_known: &dyn Fn(&Manifest, &str) -> bool,
) -> Result<usize, StoreError> {
    in_run(layout, id, |dir| {
        let run = Folder::of_run(dir)?;
        let Some(inside) = run.enter(folder)? else { return Ok(0) };
        let path = hold_path(dir, folder)?;
        let file = durable::open_side_file(&path)?;
        let free = lock::try_exclusive(&file);
        if !free.map_err(|source| StoreError::Lock { path, source })? {
            return Ok(0);
        }
        let _lock = Lock::taken(file);
        // Read only now: whoever made a folder let go after its manifest named it.
        let Some(manifest) = document::load(dir, id)? else { return Ok(0) };
        let mut swept = 0;
        for (name, kind) in inside.entries()? {
            if kind == FileType::Directory && !is_known(&manifest, &name) && sweep_one(&inside, &name)? {
                swept += 1;
            }
        }
        // Only if it is empty.
        run.remove_empty(folder);
        Ok(swept)
    })
}

/// Whoever dies while a file is handed over leaves a folder with that file, finished or not, or with nothing. Anything
/// else was put there by somebody else, and stays.
fn sweep_one(above: &Folder, name: &str) -> Result<bool, StoreError> {
    let Some(folder) = above.enter(name)? else { return Ok(false) };
    match folder.entries()?.as_slice() {
        [] => {}
        [(file, FileType::RegularFile)] => folder.remove(file)?,
        _ => return Ok(false),
    }
    Ok(above.remove_empty(name))
}

/// Hands out a file, without ever holding more than a piece of it.
pub(crate) fn copy_out(
    layout: &Layout,
    id: &RunId,
    name: &str,
    out: &mut dyn Write,
) -> Result<Option<Stored>, StoreError> {
    check(name)?;
    in_run(layout, id, |dir| {
        let (names, file) = parts(name);
        let Some(folder) = Folder::of_run(dir)?.descend(names)? else { return Ok(None) };
        // Whoever put a link in its place does not get something else handed out.
        let Some(opened) = folder.read(file)? else { return Ok(None) };
        pour(opened, &folder.path_of(file), out).map(Some)
    })
}

fn pour(mut file: File, path: &Path, out: &mut dyn Write) -> Result<Stored, StoreError> {
    let (mut size, mut hash) = (0_u64, Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(StoreError::Read { path: path.to_path_buf(), source }),
        };
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        hash.update(&piece[..count]);
        out.write_all(&piece[..count]).map_err(|source| StoreError::Output { source })?;
    }
    Ok(Stored { size, sha256: hex(hash) })
}

pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
