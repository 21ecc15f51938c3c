//! Owns ending the members of a tree that outlived their leader: asking, waiting, then killing until nobody is
//! left. It must not decide who a member is.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Signal, kill_process_group, pidfd_send_signal};
use tokio::time::Instant;

use crate::identity::{self, Identity};
use crate::procfs::{self, Reader};
use crate::program::Marker;
use crate::registry;
use crate::tree::{Census, Member, Tree};

/// What ends by itself this soon after the leader was not left over: the tail of a pipeline, for instance.
const SETTLE: Duration = Duration::from_millis(100);
/// Killing goes on for this long at most; what is left then cannot be killed.
const KILL_BUDGET: Duration = Duration::from_secs(3);
const KILL_ROUNDS: usize = 1000;
/// One round of killing waits this long at most for the killed to be gone.
const KILL_WAIT: Duration = Duration::from_millis(200);
/// As many descriptors are held at once.
const MAX_WATCHED: usize = 128;

/// A process that had to be ended because it outlived its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub pid: u32,
    /// `/proc/PID/comm`.
    pub name: String,
}

/// What the leader's group was sent while the leader lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupSignal {
    None,
    Terminate,
    Kill,
}

pub(crate) struct Sweep<'a> {
    tree: Tree<'a>,
    /// The leader's group, if the leader was not collected yet: only then is its number certainly its own.
    group: Option<u32>,
    sent: GroupSignal,
    grace: Duration,
    ended: Vec<Leftover>,
    known: HashSet<(u32, u64)>,
    /// Members this process may not signal.
    immune: HashSet<(u32, u64)>,
}

/// Says what [`end_leftovers`] would end, without touching it.
pub fn find_leftovers(marker: &Marker, known: Option<Identity>) -> Vec<Leftover> {
    let census = Tree::new(marker, known, None).census();
    census.members.iter().map(Leftover::from).collect()
}

/// The values that a marker of this name has among all processes: the trees that are there, whoever supervises them.
pub fn marker_values(name: &str) -> Vec<String> {
    let mut reader = Reader::new();
    let mut values: Vec<String> =
        procfs::pids().into_iter().filter_map(|pid| reader.value(pid, name)).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Ends what is left of a tree whose supervisor is gone: the processes that carry the marker, the leader `known`
/// and its group, and their descendants, except this process itself. Returns what had to be ended.
///
/// `known` must have been recorded since the machine was started. Takes no time when nothing is left, and
/// `grace` plus some seconds at most. Needs a runtime with time and I/O.
pub async fn end_leftovers(marker: &Marker, known: Option<Identity>, grace: Duration) -> Vec<Leftover> {
    let mut sweep = Sweep::new(Tree::new(marker, known, None), None, GroupSignal::None, grace);
    sweep.terminate().await;
    sweep.kill().await;
    sweep.ended
}

impl<'a> Sweep<'a> {
    pub fn new(tree: Tree<'a>, group: Option<u32>, sent: GroupSignal, grace: Duration) -> Self {
        Self { tree, group, sent, grace, ended: Vec::new(), known: HashSet::new(), immune: HashSet::new() }
    }

    /// The whole sweep after a leader's end.
    pub async fn run(mut self) -> Vec<Leftover> {
        let clean = match self.sent {
            GroupSignal::None => self.settle().await || self.terminate().await,
            GroupSignal::Terminate => self.terminate().await,
            GroupSignal::Kill => false,
        };
        if !clean {
            self.kill().await;
        }
        registry::children().collect();
        self.ended
    }

    /// Lets members end by themselves. `true` when nobody is left.
    async fn settle(&mut self) -> bool {
        let (census, quiet) = self.census();
        let mut reader = Reader::new();
        let watched =
            census.members.iter().take(MAX_WATCHED).filter_map(|member| self.open(member, &mut reader));
        wait_for_end(watched.collect(), SETTLE).await;
        quiet
    }

    /// Asks members to end, and gives them time. `true` when nobody is left.
    async fn terminate(&mut self) -> bool {
        let (census, quiet) = self.census();
        let mut reader = Reader::new();
        let mut watched = Vec::new();
        for member in &census.members {
            let Some(process) = self.open(member, &mut reader) else { continue };
            // Who was asked along with the leader is still within the time to answer, hence not left over yet.
            let asked = self.sent == GroupSignal::Terminate && self.group == Some(member.group);
            if !asked {
                self.send(&process, member, &[Signal::TERM, Signal::CONT]);
            }
            if watched.len() < MAX_WATCHED {
                watched.push(process);
            }
        }
        wait_for_end(watched, self.grace).await;
        quiet
    }

    /// Kills members until nobody is left, faster than they multiply.
    async fn kill(&mut self) {
        let give_up = Instant::now() + KILL_BUDGET;
        for round in 0..KILL_ROUNDS {
            let (census, quiet) = self.census();
            if quiet || Instant::now() >= give_up {
                return;
            }
            let mut reader = Reader::new();
            let mut watched = Vec::new();
            for member in &census.members {
                let Some(process) = self.open(member, &mut reader) else { continue };
                // Who was killed along with the leader may take a moment to die, and is not left over.
                let dying = round == 0 && self.sent == GroupSignal::Kill && self.group == Some(member.group);
                if !dying {
                    self.send(&process, member, &[Signal::KILL]);
                }
                if watched.len() < MAX_WATCHED {
                    watched.push(process);
                }
            }
            // All at once, for those who were born meanwhile.
            if let Some(group) = self.group.filter(|_| !census.group_is_shared) {
                signal_group(group, Signal::KILL);
            }
            wait_for_end(watched, KILL_WAIT).await;
        }
    }

    /// Who is left, not counting those who cannot be helped, and whether all is quiet: nobody is left, and nobody
    /// has just ended who may have left somebody. Collects adopted children on the way.
    fn census(&mut self) -> (Census, bool) {
        let mut census = self.tree.census();
        let ended = census.zombies.iter().filter(|pid| registry::reap(**pid)).count();
        if !census.spared_children.is_empty() {
            let mut children = registry::children();
            census.spared_children.iter().for_each(|pid| children.enter_adopted(*pid));
        }
        census.members.retain(|member| !self.immune.contains(&(member.pid, member.start_time)));
        let quiet = census.members.is_empty() && ended == 0;
        (census, quiet)
    }

    /// A descriptor for the member. It is opened before the check, so it can stand for nobody else.
    fn open(&self, member: &Member, reader: &mut Reader) -> Option<OwnedFd> {
        let process = identity::open(member.pid).ok()??;
        self.tree.is_still_member(member, reader).then_some(process)
    }

    fn send(&mut self, process: &OwnedFd, member: &Member, signals: &[Signal]) {
        for signal in signals {
            match pidfd_send_signal(process, *signal) {
                Ok(()) => self.note(member),
                Err(Errno::PERM) => {
                    self.immune.insert((member.pid, member.start_time));
                }
                // It ended in the meantime.
                Err(_) => {}
            }
        }
    }

    fn note(&mut self, member: &Member) {
        if self.known.insert((member.pid, member.start_time)) {
            self.ended.push(Leftover::from(member));
        }
    }
}

impl From<&Member> for Leftover {
    fn from(member: &Member) -> Self {
        Self { pid: member.pid, name: member.name.clone() }
    }
}

/// Best effort: a group without members, or with members of other users only, cannot be signalled.
pub(crate) fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = identity::raw(group) {
        let _ = kill_process_group(group, signal);
    }
}

/// Waits until all of them have ended, but not longer than `limit`.
async fn wait_for_end(processes: Vec<OwnedFd>, limit: Duration) {
    let until = Instant::now() + limit;
    for process in processes {
        let Ok(process) = identity::watch(process) else { continue };
        if tokio::time::timeout_at(until, process.readable()).await.is_err() {
            return;
        }
    }
}
