//! Who works in which directory: each run that does keeps a file of its own locked. Must not decide how long anybody
//! waits, and never touches the directory itself.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::RunId;

use crate::error::StoreError;
use crate::failpoint;
use crate::run_store::{Entry, Member};

use super::durable;
use super::layout::{Layout, is_absent};
use super::lock::{self, Lock};

/// The lock of whoever looks at all files of a directory.
const GUARD: &str = ".guard";
/// Longest record of a member, in bytes.
const LONGEST: usize = 4096;

/// The proof of working in a directory.
#[derive(Debug)]
pub struct FilePlace {
    lock: Lock,
}

impl Drop for FilePlace {
    fn drop(&mut self) {
        // The file stays: it is locked by nobody, and the next one of the same run takes it again.
        let _ = self.lock.file().set_len(0);
    }
}

pub(crate) fn enter(
    layout: &Layout,
    root: &Path,
    member: &Member,
    settled: &[RunId],
    patience: Duration,
) -> Result<Entry<FilePlace>, StoreError> {
    let folder = layout.workspaces().join(digest(root));
    durable::make_dirs(&folder)?;
    let _guard = lock::exclusive(&folder.join(GUARD), patience)?;
    let own = own_file(&folder, member);
    let others = others(&folder, &own, member)?;
    if !others.working.is_empty() {
        return Ok(Entry::Busy(others.working));
    }
    let (clean, abandoned): (Vec<_>, Vec<_>) =
        others.killed.into_iter().partition(|(killed, _)| settled.contains(&killed.run_id));
    for (_, path) in clean {
        let _ = fs::remove_file(path);
    }
    if !abandoned.is_empty() {
        return Ok(Entry::Abandoned(abandoned.into_iter().map(|(killed, _)| killed).collect()));
    }
    let file = durable::open_side_file(&own)?;
    match lock::try_exclusive(&file) {
        Ok(true) => {}
        // A driver of the same run that is just leaving.
        Ok(false) => return Ok(Entry::Busy(vec![member.clone()])),
        Err(source) => return Err(StoreError::Lock { path: own, source }),
    }
    let lock = Lock::taken(file);
    record(lock.file(), member).map_err(|source| StoreError::Write { path: own, source })?;
    failpoint::hit("store.workspace.entered");
    Ok(Entry::Entered(FilePlace { lock }))
}

/// Who works there and does not go together with the asker. Makes nothing.
pub(crate) fn look(
    layout: &Layout,
    root: &Path,
    member: &Member,
    patience: Duration,
) -> Result<Vec<Member>, StoreError> {
    let folder = layout.workspaces().join(digest(root));
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let _guard = lock::exclusive(&folder.join(GUARD), patience)?;
    Ok(others(&folder, &own_file(&folder, member), member)?.working)
}

fn own_file(folder: &Path, member: &Member) -> PathBuf {
    folder.join(format!("{}.lock", member.run_id))
}

/// Those who do not go together with somebody.
#[derive(Default)]
struct Others {
    working: Vec<Member>,
    killed: Vec<(Member, PathBuf)>,
}

/// Runs of one tree know of each other; those who only read harm nobody who only reads; and who shares, shares. Who has
/// to be alone is.
fn go_together(one: &Member, other: &Member) -> bool {
    let agree = one.tree == other.tree || one.shares || other.shares || !(one.may_write || other.may_write);
    agree && !one.alone && !other.alone
}

/// Whoever is there, or was killed there, and does not go together with `member`. Empty files that nobody holds are
/// cleared away: those who were there have left.
fn others(folder: &Path, own: &Path, member: &Member) -> Result<Others, StoreError> {
    let list = |source| StoreError::List { path: folder.to_path_buf(), source };
    let mut found = Others::default();
    for entry in fs::read_dir(folder).map_err(list)? {
        let path = entry.map_err(list)?.path();
        if path == own || path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let file = match durable::open_file(&path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => continue,
            Err(source) => return Err(StoreError::Open { path, source }),
        };
        let free =
            lock::try_exclusive(&file).map_err(|source| StoreError::Lock { path: path.clone(), source })?;
        if free {
            // Closing would do, were it not for a child that is being started and has a copy until it executes.
            let _ = file.unlock();
        }
        // Everybody records itself under the guard, so what says nothing now is about to leave, or no record at all.
        match (recorded(&file, &path)?, free) {
            (Some(other), _) if go_together(member, &other) => {}
            (Some(other), true) => found.killed.push((other, path)),
            (Some(other), false) => found.working.push(other),
            // Under the guard nobody can have opened it in between.
            (None, true) => _ = fs::remove_file(&path),
            (None, false) => {}
        }
    }
    found.working.sort_by(|one, other| one.run_id.cmp(&other.run_id));
    found.killed.sort_by(|one, other| one.0.run_id.cmp(&other.0.run_id));
    Ok(found)
}

fn recorded(file: &File, path: &Path) -> Result<Option<Member>, StoreError> {
    let mut bytes = vec![0; LONGEST];
    let count = file
        .read_at(&mut bytes, 0)
        .map_err(|source| StoreError::Read { path: path.to_path_buf(), source })?;
    bytes.truncate(count);
    Ok(serde_json::from_slice(&bytes).ok())
}

fn record(file: &File, member: &Member) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(member)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.write_all_at(&text, 0)
}

/// A name for a directory: short, and the same in every version of this program.
fn digest(root: &Path) -> PathBuf {
    let hash = |start: u64| {
        root.as_os_str()
            .as_bytes()
            .iter()
            .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    };
    PathBuf::from(format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142)))
}
