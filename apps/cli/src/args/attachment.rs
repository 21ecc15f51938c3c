//! Arguments of `attachment`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Output;
use super::examples::examples;

/// `attachment`.
#[derive(Debug, Args)]
pub struct AttachmentArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: AttachmentCommand,
}

/// `attachment …`.
#[derive(Debug, Subcommand)]
pub enum AttachmentCommand {
    /// Hand a file over with a run
    #[command(after_long_help = examples!("Hand a file over to the worker" => "attachment add @last plan.md --name Plan"))]
    Add(AddAttachmentArgs),
    /// List files that were handed over
    #[command(after_long_help = examples!("See what was handed over with the run itself" => "attachment list @last --scope run"))]
    List(ListAttachmentsArgs),
    /// Write a copy of a file that was handed over
    #[command(
        override_usage = "agent-runner attachment download [OPTIONS]\n           <RUN-ID|PATH> <ATTACHMENT-ID> <OUTPUT>"
    )]
    #[command(after_long_help = examples!("Write a copy of a file, by its id" => "attachment download @last att-7c1m0r2x copies/"))]
    Download(DownloadArgs),
    /// Take a file away from a run
    #[command(after_long_help = examples!("Take a file away, by its id" => "attachment remove @last att-7c1m0r2x"))]
    Remove(RemoveAttachmentArgs),
}

/// Whose files are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ScopeChoice {
    /// Those of the run
    Run,
    /// Those of every run of its group
    #[default]
    Group,
}

/// `attachment add`.
#[derive(Debug, Args)]
pub struct AddAttachmentArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The file: at most 25 MiB
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its name for people [default: that of the file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Its media type [default: by the ending of its name]
    #[arg(long, value_name = "TYPE")]
    pub mime_type: Option<String>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `attachment list`.
#[derive(Debug, Args)]
pub struct ListAttachmentsArgs {
    /// The run, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// Whose files
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    pub scope: ScopeChoice,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `attachment download`.
#[derive(Debug, Args)]
pub struct DownloadArgs {
    /// The run it belongs to, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The attachment's id
    #[arg(value_name = "ATTACHMENT-ID")]
    pub attachment: String,
    /// Where to write it: a file that is not there yet, or a directory if it ends with /
    #[arg(value_name = "OUTPUT")]
    pub target: PathBuf,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `attachment remove`.
#[derive(Debug, Args)]
pub struct RemoveAttachmentArgs {
    /// The run it belongs to, or the path of its directory
    #[arg(value_name = "RUN-ID|PATH")]
    pub run: String,
    /// The attachment's id
    #[arg(value_name = "ATTACHMENT-ID")]
    pub attachment: String,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
