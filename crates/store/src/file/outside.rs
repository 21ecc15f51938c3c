//! Run directories that this store has not written: finding them below a directory, and reading what is in them. Follows no
//! links out of them, and must not change anything.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::StoreError;

use super::folder::Folder;
use super::layout::{ARRIVING, DELETED, MANIFEST, is_absent};

/// How deep below a directory runs are looked for: a state directory has them in `runs/<bucket>/<run>`.
const DEPTH: usize = 3;
/// Where a state directory has its runs.
const RUNS: &str = "runs";
/// The system's word for a link where none may be.
const LINK: i32 = rustix::io::Errno::LOOP.raw_os_error();

/// A run directory that somebody else wrote.
#[derive(Debug)]
pub struct OutsideRun {
    folder: Folder,
    dir: PathBuf,
}

impl OutsideRun {
    /// Looks at a directory.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { folder: Folder::of_run(dir)?, dir: dir.to_path_buf() })
    }

    /// The bytes of a file in it, by its path below it; nothing if there is none. At most `limit` bytes are read.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(file) = self.file(name)? else { return Ok(None) };
        let path = self.dir.join(name);
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|source| StoreError::Read { path, source })?;
        if bytes.len() as u64 > limit {
            return Err(StoreError::TooLarge { limit });
        }
        Ok(Some(bytes))
    }

    /// A file in it, by its path below it; nothing if there is none. What is no file is refused.
    pub fn file(&self, name: &str) -> Result<Option<File>, StoreError> {
        let mut parts: Vec<&str> = name.split('/').collect();
        let last = parts.pop().unwrap_or_default();
        if parts.iter().chain([&last]).any(|part| matches!(*part, "" | "." | "..")) {
            return Err(StoreError::Foreign { path: self.dir.join(name) });
        }
        let Some(folder) = Folder::of_run(&self.dir)?.descend(parts)? else { return Ok(None) };
        let file = folder.read(last).map_err(|error| match error {
            StoreError::Read { path, source } if source.raw_os_error() == Some(LINK) => {
                StoreError::Foreign { path }
            }
            error => error,
        })?;
        let Some(file) = file else { return Ok(None) };
        let about = file.metadata();
        let about = about.map_err(|source| StoreError::Read { path: self.dir.join(name), source })?;
        if !about.is_file() {
            return Err(StoreError::Foreign { path: self.dir.join(name) });
        }
        Ok(Some(file))
    }

    /// The names of what is in a folder of it; none if there is no such folder.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let Some(folder) = self.folder.enter(folder)? else { return Ok(Vec::new()) };
        Ok(folder.entries()?.into_iter().map(|(name, _)| name).collect())
    }
}

/// The run directories at a path: itself, or those in it, be it a state directory, its `runs`, or one repository's part of
/// them. In order.
pub fn outside_runs(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let has_manifest = |dir: &Path| fs::symlink_metadata(dir.join(MANIFEST)).is_ok();
    if has_manifest(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let top = path.join(RUNS);
    let start = if top.is_dir() { top } else { path.to_path_buf() };
    let mut found = Vec::new();
    let mut level = folders(&start)?;
    for _ in 1..DEPTH {
        let (runs, others): (Vec<_>, Vec<_>) = level.into_iter().partition(|dir| has_manifest(dir));
        found.extend(runs);
        level = Vec::new();
        for dir in others {
            level.extend(folders(&dir)?);
        }
    }
    found.sort();
    Ok(found)
}

/// The directories in one; links are none, and what comes or goes here is nobody's run. A repository's part may well begin
/// with a dot, as its repository does.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = |source| StoreError::List { path: dir.to_path_buf(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // It went away meanwhile.
        Err(error) if is_absent(&error) && dir.symlink_metadata().is_err() => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let passes = name.starts_with(ARRIVING) || name.starts_with(DELETED);
        if !passes && entry.file_type().map_err(fail)?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
