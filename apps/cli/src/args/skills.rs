//! Arguments of `skills`.

use clap::{Args, Subcommand};

use super::Output;
use super::examples::examples;

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
    #[command(after_long_help = examples!("Teach the agents that work in this directory" => "skills install", "Teach those of another one a single skill" => "skills install agent-runner --to ../other/.claude/skills"))]
    Install(InstallSkillsArgs),
    /// List the skills that come with the program
    #[command(after_long_help = examples!("See which skills there are" => "skills list"))]
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
