//! Which runs may be thrown away: what a policy wants to go, and what keeps a run whatever the policy. Pure, so that what is
//! only said and what is done are decided by the same words. Must not look anything up.

mod decide;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::manifest::{Dependency, Manifest};
use crate::phase::{Outcome, Phase};
use crate::time::Timestamp;

pub use decide::{decide, holders};

/// What is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Runs that ended longer ago than this go.
    pub older_than: Option<Duration>,
    /// The newest so many of each repository stay. With nothing else, all others go.
    pub keep: Option<u32>,
    /// The oldest go until what is left takes no more bytes than this.
    pub max_bytes: Option<u64>,
}

impl Policy {
    /// It asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.older_than.is_none() && self.keep.is_none() && self.max_bytes.is_none()
    }
}

/// Which part of a policy wants a run to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// It ended too long ago.
    Age,
    /// There are enough newer ones of its repository.
    Count,
    /// All runs together take too much.
    Size,
}

/// Why a run stays though a policy wants it to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// It is one of the newest of its repository.
    Newest,
    /// Somebody pinned it.
    Pinned,
    /// It is being driven, or waits.
    Active,
    /// Its driver was lost.
    Interrupted,
    /// It has never been started.
    NotStarted,
    /// It is to start by itself.
    Scheduled,
    /// People have tasks of it left to do.
    OpenTasks,
    /// Its parent was not told of its end.
    Notice,
    /// Messages wait for it.
    Messages,
    /// Its worktree is still there.
    Worktree,
    /// A run that is not over depends on it or on its group, or one that stays and could be gone on with.
    Needed,
    /// A run above or below it is not over, or a run below it stays.
    Family,
    /// What is left of a run that cannot be read names it, or its group.
    Named,
    /// It was changed after it was decided upon.
    Changed,
}

/// A run as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The run.
    pub run_id: RunId,
    /// The bucket.
    pub repo: String,
    /// Runs it belongs with.
    pub group: String,
    /// The run it descends from.
    pub parent: Option<RunId>,
    /// All it descends from, nearest first.
    pub ancestors: Vec<RunId>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// When it ended, or was changed last if it has not.
    pub since: Timestamp,
    /// What it takes, in bytes.
    pub bytes: u64,
    /// Whether it was asked about at all.
    pub in_scope: bool,
    /// Whether it has ended.
    pub is_over: bool,
    /// Whether it has ended as success: then it needs nothing any more that it depended on.
    pub has_succeeded: bool,
    /// What keeps it, whatever other runs are.
    pub kept: Option<Keep>,
}

/// What a manifest does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// It is active, and nobody drives it.
    pub is_interrupted: bool,
    /// It has a worktree that is still there.
    pub has_worktree: bool,
    /// It was asked about.
    pub in_scope: bool,
    /// What it takes, in bytes.
    pub bytes: u64,
}

impl Candidate {
    /// A run and what is known of it.
    pub fn of(manifest: &Manifest, circumstances: Circumstances) -> Self {
        let (spec, state) = (&manifest.spec, &manifest.state);
        Self {
            run_id: spec.run_id.clone(),
            repo: spec.repo.clone(),
            group: state.run_group_id.clone(),
            parent: spec.parent_run_id.clone(),
            ancestors: spec.ancestors(),
            dependencies: state.dependencies.clone(),
            since: state.ended_at.unwrap_or(state.updated_at),
            bytes: circumstances.bytes,
            in_scope: circumstances.in_scope,
            is_over: is_over(manifest),
            has_succeeded: matches!(state.phase, Phase::Ended { outcome: Outcome::Success }),
            kept: kept(manifest, circumstances),
        }
    }
}

fn is_over(manifest: &Manifest) -> bool {
    match &manifest.state.phase {
        Phase::Initialized | Phase::Ready | Phase::Active { .. } => false,
        Phase::Ended { outcome } => match outcome {
            Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Failed { .. } => {
                manifest.state.schedule.is_none()
            }
            // Somebody ended it for good: nothing starts it by itself.
            Outcome::Aborted => true,
        },
    }
}

fn kept(manifest: &Manifest, circumstances: Circumstances) -> Option<Keep> {
    let state = &manifest.state;
    let has_open_tasks = || state.final_tasks.values().any(|task| task.status.is_open());
    let has_notice = || state.parent_notice.as_ref().is_some_and(|notice| !notice.delivered);
    match &state.phase {
        Phase::Initialized | Phase::Ready => return Some(Keep::NotStarted),
        Phase::Active { .. } if circumstances.is_interrupted => return Some(Keep::Interrupted),
        Phase::Active { .. } => return Some(Keep::Active),
        Phase::Ended { .. } => {}
    }
    if state.pinned {
        Some(Keep::Pinned)
    } else if !is_over(manifest) {
        Some(Keep::Scheduled)
    } else if manifest.spec.is_passive() && has_open_tasks() {
        Some(Keep::OpenTasks)
    } else if has_notice() {
        Some(Keep::Notice)
    } else if !state.queued_resume_messages.is_empty() {
        Some(Keep::Messages)
    } else if circumstances.has_worktree {
        Some(Keep::Worktree)
    } else {
        None
    }
}

/// A run that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// The run.
    pub run_id: RunId,
    /// Why.
    pub reason: Reason,
}

/// A run that stays though the policy wants it to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staying {
    /// The run.
    pub run_id: RunId,
    /// Why it would go.
    pub reason: Reason,
    /// Why it stays.
    pub keep: Keep,
    /// The run that keeps it, if another one does.
    pub by: Option<RunId>,
}

/// What is to become of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Those that go, in an order in which no run is ever left without the one it descends from.
    pub going: Vec<Going>,
    /// Those that stay though they are wanted, oldest first.
    pub staying: Vec<Staying>,
}
