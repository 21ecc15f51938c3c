//! Arguments of the commands that only this program itself calls.

use clap::{Args, ValueEnum};

use super::ShellChoice;

/// What happens to a run whose starter is killed outright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrphanChoice {
    /// It goes on
    Continue,
    /// It is aborted
    Abort,
}

/// `drive`.
#[derive(Debug, Args)]
pub struct DriveArgs {
    /// The run
    pub run_id: String,
    /// Standard input is the leash, standard output the wake-up pipe
    #[arg(long)]
    pub held: bool,
    /// What happens when the command that started the run is killed outright
    #[arg(long, value_enum)]
    pub on_orphan: OrphanChoice,
    /// Take the run over even if nobody here can tell whether its driver lives
    #[arg(long)]
    pub take_over: bool,
}

/// `complete`.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// Which shell asks
    #[arg(long, value_enum)]
    pub shell: ShellChoice,
    /// The part of the last word that bash replaces; the line up to the cursor as it was typed, from fish
    #[arg(long, allow_hyphen_values = true)]
    pub tail: Option<String>,
    /// The words of the line as they were typed, up to the cursor
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<String>,
}
