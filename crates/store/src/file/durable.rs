//! Files and directories with the rights and the durability a state directory needs. Must not know what is in them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StoreError;
use crate::failpoint;

static SYNCS: AtomicU64 = AtomicU64::new(0);

/// How often this process has asked the disk to make something durable.
pub fn syncs() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

/// Most bytes that are set aside for a file before any of it was read.
const LARGEST_GUESS: usize = 1024 * 1024;

/// Options for files nobody else may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Opens a file to be read. A pipe or a device that somebody put in its place is an error, and nothing that is waited for.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = options.read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?.file_type();
    if found.is_file() {
        return Ok(file);
    }
    let what = if found.is_dir() { "a directory" } else { "something else" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what} is where a file has to be")))
}

/// The bytes of such a file, if it has no more than that.
pub(crate) fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open_file(path)?;
    // Nearly always right, and then the only allocation.
    bytes.reserve(usize::try_from(file.metadata()?.len()).unwrap_or(0).min(LARGEST_GUESS));
    file.take(most).read_to_end(&mut bytes)?;
    if bytes.len() as u64 >= most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Opens a file that is written and read in place, making it if it is not there. Never empties it.
pub(crate) fn open_side_file(path: &Path) -> Result<File, StoreError> {
    private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|source| StoreError::Open { path: path.to_path_buf(), source })
}

pub(crate) fn sync_file(file: &File, path: &Path) -> Result<(), StoreError> {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    file.sync_data().map_err(|source| StoreError::Sync { path: path.to_path_buf(), source })
}

/// Makes the names in a directory durable that is held open.
pub(crate) fn sync_folder(folder: &File, path: &Path) -> Result<(), StoreError> {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    folder.sync_all().map_err(|source| StoreError::Sync { path: path.to_path_buf(), source })
}

pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    let sync = || File::open(path)?.sync_all();
    sync().map_err(|source| StoreError::Sync { path: path.to_path_buf(), source })
}

/// Makes one directory; `false` when it was there already.
pub(crate) fn make_dir(path: &Path) -> Result<bool, StoreError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(StoreError::MakeDir { path: path.to_path_buf(), source }),
    }
}

/// Makes a directory and those above it, and makes each new one durable in the one above.
pub(crate) fn make_dirs(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_dirs(parent)?;
    }
    if make_dir(path)? {
        sync_dir(parent.unwrap_or_else(|| Path::new(".")))?;
    }
    Ok(())
}

/// Writes a whole new file and makes it durable, but not its name.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let (file, path) = write_unsynced(path, bytes)?;
    sync_file(&file, &path)
}

/// Writes a whole file, without making it durable.
pub(crate) fn write_unsynced(path: &Path, bytes: &[u8]) -> Result<(File, PathBuf), StoreError> {
    let fail = |source| StoreError::Write { path: path.to_path_buf(), source };
    let mut file = private().write(true).create(true).truncate(true).open(path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    Ok((file, path.to_path_buf()))
}

/// Renames within a directory.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Rename {
        from: from.to_path_buf(),
        to: to.to_path_buf(),
        source,
    })
}

/// A failpoint in front of, or behind, the writing of a file.
pub(crate) fn check(name: &'static str, path: &Path) -> Result<(), StoreError> {
    failpoint::check(name).map_err(|source| StoreError::Write { path: path.to_path_buf(), source })
}
