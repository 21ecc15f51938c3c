//! Arguments of `run export` and `run import`.

use std::path::PathBuf;

use clap::Args;

use super::Output;

/// `run export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The archive; `-` is standard output [default: <run-id>.agent-run.tar.gz in the current directory]
    #[arg(long = "output", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace the file if it is there already
    #[arg(long)]
    pub force: bool,
    /// Export a run that is at work, or was interrupted, as it stands now
    #[arg(long)]
    pub snapshot: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Archives that `run export` has written (`-` is standard input), or run directories of the TypeScript agent-runner: one,
    /// a repository's, or a whole state directory
    #[arg(value_name = "PATH", required_unless_present = "all")]
    pub paths: Vec<PathBuf>,
    /// Everything of the TypeScript agent-runner that lies in this program's own state directory
    #[arg(long, conflicts_with = "cwd")]
    pub all: bool,
    /// Of directories: say what would be imported, and change nothing
    #[arg(long, conflicts_with = "cwd")]
    pub dry_run: bool,
    /// Give each run an id of its own, whatever it was called
    #[arg(long)]
    pub as_new_id: bool,
    /// Of archives: directory the runs work in from now on [default: the one they were made for]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
