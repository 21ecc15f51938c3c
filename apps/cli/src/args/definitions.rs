//! Arguments of `list`, `show`, `validate`, `new` and `schema`.

use clap::{Args, Subcommand, ValueEnum};

use super::Output;

/// `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: ListCommand,
}

/// `list …`.
#[derive(Debug, Subcommand)]
pub enum ListCommand {
    /// List runs: those of the current directory, unless told otherwise
    Runs(Box<ListRunsArgs>),
    /// List agents
    Agents(Output),
    /// List assignments
    Assignments(Output),
    /// List reusable tasks
    Tasks(Output),
    /// List launchers
    Launchers(Output),
}

/// `list runs`.
#[derive(Debug, Args)]
pub struct ListRunsArgs {
    /// Runs of exactly this directory [default: the current one]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["repo", "global", "group_id"])]
    pub cwd: Option<String>,
    /// Runs of this repository bucket
    #[arg(long, value_name = "NAME", conflicts_with_all = ["global", "group_id"])]
    pub repo: Option<String>,
    /// Runs of every directory
    #[arg(long, conflicts_with = "group_id")]
    pub global: bool,
    /// Runs of this group
    #[arg(long, value_name = "ID")]
    pub group_id: Option<String>,
    /// Also runs that were put away
    #[arg(long)]
    pub include_archived: bool,
    /// Runs with this status; may be given more than once
    #[arg(long, value_enum, value_name = "STATUS")]
    pub status: Vec<StatusChoice>,
    /// Runs of this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Runs with this backend
    #[arg(long, value_name = "ID")]
    pub backend: Option<String>,
    /// Runs created then or later: 2026-01-31, 2026-01-31T08:00:00Z, or 7d, 12h, 30m ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Runs created then or earlier
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Runs that are pinned
    #[arg(long)]
    pub pinned: bool,
    /// Runs with all of these words, or words that begin so, in name, task titles, notes or messages
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// What comes first: what was made last, or what has changed last
    #[arg(long, value_enum, default_value = "created", value_name = "ORDER")]
    pub sort: OrderChoice,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Go on where another list ended: its nextCursor
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// What a run's status can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusChoice {
    /// Made, not approved
    Initialized,
    /// Approved, not started
    Ready,
    /// At work, or waiting
    Running,
    /// At work when its driver was lost
    Interrupted,
    /// Done
    Success,
    /// A task cannot be done
    Blocked,
    /// Out of retries
    Exhausted,
    /// Ended by somebody
    Aborted,
    /// Failed
    Error,
}

/// Orders of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderChoice {
    /// What was made last comes first
    Created,
    /// What has changed last comes first
    Updated,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: ShowCommand,
}

/// `show …`.
#[derive(Debug, Subcommand)]
pub enum ShowCommand {
    /// Show an agent
    Agent(ShowOneArgs),
    /// Show an assignment
    Assignment(ShowOneArgs),
    /// Show a reusable task
    Task(ShowOneArgs),
    /// Show a launcher
    Launcher(ShowLauncherArgs),
}

/// `show agent`, `show assignment`, `show task`, `show launcher`.
#[derive(Debug, Args)]
pub struct ShowOneArgs {
    /// A name, or a path that is absolute or starts with ./ or ../
    #[arg(value_name = "NAME|PATH")]
    pub reference: String,
    /// Print the file as it was authored, whatever is wrong with it
    #[arg(long)]
    pub raw: bool,
    /// Show it with everything it has from the definitions that it extends, and where that comes from
    #[arg(long, conflicts_with = "raw")]
    pub resolved: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `show launcher`.
#[derive(Debug, Args)]
pub struct ShowLauncherArgs {
    /// A name, or a path that is absolute or starts with ./ or ../
    #[arg(value_name = "NAME|PATH")]
    pub reference: String,
    /// Print the file as it was authored, whatever is wrong with it
    #[arg(long)]
    pub raw: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Files and directories [default: the configuration directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: NewCommand,
}

/// `new …`.
#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// Make an agent
    Agent(NewAgentArgs),
    /// Make an assignment
    Assignment(NewOneArgs),
    /// Make a reusable task
    Task(NewOneArgs),
}

/// `new agent`.
#[derive(Debug, Args)]
pub struct NewAgentArgs {
    /// Backend of the agent [default: claude, or that of the agent to start from]
    #[arg(long, value_name = "ID")]
    pub backend: Option<String>,
    /// What all kinds have.
    #[command(flatten)]
    pub one: NewOneArgs,
}

/// `new assignment`, `new task`.
#[derive(Debug, Args)]
pub struct NewOneArgs {
    /// Its name; parts divided by /
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Start from this definition instead of a scaffold
    #[arg(long, value_name = "NAME|PATH")]
    pub from: Option<String>,
    /// Directory that holds agents, assignments and tasks [default: the configuration directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<String>,
    /// Replace a file that is there already; it is kept beside the new one
    #[arg(long)]
    pub force: bool,
    /// Print it, and write nothing
    #[arg(long, conflicts_with = "force")]
    pub print: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_name = "KIND", value_enum)]
    pub kind: KindChoice,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindChoice {
    /// Who works
    Agent,
    /// What there is to do
    Assignment,
    /// One reusable task
    Task,
    /// What a hook reads
    HookContext,
    /// What a hook answers
    HookAnswer,
}
