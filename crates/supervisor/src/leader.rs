//! Owns the one child a job started: noticing its end, signalling it and its group, collecting it. It must not
//! decide when any of that happens.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::io::unix::AsyncFd;

use crate::identity::{self, Identity, raw};
use crate::job::Exit;
use crate::procfs::Reader;
use crate::registry;
use crate::sweep::signal_group;

pub(crate) struct Leader {
    pub identity: Identity,
    process: AsyncFd<OwnedFd>,
    collected: bool,
}

impl Leader {
    /// Takes charge of a child that was just started, leads its own group, and is entered as a leader. Until it
    /// is collected, neither its number nor its group's can be given to anybody else.
    pub fn new(pid: u32) -> io::Result<Self> {
        let stat = Reader::new().stat(pid).ok_or(Errno::SRCH)?;
        let process = pidfd_open(raw(pid).ok_or(Errno::INVAL)?, PidfdFlags::empty())?;
        let process = identity::watch(process)?;
        Ok(Self {
            identity: Identity { pid, pgid: pid, start_time: stat.start_time },
            process,
            collected: false,
        })
    }

    /// Waits for its end without collecting it. `None` when somebody else collected it, which is what happens
    /// when this process ignores `SIGCHLD`.
    pub async fn exited(&self) -> Option<Exit> {
        loop {
            let mut ready = self.process.readable().await.ok()?;
            match self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT) {
                Ok(Some(status)) => return Some(exit(&status)),
                Ok(None) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Signals the group, and the leader itself in case it left its group.
    pub fn signal(&self, signal: Signal) {
        signal_group(self.identity.pgid, signal);
        let group = raw(self.identity.pid).and_then(|pid| rustix::process::getpgid(Some(pid)).ok());
        if group != raw(self.identity.pgid) {
            let _ = pidfd_send_signal(&self.process, signal);
        }
    }

    /// Collects it, if it has ended.
    pub fn collect(mut self) {
        self.collected = match self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(status) => status.is_some(),
            Err(_) => true,
        };
    }

    fn wait(&self, options: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
        use std::os::fd::AsFd;
        waitid(WaitId::PidFd(self.process.get_ref().as_fd()), options)
    }
}

impl Drop for Leader {
    /// A job that is dropped before its end must not leave a program that nobody watches.
    fn drop(&mut self) {
        if self.collected {
            registry::children().leader_collected(self.identity.pid);
        } else {
            self.signal(Signal::KILL);
            registry::children().leader_abandoned(self.identity.pid);
        }
    }
}

fn exit(status: &WaitIdStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::LOST,
    }
}
