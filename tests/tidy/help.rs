//! What `--help` says: that it fits a terminal, and that each command ends with examples that work.

use agent_runner_cli::args::Cli;
use clap::{Command, CommandFactory as _, Parser as _};

use crate::examples::Sandbox;
use crate::repository::report;

/// Columns of a terminal that nobody has made larger.
const COLUMNS: usize = 80;
/// A typed line, as help sets it off.
const TYPED: &str = "    agent-runner ";
/// What of an example is for the shell around the program.
const SHELL: &[&str] = &["|", ">", "&&"];

/// What every example finds: a repository, two runs, of which the second is the newest.
const BEFORE: &str = r#"
git init --quiet --initial-branch=main
cat > chores.md <<'END'
# Chores

- [ ] Sweep

  ```sh
  true
  ```
- [ ] Mop

  ```sh
  true
  ```
END
echo Plan > plan.md
agent-runner new agent my-agent --backend shell --print > my-agent.md
agent-runner init --backend passive --checklist chores.md --name Before > /dev/null
agent-runner init --backend passive --checklist chores.md --name Chores > /dev/null
run=$(agent-runner run status @last --field runId | sed -n 's/.*: "\(.*\)"/\1/p')
"#;

/// What some of them find besides, by the beginning of what is typed. The first that fits counts.
const PREPARED: &[(&str, &str)] = &[
    ("run ready", SHELL_RUN),
    ("run reconfigure", "agent-runner init --backend passive \"All of it.\" > /dev/null"),
    ("run timeline", ENDED),
    ("run attach", ENDED),
    ("run report", ENDED),
    (
        "run wait",
        "for run in @last @-2; do for task in sweep mop; do agent-runner task set $run $task --status completed; done; done",
    ),
    ("run unarchive", "agent-runner run archive @last"),
    ("run delete", "agent-runner run archive @last"),
    ("run clear-deps", "agent-runner run add-dep @last --run @-2"),
    ("run remove-dep", "agent-runner run add-dep @last --run @-2"),
    (
        "run --resume-run",
        "agent-runner init --backend shell --checklist chores.md > /dev/null; agent-runner run ready @last",
    ),
    ("run import last", "agent-runner run export @last --output last.agent-run.tar.gz > /dev/null"),
    ("man --output", "mkdir -p ~/.local/share/man"),
    ("skills install agent-runner", "mkdir -p ../other/.claude/skills"),
];
const SHELL_RUN: &str = "agent-runner init --backend shell --checklist chores.md > /dev/null";
const ENDED: &str = "agent-runner run --backend shell --checklist chores.md > /dev/null";

/// What cannot be run here, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("run --agent implementer", "it needs a coding agent"),
    ("man run status", "it needs a program that shows manual pages; tests/real_shells has that"),
    ("run abort", "it needs a run at work; tests/end_to_end has many"),
    ("run queue-message", "the same"),
    ("run remove-queued-message", "ids of messages are made up"),
    ("attachment download", "ids of attachments are made up"),
    ("attachment remove", "the same"),
    ("workspace snapshots", "it needs a worktree; tests/end_to_end has many"),
    ("workspace restore", "the same"),
    ("workspace remove", "the same"),
    ("run extend", "it needs a run whose budget is spent; tests/end_to_end has some"),
];

/// Every command that a person may see, with the words that lead to it.
fn commands() -> Vec<(String, Command)> {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

fn collect(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
    found.push((words.to_owned(), command.clone()));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        collect(sub, format!("{words} {}", sub.get_name()).trim(), found);
    }
}

/// What is typed in the examples of a command.
fn typed(command: &Command) -> Vec<String> {
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    help.lines().filter_map(|line| line.strip_prefix(TYPED)).map(str::to_owned).collect()
}

#[test]
fn help_fits_a_terminal() {
    let mut findings = Vec::new();
    for (words, command) in commands() {
        for help in [command.clone().render_long_help(), command.clone().render_help()] {
            let text = help.to_string();
            let long = text.lines().filter(|line| line.chars().count() > COLUMNS);
            findings.extend(long.map(|line| format!("{words}: {line}")));
        }
    }
    report("help that is wider than a terminal:", &findings);
}

#[test]
fn every_command_has_examples_of_its_own() {
    let mut findings = Vec::new();
    for (words, command) in commands() {
        let examples = typed(&command);
        match examples.len() {
            1..=3 => {}
            count => findings.push(format!("{words}: {count} examples, there should be 1 to 3")),
        }
        let foreign =
            examples.iter().filter(|example| !format!("{example} ").starts_with(&format!("{words} ")));
        findings.extend(foreign.filter(|_| !words.is_empty()).map(|example| format!("{words}: {example}")));
        let help = command.clone().render_help().to_string();
        if help.contains("Examples:") {
            findings.push(format!("{words}: -h is the short help"));
        }
    }
    report("commands without examples of their own:", &findings);
}

#[test]
fn every_example_is_a_command_line() {
    let mut findings = Vec::new();
    for example in commands().iter().flat_map(|(_, command)| typed(command)) {
        let words = split(&example);
        let own = words.split(|word| SHELL.contains(&word.as_str())).next().unwrap_or_default();
        let line = std::iter::once("agent-runner").chain(own.iter().map(String::as_str));
        if let Err(error) = Cli::try_parse_from(line) {
            findings.push(format!("{example}: {error}"));
        }
    }
    report("examples that the program does not understand:", &findings);
}

/// Words of an example; those in double quotes are one.
fn split(example: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in example.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn every_example_works() {
    let starts = |example: &str, list: &[(&str, &str)]| {
        list.iter().find(|(start, _)| example.starts_with(start)).map(|(_, text)| (*text).to_owned())
    };
    let mut findings = Vec::new();
    for example in commands().iter().flat_map(|(_, command)| typed(command)) {
        if starts(&example, NOT_RUN).is_some() {
            continue;
        }
        let prepared = starts(&example, PREPARED).unwrap_or_default();
        let sandbox = Sandbox::new();
        let output =
            sandbox.shell(&format!("{BEFORE}\n{prepared}\nexec </dev/null\nagent-runner {example}\n"));
        if !output.status.success() {
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            findings.push(format!("{example}: {}\n{}", output.status, said.concat()));
        }
    }
    report("examples that do not work:", &findings);
    let all: Vec<String> = commands().iter().flat_map(|(_, command)| typed(command)).collect();
    let stale = PREPARED
        .iter()
        .chain(NOT_RUN)
        .filter(|(start, _)| !all.iter().any(|example| example.starts_with(start)));
    report(
        "said about examples that there are none of:",
        &stale.map(|(start, _)| (*start).to_owned()).collect::<Vec<_>>(),
    );
}

#[test]
fn the_fields_that_shells_offer_are_those_of_a_run() {
    let schema = schemars::schema_for!(agent_runner_api::view::RunDetail);
    let value = serde_json::to_value(&schema).unwrap();
    let mut known: Vec<String> = value["properties"].as_object().unwrap().keys().cloned().collect();
    known.sort();
    let sandbox = Sandbox::new();
    let asked = sandbox.shell("agent-runner complete --shell fish -- agent-runner run status --field ''");
    let text = String::from_utf8(asked.stdout).unwrap();
    let mut offered: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    offered.sort();
    assert_eq!(offered, known);
}
