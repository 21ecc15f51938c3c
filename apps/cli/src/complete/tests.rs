//! What the line tells, what each shell is given, and that nothing in a name is anything else.

use clap::{Command, CommandFactory as _};
use proptest::prelude::*;

use super::bash::replacement;
use super::candidate::{Candidate, Offer};
use super::line::{Asked, read};
use super::shell::{print, words};
use super::topic::{Runs, Topic, topic};
use super::words::{Quote, plain, plain_in_fish};
use crate::args::{Cli, ShellChoice};

fn root() -> Command {
    Cli::command()
}

/// What is asked for at the end of a line, in short.
fn asked(typed: &str) -> String {
    let root = root();
    let words: Vec<String> = typed.split(' ').map(str::to_owned).collect();
    let line = read(&root, &words);
    let what = match &line.asked {
        Asked::Value { arg, attached } => format!("{attached}<{}>", arg.get_id()),
        Asked::Flag => "flag".to_owned(),
        Asked::Word { subcommand, arg } => {
            let arg = arg.map_or("", |arg| arg.get_id().as_str());
            format!("{arg}{}", if *subcommand { "+command" } else { "" })
        }
        Asked::Nothing => "nothing".to_owned(),
    };
    format!("{}: {what} {}", line.path.join(" "), line.typed).trim().to_owned()
}

#[test]
fn the_line_tells_what_is_asked_for() {
    for (typed, expected) in [
        ("agent-runner ", ": +command"),
        ("agent-runner ru", ": +command ru"),
        ("agent-runner run ", "run: message+command"),
        ("agent-runner run say ", "run: message"),
        ("agent-runner run --detach ", "run: message"),
        ("agent-runner run --name status ", "run: message"),
        ("agent-runner run --name=status st", "run: message st"),
        ("agent-runner run status ", "run status: run"),
        ("agent-runner run status --", "run status: flag --"),
        ("agent-runner run status x ", "run status:"),
        ("agent-runner run status --field ", "run status: <field>"),
        ("agent-runner run status --field=us", "run status: --field=<field> us"),
        ("agent-runner run status --field usage x", "run status: run x"),
        ("agent-runner run status -- ", "run status: run"),
        ("agent-runner run status --nothing=x", "run status: nothing --nothing=x"),
        ("agent-runner run --worktree ", "run: message"),
        ("agent-runner run --worktree=b", "run: --worktree=<worktree> b"),
        ("agent-runner task set abc ", "task set: task"),
        ("agent-runner task set abc one --notes --", "task set: <notes> --"),
        ("agent-runner task set -- abc --", "task set: task --"),
        ("agent-runner run wait a b ", "run wait: runs"),
        ("agent-runner no such ", ": nothing"),
        ("agent-runner run status x y ", "run status: nothing"),
        ("agent-runner man run ", "man: command"),
    ] {
        assert_eq!(asked(typed), expected, "{typed:?}");
    }
    let root = root();
    let line =
        read(&root, &["agent-runner", "task", "set", "--status=blocked", "abc", ""].map(str::to_owned));
    assert_eq!(
        (line.given("run"), line.given("status"), line.given("task")),
        (Some("abc"), Some("blocked"), None)
    );
}

/// Every argument of every command that takes something nobody has said the choices of.
fn open_arguments(command: &Command, path: &mut Vec<String>, found: &mut Vec<(String, Option<Topic>)>) {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
        if arg.get_possible_values().is_empty() {
            found.push((format!("{} {}", words.join(" "), arg.get_id()), topic(&words, arg)));
        }
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        path.push(sub.get_name().to_owned());
        open_arguments(sub, path, found);
        path.pop();
    }
}

#[test]
fn it_is_known_of_every_argument_what_it_asks_for() {
    let mut found = Vec::new();
    open_arguments(&root(), &mut Vec::new(), &mut found);
    let unknown: Vec<_> = found.iter().filter(|(_, topic)| topic.is_none()).map(|(name, _)| name).collect();
    assert!(unknown.is_empty(), "say in complete/topic.rs what these ask for: {unknown:#?}");
    let of = |name: &str| found.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!(of("run delete run"), Some(Topic::Run(Runs::Archived)));
    assert_eq!(of("run resume_run"), Some(Topic::Run(Runs::Resume)));
    assert_eq!(of("init checklist"), Some(Topic::Files));
    assert_eq!(of("run message"), Some(Topic::Words));
    assert_eq!(of("attachment add mime_type"), Some(Topic::Words));
}

#[test]
fn quotes_are_taken_off_unfinished_words() {
    for (raw, text, ends_in) in [
        ("plain", "plain", Quote::Open),
        ("a\\ b\\", "a b", Quote::Open),
        ("'a \\b", "a \\b", Quote::Single),
        ("\"a \\\"b\\c", "a \"b\\c", Quote::Double),
        ("a'b c'd", "ab cd", Quote::Open),
        ("$(x)`y`", "$(x)`y`", Quote::Open),
    ] {
        let found = plain(raw);
        assert_eq!((found.text.as_str(), found.ends_in), (text, ends_in), "{raw}");
    }
    let raw = ["agent-runner", "'a", "'b"].map(str::to_owned);
    assert_eq!(words(ShellChoice::Fish, &raw), ["agent-runner", "'a", "b"], "fish has done the others");
    assert_eq!(words(ShellChoice::Zsh, &raw), ["agent-runner", "a", "b"]);
}

#[test]
fn fish_has_quotes_of_its_own() {
    for (raw, text) in [
        ("'@a\\\\t", "@a\\t"),
        ("'@it\\'s", "@it's"),
        ("'a\\b", "a\\b"),
        ("\"a\\$b\\`", "a$b\\`"),
        ("sub\\ dir/ch", "sub dir/ch"),
    ] {
        assert_eq!(plain_in_fish(raw), text, "{raw}");
    }
}

#[test]
fn bash_is_given_what_replaces_the_piece_it_has() {
    for (attached, value, raw, tail, expected) in [
        ("", "@a b", "@a", "@a", Some("@a\\ b")),
        ("", "@a b", "'@a", "@a", Some("@a b")),
        ("", "@a'b", "'@a", "@a", Some("@a'\\''b")),
        ("", "a$b", "\"a", "a", Some("a\\$b")),
        ("", "a!b", "\"a", "a", None),
        ("--status=", "running", "--status=ru", "ru", Some("running")),
        ("--status=", "running", "--status=", "", Some("running")),
        ("--name=", "a b", "--name='a", "a", Some("a b")),
        ("", "group:one", "group:o", "o", Some("one")),
        ("", "a b", "a\\ ", "a\\ ", Some("a\\ b")),
        ("", "a b", "a' ", "a' ", None),
    ] {
        assert_eq!(replacement(attached, value, raw, tail).as_deref(), expected, "{value} for {raw}");
    }
}

#[test]
fn what_cannot_be_typed_is_no_candidate() {
    for value in ["", "a\nb", "a\tb", "\u{1b}[31m", "a\u{202e}b", "\u{7}"] {
        assert_eq!(Candidate::new(value, "about"), None, "{value:?}");
    }
    let found = Candidate::new("a b", "one\ntwo\t\u{1b}[31mthree").unwrap();
    assert_eq!((found.value.as_str(), found.about.as_str()), ("a b", "one two [31mthree"));
    let long = Candidate::new("a", &"long ".repeat(100)).unwrap().about;
    assert!(long.chars().count() <= 60 && long.ends_with('…'), "{long}");
}

#[test]
fn each_shell_reads_a_line_for_each_candidate() {
    let offer =
        Offer::Candidates(vec![Candidate::new("a b", "first").unwrap(), Candidate::new("abc", "").unwrap()]);
    let printed = |shell, attached, raw| print(shell, &offer, attached, raw, None);
    assert_eq!(printed(ShellChoice::Bash, "", "a"), "these\na\\ b\nabc\n");
    assert_eq!(printed(ShellChoice::Fish, "--x=", "--x=a"), "these\n--x=a b\tfirst\n--x=abc\n");
    assert_eq!(printed(ShellChoice::Zsh, "", "a"), "these\na b\ta b  -- first\nabc\tabc\n");
    assert_eq!(print(ShellChoice::Bash, &Offer::Files, "", "", None), "files\n");
}

proptest! {
    #[test]
    fn whatever_a_name_holds_it_is_one_word_again(name in "[ -~éß→]{1,20}", quote in "['\"]?") {
        // As much as can be typed before the tab key without a quote of its own.
        let raw = quote.clone();
        let replaced = replacement("", &name, &raw, "");
        if let Some(word) = replaced {
            let line = format!("{raw}{word}{quote}");
            prop_assert_eq!(shell_words::split(&line).unwrap(), vec![name.clone()], "{}", line);
            prop_assert_eq!(plain(&line).text, name);
        } else {
            prop_assert!(quote == "\"" && name.contains('!'));
        }
    }
}
