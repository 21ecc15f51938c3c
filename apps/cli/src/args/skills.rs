//! Arguments of `skills`.

use clap::{Args, Subcommand};

use super::Output;

/// `skills`.
#[derive(Debug, Args)]
pub struct SkillsArgs {
    /// Subcommand.
    #[command(subcommand)]
    pub command: SkillsCommand,
}

/// `skills …`.
#[derive(Debug, Subcommand)]
pub enum SkillsCommand {
    /// Put skills where an agent finds them
    Install(InstallSkillsArgs),
    /// List the skills that come with the program
    List(Output),
}

/// `skills install`.
#[derive(Debug, Args)]
pub struct InstallSkillsArgs {
    /// Skills to install [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Directory that holds skills
    #[arg(long, value_name = "DIR", default_value = ".claude/skills")]
    pub to: String,
    /// Replace skills that somebody has changed, too; they are kept beside the new ones
    #[arg(long)]
    pub force: bool,
    /// Output.
    #[command(flatten)]
    pub output: Output,
}
