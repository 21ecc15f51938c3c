//! Arguments of `workspace`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;
use super::examples::examples;

/// `workspace`.
#[derive(Debug, Args)]
pub struct WorkspaceArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: WorkspaceCommand,
}

/// `workspace …`.
#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// List the runs that have a worktree, and how it is
    #[command(after_long_help = examples!("See which runs have a worktree" => "workspace list"))]
    List(ListWorkspacesArgs),
    /// List what was put aside from a run's worktree
    #[command(after_long_help = examples!("See what was put aside from one" => "workspace snapshots @last"))]
    Snapshots(SnapshotsArgs),
    /// Give back what was put aside
    #[command(after_long_help = examples!("Look at what was put aside first, somewhere else" => "workspace restore @last 1 --to ../looked-at"))]
    Restore(RestoreArgs),
    /// Remove a run's worktree; what is not committed is put aside first, and the branch stays
    #[command(after_long_help = examples!("Remove the worktree of a run that is done" => "workspace remove @last"))]
    Remove(RemoveWorkspaceArgs),
}

/// `workspace list`.
#[derive(Debug, Args)]
pub struct ListWorkspacesArgs {
    /// Only worktrees of this repository, or runs of this bucket
    #[arg(long, value_name = "NAME")]
    pub repo: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `workspace snapshots`.
#[derive(Debug, Args)]
pub struct SnapshotsArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `workspace restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The snapshot's number [default: the newest]
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub number: Option<u32>,
    /// Write the files into this directory, empty or not there yet, instead of the run's worktree
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `workspace remove`.
#[derive(Debug, Args)]
pub struct RemoveWorkspaceArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
