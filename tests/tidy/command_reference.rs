//! `docs/cli.md` against the command line itself: every command, flag, argument, default and choice is there, and
//! none that does not exist.

use std::collections::BTreeSet;

use agent_runner_api::{Operation, OperationInfo, OperationVisitor, visit_operations};
use agent_runner_cli::args::Cli;
use clap::{Arg, Command, CommandFactory as _};

use crate::documents::{Section, inline_code, sections};
use crate::repository::{documents, read, report};

const REFERENCE: &str = "docs/cli.md";
/// The heading of what holds for every command.
const EVERY_COMMAND: &str = "Every command";

/// Operation -> the command that calls it.
const COMMANDS: &[(&str, &str)] = &[
    ("run.create", "run"),
    ("run.reconfigure", "run reconfigure"),
    ("run.ready", "run ready"),
    ("run.resume", "run"),
    ("run.abort", "run abort"),
    ("run.get", "run status"),
    ("run.read", "run audit"),
    ("run.timeline", "run timeline"),
    ("run.report", "run report"),
    ("run.changes", "run report"),
    ("run.brief", "run brief"),
    ("run.list", "list runs"),
    ("run.add_dependency", "run add-dep"),
    ("run.remove_dependency", "run remove-dep"),
    ("run.clear_dependencies", "run clear-deps"),
    ("run.extend", "run extend"),
    ("run.recover", "recover"),
    ("run.import_reference", "run import"),
    ("run.tree", "run tree"),
    ("run.reset", "run reset"),
    ("run.archive", "run archive"),
    ("run.unarchive", "run unarchive"),
    ("run.delete", "run delete"),
    ("run.set_name", "run set-name"),
    ("run.set_note", "run set-note"),
    ("run.pin", "run pin"),
    ("run.set_group", "run set-group"),
    ("run.set_backend_session", "run set-backend-session"),
    ("run.queue_message", "run queue-message"),
    ("run.messages", "run queued-messages"),
    ("run.remove_message", "run remove-queued-message"),
    ("attachment.list", "attachment list"),
    ("attachment.remove", "attachment remove"),
    ("workspace.list", "workspace list"),
    ("workspace.snapshots", "workspace snapshots"),
    ("workspace.restore", "workspace restore"),
    ("workspace.remove", "workspace remove"),
    ("task.list", "task list"),
    ("task.show", "task show"),
    ("task.set", "task set"),
    ("task.append_notes", "task append-notes"),
    ("task.add", "task add"),
    ("task.edit", "task edit"),
    ("task.delete", "task delete"),
    ("definition.list", "list agents"),
    ("definition.show", "show agent"),
    ("definition.validate", "validate"),
    ("definition.read", "show agent"),
    ("definition.new", "new agent"),
    ("definition.schema", "schema"),
    ("launcher.list", "list launchers"),
    ("launcher.show", "show launcher"),
    ("launcher.read", "show launcher"),
    ("system.disk_use", "du"),
    ("system.collect_garbage", "gc"),
    ("system.status", "status"),
];
/// Operations without a command, and why.
const NO_COMMAND: &[(&str, &str)] =
    &[("task.pass_block", "only the embedded worker has command blocks to report")];

/// A command a person may call, by its words after the program's name.
struct Callable {
    words: String,
    command: Command,
}

fn callables() -> Vec<Callable> {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

fn collect(command: &Command, prefix: &str, found: &mut Vec<Callable>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let words = format!("{prefix}{}", sub.get_name());
        if !sub.is_subcommand_required_set() {
            found.push(Callable { words: words.clone(), command: sub.clone() });
        }
        collect(sub, &format!("{words} "), found);
    }
}

fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let hidden = |arg: &&Arg| arg.is_hide_set() || ["help", "version"].contains(&arg.get_id().as_str());
    command.get_arguments().filter(move |arg| !hidden(arg))
}

/// What is said about a command: its section, the sections that links in it name, and what holds for all.
fn text_about(words: &str, sections: &[Section]) -> Option<String> {
    let heading = format!("`agent-runner {words}`");
    let own = sections.iter().find(|section| section.heading == heading)?;
    let mut text = own.text.clone();
    for section in sections {
        if section.heading == EVERY_COMMAND || own.text.contains(&format!("(#{})", section.anchor())) {
            text.push_str(&section.text);
        }
    }
    Some(text.replace("\\|", "|"))
}

/// What of an argument is not said in a text.
fn unsaid(arg: &Arg, text: &str) -> Vec<String> {
    let mut missing = Vec::new();
    match arg.get_long() {
        Some(long) if !mentions_flag(text, long) => missing.push(format!("--{long}")),
        Some(_) => {}
        None => {
            let names = arg.get_value_names().unwrap_or_default().iter();
            missing.extend(names.filter(|name| !text.contains(name.as_str())).map(ToString::to_string));
        }
    }
    if arg.get_action().takes_values() {
        let defaults = arg.get_default_values().iter().filter_map(|value| value.to_str());
        let choices = arg.get_possible_values();
        let values = defaults.chain(choices.iter().map(|choice| choice.get_name()));
        let unsaid = values.filter(|value| !value.is_empty() && !text.contains(&format!("`{value}`")));
        missing.extend(unsaid.map(str::to_owned));
    }
    missing
}

fn mentions_flag(text: &str, long: &str) -> bool {
    flags_in(text).any(|flag| flag == long)
}

/// The flags a text names, without their dashes.
fn flags_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices("--").filter_map(|(at, _)| {
        let after = &text[at + 2..];
        let before = text[..at].chars().next_back();
        let opens = before.is_none_or(|c| c.is_whitespace() || "`([\"".contains(c));
        let flag: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        (opens && flag.starts_with(|c: char| c.is_ascii_lowercase())).then_some(flag)
    })
}

fn known_flags() -> BTreeSet<String> {
    let mut flags: BTreeSet<String> = ["help", "version"].map(str::to_owned).into();
    for callable in callables() {
        flags.extend(arguments(&callable.command).filter_map(|arg| arg.get_long().map(str::to_owned)));
    }
    flags
}

#[test]
fn every_command_and_all_its_arguments_are_described() {
    let text = read(REFERENCE);
    let sections = sections(&text);
    let mut findings = Vec::new();
    for Callable { words, command } in callables() {
        match text_about(&words, &sections) {
            None => findings.push(format!("no section `agent-runner {words}`")),
            Some(text) => {
                let missing = arguments(&command).flat_map(|arg| unsaid(arg, &text));
                findings.extend(missing.map(|what| format!("{words}: {what}")));
            }
        }
    }
    report("docs/cli.md lacks:", &findings);
}

#[test]
fn only_commands_and_flags_that_exist_are_described() {
    let text = read(REFERENCE);
    let known: Vec<String> = callables().into_iter().map(|callable| callable.words).collect();
    let mut findings = Vec::new();
    for section in sections(&text) {
        if let Some(words) =
            section.heading.strip_prefix("`agent-runner ").and_then(|rest| rest.strip_suffix('`'))
            && !known.iter().any(|command| command == words)
        {
            findings.push(format!("there is no command {words}"));
        }
    }
    let flags = known_flags();
    findings.extend(
        flags_in(&text).filter(|flag| !flags.contains(flag)).map(|flag| format!("there is no --{flag}")),
    );
    report("docs/cli.md describes what does not exist:", &findings);
}

#[test]
fn commands_named_in_passing_exist() {
    let commands = callables();
    let flags = known_flags();
    let mut findings = Vec::new();
    for document in documents() {
        for code in inline_code(&read(&document)) {
            let Some(rest) = code.strip_prefix("agent-runner ") else { continue };
            let unknown = flags_in(rest).find(|flag| !flags.contains(flag));
            let is_known = |callable: &Callable| {
                let words = &callable.words;
                rest == words || rest.starts_with(&format!("{words} "))
            };
            let is_group = commands.iter().any(|callable| callable.words.starts_with(&format!("{rest} ")));
            if unknown.is_some() || !(is_group || rest.starts_with("--") || commands.iter().any(is_known)) {
                findings.push(format!("{document}: `{code}`"));
            }
        }
    }
    report("commands that do not exist:", &findings);
}

#[test]
fn every_operation_has_a_command() {
    struct Names(BTreeSet<&'static str>);
    impl OperationVisitor for Names {
        fn visit<O: Operation>(&mut self, info: OperationInfo) {
            self.0.insert(info.name);
        }
    }
    let mut names = Names(BTreeSet::new());
    visit_operations(&mut names);
    let listed: BTreeSet<&str> = COMMANDS.iter().chain(NO_COMMAND).map(|(name, _)| *name).collect();
    assert_eq!(names.0, listed, "operations, and those with a command or an exemption, differ");
    let known: Vec<String> = callables().into_iter().map(|callable| callable.words).collect();
    let missing = COMMANDS.iter().filter(|(_, words)| !known.iter().any(|command| command == words));
    report("no such commands:", &missing.map(|(_, words)| (*words).to_owned()).collect::<Vec<_>>());
}

#[test]
fn flags_are_found_in_prose() {
    let text = "`--a-b N`, (--c) and x--d; | --- | and `[--e]`";
    assert_eq!(flags_in(text).collect::<Vec<_>>(), ["a-b", "c", "e"]);
}

#[test]
fn every_command_is_documented_with_how_it_is_typed() {
    let text = read(REFERENCE);
    let mut findings = Vec::new();
    let mut headings: Vec<&str> = Vec::new();
    let mut typed = true;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`')) {
            // Commands that are documented together have their headings one below the other.
            if typed {
                headings.clear();
            }
            headings.push(heading);
            typed = false;
        } else if line.starts_with("## ") || line.starts_with("### ") {
            findings.extend(headings.drain(..).filter(|_| !typed).map(str::to_owned));
            typed = true;
        } else if let Some(at) = headings.iter().position(|heading| line.starts_with(heading)) {
            let _ = headings.remove(at);
            typed = headings.is_empty();
        }
    }
    report("commands of docs/cli.md without a block that shows how they are typed:", &findings);
}
