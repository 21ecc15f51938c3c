//! `skills`: texts that teach other agents to use this program.

mod install;
mod list;

use crate::app::App;
use crate::args::SkillsCommand;
use crate::exit::Outcome;

pub(crate) fn skills(app: &App, command: SkillsCommand) -> Outcome {
    match command {
        SkillsCommand::Install(args) => install::install(app, args),
        SkillsCommand::List(output) => list::list(output),
    }
}
