//! Arguments of the subcommands of `run` that change what a run is besides its work.

use clap::Args;

use super::Output;

/// A command that needs nothing but a run.
#[derive(Debug, Args)]
pub struct OneRunArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Also put the run's worktree back to where it began; what is not committed is put aside first
    #[arg(long)]
    pub workspace: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run set-name`.
#[derive(Debug, Args)]
pub struct SetNameArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The display name: one line
    #[arg(value_name = "NAME", required_unless_present = "clear", conflicts_with = "clear")]
    pub name: Option<String>,
    /// Take the name away
    #[arg(long)]
    pub clear: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run set-note`.
#[derive(Debug, Args)]
pub struct SetNoteArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The note; `-` reads standard input
    #[arg(value_name = "MARKDOWN", allow_hyphen_values = true)]
    pub note: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run set-group`.
#[derive(Debug, Args)]
pub struct SetGroupArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The group it is to belong to
    #[arg(value_name = "GROUP-ID")]
    pub group: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run set-backend-session`.
#[derive(Debug, Args)]
pub struct SetBackendSessionArgs {
    /// The passive run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// What the tool that works on it calls its conversation
    #[arg(value_name = "SESSION-ID")]
    pub session: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run queue-message`.
#[derive(Debug, Args)]
pub struct QueueMessageArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// File with the message; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "message")]
    pub message_file: Option<String>,
    /// The message
    #[arg(value_name = "MESSAGE", required_unless_present = "message_file")]
    pub message: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run remove-queued-message`.
#[derive(Debug, Args)]
pub struct RemoveMessageArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The message's id
    #[arg(value_name = "MESSAGE-ID")]
    pub message: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `run wait`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The runs, or the paths of their directories
    #[arg(value_name = "RUN-ID|PATH", required = true)]
    pub runs: Vec<String>,
    /// Return as soon as one of them has ended
    #[arg(long)]
    pub any: bool,
    /// Wait at most this long, then end with 124
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32))]
    pub timeout_sec: Option<u32>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
