//! Files of a run that are neither its manifest nor its log: records and output of attempts, attachments. Must not let
//! a name lead out of the run's directory or onto a file of the store itself.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_runner_model::{Manifest, RunId};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::run_store::Stored;

use super::layout::{AGENT_SEED, ASSIGNMENT_SEED, DRIVER_LOG, Layout, is_absent};
use super::lock::{self, Lock};
use super::{document, durable};

const MAX_NAME: usize = 255;
/// Bytes of a blob that are held at once while it is copied.
const PIECE: usize = 64 * 1024;
/// Bytes from which on compressing a blob is worth it.
const SEAL_FROM: u64 = 4096;
/// Most bytes a compressed blob is read to: more than any log may hold.
const MAX_UNSEALED: u64 = 128 * 1024 * 1024;

/// Tells files of this process apart that are being made.
static COUNTER: AtomicU64 = AtomicU64::new(0);

pub(crate) fn put(layout: &Layout, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = target(layout, id, name)?;
    // Several may put the same blob at once, without a lock.
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut tmp = path.clone().into_os_string();
    tmp.push(format!(".{}-{unique}.tmp", std::process::id()));
    let tmp = PathBuf::from(tmp);
    let written = durable::write_new(&tmp, bytes).and_then(|()| durable::rename(&tmp, &path));
    if written.is_err() {
        let _ = fs::remove_file(&tmp);
    }
    written
}

/// Keeps what a reader has, without ever holding more than a piece of it.
pub(crate) fn put_from(
    layout: &Layout,
    id: &RunId,
    name: &str,
    source: &mut dyn Read,
    limit: u64,
) -> Result<Stored, StoreError> {
    let path = target(layout, id, name)?;
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut tmp = path.clone().into_os_string();
    tmp.push(format!(".{}-{unique}.tmp", std::process::id()));
    let tmp = PathBuf::from(tmp);
    let stored = copy(source, &tmp, limit).and_then(|stored| {
        durable::rename(&tmp, &path)?;
        path.parent().map_or(Ok(()), durable::sync_dir)?;
        Ok(stored)
    });
    if stored.is_err() {
        let _ = fs::remove_file(&tmp);
        // A folder that was made for this alone goes too; one with something in it stays.
        let _ = path.parent().map(fs::remove_dir);
    }
    stored
}

fn copy(source: &mut dyn Read, path: &Path, limit: u64) -> Result<Stored, StoreError> {
    let fail = |source| StoreError::Write { path: path.to_path_buf(), source };
    let mut file = durable::private().write(true).create(true).truncate(true).open(path).map_err(fail)?;
    let (mut size, mut hash) = (0_u64, Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(StoreError::Input { source }),
        };
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if size > limit {
            return Err(StoreError::TooLarge { limit });
        }
        hash.update(&piece[..count]);
        file.write_all(&piece[..count]).map_err(fail)?;
        durable::check("store.blob.half_copied", path)?;
    }
    durable::sync_file(&file, path)?;
    durable::check("store.blob.copied", path)?;
    Ok(Stored { size, sha256: hex(hash) })
}

/// Takes a blob away, and the folder it was alone in. What is gone already is no error.
pub(crate) fn remove(layout: &Layout, id: &RunId, name: &str) -> Result<(), StoreError> {
    check_replaced(name)?;
    let path = layout.find(id)?.join(name);
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if is_absent(&error) => {}
        Err(source) => return Err(StoreError::Remove { path, source }),
    }
    let _ = path.parent().map(fs::remove_dir);
    Ok(())
}

/// Keeps folders from being swept. Several may hold them at once.
pub(crate) fn hold(
    layout: &Layout,
    id: &RunId,
    folder: &str,
    patience: Duration,
) -> Result<FileHold, StoreError> {
    let dir = layout.find(id)?;
    let lock = lock::shared(&hold_path(&dir, folder)?, patience);
    let lock = lock.map_err(|error| if dir.exists() { error } else { layout.not_found(id) })?;
    Ok(FileHold { _lock: lock })
}

fn hold_path(dir: &Path, folder: &str) -> Result<PathBuf, StoreError> {
    check(&format!("{folder}/any"))?;
    Ok(dir.join(format!("{folder}.lock")))
}

/// What keeps folders of blobs from being swept.
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
    let dir = layout.find(id)?;
    if !dir.join(folder).is_dir() {
        return Ok(0);
    }
    let path = hold_path(&dir, folder)?;
    let file = durable::open_side_file(&path)?;
    let free = lock::try_exclusive(&file);
    if !free.map_err(|source| StoreError::Lock { path, source })? {
        return Ok(0);
    }
    let _lock = Lock::taken(file);
    // Read only now: whoever made a folder let go after its manifest named it.
    let Some(manifest) = document::load(&dir, id)? else { return Ok(0) };
    let mut swept = 0;
    for name in folders(&dir.join(folder))? {
        if is_known(&manifest, &name) {
            continue;
        }
        let path = dir.join(folder).join(&name);
        match fs::remove_dir_all(&path) {
            Ok(()) => swept += 1,
            Err(error) if is_absent(&error) => {}
            Err(source) => return Err(StoreError::Remove { path, source }),
        }
    }
    // Only if it is empty.
    let _ = fs::remove_dir(dir.join(folder));
    Ok(swept)
}

/// The directories in a directory, themselves and not what links lead to.
fn folders(path: &Path) -> Result<Vec<String>, StoreError> {
    let fail = |source| StoreError::List { path: path.to_path_buf(), source };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

/// Hands out a blob, without ever holding more than a piece of it.
pub(crate) fn copy_out(
    layout: &Layout,
    id: &RunId,
    name: &str,
    out: &mut dyn Write,
) -> Result<Option<Stored>, StoreError> {
    check(name)?;
    let path = layout.find(id)?.join(name);
    let fail = |source| StoreError::Read { path: path.clone(), source };
    // Whoever put a link in its place does not get something else handed out.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let mut file = match fs::File::options().read(true).custom_flags(flags).open(&path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(source) => return Err(fail(source)),
    };
    let (mut size, mut hash) = (0_u64, Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(fail(source)),
        };
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        hash.update(&piece[..count]);
        out.write_all(&piece[..count]).map_err(|source| StoreError::Output { source })?;
    }
    Ok(Some(Stored { size, sha256: hex(hash) }))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn get(layout: &Layout, id: &RunId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    if !matches!(name, AGENT_SEED | ASSIGNMENT_SEED | DRIVER_LOG) {
        check(name)?;
    }
    let path = layout.find(id)?.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => get_sealed(&sealed(&path)),
        Err(source) => Err(StoreError::Read { path, source }),
    }
}

/// A compressed blob. One that is damaged is given as far as it goes, as an error.
fn get_sealed(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(source) => return Err(StoreError::Read { path: path.to_path_buf(), source }),
    };
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(file).take(MAX_UNSEALED).read_to_end(&mut bytes) {
        Err(source) if bytes.is_empty() => Err(StoreError::Read { path: path.to_path_buf(), source }),
        Err(source) => Err(StoreError::Damaged { path: path.to_path_buf(), bytes, source }),
        Ok(_) => Ok(Some(bytes)),
    }
}

/// Compresses a blob beside itself, then takes the original away: whoever reads finds one or the other, never neither.
pub(crate) fn seal(layout: &Layout, id: &RunId, name: &str) -> Result<(), StoreError> {
    check(name)?;
    let path = layout.find(id)?.join(name);
    let fail = |source| StoreError::Write { path: path.clone(), source };
    let mut file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(source) => return Err(StoreError::Read { path, source }),
    };
    if file.metadata().map_err(fail)?.len() <= SEAL_FROM {
        return Ok(());
    }
    let target = sealed(&path);
    let tmp = target.with_extension("gz.tmp");
    let written = (|| {
        let out = durable::private().write(true).create(true).truncate(true).open(&tmp)?;
        let mut encoder = GzEncoder::new(out, Compression::default());
        std::io::copy(&mut file, &mut encoder)?;
        encoder.finish()?.sync_data()?;
        fs::rename(&tmp, &target)?;
        fs::remove_file(&path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&tmp);
    }
    written.map_err(fail)
}

fn sealed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    PathBuf::from(name)
}

pub(crate) fn append(layout: &Layout, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    check(name)?;
    let path = target(layout, id, name)?;
    let fail = |source| StoreError::Write { path: path.clone(), source };
    let mut file = durable::private().append(true).create(true).open(&path).map_err(fail)?;
    let before = file.metadata().map_err(fail)?.len();
    let written = file.write_all(bytes);
    if written.is_err() {
        // Half a line would spoil the one after it.
        let _ = file.set_len(before);
    }
    written.map_err(fail)
}

fn target(layout: &Layout, id: &RunId, name: &str) -> Result<PathBuf, StoreError> {
    check_replaced(name)?;
    let dir = layout.find(id)?;
    let path = dir.join(name);
    if let Some(parent) = Path::new(name).parent() {
        let mut folder = dir;
        for part in parent {
            folder.push(part);
            durable::make_dir(&folder)?;
        }
    }
    Ok(path)
}

/// A run that is made anew gets the definitions it was made from anew: they are replaced as a whole, or go.
fn check_replaced(name: &str) -> Result<(), StoreError> {
    match name {
        AGENT_SEED | ASSIGNMENT_SEED => Ok(()),
        _ => check(name),
    }
}

/// A blob lies in a folder: everything beside the manifest is the store's own.
fn check(name: &str) -> Result<(), StoreError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || !part.chars().all(allowed);
    let why = if name.len() > MAX_NAME {
        "it is too long"
    } else if !name.contains('/') {
        "it must be in a folder, such as attempts/01.json"
    } else if name.split('/').any(bad_part) {
        "each part has A-Z, a-z, 0-9 and . _ - only, and does not start with a dot"
    } else {
        return Ok(());
    };
    Err(StoreError::Name { name: name.to_owned(), why })
}
