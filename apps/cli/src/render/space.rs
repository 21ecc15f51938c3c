//! What runs take on the disk, and what was done about it. Must not look anything up.

use std::collections::BTreeMap;

use agent_runner_api::view::{
    Cleared, ClearedKind, CollectedRun, Collection, DiskUse, KeptRun, RunUse, SpaceParts, SpaceView,
};
use agent_runner_model::retention::{Keep, Reason};

use super::table::columns;
use crate::amounts::size_words;

/// Repositories, runs and the rest: each largest first.
pub(crate) fn disk_use(taken: &DiskUse, scope: Option<&str>) -> String {
    if taken.runs.is_empty() && taken.loose.is_empty() {
        return match scope {
            Some(cwd) => {
                format!("There are no runs of {cwd}; `agent-runner du --global` counts all.\n")
            }
            None => "Nothing takes any room.\n".to_owned(),
        };
    }
    let mut rows = Vec::new();
    if !taken.repos.is_empty() {
        rows.push(head("repository"));
    }
    for repo in &taken.repos {
        rows.push(row(&repo.space, &format!("{} ({})", repo.repo, counted(repo.runs, "run"))));
    }
    if !taken.runs.is_empty() {
        rows.push(head("run"));
    }
    rows.extend(taken.runs.iter().map(|run| row(&run.space, &described(run))));
    let mut text = columns(&rows);
    let hidden = taken.run_count.saturating_sub(taken.runs.len());
    if hidden > 0 {
        text.push_str(&format!(
            "and {} that {} less\n",
            counted(hidden, "run"),
            verb(hidden, "takes", "take")
        ));
    }
    if !taken.loose.is_empty() {
        text.push_str("belongs to no run:\n");
        let row = |loose: &agent_runner_api::view::LooseUse| {
            vec![size_words(loose.space.allocated), loose.kind.as_str().to_owned(), loose.path.clone()]
        };
        text.push_str(&columns(&taken.loose.iter().map(row).collect::<Vec<_>>()));
    }
    let of = scope.map_or_else(|| taken.state_dir.clone(), |cwd| format!("runs of {cwd}"));
    let SpaceView { allocated, apparent } = taken.total;
    text.push_str(&format!("total {} ({} in files): {of}\n", size_words(allocated), size_words(apparent)));
    text
}

fn head(what: &str) -> Vec<String> {
    let names = ["total", "manifest", "history", "attempts", "attachments", "worktree", "other", what];
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn row(space: &SpaceParts, what: &str) -> Vec<String> {
    let SpaceParts { total, manifest, history, attempts, attachments, worktree, other } = space;
    let sizes = [total, manifest, history, attempts, attachments, worktree, other];
    sizes.iter().map(|size| size_words(size.allocated)).chain([what.to_owned()]).collect()
}

/// A run, its status or what else it is, and its name.
fn described(run: &RunUse) -> String {
    let what = run.status.map_or(run.kind.as_str(), |status| status.as_str());
    let name = run.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
    format!("{}  {}  {what}{name}", run.run_id, run.repo)
}

/// What went, what stays, and what that gave back.
pub(crate) fn collection(done: &Collection, scope: Option<&str>) -> String {
    let would = |did: &str, would: &str| if done.dry_run { would.to_owned() } else { did.to_owned() };
    let mut text = String::new();
    if !done.deleted.is_empty() {
        let sizes = done.deleted.iter().map(|run| run.bytes).sum();
        text.push_str(&format!(
            "{} {} ({}):\n",
            would("Deleted", "Would delete"),
            counted(done.deleted.len(), "run"),
            size_words(sizes)
        ));
        text.push_str(&indented(&columns(&done.deleted.iter().map(deleted).collect::<Vec<_>>())));
    }
    if !done.kept.is_empty() {
        let count = done.kept.len();
        text.push_str(&format!(
            "{} {} that the policy would let go:\n",
            would("Kept", "Would keep"),
            counted(count, "run")
        ));
        text.push_str(&indented(&columns(&reasons(&done.kept))));
    }
    if !done.compressed.is_empty() {
        let files = done.compressed.iter().map(|logs| logs.files.len()).sum();
        let bytes: u64 = done.compressed.iter().map(|logs| logs.bytes).sum();
        let saved =
            if done.dry_run { String::new() } else { format!(", which gave back {}", size_words(bytes)) };
        text.push_str(&format!(
            "{} {} of {}{saved}.\n",
            would("Compressed", "Would compress"),
            counted(files, "log"),
            counted(done.compressed.len(), "run")
        ));
    }
    for cleared in &done.cleared {
        let Cleared { path, bytes, .. } = cleared;
        let what = cleared_words(cleared.kind);
        text.push_str(&format!(
            "{} {what}: {path} ({})\n",
            would("Cleared", "Would clear"),
            size_words(*bytes)
        ));
    }
    let of = scope.map_or_else(|| "The runs".to_owned(), |cwd| format!("The runs of {cwd}"));
    let left = size_words(done.bytes_left);
    text.push_str(&match (done.dry_run, done.bytes_freed) {
        (false, 0) => format!("Nothing was given back. {of} take {left}.\n"),
        (true, 0) => format!("Nothing would be deleted. {of} take {left}.\n"),
        (false, freed) => format!("Gave back {}. {of} take {left}.\n", size_words(freed)),
        (true, freed) => format!("Would give back {}. {of} would take {left}.\n", size_words(freed)),
    });
    text
}

fn deleted(run: &CollectedRun) -> Vec<String> {
    let ended = run.ended_at.map_or_else(|| "-".to_owned(), |ended| ended.to_string());
    let reason = match run.reason {
        Reason::Age => "age",
        Reason::Count => "count",
        Reason::Size => "size",
    };
    vec![
        run.run_id.to_string(),
        run.repo.clone(),
        ended,
        size_words(run.bytes),
        reason.to_owned(),
        run.name.clone().unwrap_or_default(),
    ]
}

/// How many runs are kept by what.
fn reasons(kept: &[KeptRun]) -> Vec<Vec<String>> {
    let mut counts: BTreeMap<Keep, usize> = BTreeMap::new();
    for run in kept {
        *counts.entry(run.kept).or_default() += 1;
    }
    counts.into_iter().map(|(keep, count)| vec![count.to_string(), keep_words(keep).to_owned()]).collect()
}

fn keep_words(keep: Keep) -> &'static str {
    match keep {
        Keep::Newest => "among the newest of the repository",
        Keep::Pinned => "pinned",
        Keep::Active => "running",
        Keep::Interrupted => "interrupted",
        Keep::NotStarted => "not started yet",
        Keep::Scheduled => "scheduled",
        Keep::OpenTasks => "with tasks that people have left to do",
        Keep::Notice => "whose parent was not told of the end; `recover` tells it",
        Keep::Messages => "with messages that wait",
        Keep::Worktree => "whose worktree is still there; `workspace remove` removes it",
        Keep::Needed => "that a run depends on which is not over",
        Keep::Family => "above or below a run that stays",
        Keep::Named => "that a run which cannot be read names",
        Keep::Changed => "changed meanwhile",
    }
}

fn cleared_words(kind: ClearedKind) -> &'static str {
    match kind {
        ClearedKind::Deletion => "a deletion that was not finished",
        ClearedKind::StateDirGone => "the index of a state directory that is gone",
        ClearedKind::OtherBoot => "an index from before the machine was started",
        ClearedKind::ThrownAway => "what was left of an index",
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn verb<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}
