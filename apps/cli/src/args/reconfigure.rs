//! Arguments of `run reconfigure`.

use clap::Args;

use super::Output;

/// `run reconfigure`.
#[derive(Debug, Args)]
pub struct ReconfigureArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Give a variable of the assignment another value; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub var: Vec<String>,
    /// File with the new message to the worker; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "message")]
    pub message_file: Option<String>,
    /// New message to the worker
    #[arg(value_name = "MESSAGE")]
    pub message: Vec<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
