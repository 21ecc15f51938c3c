//! What a foreground command holds of the driver it started: the leash, and the pipe the driver wakes it with.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// How drivers are started by this command, and the ends of the pipes to the one that was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Front {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
enum Held {
    /// Drivers are let go at once.
    #[default]
    Detached,
    /// The next driver is held.
    Wanted,
    /// A driver is held by these.
    Pipes { leash: OwnedFd, wake: OwnedFd },
}

impl Front {
    /// The next driver is to be held by this command.
    pub(crate) fn hold_next(&self) {
        *self.lock() = Held::Wanted;
    }

    /// Whether the next driver is to be held.
    pub(crate) fn wants_driver(&self) -> bool {
        matches!(*self.lock(), Held::Wanted)
    }

    /// Keeps the ends of the pipes to the driver that was started.
    pub(crate) fn keep(&self, leash: OwnedFd, wake: OwnedFd) {
        *self.lock() = Held::Pipes { leash, wake };
    }

    /// The ends of the pipes, once: leash and wake-up.
    pub(crate) fn take(&self) -> Option<(OwnedFd, OwnedFd)> {
        match std::mem::take(&mut *self.lock()) {
            Held::Pipes { leash, wake } => Some((leash, wake)),
            Held::Detached | Held::Wanted => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
