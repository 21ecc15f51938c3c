//! Views of the room runs take on the disk, and of what was done about it.

use agent_runner_model::phase::RunStatus;
use agent_runner_model::retention::{Keep, Reason};
use agent_runner_model::{RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::ListProblem;

/// Room on the disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceView {
    /// What is gone from the disk.
    pub allocated: u64,
    /// How long the files say they are.
    pub apparent: u64,
}

/// Room that runs take, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceParts {
    /// All of it.
    pub total: SpaceView,
    /// Manifests.
    pub manifest: SpaceView,
    /// Histories.
    pub history: SpaceView,
    /// Records and logs of attempts.
    pub attempts: SpaceView,
    /// Files that were handed over.
    pub attachments: SpaceView,
    /// Worktrees in the state directory.
    pub worktree: SpaceView,
    /// Locks, diagnostics, what was set aside, and directories.
    pub other: SpaceView,
}

/// What lies where a run could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OccupantKind {
    /// A run.
    Run,
    /// Its manifest cannot be read.
    Unreadable,
    /// Its manifest was written by a newer version.
    Newer,
    /// A run of the reference implementation.
    Reference,
    /// There is no manifest: a run that is being made, or something else.
    Unknown,
}

impl OccupantKind {
    /// The spelling in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Unreadable => "unreadable",
            Self::Newer => "newer",
            Self::Reference => "reference",
            Self::Unknown => "unknown",
        }
    }
}

/// What a run takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunUse {
    /// The name of its directory: the run's id, if it is a run.
    pub run_id: String,
    /// The bucket.
    pub repo: String,
    /// What it is.
    pub kind: OccupantKind,
    /// Its status, if it is a run.
    pub status: Option<RunStatus>,
    /// Display name.
    pub name: Option<String>,
    /// Its directory.
    pub path: String,
    /// What it takes.
    pub space: SpaceParts,
}

/// What the runs of a bucket take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepoUse {
    /// The bucket.
    pub repo: String,
    /// How many runs, and what else is there.
    pub runs: usize,
    /// What they take.
    pub space: SpaceParts,
}

/// What belongs to no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LooseUseKind {
    /// A run whose deletion was not finished.
    Deletion,
    /// The worktree of a run that is not there.
    Worktree,
    /// Which runs were changed lately.
    Changes,
    /// Locks.
    Locks,
    /// The index of runs, in the cache directory.
    Index,
    /// Something else in the state directory.
    Other,
}

impl LooseUseKind {
    /// The spelling in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deletion => "deletion",
            Self::Worktree => "worktree",
            Self::Changes => "changes",
            Self::Locks => "locks",
            Self::Index => "index",
            Self::Other => "other",
        }
    }
}

/// Something that belongs to no run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LooseUse {
    /// What it is.
    pub kind: LooseUseKind,
    /// Where.
    pub path: String,
    /// What it takes.
    pub space: SpaceView,
}

/// What is taken of the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiskUse {
    /// The state directory.
    pub state_dir: String,
    /// All that is counted here.
    pub total: SpaceView,
    /// By bucket, largest first.
    pub repos: Vec<RepoUse>,
    /// By run, largest first.
    pub runs: Vec<RunUse>,
    /// How many runs were counted; a limit shows fewer.
    pub run_count: usize,
    /// What belongs to no run, largest first.
    pub loose: Vec<LooseUse>,
    /// Directories that could not be looked into, and so are not in the sums.
    pub unread: Vec<String>,
    /// Runs that could not be read.
    pub problems: Vec<ListProblem>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Runs that ended longer ago go, in seconds.
    pub older_than_sec: Option<u64>,
    /// The newest so many of each bucket stay.
    pub keep: Option<u32>,
    /// What the runs may take, in bytes.
    pub max_bytes: Option<u64>,
}

/// A run that went, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectedRun {
    /// The run.
    pub run_id: RunId,
    /// The bucket.
    pub repo: String,
    /// Display name.
    pub name: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Which part of the policy did not keep it.
    pub reason: Reason,
    /// What it took of the disk, in bytes.
    pub bytes: u64,
}

/// A run that stays though the policy does not keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptRun {
    /// The run.
    pub run_id: RunId,
    /// The bucket.
    pub repo: String,
    /// Display name.
    pub name: Option<String>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// Which part of the policy does not keep it.
    pub reason: Reason,
    /// What keeps it.
    pub kept: Keep,
    /// The run that does, if another one does.
    pub by: Option<RunId>,
    /// What it takes of the disk, in bytes.
    pub bytes: u64,
}

/// Logs of a run that were compressed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompressedLogs {
    /// The run.
    pub run_id: RunId,
    /// Their names.
    pub files: Vec<String>,
    /// What that gave back, in bytes; nobody knows it before it was done.
    pub bytes: u64,
}

/// What else was cleared up, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClearedKind {
    /// A run whose deletion was not finished.
    Deletion,
    /// The index of a state directory that is gone.
    StateDirGone,
    /// An index that was made before the machine was started.
    OtherBoot,
    /// What was left of an index that was thrown away.
    ThrownAway,
}

/// Something else that was cleared up, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// What it was.
    pub kind: ClearedKind,
    /// Where.
    pub path: String,
    /// What it took of the disk, in bytes.
    pub bytes: u64,
}

/// Something that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotCollected {
    /// The run.
    pub run_id: RunId,
    /// What went wrong, with its causes.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What was done, or would be, about runs that nobody keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// Nothing was done: this is what would be.
    pub dry_run: bool,
    /// What was asked for.
    pub policy: PolicyView,
    /// Runs that went, in that order.
    pub deleted: Vec<CollectedRun>,
    /// Runs that the policy does not keep, and that stay, oldest first.
    pub kept: Vec<KeptRun>,
    /// Logs that were compressed.
    pub compressed: Vec<CompressedLogs>,
    /// What else was cleared up.
    pub cleared: Vec<Cleared>,
    /// What could not be done.
    pub failed: Vec<NotCollected>,
    /// All that was given back, in bytes.
    pub bytes_freed: u64,
    /// What the runs take now, or would, in bytes: those that were asked about.
    pub bytes_left: u64,
    /// Runs that could not be read. They stay.
    pub problems: Vec<ListProblem>,
}
