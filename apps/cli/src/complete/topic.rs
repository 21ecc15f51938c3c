//! What an argument asks for, by what the command line calls it. Must not look anything up.

use agent_runner_api::operations::DefinitionKind;
use clap::Arg;

/// What an argument asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Run(Runs),
    Task,
    Attachment,
    Message,
    Attempt,
    Field,
    Group,
    Repo,
    Definition(DefinitionKind),
    Launcher,
    Backend,
    Skill,
    Command,
    Span,
    Files,
    Directories,
    /// Something that only its author knows.
    Words,
}

/// Which runs make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Any,
    /// Not started.
    Initialized,
    /// At work, or left by a driver that died.
    Active,
    /// Those, and the ones that are still to start.
    Unended,
    /// Left by a driver that died.
    Interrupted,
    /// Not at work, not put away.
    Resting,
    /// Put away.
    Archived,
}

/// Names of values that nobody can guess.
const WORDS: &[&str] = &[
    "BRANCH",
    "CURSOR",
    "GROUP",
    "KEY=VALUE",
    "KIND=AMOUNT",
    "MARKDOWN",
    "MESSAGE",
    "N",
    "NAME",
    "SEC",
    "SESSION-ID",
    "SIZE",
    "TEXT",
    "TITLE",
    "TYPE",
    "USD",
    "WORDS",
    "desktop|COMMAND",
    "ID",
];

/// What an argument of a command asks for; nothing where nobody has said. One with a closed set of values is not asked
/// about here.
pub(super) fn topic(path: &[&str], arg: &Arg) -> Option<Topic> {
    let id = arg.get_id().as_str();
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    by_id(path, id).or_else(|| by_value_name(path, id, name))
}

/// Those whose value could be anything by its name alone.
fn by_id(path: &[&str], id: &str) -> Option<Topic> {
    use DefinitionKind::{Agent, Assignment, Task};
    Some(match (path, id) {
        ([.., "agent"], "reference" | "from") | (_, "agent") => Topic::Definition(Agent),
        ([.., "assignment"], "reference" | "from") | (_, "assignment") => Topic::Definition(Assignment),
        ([.., "task"], "reference" | "from") => Topic::Definition(Task),
        ([.., "launcher"], "reference") | (_, "launcher") => Topic::Launcher,
        (_, "backend") => Topic::Backend,
        (_, "group_id" | "upstream_group") => Topic::Group,
        (_, "repo") => Topic::Repo,
        (["skills", "install"], "names") => Topic::Skill,
        (["man"], "command") => Topic::Command,
        (["run", "status"], "field") => Topic::Field,
        (["run", "timeline"], "attempt") => Topic::Attempt,
        (["list", "runs"], "since" | "until") | (["gc"], "older_than") => Topic::Span,
        _ => return None,
    })
}

fn by_value_name(path: &[&str], id: &str, name: &str) -> Option<Topic> {
    Some(match name {
        "RUN-ID" | "RUN-ID|PATH" => Topic::Run(runs(path, id)),
        "TASK-ID" => Topic::Task,
        "ATTACHMENT-ID" => Topic::Attachment,
        "MESSAGE-ID" => Topic::Message,
        "GROUP-ID" => Topic::Group,
        "FILE" | "PATH" | "OUTPUT" | "NAME|PATH" => Topic::Files,
        "DIR" => Topic::Directories,
        name if WORDS.contains(&name) => Topic::Words,
        _ => return None,
    })
}

/// Which runs an argument is about.
fn runs(path: &[&str], id: &str) -> Runs {
    match (path, id) {
        (["run"], "resume_run") | (_, "after" | "upstream_run" | "parent_run") => Runs::Any,
        (["init"], _) | (["run", "ready" | "reconfigure" | "add-dep" | "remove-dep" | "clear-deps"], _) => {
            Runs::Initialized
        }
        (["run", "abort" | "attach" | "queue-message" | "remove-queued-message"], _) => Runs::Active,
        (["run", "wait"], _) => Runs::Unended,
        (["run", "archive" | "reset"], _) => Runs::Resting,
        (["run", "unarchive" | "delete"], _) => Runs::Archived,
        (["recover"], _) => Runs::Interrupted,
        _ => Runs::Any,
    }
}
