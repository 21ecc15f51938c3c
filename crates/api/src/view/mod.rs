//! What operations answer with: views of runs, tasks and definitions with the documented JSON names.

mod definitions;
mod run;
mod system;
mod task;

pub use definitions::{
    CheckedDefinition, DefinitionDetail, DefinitionList, DefinitionProblem, DefinitionSummary,
    DefinitionTask, Validation,
};
pub use run::{
    AgentView, AssignmentView, AttemptView, Brief, ListProblem, RunDetail, RunList, RunReading, RunSummary,
    SessionView, Situation, Timeline, TimelineEntry, active_task,
};
pub use system::{Recovered, Recovery, RecoveryAction, SystemStatus};
pub use task::{ActiveTask, TaskDetail, TaskList, TaskView};
