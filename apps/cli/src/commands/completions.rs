//! `completions`: what a shell has to read once.

use serde::Serialize;

use crate::args::{CompletionsArgs, ShellChoice};
use crate::complete::script;
use crate::exit::Outcome;
use crate::output::reply;

/// A script for a shell.
#[derive(Serialize)]
struct Completions {
    shell: &'static str,
    script: &'static str,
}

pub(crate) fn completions(args: CompletionsArgs) -> Outcome {
    let CompletionsArgs { shell, output } = args;
    let name = match shell {
        ShellChoice::Bash => "bash",
        ShellChoice::Zsh => "zsh",
        ShellChoice::Fish => "fish",
    };
    let completions = Completions { shell: name, script: script(shell) };
    reply(output.output_format, &completions, |completions| completions.script.to_owned())?;
    Ok(0)
}
