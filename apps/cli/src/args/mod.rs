//! The command line as data. Structs only: what they mean is in `commands`.

mod acts;
mod attachment;
mod definitions;
mod examples;
mod family;
mod hidden;
mod manuals;
mod reconfigure;
mod run;
mod skills;
mod space;
mod task;
mod transfer;
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
use examples::examples;
pub use family::{ClearDependenciesArgs, DependencyArgs, ExtendArgs, RelationArgs, UpstreamArgs};
pub use hidden::{CompleteArgs, DriveArgs, OrphanChoice};
pub use manuals::{CompletionsArgs, ManArgs, ShellChoice};
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
pub use transfer::{ExportArgs, ImportArgs};
pub use workspace::{
    ListWorkspacesArgs, RemoveWorkspaceArgs, RestoreArgs, SnapshotsArgs, WorkspaceArgs, WorkspaceCommand,
};

/// Works a structured task list through a coding agent, a script or a person until it is really done.
#[derive(Debug, Parser)]
#[command(name = "agent-runner", version, max_term_width = 80, disable_help_subcommand = true)]
#[command(after_long_help = examples!("Let the commands in a checklist do the work" => "run --backend shell --checklist chores.md", "See what there is" => "list runs --global"))]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a run and work it to its end; resume one with --resume-run
    #[command(after_long_help = examples!("Let an agent work through a checklist" => "run --agent implementer --checklist chores.md", "Let the commands in a checklist do the work" => "run --backend shell --checklist chores.md", "Go on with the newest run" => "run --resume-run @last"))]
    Run(Box<RunArgs>),
    /// Create a run without starting it
    #[command(after_long_help = examples!("Prepare a run that somebody works on by hand" => "init --backend passive --checklist chores.md --name Chores", "Prepare one that is not started before another has ended well" => "init --backend shell --checklist chores.md --after @last"))]
    Init(Box<InitArgs>),
    /// See and change the tasks of a run
    #[command(after_long_help = examples!("See the tasks of the newest run" => "task list @last", "Say that one of them is done" => "task set @last sweep --status completed"))]
    Task(TaskArgs),
    /// Hand files over with runs
    #[command(after_long_help = examples!("Hand a file over to the worker of the newest run" => "attachment add @last plan.md", "See what was handed over" => "attachment list @last"))]
    Attachment(AttachmentArgs),
    /// See, restore and remove the worktrees of runs
    #[command(after_long_help = examples!("See which runs have a worktree" => "workspace list"))]
    Workspace(WorkspaceArgs),
    /// List runs and definitions
    #[command(after_long_help = examples!("See the runs of this directory" => "list runs", "See which agents there are" => "list agents"))]
    List(ListArgs),
    /// Show one definition
    #[command(after_long_help = examples!("Read about an agent" => "show agent implementer", "Read about an assignment with all it inherits" => "show assignment repo-checkup --resolved"))]
    Show(ShowArgs),
    /// Check definition files
    #[command(after_long_help = examples!("Check all of your definitions" => "validate", "Check one of them, for a program" => "validate ./my-agent.md --output-format json"))]
    Validate(ValidateArgs),
    /// Make an agent, an assignment or a task of your own
    #[command(after_long_help = examples!("Make an agent of your own" => "new agent tidy --backend claude", "See what an assignment would look like" => "new assignment spring-clean --print"))]
    New(NewArgs),
    /// Print the JSON Schema of a kind of definition, for editors
    #[command(after_long_help = examples!("Let an editor check agents" => "schema agent > agent.schema.json"))]
    Schema(SchemaArgs),
    /// Teach other agents to use this program
    #[command(after_long_help = examples!("See which skills there are" => "skills list", "Teach the agents that work in this directory" => "skills install"))]
    Skills(SkillsArgs),
    /// Show where definitions and runs are kept
    #[command(after_long_help = examples!("Find out where runs are kept" => "status"))]
    Status(StatusArgs),
    /// Clear up after drivers that died
    #[command(after_long_help = examples!("See which runs were interrupted" => "recover --dry-run", "Clear up after them, and let them go on" => "recover --resume"))]
    Recover(RecoverArgs),
    /// Show what runs take on the disk
    #[command(after_long_help = examples!("See what the runs of every directory take" => "du --global --limit 20"))]
    Du(DiskUseArgs),
    /// Delete runs that are over and that nobody keeps, and compress logs
    #[command(after_long_help = examples!("See what would go if runs were kept for a month" => "gc --global --older-than 30d --dry-run", "Keep the newest hundred runs of each repository" => "gc --global --keep 100", "Only compress logs" => "gc --global --compress-only"))]
    Gc(CollectArgs),
    /// Print what a shell needs to complete commands, runs, tasks and definitions
    #[command(after_long_help = examples!("Write what bash has to read; docs/completions.md says where to" => "completions bash > agent-runner.bash", "The same for fish" => "completions fish > agent-runner.fish"))]
    Completions(CompletionsArgs),
    /// Print a page of the manual, or write all of them
    #[command(after_long_help = examples!("Read about a command" => "man run status | man -l -", "Install all pages for yourself" => "man --output ~/.local/share/man/man1"))]
    Man(ManArgs),
    /// Answer a shell that completes a line
    #[command(hide = true)]
    Complete(CompleteArgs),
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
