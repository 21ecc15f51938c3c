//! Arguments of `list`, `show`, `validate`, `new` and `schema`.

use clap::{Args, Subcommand, ValueEnum};

use super::Output;
use super::examples::examples;

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
    #[command(after_long_help = examples!("See what is at work, wherever that is" => "list runs --global --status running --status interrupted", "Find a run by words in it" => "list runs --global --search \"flaky login\" --limit 10"))]
    Runs(Box<ListRunsArgs>),
    /// List agents
    #[command(after_long_help = examples!("See which agents there are" => "list agents"))]
    Agents(Output),
    /// List assignments
    #[command(after_long_help = examples!("See which assignments there are" => "list assignments"))]
    Assignments(Output),
    /// List reusable tasks
    #[command(after_long_help = examples!("See which tasks can be used again" => "list tasks"))]
    Tasks(Output),
    /// List launchers
    #[command(after_long_help = examples!("See which launchers there are" => "list launchers"))]
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
    #[command(after_long_help = examples!("Read about an agent" => "show agent implementer", "Copy its file" => "show agent implementer --raw > my-agent.md"))]
    Agent(ShowOneArgs),
    /// Show an assignment
    #[command(after_long_help = examples!("Read about an assignment with all it inherits" => "show assignment repo-checkup --resolved"))]
    Assignment(ShowOneArgs),
    /// Show a reusable task
    #[command(after_long_help = examples!("Read about a reusable task" => "show task review/security"))]
    Task(ShowOneArgs),
    /// Show a launcher
    #[command(after_long_help = examples!("Read about a launcher" => "show launcher direct"))]
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
    #[command(after_long_help = examples!("Make an agent of your own" => "new agent tidy --backend claude", "Make one from another, in this directory" => "new agent careful --from implementer --dir ."))]
    Agent(NewAgentArgs),
    /// Make an assignment
    #[command(after_long_help = examples!("Make an assignment of your own" => "new assignment spring-clean"))]
    Assignment(NewOneArgs),
    /// Make a reusable task
    #[command(after_long_help = examples!("See what a task would look like" => "new task sweep --print"))]
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
