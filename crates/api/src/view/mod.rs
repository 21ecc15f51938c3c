//! What operations answer with: views of runs, tasks and definitions with the documented JSON names.

mod attachment;
mod changes;
mod definitions;
mod directories;
mod family;
mod launchers;
mod messages;
mod report;
mod run;
mod session;
mod space;
mod system;
mod task;
mod timeline;
mod transfer;
mod tree;
mod workspaces;

pub use agent_runner_model::digest::{ActiveTask, active_task};
pub use attachment::{AttachmentList, AttachmentView};
pub use changes::{
    ChangeKind, ChangedFile, Commit, CommitList, FileList, GitChanges, LineCount, LookedAt, Uncommitted,
    UncommittedFile,
};
pub use definitions::{
    CheckedDefinition, DefinitionBase, DefinitionDetail, DefinitionList, DefinitionProblem, DefinitionSchema,
    DefinitionSummary, DefinitionTask, DefinitionText, NewDefinitionReply, SkippedFile, Validation, Written,
};
pub use directories::{DeletedRun, DirectoryAction, DirectoryImport, ImportedDirectory};
pub use family::{BudgetView, DependencyState, DependencyView, DependentView, Relations, Via};
pub use launchers::{
    LauncherDetail, LauncherKind, LauncherList, LauncherSettings, LauncherSummary, LauncherText,
};
pub use messages::MessageList;
pub use report::{AttemptDigest, RefusedPermission, RunReport, TaskChange, WaitRecord, WorkerError};
pub use run::{
    AgentView, AssignmentView, Brief, ListProblem, RunDetail, RunList, RunReading, RunSummary, Situation,
};
pub use session::{AttemptView, SessionView};
pub use space::{
    Cleared, ClearedKind, CollectedRun, Collection, CompressedLogs, DiskUse, KeptRun, LooseUse, LooseUseKind,
    NotCollected, OccupantKind, PolicyView, RepoUse, RunUse, SpaceParts, SpaceView,
};
pub use system::{Recovered, Recovery, RecoveryAction, SystemStatus};
pub use task::{TaskDetail, TaskList, TaskView};
pub use timeline::{Timeline, TimelineEntry};
pub use transfer::{ExportedRun, ImportedRun, LeftOutView, MissingVar};
pub use tree::{RunTree, TreeNode};
pub use workspaces::{
    RemovedWorkspace, RestoredWorkspace, SnapshotDetail, SnapshotList, SnapshotView, WorkspaceList,
    WorkspaceState, WorkspaceView,
};
