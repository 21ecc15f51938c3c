//! What an argument asks for, by what the command line calls it. Must not look anything up.

use agent_runner_api::operations::DefinitionKind;
use clap::Arg;

/// What an argument asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Run(Runs),
    Task,
    /// A task that nobody has begun.
    PendingTask,
    Attachment,
    Message,
    Attempt,
    /// A run that the run which was named depends on.
    DependencyRun,
    /// A group that it depends on.
    DependencyGroup,
    Field,
    Group,
    Repo,
    Definition(DefinitionKind),
    Launcher,
    Backend,
    Skill,
    Command,
    Span,
    /// How the end of a run is told.
    Notify,
    /// What of a budget is said.
    Budget,
    Files,
    Directories,
    /// Something that only its author knows.
    Words,
}

/// Which runs make sense. `sense.rs` says what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Any,
    /// Not started.
    Initialized,
    /// Not started, and dependent on something.
    Dependent,
    /// To be approved.
    Ready,
    /// To be started, or gone on with.
    Resume,
    /// To be made anew.
    Reconfigure,
    /// At work, or left by a driver that died.
    Active,
    /// At work, and able to listen.
    Listening,
    /// Those at work, and the ones that are still to start.
    Unended,
    /// Left by a driver that died.
    Interrupted,
    /// To be put away.
    Archive,
    /// To be begun anew.
    Reset,
    /// Put away.
    Archived,
    /// Worked on by a person or by tools.
    Passive,
    /// With a ceiling that can be raised.
    Limited,
    /// With a message that waits.
    Told,
    /// With a working tree of its own.
    Worktree,
    /// Pinned.
    Pinned,
    /// Whose tasks can be set.
    TaskSet,
    /// Whose tasks can be noted upon.
    TaskNotes,
    /// That can have more tasks.
    TaskAdd,
    /// Whose pending tasks can be changed.
    TaskEdit,
    /// Whose pending tasks can be deleted.
    TaskDelete,
}

/// Names of values that nobody can guess.
const WORDS: &[&str] = &[
    "BRANCH",
    "CURSOR",
    "GROUP",
    "KEY=VALUE",
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
        (["run", "remove-dep"], "upstream_run") => Topic::DependencyRun,
        (["run", "remove-dep"], "upstream_group") => Topic::DependencyGroup,
        (_, "group_id" | "upstream_group") => Topic::Group,
        (_, "notify") => Topic::Notify,
        (_, "budget") => Topic::Budget,
        (["task", "edit" | "delete"], "task") => Topic::PendingTask,
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
        (_, "after" | "upstream_run" | "parent_run") => Runs::Any,
        (["run"], "resume_run") => Runs::Resume,
        (["init"] | ["run", "reconfigure"], _) => Runs::Reconfigure,
        (["run", "ready"], _) => Runs::Ready,
        (["run", "add-dep"], _) => Runs::Initialized,
        (["run", "remove-dep" | "clear-deps"], _) => Runs::Dependent,
        (["run", "abort" | "attach"], _) => Runs::Active,
        (["run", "queue-message"], _) => Runs::Listening,
        (["run", "remove-queued-message"], _) => Runs::Told,
        (["run", "wait"], _) => Runs::Unended,
        (["run", "archive"], _) => Runs::Archive,
        (["run", "reset"], _) => Runs::Reset,
        (["run", "unarchive" | "delete"], _) => Runs::Archived,
        (["run", "unpin"], _) => Runs::Pinned,
        (["run", "set-backend-session" | "clear-backend-session"], _) => Runs::Passive,
        (["run", "extend"], _) => Runs::Limited,
        (["workspace", _], _) => Runs::Worktree,
        (["task", "set"], _) => Runs::TaskSet,
        (["task", "append-notes"], _) => Runs::TaskNotes,
        (["task", "add"], _) => Runs::TaskAdd,
        (["task", "edit"], _) => Runs::TaskEdit,
        (["task", "delete"], _) => Runs::TaskDelete,
        (["recover"], _) => Runs::Interrupted,
        _ => Runs::Any,
    }
}
