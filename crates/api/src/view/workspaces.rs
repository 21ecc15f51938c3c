//! Views of the worktrees of runs, and of what was put aside from them.

use agent_runner_model::phase::RunStatus;
use agent_runner_model::{RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::ListProblem;

/// How a worktree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WorkspaceState {
    /// Everything in it is committed, or ignored.
    Clean,
    /// Something is not.
    Dirty,
    /// It is not there.
    Missing,
    /// It cannot be told; `why` says more.
    Unknown,
}

impl WorkspaceState {
    /// The spelling in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Dirty => "dirty",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// The worktree of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    /// The run.
    pub run_id: RunId,
    /// The run's status, as things are.
    pub status: RunStatus,
    /// The repository it belongs to.
    pub repo_root: String,
    /// Its directory.
    pub path: String,
    /// The branch that was made or checked out for the run.
    pub branch: String,
    /// The commit it began at.
    pub base: String,
    /// How it is.
    pub state: WorkspaceState,
    /// How many snapshots there are; nothing if that cannot be told.
    pub snapshots: Option<u32>,
    /// Whether `workspace remove` would remove it.
    pub removable: bool,
    /// Why not, or why its state cannot be told.
    pub why: Option<String>,
}

/// Worktrees of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceList {
    /// Those of the newest runs first.
    pub workspaces: Vec<WorkspaceView>,
    /// Runs that could not be read.
    pub problems: Vec<ListProblem>,
}

/// Something that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotView {
    /// Its number within the run, from 1.
    pub number: u32,
    /// Its name in the repository.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// How many files differ from what was checked out.
    pub files: u64,
}

/// What there is of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotList {
    /// The run.
    pub run_id: RunId,
    /// The repository they are in.
    pub repo_root: String,
    /// Oldest first.
    pub snapshots: Vec<SnapshotDetail>,
}

/// Something that was put aside, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotDetail {
    /// What it is.
    #[serde(flatten)]
    pub snapshot: SnapshotView,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// What was checked out; nothing before the first commit.
    pub parent: Option<String>,
}

/// What was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoredWorkspace {
    /// The run.
    pub run_id: RunId,
    /// The number of the snapshot.
    pub number: u32,
    /// Its commit.
    pub commit: String,
    /// The directory that its files are in now.
    pub path: String,
    /// What was put aside before; nothing if all was committed.
    pub before: Option<SnapshotView>,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedWorkspace {
    /// The run.
    pub run_id: RunId,
    /// The directory that is gone.
    pub path: String,
    /// The branch, which stays.
    pub branch: String,
    /// What was put aside before; nothing if all was committed.
    pub before: Option<SnapshotView>,
}
