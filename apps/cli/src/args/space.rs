//! Arguments of `du` and `gc`.

use clap::Args;

use super::Output;

/// Which runs are meant.
#[derive(Debug, Args)]
pub struct SpaceScopeArgs {
    /// Runs of exactly this directory [default: the current one]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["repo", "global"])]
    pub cwd: Option<String>,
    /// Runs of this repository bucket
    #[arg(long, value_name = "NAME", conflicts_with = "global")]
    pub repo: Option<String>,
    /// Runs of every directory
    #[arg(long)]
    pub global: bool,
}

/// `du`.
#[derive(Debug, Args)]
pub struct DiskUseArgs {
    /// Only these runs
    #[arg(value_name = "RUN-ID|PATH", conflicts_with_all = ["cwd", "repo", "global"])]
    pub runs: Vec<String>,
    /// Scope.
    #[command(flatten)]
    pub scope: SpaceScopeArgs,
    /// Show at most so many runs, the largest; sums are of all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `gc`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Delete runs that ended longer ago: 12h, 30d, 8w [default: $AGENT_RUNNER_GC_OLDER_THAN]
    #[arg(long, value_name = "SPAN", conflicts_with = "compress_only")]
    pub older_than: Option<String>,
    /// Keep the newest N runs of each repository; with nothing else, delete all others [default: $AGENT_RUNNER_GC_KEEP]
    #[arg(long, value_name = "N", conflicts_with = "compress_only")]
    pub keep: Option<u32>,
    /// Delete the oldest until the runs take no more: 500M, 10G [default: $AGENT_RUNNER_GC_MAX_SIZE]
    #[arg(long, value_name = "SIZE", conflicts_with = "compress_only")]
    pub max_size: Option<String>,
    /// Delete nothing: only compress logs of attempts
    #[arg(long)]
    pub compress_only: bool,
    /// Scope.
    #[command(flatten)]
    pub scope: SpaceScopeArgs,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
