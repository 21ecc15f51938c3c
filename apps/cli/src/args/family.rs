//! Arguments about what runs have to do with one another.

use clap::Args;

use super::Output;

/// Relations of a new run to others.
#[derive(Debug, Args)]
pub struct RelationArgs {
    /// Belong to a group of its own instead of the parent's
    #[arg(long)]
    pub no_inherit_run_group: bool,
    /// Start working only when this run has ended as success; can be repeated
    #[arg(long, value_name = "RUN-ID|PATH")]
    pub after: Vec<String>,
    /// Most it may use: wallClock, tokens, costUsd, attempts or turns; soft=PERCENT says from when on its worker is told,
    /// onUnmeasured=allow lets it run without what cannot be measured; can be repeated
    #[arg(long, value_name = "KIND=AMOUNT")]
    pub budget: Vec<String>,
}

/// What a run depends on.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct UpstreamArgs {
    /// One run
    #[arg(long = "run", value_name = "RUN-ID|PATH")]
    pub upstream_run: Option<String>,
    /// Every run of a group
    #[arg(long = "group", value_name = "ID")]
    pub upstream_group: Option<String>,
}

/// `run add-dep` and `run remove-dep`.
#[derive(Debug, Args)]
pub struct DependencyArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// What it depends on.
    #[command(flatten)]
    pub upstream: UpstreamArgs,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run clear-deps`.
#[derive(Debug, Args)]
pub struct ClearDependenciesArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run extend`.
#[derive(Debug, Args)]
pub struct ExtendArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Tokens more
    #[arg(long, value_name = "N")]
    pub tokens: Option<u64>,
    /// Dollars more
    #[arg(long, value_name = "USD")]
    pub cost_usd: Option<String>,
    /// Attempts more
    #[arg(long, value_name = "N")]
    pub attempts: Option<u64>,
    /// Turns more
    #[arg(long, value_name = "N")]
    pub turns: Option<u64>,
    /// Seconds more
    #[arg(long, value_name = "SEC")]
    pub wall_clock: Option<u64>,
    /// Go on with the run, in the background
    #[arg(long)]
    pub resume: bool,
    /// What the worker is told when it goes on
    #[arg(value_name = "MESSAGE", requires = "resume")]
    pub message: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
