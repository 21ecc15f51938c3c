//! Indexes that nobody will ask any more: of state directories that are gone, of an earlier start of the machine, and what is
//! left of some that were thrown away. Must not touch what may be in use: whoever opens or throws away an index holds its guard.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::Holder;
use crate::space::{DeadCache, DeadWhy};

use super::super::lock::{self, Lock};
use super::super::usage::space_of;
use super::super::{durable, layout};
use super::place::{AWAY, BOOT, STATE_DIR, guard};

/// The dead indexes below a directory of this host. Takes them away if `clear`; what cannot be taken away is not named.
pub(crate) fn dead(below: &Path, clear: bool) -> Vec<DeadCache> {
    let Ok(entries) = fs::read_dir(below) else { return Vec::new() };
    let dirs =
        entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut paths: Vec<PathBuf> = dirs.map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| look(&path, clear)).collect()
}

fn look(path: &Path, clear: bool) -> Option<DeadCache> {
    let name = path.file_name()?.to_str()?;
    let index = name.split_once('.').map_or(name, |(index, _)| index);
    if index.len() != 16 || !index.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let guard = guard(&path.with_file_name(index));
    // Whoever throws one away, or opens one, has this; who finds it taken leaves the rest to the next one.
    let file = durable::open_side_file(&guard).ok()?;
    let alone = lock::try_exclusive(&file).ok()?.then(|| Lock::taken(file))?;
    if !lock::is_current(alone.file(), &guard) {
        return None;
    }
    let why = match name.split_once('.') {
        Some((_, rest)) if rest.starts_with(AWAY) => DeadWhy::ThrownAway,
        Some(_) => return None,
        None if is_gone(path) => DeadWhy::StateDirGone,
        None if is_of_other_boot(path) => DeadWhy::OtherBoot,
        None => return None,
    };
    let space = space_of(path);
    if clear && fs::remove_dir_all(path).is_err_and(|error| !layout::is_absent(&error)) {
        return None;
    }
    if clear && why == DeadWhy::StateDirGone {
        // Who waits for it looks again whether it still has the name.
        let _ = fs::remove_file(&guard);
    }
    Some(DeadCache { path: path.to_path_buf(), why, space })
}

/// Whether an index was made, or begun, before this machine was started: whoever opens it throws it away.
fn is_of_other_boot(index: &Path) -> bool {
    fs::read_to_string(index.join(BOOT)).unwrap_or_default() != Holder::current().boot_id
}

/// Whether the state directory of an index is certainly gone: its name leads nowhere, though the directory it was in can be
/// looked into. One that is not there because a disk is not mounted is not gone.
fn is_gone(index: &Path) -> bool {
    let Ok(bytes) = fs::read(index.join(STATE_DIR)) else { return false };
    let state_dir = Path::new(OsStr::from_bytes(&bytes));
    let is_missing =
        fs::symlink_metadata(state_dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let above = state_dir.parent().filter(|above| above.is_absolute());
    is_missing
        && above.is_some_and(|above| fs::read_dir(above).is_ok_and(|mut entries| entries.next().is_some()))
}
