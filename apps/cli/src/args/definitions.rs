//! Arguments of `list`, `show` and `validate`.

use clap::{Args, Subcommand};

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
    Runs(ListRunsArgs),
    /// List agents
    Agents(Output),
    /// List assignments
    Assignments(Output),
    /// List reusable tasks
    Tasks(Output),
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
    /// Output.
    #[command(flatten)]
    pub output: Output,
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
}

/// `show agent`, `show assignment`, `show task`.
#[derive(Debug, Args)]
pub struct ShowOneArgs {
    /// A name, or a path that is absolute or starts with ./ or ../
    #[arg(value_name = "NAME|PATH")]
    pub reference: String,
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
