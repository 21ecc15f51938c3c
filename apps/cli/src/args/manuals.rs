//! Arguments of `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;

/// Shells that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellChoice {
    /// bash 4.4 or newer
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: ShellChoice,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The words of the command [default: the page about all of it]
    #[arg(value_name = "COMMAND", conflicts_with = "to")]
    pub command: Vec<String>,
    /// Write all pages into this directory instead
    #[arg(long = "output", value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
