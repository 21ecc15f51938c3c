//! What a store needs of the room there is: accounts of runs, and of what belongs to none. Must not decide what is too
//! much.

use std::collections::BTreeSet;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::path::PathBuf;

use agent_runner_model::RunId;

/// Room that something takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// What is gone from the disk for it.
    pub allocated: u64,
    /// How long its files say they are.
    pub apparent: u64,
}

impl Add for Space {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            allocated: self.allocated.saturating_add(other.allocated),
            apparent: self.apparent.saturating_add(other.apparent),
        }
    }
}

impl AddAssign for Space {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Space {
    fn sum<I: Iterator<Item = Self>>(spaces: I) -> Self {
        spaces.fold(Self::default(), Add::add)
    }
}

/// Of what accounts are wanted.
#[derive(Debug, Clone, Default)]
pub struct SpaceQuery {
    /// Only of runs of this repository.
    pub repo: Option<String>,
    /// Only of runs of these ids.
    pub runs: Option<BTreeSet<String>>,
    /// Of the worktrees of runs too, which can have any number of files.
    pub worktrees: bool,
}

/// What a run takes, or something else that lies where runs are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunSpace {
    /// The bucket.
    pub repo: String,
    /// Its name in the bucket: the run's id, if it is a run.
    pub name: String,
    /// Where a person finds it.
    pub location: PathBuf,
    /// The manifest.
    pub manifest: Space,
    /// The history.
    pub history: Space,
    /// Records and logs of attempts.
    pub attempts: Space,
    /// Files that were handed over.
    pub attachments: Space,
    /// Its worktree, where that was asked for.
    pub worktree: Space,
    /// Locks, diagnostics, what was set aside, and the directory itself.
    pub other: Space,
    /// Names of logs of attempts that could be compressed.
    pub unsealed: Vec<String>,
    /// What could not be looked into.
    pub unread: Vec<PathBuf>,
}

impl RunSpace {
    /// All of it.
    pub fn total(&self) -> Space {
        [self.manifest, self.history, self.attempts, self.attachments, self.worktree, self.other]
            .into_iter()
            .sum()
    }
}

/// What belongs to no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// What it is.
    pub kind: LooseKind,
    /// Where.
    pub path: PathBuf,
    /// The run it was, if that can be told.
    pub run_id: Option<RunId>,
    /// What it takes.
    pub space: Space,
}

/// Kinds of what belongs to no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LooseKind {
    /// A run whose deletion was not finished.
    Deletion,
    /// The worktree of a run that is not there.
    Worktree,
    /// Which runs were changed lately.
    Changes,
    /// Locks of those who work somewhere.
    Locks,
    /// The index of runs.
    Index,
    /// Anything else in the state directory.
    Other,
}

/// The accounts.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// Of what lies where runs are.
    pub runs: Vec<RunSpace>,
    /// Of the rest.
    pub loose: Vec<Loose>,
    /// Directories that could not be looked into.
    pub unread: Vec<PathBuf>,
}

/// A copy of what can be made again, which nobody will ask for any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadCache {
    /// Where.
    pub path: PathBuf,
    /// Why it is of no use.
    pub why: DeadWhy,
    /// What it takes.
    pub space: Space,
}

/// Why a copy is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadWhy {
    /// What it was made from is gone.
    StateDirGone,
    /// It was made before this machine was started, and is not relied upon any more.
    OtherBoot,
    /// Somebody who threw it away was killed at it.
    ThrownAway,
}
