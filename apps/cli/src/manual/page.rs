//! One page for each command, with everything that `--help` says and what the documentation says of all of them.

use clap::{Arg, Command};
use serde::Serialize;

use super::documents::{self, Entry};
use super::roff::Roff;

/// The day of the pages, which readers of old ones want to know. Set with each release.
const DATE: &str = "2026-11-20";

/// A page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Page {
    /// `agent-runner-run-status`.
    pub(crate) name: String,
    /// As `man` reads it.
    pub(crate) text: String,
}

/// The pages of a program and all of its commands.
pub(crate) fn pages(mut root: Command) -> Vec<Page> {
    root.build();
    let mut pages = Vec::new();
    collect(&root, None, &mut pages);
    pages
}

fn collect(command: &Command, parent: Option<&str>, pages: &mut Vec<Page>) {
    let name = match parent {
        Some(parent) => format!("{parent}-{}", command.get_name()),
        None => command.get_name().to_owned(),
    };
    pages.push(Page { text: text(command, &name, parent), name: name.clone() });
    for sub in shown(command) {
        collect(sub, Some(&name), pages);
    }
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn text(command: &Command, name: &str, parent: Option<&str>) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::default();
    roff.title(name, DATE, concat!("agent-runner ", env!("CARGO_PKG_VERSION")), "agent-runner manual");
    roff.section("NAME");
    roff.text(&format!("{name} - {}", about.trim_end_matches('.')));
    synopsis(&mut roff, command);
    roff.section("DESCRIPTION");
    roff.text(&about);
    commands(&mut roff, command, name);
    arguments(&mut roff, command);
    examples(&mut roff, command);
    roff.section("EXIT STATUS");
    entries(&mut roff, &documents::exit_codes());
    match parent {
        None => {
            roff.section("ENVIRONMENT");
            entries(&mut roff, &documents::variables());
            roff.section("FILES");
            roff.text("Directories:");
            entries(&mut roff, &documents::directories());
            roff.paragraph();
            roff.text("Files in the directory of a run:");
            entries(&mut roff, &documents::files());
        }
        Some(_) => {
            roff.section("ENVIRONMENT AND FILES");
            roff.text("agent-runner(1) describes both.");
        }
    }
    see_also(&mut roff, command, name, parent);
    roff.finish()
}

fn synopsis(roff: &mut Roff, command: &Command) {
    roff.section("SYNOPSIS");
    let usage = command.clone().render_usage().to_string();
    for (index, line) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        if index > 0 {
            roff.line_break();
        }
        roff.text(line);
    }
}

fn commands(roff: &mut Roff, command: &Command, name: &str) {
    if shown(command).next().is_none() {
        return;
    }
    roff.section("COMMANDS");
    for sub in shown(command) {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        roff.item(&format!("{name}-{}(1)", sub.get_name()), &about);
    }
}

fn arguments(roff: &mut Roff, command: &Command) {
    let (placed, flags): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| arg.is_positional());
    for (heading, args) in [("ARGUMENTS", placed), ("OPTIONS", flags)] {
        if !args.is_empty() {
            roff.section(heading);
        }
        for arg in args {
            roff.item(&term(arg), &described(arg));
        }
    }
}

/// How an argument is written.
fn term(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let takes = arg.get_action().takes_values();
    let Some(long) = arg.get_long() else { return value };
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    match (takes, arg.is_require_equals_set()) {
        (false, _) => format!("{short}--{long}"),
        (true, false) => format!("{short}--{long} {value}"),
        (true, true) => format!("{short}--{long}[={value}]"),
    }
}

/// What is said about an argument: its help, what it can be, and what it is if nobody says.
fn described(arg: &Arg) -> String {
    if arg.get_long() == Some("help") {
        // What else it would say is about the other kind of help.
        return "Describe the command".to_owned();
    }
    let mut lines = vec![arg.get_help().map(ToString::to_string).unwrap_or_default()];
    if !arg.get_action().takes_values() {
        return lines.concat();
    }
    let choices: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("{} ({help})", value.get_name()),
            None => value.get_name().to_owned(),
        })
        .collect();
    if !choices.is_empty() {
        lines.push(format!("[possible values: {}]", choices.join(", ")));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.concat().is_empty() {
        lines.push(format!("[default: {}]", defaults.join(", ")));
    }
    lines.join("\n")
}

/// The examples that `--help` ends with: lines that are set off are typed, the others say what for.
fn examples(roff: &mut Roff, command: &Command) {
    let Some(help) = command.get_after_long_help().map(ToString::to_string) else { return };
    roff.section("EXAMPLES");
    for (index, line) in help.lines().skip(1).filter(|line| !line.trim().is_empty()).enumerate() {
        match line.strip_prefix("    ") {
            Some(typed) => roff.typed(typed),
            None => {
                if index > 0 {
                    roff.paragraph();
                }
                roff.text(line);
            }
        }
    }
}

fn entries(roff: &mut Roff, entries: &[Entry]) {
    for Entry { term, about } in entries {
        roff.item(term, about);
    }
}

fn see_also(roff: &mut Roff, command: &Command, name: &str, parent: Option<&str>) {
    let related = parent
        .map(str::to_owned)
        .into_iter()
        .chain(shown(command).map(|sub| format!("{name}-{}", sub.get_name())));
    let related: Vec<String> = related.map(|page| format!("{page}(1)")).collect();
    if !related.is_empty() {
        roff.section("SEE ALSO");
        roff.text(&related.join(",\n"));
    }
}
