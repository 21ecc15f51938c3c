//! The brief: everything a worker is told at the start, composed once and frozen.

use agent_runner_model::RunId;

/// The parts of a brief.
pub(crate) struct BriefParts<'a> {
    pub(crate) run_id: &'a RunId,
    pub(crate) command: &'a str,
    pub(crate) role: &'a str,
    pub(crate) work: &'a str,
    pub(crate) has_tasks: bool,
    pub(crate) message: Option<&'a str>,
}

/// Role, work, how to report, message: those that there are, in this order.
pub(crate) fn brief(parts: &BriefParts<'_>) -> String {
    let mut sections = Vec::new();
    if !parts.role.trim().is_empty() {
        sections.push(format!("# Your role\n\n{}", parts.role.trim()));
    }
    if !parts.work.trim().is_empty() {
        sections.push(format!("# The work\n\n{}", parts.work.trim()));
    }
    if parts.has_tasks {
        sections.push(reporting(parts.run_id, parts.command));
    }
    if let Some(message) = parts.message.map(str::trim).filter(|message| !message.is_empty()) {
        sections.push(format!("# Message\n\n{message}"));
    }
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

fn reporting(run: &RunId, command: &str) -> String {
    format!(
        "# How to report\n\
         \n\
         This work is a list of tasks kept outside this conversation. The list decides whether the work is done; \
         nothing you say here does. After your turn the list is read, and as long as a task on it is open you are \
         asked again. Your run is `{run}`. Use these commands in a shell:\n\
         \n\
         - See the list: `{command} task list {run}`\n\
         - Read one task: `{command} task show {run} <task-id>`\n\
         - Before you work on a task: `{command} task set {run} <task-id> --status in_progress`\n\
         - Keep what you found or did: `{command} task append-notes {run} <task-id> --text \"...\"` \
         (longer text: `--text -` reads standard input)\n\
         - When it is really done: `{command} task set {run} <task-id> --status completed`\n\
         - When it cannot be done without help: `{command} task set {run} <task-id> --status blocked --notes \
         \"what is missing\"`\n\
         \n\
         Take the tasks in order unless they say otherwise. Set each one yourself, as soon as its state changes. \
         Do not end your turn while a task is pending or in progress."
    )
}
