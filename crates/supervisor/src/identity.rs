//! Owns telling one process from another that later got the same number, and signalling the right one. It must
//! not look at what a process belongs to.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::procfs::{Reader, Stat, booted_at};

/// A process that cannot be mistaken for another one since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub pid: u32,
    pub pgid: u32,
    /// Clock ticks since boot: field 22 of `/proc/PID/stat`.
    pub start_time: u64,
}

/// How a living process began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Milliseconds since 1970, exact to a second, by the clock as it goes now.
    pub at_ms: u64,
    /// Its program and what that was given, as it says itself.
    pub command_line: Vec<String>,
}

/// The signals that end a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSignal {
    Terminate,
    Kill,
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        Self { pid: stat.pid, pgid: stat.group, start_time: stat.start_time }
    }
}

/// The identity of a living process. A zombie is over, so it has none.
pub fn identity_of(pid: u32) -> Option<Identity> {
    Reader::new().stat(pid).filter(|stat| !stat.is_zombie()).map(|stat| Identity::from(&stat))
}

/// How a living process began, as far as anybody may know.
pub fn beginning_of(pid: u32) -> Option<Beginning> {
    let mut reader = Reader::new();
    let stat = reader.stat(pid).filter(|stat| !stat.is_zombie())?;
    let since_boot =
        stat.start_time.saturating_mul(1000).checked_div(rustix::param::clock_ticks_per_second())?;
    let at_ms = booted_at()?.saturating_mul(1000).saturating_add(since_boot);
    Some(Beginning { at_ms, command_line: reader.command_line(pid)? })
}

/// Whether this very process still lives. The group is not compared, because a process can change it.
pub fn is_same_process(identity: &Identity) -> bool {
    identity_of(identity.pid).is_some_and(|now| now.start_time == identity.start_time)
}

/// Whether this process descends from that one, as far as its ancestors still live.
pub fn descends_from(pid: u32, start_time: u64) -> bool {
    /// No tree of processes is deeper.
    const DEEPEST: usize = 1000;
    let mut reader = Reader::new();
    let mut next = std::process::id();
    for _ in 0..DEEPEST {
        let Some(stat) = reader.stat(next) else { return false };
        if stat.pid == pid {
            return stat.start_time == start_time;
        }
        next = stat.parent;
    }
    false
}

/// Signals this very process. `false` when it is gone, whoever has its number now.
pub fn signal_process(identity: &Identity, signal: EndSignal) -> io::Result<bool> {
    // Opened before the check: whoever the check finds is who the descriptor stands for, or that one is dead.
    let Some(process) = open(identity.pid)? else { return Ok(false) };
    if !is_same_process(identity) {
        return Ok(false);
    }
    let signal = match signal {
        EndSignal::Terminate => Signal::TERM,
        EndSignal::Kill => Signal::KILL,
    };
    match pidfd_send_signal(&process, signal) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// A descriptor for whoever has this number now; `None` when nobody has.
pub(crate) fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = raw(pid) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        // INVAL, or NOENT on newer kernels: the number is a thread's by now.
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

pub(crate) fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Makes the end of a process awaitable: the descriptor becomes readable then. Needs a runtime with I/O.
#[expect(
    unsafe_code,
    reason = "the safe constructor is deprecated; a descriptor that is owned meets the conditions"
)]
pub(crate) fn watch(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, and stays the same descriptor, for as long as it exists.
    Ok(unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }?)
}
