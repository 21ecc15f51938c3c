//! Owns what is true of this whole process: whether it adopts orphans, and which of its children this crate
//! started, so that nobody mistakes them for orphans or collects them twice. It must not signal anybody.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::identity::raw;

static SUBREAPER: AtomicBool = AtomicBool::new(false);
static CHILDREN: Mutex<Children> =
    Mutex::new(Children { led: Vec::new(), unattended: Vec::new(), adopted: Vec::new() });

/// The children of this process, by who collects them.
pub(crate) struct Children {
    /// Leaders of jobs: their job collects them.
    led: Vec<u32>,
    /// Started here and watched by nobody (detached processes, leaders of dropped jobs): collected in passing.
    unattended: Vec<u32>,
    /// Adopted but left alone when they were seen: collected in passing.
    adopted: Vec<u32>,
}

/// Makes this process the parent of every descendant whose own parent dies, and from then on treats such
/// children as members of the job that is driven (see the crate's documentation for the exceptions).
///
/// # Errors
/// What the system says; there is no such thing outside Linux.
pub fn become_subreaper() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    SUBREAPER.store(true, Ordering::Release);
    Ok(())
}

pub(crate) fn adopts() -> bool {
    SUBREAPER.load(Ordering::Acquire)
}

/// Held while a child is started, so that no sweep sees it before it is entered.
pub(crate) fn children() -> MutexGuard<'static, Children> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Children {
    pub fn enter_leader(&mut self, pid: u32) {
        self.led.push(pid);
    }

    pub fn enter_unattended(&mut self, pid: u32) {
        self.unattended.push(pid);
    }

    pub fn enter_adopted(&mut self, pid: u32) {
        if !self.adopted.contains(&pid) {
            self.adopted.push(pid);
        }
    }

    /// The leader was collected by its job.
    pub fn leader_collected(&mut self, pid: u32) {
        self.led.retain(|led| *led != pid);
    }

    /// The leader's job is gone, but the leader was not collected.
    pub fn leader_abandoned(&mut self, pid: u32) {
        self.leader_collected(pid);
        self.enter_unattended(pid);
    }

    /// Whether this crate started the child.
    pub fn started(&self, pid: u32) -> bool {
        self.led.contains(&pid) || self.unattended.contains(&pid)
    }

    /// Collects what has ended among the children nobody watches, and says how many there were.
    pub fn collect(&mut self) -> usize {
        let before = self.unattended.len() + self.adopted.len();
        self.unattended.retain(|pid| !reap(*pid));
        self.adopted.retain(|pid| !reap(*pid));
        before - self.unattended.len() - self.adopted.len()
    }
}

/// Collects one child by its own number, without waiting. `true` when it need not be tried again.
pub(crate) fn reap(pid: u32) -> bool {
    let Some(pid) = raw(pid) else { return true };
    match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(status) => status.is_some(),
        Err(rustix::io::Errno::INTR) => false,
        Err(_) => true,
    }
}
