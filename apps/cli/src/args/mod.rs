//! The command line as data. Structs only: what they mean is in `commands`.

mod acts;
mod attachment;
mod definitions;
mod family;
mod hidden;
mod reconfigure;
mod run;
mod skills;
mod space;
mod task;
mod workspace;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use acts::{
    OneRunArgs, QueueMessageArgs, RemoveMessageArgs, ResetArgs, SetBackendSessionArgs, SetGroupArgs,
    SetNameArgs, SetNoteArgs, WaitArgs,
};
pub use attachment::{
    AddAttachmentArgs, AttachmentArgs, AttachmentCommand, DownloadArgs, ListAttachmentsArgs,
    RemoveAttachmentArgs, ScopeChoice,
};
pub use definitions::{
    KindChoice, ListArgs, ListCommand, ListRunsArgs, NewAgentArgs, NewArgs, NewCommand, NewOneArgs,
    OrderChoice, SchemaArgs, ShowArgs, ShowCommand, ShowLauncherArgs, ShowOneArgs, StatusChoice,
    ValidateArgs,
};
pub use family::{ClearDependenciesArgs, DependencyArgs, ExtendArgs, RelationArgs, UpstreamArgs};
pub use hidden::{DriveArgs, OrphanChoice};
pub use reconfigure::ReconfigureArgs;
pub use run::{
    AbortArgs, AttachArgs, AuditArgs, BriefArgs, InitArgs, NewRunArgs, ReadyArgs, RecoverArgs, ReportArgs,
    ReportFormat, RunArgs, RunCommand, RunStatusArgs, TimelineArgs,
};
pub use skills::{InstallSkillsArgs, SkillsArgs, SkillsCommand};
pub use space::{CollectArgs, DiskUseArgs, SpaceScopeArgs};
pub use task::{
    AddArgs, AppendNotesArgs, DeleteArgs, EditArgs, SetArgs, TaskArgs, TaskCommand, TaskListArgs,
    TaskShowArgs,
};
pub use workspace::{
    ListWorkspacesArgs, RemoveWorkspaceArgs, RestoreArgs, SnapshotsArgs, WorkspaceArgs, WorkspaceCommand,
};

/// Works a structured task list through a coding agent, a script or a person until it is really done.
#[derive(Debug, Parser)]
#[command(name = "agent-runner", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a run and work it to its end; resume one with --resume-run
    Run(Box<RunArgs>),
    /// Create a run without starting it
    Init(Box<InitArgs>),
    /// See and change the tasks of a run
    Task(TaskArgs),
    /// Hand files over with runs
    Attachment(AttachmentArgs),
    /// See, restore and remove the worktrees of runs
    Workspace(WorkspaceArgs),
    /// List runs and definitions
    List(ListArgs),
    /// Show one definition
    Show(ShowArgs),
    /// Check definition files
    Validate(ValidateArgs),
    /// Make an agent, an assignment or a task of your own
    New(NewArgs),
    /// Print the JSON Schema of a kind of definition, for editors
    Schema(SchemaArgs),
    /// Teach other agents to use this program
    Skills(SkillsArgs),
    /// Show where definitions and runs are kept
    Status(StatusArgs),
    /// Clear up after drivers that died
    Recover(RecoverArgs),
    /// Show what runs take on the disk
    Du(DiskUseArgs),
    /// Delete runs that are over and that nobody keeps, and compress logs
    Gc(CollectArgs),
    /// Drive a run (started by `run`)
    #[command(hide = true)]
    Drive(DriveArgs),
    /// Work a run's command blocks (started by a driver)
    #[command(hide = true)]
    ShellWorker,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// What a run does when its backend meets a usage or rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LimitChoice {
    /// It waits until the limit is lifted
    Wait,
    /// It ends with exit code 75, to be resumed later
    Stop,
}

/// What a run does when another one works in its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BusyChoice {
    /// It waits until the other one is done
    Wait,
    /// It is not started, or ends at once
    Fail,
    /// It works there all the same
    Share,
}

/// The flag that every command has.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output_format: OutputFormat,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
