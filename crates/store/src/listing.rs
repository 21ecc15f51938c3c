//! Questions for runs, and answers. Must not speak of files; a database can answer them too.

use std::path::PathBuf;

use agent_runner_model::phase::RunStatus;
use agent_runner_model::{Digest, Lease, Manifest, RunId, Timestamp};

/// Which runs are asked for. Every condition must hold.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// Runs with exactly this working directory, and those that were made there and work in a worktree of their own.
    pub cwd: Option<String>,
    /// Runs of this repository.
    pub repo: Option<String>,
    /// Runs of this group.
    pub group: Option<String>,
    /// Runs that were put away, too.
    pub include_archived: bool,
    /// Only runs that are being driven or were interrupted.
    pub active_only: bool,
}

/// What a query found.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Newest first.
    pub runs: Vec<ListedRun>,
    /// What looks like a run and could not be listed.
    pub problems: Vec<Problem>,
}

/// A run in a listing.
#[derive(Debug, Clone)]
pub struct ListedRun {
    /// The run.
    pub manifest: Manifest,
    /// Where a person finds it.
    pub location: String,
}

/// Which runs a listing is to have, and which part of it. Every condition must hold.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Where they are.
    pub scope: RunQuery,
    /// With one of these effective statuses; any where there is none.
    pub statuses: Vec<RunStatus>,
    /// Of this agent.
    pub agent: Option<String>,
    /// With this backend.
    pub backend: Option<String>,
    /// With exactly this display name.
    pub name: Option<String>,
    /// Whose id begins so.
    pub begins: Option<String>,
    /// Only those that were put away.
    pub archived: bool,
    /// Created then or later.
    pub since: Option<Timestamp>,
    /// Created then or earlier.
    pub until: Option<Timestamp>,
    /// Only those that boards show first.
    pub pinned: bool,
    /// With all of these words, each of which may be the beginning of one.
    pub search: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// How many at most.
    pub limit: Option<usize>,
    /// The end of the page before.
    pub after: Option<String>,
}

/// Orders of a listing. Those that are equal are ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Newest first.
    #[default]
    Created,
    /// Changed last first.
    Updated,
}

/// A part of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The runs, in order.
    pub rows: Vec<PageRow>,
    /// What looks like a run and could not be listed, wherever it belongs.
    pub problems: Vec<Problem>,
    /// Where the next part begins; nothing at the end, and where no limit was given.
    pub next: Option<String>,
}

/// A run in a listing.
#[derive(Debug, Clone)]
pub struct PageRow {
    /// What lists show of it.
    pub digest: Digest,
    /// Where a person finds it.
    pub location: String,
    /// The run itself and who drives it, while it is active: few are, and it is large.
    pub active: Option<Box<ActiveRun>>,
}

/// An active run.
#[derive(Debug, Clone)]
pub struct ActiveRun {
    /// Whether somebody drives it.
    pub lease: Lease,
    /// The run, read after the lease was tested.
    pub manifest: Manifest,
}

/// Runs that have to do with another one.
#[derive(Debug, Clone, Copy)]
pub enum Kin<'a> {
    /// Those of a group.
    Group(&'a str),
    /// Those that wait for a run, or for the group it is in.
    WaitingFor {
        /// The run.
        run: &'a RunId,
        /// Its group.
        group: &'a str,
    },
    /// Those that were started from a run.
    Children(&'a RunId),
    /// Those that were started from a run, those that were started from these, and so on.
    Descendants(&'a RunId),
    /// Those that have a working tree of their own, be it there or not.
    Worktrees,
}

/// Runs that have to do with another one.
#[derive(Debug, Clone, Default)]
pub struct Kindred {
    /// Those that can be read, and maybe some that had to do with it once.
    pub runs: Vec<Manifest>,
    /// What could not be read, and may have to do with it, too.
    pub problems: Vec<Problem>,
}

/// Something in the state directory that could not be listed. It was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: PathBuf,
    /// Which kind.
    pub kind: ProblemKind,
    /// What is wrong, in words.
    pub message: String,
}

/// Kinds of problems in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Cannot be read.
    Unreadable,
    /// Belongs to the reference implementation; can be imported.
    Reference,
    /// Was written by a newer version.
    Newer,
}
