//! Owns the question who belongs to a tree (the rules stand in the crate's documentation). It must not signal
//! anybody.

use std::collections::{HashMap, HashSet};

use crate::identity::Identity;
use crate::procfs::{self, Mark, Reader, Stat};
use crate::program::Marker;
use crate::registry;

/// What the members of a tree have in common.
pub(crate) struct Tree<'a> {
    pub marker: &'a Marker,
    /// The leader, alive or not. Members are not older than it.
    pub leader: Option<Identity>,
    pub adoption: Option<Adoption>,
}

/// Which children of this process were not adopted by it.
pub(crate) struct Adoption {
    own: u32,
    own_group: u32,
    /// Children that were there before the tree was.
    before: HashSet<(u32, u64)>,
}

/// A living member, as it was seen.
#[derive(Debug)]
pub(crate) struct Member {
    pub pid: u32,
    pub group: u32,
    pub start_time: u64,
    pub name: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    Marker,
    Leader,
    Group(Identity),
    Adopted,
    Child { parent: u32, parent_start: u64 },
}

#[derive(Default)]
pub(crate) struct Census {
    pub members: Vec<Member>,
    /// Somebody in the leader's group is not a member, so the group must not be signalled as a whole.
    pub group_is_shared: bool,
    /// Adopted children that have ended.
    pub zombies: Vec<u32>,
    /// Adopted children that are not members.
    pub spared_children: Vec<u32>,
}

struct Seen {
    stat: Stat,
    mark: Mark,
    reason: Option<Reason>,
}

impl Adoption {
    /// Taken before the tree is started; `None` when this process does not adopt.
    pub fn prepare() -> Option<Self> {
        if !registry::adopts() {
            return None;
        }
        let own = std::process::id();
        let mut reader = Reader::new();
        let before = procfs::own_children()
            .into_iter()
            .filter_map(|pid| reader.stat(pid))
            .map(|stat| key(&stat))
            .collect();
        Some(Self {
            own,
            own_group: rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs(),
            before,
        })
    }

    fn covers(&self, stat: &Stat) -> bool {
        stat.parent == self.own && stat.group != self.own_group && !self.before.contains(&key(stat))
    }
}

impl Tree<'_> {
    /// Looks at every process there is.
    pub fn census(&self) -> Census {
        let mut reader = Reader::new();
        let own = std::process::id();
        let stats: Vec<Stat> =
            procfs::pids().into_iter().filter(|pid| *pid != own).filter_map(|pid| reader.stat(pid)).collect();
        let leader = self.leader.filter(|leader| group_is_original(leader, stats.iter()));
        let oldest = self.leader.map_or(0, |leader| leader.start_time);
        let mut census = Census::default();
        let mut seen = Vec::new();
        {
            let children = registry::children();
            for stat in stats {
                if stat.start_time < oldest || (children.started(stat.pid) && !self.is_leader(&stat)) {
                    continue;
                }
                let adopted = self.adoption.as_ref().is_some_and(|adoption| adoption.covers(&stat));
                if stat.is_zombie() {
                    census.zombies.extend((adopted && !self.is_leader(&stat)).then_some(stat.pid));
                    continue;
                }
                let mark = reader.mark(stat.pid, self.marker);
                let reason = self.reason(&stat, mark, adopted, leader);
                if reason.is_none() && adopted {
                    census.spared_children.push(stat.pid);
                }
                seen.push(Seen { stat, mark, reason });
            }
        }
        include_descendants(&mut seen);
        census.group_is_shared = leader.is_some_and(|leader| {
            seen.iter().any(|process| process.stat.group == leader.pgid && process.reason.is_none())
        });
        census.members = seen.into_iter().filter_map(Seen::into_member).collect();
        census
    }

    /// Whether a member seen earlier is one still: the same process, for the same reason. Asked once a descriptor
    /// for its number is open.
    pub fn is_still_member(&self, member: &Member, reader: &mut Reader) -> bool {
        let Some(stat) = reader.stat(member.pid) else { return false };
        if stat.start_time != member.start_time || stat.is_zombie() {
            return false;
        }
        let mark = reader.mark(member.pid, self.marker);
        if mark == Mark::Other {
            return false;
        }
        match member.reason {
            Reason::Marker => mark == Mark::Same,
            Reason::Leader => true,
            Reason::Group(leader) => {
                stat.group == leader.pgid && group_is_original(&leader, reader.stat(leader.pid).iter())
            }
            Reason::Adopted => self.adoption.as_ref().is_some_and(|adoption| adoption.covers(&stat)),
            Reason::Child { parent, parent_start } => {
                stat.parent == parent && reader.stat(parent).is_some_and(|now| now.start_time == parent_start)
            }
        }
    }

    fn is_leader(&self, stat: &Stat) -> bool {
        self.leader.is_some_and(|leader| leader.pid == stat.pid && leader.start_time == stat.start_time)
    }

    /// `leader` only when its group is still the one it founded.
    fn reason(&self, stat: &Stat, mark: Mark, adopted: bool, leader: Option<Identity>) -> Option<Reason> {
        match mark {
            Mark::Other => return None,
            Mark::Same => return Some(Reason::Marker),
            Mark::Absent => {}
        }
        if self.is_leader(stat) {
            return Some(Reason::Leader);
        }
        if let Some(leader) = leader.filter(|leader| leader.pgid == stat.group) {
            return Some(Reason::Group(leader));
        }
        adopted.then_some(Reason::Adopted)
    }
}

impl Seen {
    fn into_member(self) -> Option<Member> {
        let Stat { pid, name, group, start_time, .. } = self.stat;
        self.reason.map(|reason| Member { pid, group, start_time, name, reason })
    }
}

fn key(stat: &Stat) -> (u32, u64) {
    (stat.pid, stat.start_time)
}

/// A number is not given out again while a group bears it. So the group is another one only if its leader is
/// there and is somebody else.
fn group_is_original<'a>(leader: &Identity, mut seen: impl Iterator<Item = &'a Stat>) -> bool {
    seen.all(|stat| {
        stat.pid != leader.pgid || leader.pid != leader.pgid || stat.start_time == leader.start_time
    })
}

/// Makes members of the children of members, except those that carry another marker.
fn include_descendants(seen: &mut [Seen]) {
    let mut by_parent: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, process) in seen.iter().enumerate() {
        by_parent.entry(process.stat.parent).or_default().push(index);
    }
    let mut members: Vec<(u32, u64)> =
        seen.iter().filter(|process| process.reason.is_some()).map(|process| key(&process.stat)).collect();
    while let Some((parent, parent_start)) = members.pop() {
        for index in by_parent.get(&parent).into_iter().flatten() {
            let child = &mut seen[*index];
            let younger = child.stat.start_time >= parent_start;
            if younger && child.reason.is_none() && child.mark != Mark::Other {
                child.reason = Some(Reason::Child { parent, parent_start });
                members.push(key(&child.stat));
            }
        }
    }
}
