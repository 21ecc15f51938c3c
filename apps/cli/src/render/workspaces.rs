//! Words about what was put aside from a worktree.

use agent_runner_api::view::SnapshotView;

/// A line about what was put aside, if anything was.
pub(crate) fn aside_line(snapshot: Option<&SnapshotView>) -> String {
    match snapshot {
        Some(SnapshotView { number, name, commit: _, files }) => {
            let what = if *files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            format!("Put aside what was not committed as snapshot {number}: {what}, {name}\n")
        }
        None => String::new(),
    }
}
