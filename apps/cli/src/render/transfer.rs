//! Words about runs that are carried elsewhere.

use agent_runner_api::view::{ExportedRun, ImportedRun, LeftOutView};
use agent_runner_model::{Import, ImportSource};

use super::clean::clean;

/// Files that were left out are named up to so many.
const MOST_NAMED: usize = 20;

/// A run was exported.
pub(crate) fn exported(view: &ExportedRun, place: &str) -> String {
    let snapshot = if view.is_snapshot { ", as it stands now" } else { "" };
    let mut text = format!(
        "Wrote run {} ({}{snapshot}) to {place}: {} files, {} bytes\n",
        view.run_id, view.status, view.files, view.size
    );
    if !view.redacted_vars.is_empty() {
        text.push_str(&format!("  without the values of: {}\n", view.redacted_vars.join(", ")));
    }
    text.push_str(&left_out(&view.left_out));
    clean(&text)
}

/// A run was imported.
pub(crate) fn imported(view: &ImportedRun, file: &str) -> String {
    let from = &view.imported;
    let mut text =
        format!("Imported run {} ({}) from {file}, as of {}\n", view.run_id, view.status, from.as_of);
    if from.original_run_id != view.run_id.as_str() {
        text.push_str(&format!("  there it is run {}\n", from.original_run_id));
    }
    if view.original_status != view.status {
        text.push_str(&format!(
            "  there it was {} at that time; nobody is at work on it here\n",
            view.original_status
        ));
    }
    if !view.cwd_exists {
        text.push_str(&format!("  its directory {} is not here; it cannot go on without one\n", view.cwd));
    }
    if from.worktree.is_some() {
        text.push_str("  it had a git worktree of its own there, which is not here\n");
    }
    for var in &view.missing_vars {
        text.push_str(&format!(
            "  without the value of {} (environment variable {})\n",
            var.name, var.env_name
        ));
    }
    text.push_str(&left_out(&view.left_out));
    clean(&text)
}

fn left_out(all: &[LeftOutView]) -> String {
    let mut text = String::new();
    for left in all.iter().take(MOST_NAMED) {
        text.push_str(&format!("  left out: {}: {}\n", left.name, left.why));
    }
    if all.len() > MOST_NAMED {
        text.push_str(&format!("  left out: {} more files\n", all.len() - MOST_NAMED));
    }
    text
}

/// Where a run came from.
pub(crate) fn import_words(from: &Import) -> String {
    let what = match from.source {
        ImportSource::Archive => "an archive",
        ImportSource::Reference => "a directory of the reference implementation",
    };
    let host = from.host.as_ref().map(|host| format!(" of {host}")).unwrap_or_default();
    format!("from {what}{host}: run {} as of {}", from.original_run_id, from.as_of)
}
