//! Owns the question who belongs to a tree (the rules stand in the crate's documentation). It must not signal
//! anybody.

use std::collections::{HashMap, HashSet};

use crate::identity::Identity;
use crate::procfs::{self, Births, Mark, Reader, Stat};
use crate::program::Marker;
use crate::registry;

/// Looks at what was born during a look at most. Without a limit, a busy machine would keep it going.
const BIRTH_LOOKS: usize = 32;

/// What the members of a tree have in common.
pub(crate) struct Tree<'a> {
    marker: &'a Marker,
    /// The leader, alive or not. Members are not older than it.
    leader: Option<Identity>,
    adoption: Option<Adoption>,
    /// Members seen so far, with their start times: once a member, always a member, even when the reason is gone
    /// (a parent, for instance).
    remembered: HashMap<u32, u64>,
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
}

pub(crate) struct Census {
    pub members: Vec<Member>,
    /// Somebody in the leader's group is not a member, so the group must not be signalled as a whole.
    pub group_is_shared: bool,
    /// Adopted children that have ended.
    pub zombies: Vec<u32>,
    /// Adopted children that are not members.
    pub spared_children: Vec<u32>,
}

enum Verdict {
    /// Too old, or started by this crate for another purpose.
    Unrelated,
    Zombie {
        adopted: bool,
    },
    Member,
    /// Carries another marker.
    Spared {
        adopted: bool,
    },
    /// Nothing speaks for it but, perhaps, its parents.
    Undecided,
}

struct Seen {
    stat: Stat,
    verdict: Verdict,
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

impl<'a> Tree<'a> {
    pub fn new(marker: &'a Marker, leader: Option<Identity>, adoption: Option<Adoption>) -> Self {
        Self { marker, leader, adoption, remembered: HashMap::new() }
    }

    /// Looks at every process there is, those included that are born meanwhile: a process that forks and ends at
    /// once would otherwise slip by in front of one look and behind the next.
    pub fn census(&mut self) -> Census {
        let mut reader = Reader::new();
        let mut births = Births::from_now_on();
        let group = self.group(&mut reader);
        let mut seen: HashMap<u32, Seen> = HashMap::new();
        for pid in procfs::pids() {
            if let Some(stat) = reader.stat(pid) {
                let verdict = self.judge(&stat, group, &mut reader);
                seen.insert(pid, Seen { stat, verdict });
            }
        }
        for _ in 0..BIRTH_LOOKS {
            let newborn = births.next();
            if newborn.is_empty() {
                break;
            }
            for birth in newborn {
                match reader.stat(birth.pid) {
                    Some(stat) => {
                        let verdict = self.judge(&stat, group, &mut reader);
                        seen.insert(birth.pid, Seen { stat, verdict });
                    }
                    None => births.was_not_there(birth),
                }
            }
        }
        include_descendants(&mut seen);
        self.sum_up(seen, group)
    }

    /// Whether this is still the process that was seen, and still lives and may be touched. Asked once a
    /// descriptor for its number is open.
    pub fn is_still_member(&self, member: &Member, reader: &mut Reader) -> bool {
        let same = reader
            .stat(member.pid)
            .is_some_and(|now| now.start_time == member.start_time && !now.is_zombie());
        same && reader.mark(member.pid, self.marker) != Mark::Other
    }

    /// The leader's group, if it is still the one it founded. A number is not given out again while a group bears
    /// it, so the group is another one only if its leader is there and is somebody else.
    fn group(&self, reader: &mut Reader) -> Option<u32> {
        let leader = self.leader?;
        let founder = reader.stat(leader.pgid).filter(|_| leader.pid == leader.pgid);
        founder.is_none_or(|founder| founder.start_time == leader.start_time).then_some(leader.pgid)
    }

    fn judge(&self, stat: &Stat, group: Option<u32>, reader: &mut Reader) -> Verdict {
        let is_leader = self.leader.is_some_and(|it| it.pid == stat.pid && it.start_time == stat.start_time);
        let too_old = self.leader.is_some_and(|leader| stat.start_time < leader.start_time);
        let own = stat.pid == std::process::id();
        if own || too_old || (!is_leader && registry::children().started(stat.pid)) {
            return Verdict::Unrelated;
        }
        let adopted = !is_leader && self.adoption.as_ref().is_some_and(|adoption| adoption.covers(stat));
        if stat.is_zombie() {
            return Verdict::Zombie { adopted };
        }
        let in_group = group == Some(stat.group);
        let known = self.remembered.get(&stat.pid) == Some(&stat.start_time);
        match reader.mark(stat.pid, self.marker) {
            Mark::Other => Verdict::Spared { adopted },
            Mark::Same => Verdict::Member,
            Mark::Absent if is_leader || in_group || adopted || known => Verdict::Member,
            Mark::Absent => Verdict::Undecided,
        }
    }

    fn sum_up(&mut self, seen: HashMap<u32, Seen>, group: Option<u32>) -> Census {
        let (mut members, mut zombies, mut spared_children) = (Vec::new(), Vec::new(), Vec::new());
        let mut group_is_shared = false;
        for Seen { stat, verdict } in seen.into_values() {
            let in_group = group == Some(stat.group);
            match verdict {
                Verdict::Member => members.push(self.remember(stat)),
                Verdict::Zombie { adopted: true } => zombies.push(stat.pid),
                Verdict::Zombie { adopted: false } => {}
                Verdict::Spared { adopted } => {
                    spared_children.extend(adopted.then_some(stat.pid));
                    group_is_shared |= in_group;
                }
                Verdict::Unrelated | Verdict::Undecided => group_is_shared |= in_group,
            }
        }
        Census { members, group_is_shared, zombies, spared_children }
    }

    fn remember(&mut self, stat: Stat) -> Member {
        let Stat { pid, name, group, start_time, .. } = stat;
        self.remembered.insert(pid, start_time);
        Member { pid, group, start_time, name }
    }
}

fn key(stat: &Stat) -> (u32, u64) {
    (stat.pid, stat.start_time)
}

/// Makes members of the children of members, except those that carry another marker.
fn include_descendants(seen: &mut HashMap<u32, Seen>) {
    let mut by_parent: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut members = Vec::new();
    for (pid, process) in seen.iter() {
        match process.verdict {
            Verdict::Undecided => by_parent.entry(process.stat.parent).or_default().push(*pid),
            Verdict::Member => members.push(key(&process.stat)),
            Verdict::Unrelated | Verdict::Zombie { .. } | Verdict::Spared { .. } => {}
        }
    }
    while let Some((parent, parent_start)) = members.pop() {
        for child in by_parent.remove(&parent).into_iter().flatten() {
            if let Some(child) = seen.get_mut(&child).filter(|child| child.stat.start_time >= parent_start) {
                child.verdict = Verdict::Member;
                members.push(key(&child.stat));
            }
        }
    }
}
