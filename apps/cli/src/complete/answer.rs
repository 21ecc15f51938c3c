//! From a command line to what a shell prints: reads the line, asks whoever knows, keeps what fits to what was typed.

use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::Duration;

use agent_runner_model::budget::BudgetKind;
use clap::{Arg, Command, CommandFactory as _};

use super::candidate::{Candidate, Offer};
use super::fields::FIELDS;
use super::line::{Asked, Line, read, repeats};
use super::parts::{Part, parts};
use super::redirection::{without_redirections, without_targets};
use super::shell::{paths, print, words};
use super::topic::{Topic, topic};
use super::{definitions, runs};
use crate::app::{App, in_runtime};
use crate::args::{Cli, CompleteArgs, ShellChoice};

/// How long a shell is kept waiting. A disk that does not answer must not take the prompt with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Times that are asked for often, and what they mean.
const SPANS: &[(&str, &str)] = &[
    ("1h", "an hour ago"),
    ("12h", "12 hours ago"),
    ("1d", "a day ago"),
    ("7d", "a week ago"),
    ("4w", "four weeks ago"),
];

/// Prints what may stand where the cursor is. Nothing that goes wrong is said: the line belongs to whoever types it.
pub(crate) fn answer(args: CompleteArgs) -> ExitCode {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let answered = in_runtime(async move |app: &App| answered(app, args).await);
        let _ = sender.send(answered.unwrap_or_default());
    });
    let text = receiver.recv_timeout(PATIENCE).unwrap_or_default();
    let _ = crate::output::print(&text);
    ExitCode::SUCCESS
}

async fn answered(app: &App, args: CompleteArgs) -> String {
    let CompleteArgs { shell, tail, words: raw } = args;
    // zsh hands over no redirections.
    let raw = match shell {
        ShellChoice::Bash => without_redirections(raw),
        ShellChoice::Fish => without_targets(raw, tail.as_deref().unwrap_or_default()),
        ShellChoice::Zsh => raw,
    };
    let typed = words(shell, &raw);
    // Not built: that would be most of the work, for nothing but the flags that every command has.
    let root = Cli::command();
    let line = read(&root, &typed);
    let offer = offer(app, &root, &line).await;
    let attached = match &line.asked {
        Asked::Value { attached, .. } => attached.as_str(),
        Asked::Flag | Asked::Word { .. } | Asked::Nothing => "",
    };
    if let (ShellChoice::Fish, Offer::Files | Offer::Directories) = (shell, &offer) {
        return paths(&offer, attached, &line.typed);
    }
    print(shell, &offer, attached, raw.last().map_or("", String::as_str), tail.as_deref())
}

/// What may stand where the cursor is, of what begins as it was typed.
async fn offer(app: &App, root: &Command, line: &Line<'_>) -> Offer {
    let offer = match &line.asked {
        Asked::Value { arg, .. } => values(app, root, line, arg).await,
        Asked::Flag => Offer::Candidates(flags(line)),
        Asked::Word { subcommand, arg } => {
            let mut found = if *subcommand { subcommands(line.command) } else { Vec::new() };
            match arg {
                Some(arg) => match values(app, root, line, arg).await {
                    Offer::Candidates(more) => found.extend(more),
                    paths @ (Offer::Files | Offer::Directories) => return paths,
                },
                // Where nothing but flags can follow, they are what there is to know.
                None if found.is_empty() && line.typed.is_empty() => found = flags(line),
                None => {}
            }
            Offer::Candidates(found)
        }
        Asked::Nothing => Offer::nothing(),
    };
    match offer {
        Offer::Candidates(mut found) => {
            found.retain(|candidate| candidate.value.starts_with(&line.typed));
            Offer::Candidates(found)
        }
        Offer::Files | Offer::Directories => offer,
    }
}

fn subcommands(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let about = |sub: &Command| sub.get_about().map(ToString::to_string).unwrap_or_default();
    shown.filter_map(|sub| Candidate::new(sub.get_name(), &about(sub))).collect()
}

/// The flags of a command that can still be given.
fn flags(line: &Line<'_>) -> Vec<Candidate> {
    let open =
        |arg: &&Arg| !arg.is_hide_set() && (repeats(arg) || line.given(arg.get_id().as_str()).is_none());
    let flag = |arg: &Arg| {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Candidate::new(format!("--{}", arg.get_long()?), &about)
    };
    let own = line.command.get_arguments().filter(open).filter_map(flag);
    // Only the program itself has a version.
    let version = line.path.is_empty().then(|| Candidate::new("--version", "Print the version")).flatten();
    own.chain(Candidate::new("--help", "Describe the command")).chain(version).collect()
}

/// What of a budget can be said, up to the amount that nobody can guess.
fn budget(typed: &str) -> Vec<Candidate> {
    let kinds = BudgetKind::ALL.into_iter().map(BudgetKind::as_str).chain(["soft"]);
    let kinds = kinds.map(|kind| format!("{kind}="));
    let all = kinds.chain(["onUnmeasured=allow", "onUnmeasured=refuse"].map(str::to_owned));
    all.filter(|word| word != typed).filter_map(|word| Candidate::new(word, "")).collect()
}

/// What an argument may be.
async fn values(app: &App, root: &Command, line: &Line<'_>, arg: &Arg) -> Offer {
    let closed = arg.get_possible_values();
    if !closed.is_empty() {
        let shown = closed.iter().filter(|value| !value.is_hide_set());
        let about = |value: &clap::builder::PossibleValue| {
            value.get_help().map(ToString::to_string).unwrap_or_default()
        };
        return Offer::Candidates(
            shown.filter_map(|value| Candidate::new(value.get_name(), &about(value))).collect(),
        );
    }
    let Some(topic) = topic(&line.path, arg) else { return Offer::nothing() };
    let is_path = line.typed.starts_with(['.', '/', '~']);
    let mut found = match topic {
        Topic::Run(_) | Topic::Definition(_) | Topic::Launcher if is_path => return Offer::Files,
        Topic::Run(which) if line.typed.starts_with('@') => runs::by_sign(app, which, &line.typed).await,
        Topic::Run(which) => runs::by_id(app, which, &line.typed).await,
        Topic::Task => parts(app, line, Part::Task).await,
        Topic::PendingTask => parts(app, line, Part::PendingTask).await,
        Topic::DependencyRun => parts(app, line, Part::DependencyRun).await,
        Topic::DependencyGroup => parts(app, line, Part::DependencyGroup).await,
        Topic::Attachment => parts(app, line, Part::Attachment).await,
        Topic::Message => parts(app, line, Part::Message).await,
        Topic::Attempt => parts(app, line, Part::Attempt).await,
        Topic::Group => runs::groups(app).await,
        Topic::Repo => runs::repos(app).await,
        Topic::Definition(kind) => definitions::definitions(app, kind).await,
        Topic::Launcher => definitions::launchers(app).await,
        Topic::Backend => definitions::backends(),
        Topic::Skill => definitions::skills(),
        Topic::Field => FIELDS.iter().filter_map(|name| Candidate::new(*name, "")).collect(),
        Topic::Span => SPANS.iter().filter_map(|(span, about)| Candidate::new(*span, about)).collect(),
        Topic::Notify => Candidate::new("desktop", "a notification on the desktop").into_iter().collect(),
        Topic::Budget => budget(&line.typed),
        Topic::Command => named_so_far(root, line),
        Topic::Files => return Offer::Files,
        Topic::Directories => return Offer::Directories,
        Topic::Words => Vec::new(),
    };
    if repeats(arg) && topic != Topic::Command {
        let id = arg.get_id().as_str();
        found.retain(|candidate| line.all_given(id).all(|given| given != candidate.value));
    }
    Offer::Candidates(found)
}

/// The commands below the one that the words before name.
fn named_so_far(root: &Command, line: &Line<'_>) -> Vec<Candidate> {
    let named = line.all_given("command").try_fold(root, |command, word| command.find_subcommand(word));
    named.map(subcommands).unwrap_or_default()
}
