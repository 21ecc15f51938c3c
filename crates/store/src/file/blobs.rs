//! Files of a run that are neither its manifest nor its log: records and output of attempts, attachments. Must not let
//! a name lead out of the run's directory or onto a file of the store itself.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use agent_runner_model::RunId;

use crate::error::StoreError;

use super::durable;
use super::layout::{AGENT_SEED, ASSIGNMENT_SEED, DRIVER_LOG, Layout, is_absent};

const MAX_NAME: usize = 255;

pub(crate) fn put(layout: &Layout, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
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
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(StoreError::Read { path, source }),
    }
}

pub(crate) fn append(layout: &Layout, id: &RunId, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = target(layout, id, name)?;
    let fail = |source| StoreError::Write { path: path.clone(), source };
    let mut file = durable::private().append(true).create(true).open(&path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)
}

fn target(layout: &Layout, id: &RunId, name: &str) -> Result<PathBuf, StoreError> {
    check(name)?;
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
