//! Locks on side files, by which writers take turns. The kernel frees them when their holder dies, and the files are
//! never removed, so a lock is never stale. Must not be used on a file that is replaced by renaming.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StoreError;

use super::durable::open_side_file;

/// A lock; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// The lock that was taken on a file.
    pub(crate) fn taken(file: File) -> Self {
        Self { file }
    }

    /// The file that is locked.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, were it not for a child that is being started and has a copy until it executes.
        let _ = self.file.unlock();
    }
}

/// Who goes together with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exclusive,
    Shared,
}

/// Takes a lock alone, waiting in the kernel's queue for as long as `patience` lasts.
pub(crate) fn exclusive(path: &Path, patience: Duration) -> Result<Lock, StoreError> {
    take(path, Kind::Exclusive, patience)
}

/// Takes a lock together with others who share it.
pub(crate) fn shared(path: &Path, patience: Duration) -> Result<Lock, StoreError> {
    take(path, Kind::Shared, patience)
}

fn take(path: &Path, kind: Kind, patience: Duration) -> Result<Lock, StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        let file = open_side_file(path)?;
        let tried = match kind {
            Kind::Exclusive => file.try_lock(),
            Kind::Shared => file.try_lock_shared(),
        };
        let file = match granted(tried) {
            Ok(true) => file,
            Ok(false) => wait(file, path, kind, deadline, patience)?,
            Err(source) => return Err(StoreError::Lock { path: path.to_path_buf(), source }),
        };
        // The directory may have been deleted, and made anew, while this was waiting.
        if is_current(&file, path) {
            return Ok(Lock::taken(file));
        }
    }
}

/// Takes the lock if it is free now.
pub(crate) fn try_exclusive(file: &File) -> io::Result<bool> {
    granted(file.try_lock())
}

fn granted(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(source),
    }
}

/// Whether the name still belongs to the file; one that is gone does not.
pub(crate) fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// A wait for a lock cannot be given a limit, so a thread does the waiting. If it comes too late, it drops the lock it
/// got at once.
fn wait(
    file: File,
    path: &Path,
    kind: Kind,
    deadline: Instant,
    patience: Duration,
) -> Result<File, StoreError> {
    let fail = |source| StoreError::Lock { path: path.to_path_buf(), source };
    let (sender, receiver) = mpsc::channel();
    let waiting = move || {
        let result = loop {
            let locked = match kind {
                Kind::Exclusive => file.lock(),
                Kind::Shared => file.lock_shared(),
            };
            match locked {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        // Nobody listens any more when the patience is at an end.
        let _ = sender.send(result.map(|()| file));
    };
    thread::Builder::new().name("lock-wait".to_owned()).spawn(waiting).map_err(fail)?;
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(result) => result.map_err(fail),
        Err(_) => Err(StoreError::Busy { path: path.to_path_buf(), waited: patience }),
    }
}
