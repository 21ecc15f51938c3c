//! The owner lease: a lock that lives as long as its holder, and a record of who that is. Must not take a recorded
//! process for alive or dead by its number.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use agent_runner_model::{Lease, RunId};

use crate::error::{AcquireError, StoreError};
use crate::failpoint;
use crate::host::Holder;
use crate::run_store::{OwnerLease, OwnerView, Takeover};

use super::layout::{DRIVER_LOG, Layout, MANIFEST, OWNER_LOCK, is_absent};
use super::lock::Lock;
use super::network::network_file_system;
use super::{durable, lock, reserve};

/// The pause between two looks at a lock that somebody else has.
const PAUSE: Duration = Duration::from_millis(5);

/// The owner lease of a run.
#[derive(Debug)]
pub struct FileLease {
    lock: Lock,
    holder: Holder,
    dir: PathBuf,
}

impl OwnerLease for FileLease {
    fn holder(&self) -> &Holder {
        &self.holder
    }

    fn hold_reserve(&self) -> Result<(), StoreError> {
        reserve::hold(&self.dir)
    }

    fn release_reserve(&self) -> Result<(), StoreError> {
        reserve::release(&self.dir)
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // Best effort: what stays behind is a record of somebody who holds no lock.
        let _ = reserve::release(&self.dir);
        let _ = self.lock.file().set_len(0);
    }
}

pub(crate) fn acquire(
    layout: &Layout,
    id: &RunId,
    patience: Duration,
    takeover: Takeover,
    allow_network: bool,
) -> Result<FileLease, AcquireError> {
    let dir = layout.find(id)?;
    if !allow_network && let Some(file_system) = file_system(&dir)? {
        return Err(AcquireError::NetworkFileSystem { path: dir, file_system });
    }
    let path = dir.join(OWNER_LOCK);
    let lock = lock_within(&path, id, patience);
    // Somebody may delete it between two looks.
    let lock = lock.map_err(|error| if dir.exists() { error } else { layout.not_found(id).into() })?;
    let file = lock.file();
    let point =
        |name| failpoint::check(name).map_err(|source| StoreError::Write { path: path.clone(), source });
    point("store.owner.locked")?;
    if !dir.join(MANIFEST).exists() || !lock::is_current(file, &path) {
        return Err(layout.not_found(id).into());
    }
    let here = Holder::current();
    let before = recorded(file).map_err(|source| StoreError::Read { path: path.clone(), source })?;
    if let (Some(before), Takeover::Never) = (before, takeover)
        && before.when_unlocked(&here) == Lease::Unknown
    {
        return Err(AcquireError::Unknown { id: id.clone(), holder: Box::new(before) });
    }
    record(file, &here).map_err(|source| StoreError::Write { path: path.clone(), source })?;
    point("store.owner.written")?;
    let lease = FileLease { lock, holder: here, dir };
    // A disk that is full already has no room to put aside; the run may still go on.
    let _ = lease.hold_reserve();
    Ok(lease)
}

fn lock_within(path: &Path, id: &RunId, patience: Duration) -> Result<Lock, AcquireError> {
    let deadline = Instant::now() + patience;
    let file = durable::open_side_file(path)?;
    loop {
        match lock::try_exclusive(&file) {
            Ok(true) => return Ok(Lock::taken(file)),
            Ok(false) if Instant::now() < deadline => thread::sleep(PAUSE.min(patience)),
            Ok(false) => {
                let holder = recorded(&file).ok().flatten();
                return Err(AcquireError::Held { id: id.clone(), holder });
            }
            Err(source) => return Err(StoreError::Lock { path: path.to_path_buf(), source }.into()),
        }
    }
}

pub(crate) fn observe(layout: &Layout, id: &RunId, allow_network: bool) -> Result<OwnerView, StoreError> {
    let dir = layout.find(id)?;
    let path = dir.join(OWNER_LOCK);
    let file = match durable::open_file(&path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(OwnerView { lease: Lease::Free, holder: None }),
        Err(source) => return Err(StoreError::Open { path, source }),
    };
    // The shared lock disturbs no other observer, and an owner only for this moment.
    let held = match file.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(source)) => return Err(StoreError::Lock { path, source }),
    };
    let lock = Lock::taken(file);
    let holder = recorded(lock.file()).map_err(|source| StoreError::Read { path, source })?;
    drop(lock);
    let lease = match &holder {
        _ if held => Lease::Held,
        None => Lease::Free,
        Some(_) if !allow_network && file_system(&dir)?.is_some() => Lease::Unknown,
        Some(holder) => holder.when_unlocked(&Holder::current()),
    };
    Ok(OwnerView { lease, holder })
}

fn file_system(dir: &Path) -> Result<Option<String>, StoreError> {
    network_file_system(dir).map_err(|source| StoreError::Read { path: dir.to_path_buf(), source })
}

/// The last holder on record. None if it gave the lease back, or was killed before it could write.
fn recorded(file: &File) -> io::Result<Option<Holder>> {
    const LONGEST: usize = 4096;
    let mut bytes = vec![0; LONGEST];
    let count = file.read_at(&mut bytes, 0)?;
    bytes.truncate(count);
    Ok(serde_json::from_slice(&bytes).ok())
}

fn record(file: &File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_vec(holder)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.write_all_at(&text, 0)
}

/// The log into which a driver writes what nobody else hears.
pub(crate) fn diagnostics_log(layout: &Layout, id: &RunId) -> io::Result<File> {
    let dir = layout.find(id).map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
    let path = dir.join(DRIVER_LOG);
    // Whoever starts the driver reads from it why the driver ended.
    durable::private().read(true).append(true).create(true).open(path)
}
