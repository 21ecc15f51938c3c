//! Files of a run that are neither its manifest nor its log: records and output of attempts. Must not let a name lead out
//! of the run's directory or onto a file of the store itself.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use agent_runner_model::RunId;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::error::StoreError;
use crate::failpoint;

use super::durable;
use super::layout::{AGENT_SEED, ASSIGNMENT_SEED, DRIVER_LOG, Layout, is_absent};
use super::lock::{self, Lock};

const MAX_NAME: usize = 255;
/// Bytes from which on compressing a blob is worth it.
pub(super) const SEAL_FROM: u64 = 4096;
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

pub(crate) fn get(layout: &Layout, id: &RunId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    if !matches!(name, AGENT_SEED | ASSIGNMENT_SEED | DRIVER_LOG) {
        check(name)?;
    }
    let path = layout.find(id)?.join(name);
    match durable::read_file(&path, u64::MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => get_sealed(&sealed(&path)),
        Err(source) => Err(StoreError::Read { path, source }),
    }
}

/// A compressed blob. One that is damaged is given as far as it goes, as an error.
fn get_sealed(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match durable::open_file(path) {
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

/// Compresses a blob beside itself, then takes the original away: whoever reads finds one or the other, never neither. One
/// at a time does: the others leave it to whoever was first. Says how many bytes of the disk that gave back.
pub(crate) fn seal(layout: &Layout, id: &RunId, name: &str) -> Result<u64, StoreError> {
    check(name)?;
    let path = layout.find(id)?.join(name);
    let fail = |source| StoreError::Write { path: path.clone(), source };
    match fs::metadata(&path) {
        Ok(found) if found.len() > SEAL_FROM => {}
        Ok(_) => return Ok(0),
        Err(error) if is_absent(&error) => return Ok(0),
        Err(source) => return Err(StoreError::Read { path, source }),
    }
    let tmp = sealed(&path).with_extension("gz.tmp");
    let out = durable::open_side_file(&tmp)?;
    let is_first = lock::try_exclusive(&out).map_err(fail)? && lock::is_current(&out, &tmp);
    if !is_first {
        return Ok(0);
    }
    let out = Lock::taken(out);
    let compressed = compress(&path, &tmp, out.file());
    if compressed.is_err() {
        let _ = fs::remove_file(&tmp);
    }
    compressed.map_err(fail)
}

fn compress(path: &Path, tmp: &Path, out: &fs::File) -> io::Result<u64> {
    let mut file = match durable::open_file(path) {
        Ok(file) => file,
        // Somebody was faster, between two looks.
        Err(error) if is_absent(&error) => {
            fs::remove_file(tmp)?;
            return Ok(0);
        }
        Err(error) => return Err(error),
    };
    let before = file.metadata()?.blocks() * 512;
    // What somebody has left who was killed here.
    out.set_len(0)?;
    let mut encoder = GzEncoder::new(out, Compression::default());
    io::copy(&mut file, &mut encoder)?;
    encoder.finish()?.sync_data()?;
    let after = out.metadata()?.blocks() * 512;
    failpoint::check("store.blob.sealing")?;
    fs::rename(tmp, sealed(path))?;
    failpoint::check("store.blob.sealed")?;
    match fs::remove_file(path) {
        // Whoever compressed it just before this one was about to.
        Err(error) if is_absent(&error) => Ok(0),
        removed => removed.map(|()| before.saturating_sub(after)),
    }
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
pub(super) fn check_replaced(name: &str) -> Result<(), StoreError> {
    match name {
        AGENT_SEED | ASSIGNMENT_SEED => Ok(()),
        _ => check(name),
    }
}

/// A blob lies in a folder: everything beside the manifest is the store's own.
pub(crate) fn check(name: &str) -> Result<(), StoreError> {
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
