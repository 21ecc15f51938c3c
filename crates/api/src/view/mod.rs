//! What operations answer with: views of runs, tasks and definitions with the documented JSON names.

mod changes;
mod definitions;
mod report;
mod run;
mod system;
mod task;

pub use changes::{
    ChangeKind, ChangedFile, Commit, CommitList, FileList, GitChanges, LineCount, LookedAt, Uncommitted,
    UncommittedFile,
};
pub use definitions::{
    CheckedDefinition, DefinitionDetail, DefinitionList, DefinitionProblem, DefinitionSchema,
    DefinitionSummary, DefinitionTask, DefinitionText, NewDefinitionReply, SkippedFile, Validation, Written,
};
pub use report::{AttemptDigest, RefusedPermission, RunReport, TaskChange, WaitRecord, WorkerError};
pub use run::{
    AgentView, AssignmentView, AttemptView, Brief, ListProblem, RunDetail, RunList, RunReading, RunSummary,
    SessionView, Situation, Timeline, TimelineEntry, active_task,
};
pub use system::{Recovered, Recovery, RecoveryAction, SystemStatus};
pub use task::{ActiveTask, TaskDetail, TaskList, TaskView};
