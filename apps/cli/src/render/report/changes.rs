//! What changed in git: commits, files, and what is not committed now.

use agent_runner_api::view::{
    ChangeKind, ChangedFile, CommitList, FileList, GitChanges, LineCount, LookedAt, Uncommitted,
    UncommittedFile,
};
use agent_runner_model::manifest::GitHead;

use super::block::{Block, Line, Section, code, column, line, numbers, paragraph, strong, text};
use super::data::Report;
use super::words;

/// Digits of a hash that are shown.
const SHORT_HASH: usize = 10;

pub(super) fn changes(report: &Report) -> Section<'_> {
    let changes = &report.changes;
    let mut blocks = vec![Block::Facts(heads(changes))];
    if !changes.problems.is_empty() {
        blocks.push(Block::Paragraph(vec![strong("What could not be told:")]));
        blocks.push(Block::List(changes.problems.iter().map(|problem| line(problem.as_str())).collect()));
    }
    if let Some(commits) = &changes.commits {
        blocks.extend(commit_blocks(commits));
    }
    if let Some(files) = &changes.files {
        blocks.extend(file_blocks(files));
    }
    if let Some(uncommitted) = &changes.uncommitted {
        blocks.extend(uncommitted_blocks(uncommitted));
    }
    Section::new("Changes in git", "changes", blocks)
}

fn heads(changes: &GitChanges) -> Vec<(&'static str, Line<'_>)> {
    let mut facts = Vec::new();
    if let Some(top) = &changes.work_tree {
        facts.push(("Work tree", vec![code(top.as_str())]));
    }
    facts.push(("When the run began", changes.before.as_ref().map_or_else(|| line("not on record"), head)));
    let (name, is_recorded) = match changes.after_from {
        LookedAt::Record => ("When it ended", true),
        LookedAt::Now => ("Now", false),
    };
    facts.push((
        name,
        changes.after.as_ref().or(changes.now.as_ref()).map_or_else(|| line("cannot be told"), head),
    ));
    if is_recorded && changes.now != changes.after {
        let now = changes.now.as_ref().map_or_else(|| line("cannot be told"), head);
        facts.push(("Now, after it ended", now));
    }
    facts
}

fn head(head: &GitHead) -> Line<'_> {
    let mut words = match &head.branch {
        Some(branch) => vec![text("branch "), code(branch.as_str()), text(", ")],
        None => vec![text("no branch, ")],
    };
    match &head.commit {
        Some(commit) => words.extend([text("commit "), code(short(commit))]),
        None => words.push(text("no commit yet")),
    }
    words
}

fn short(hash: &str) -> &str {
    hash.get(..SHORT_HASH).unwrap_or(hash)
}

fn commit_blocks(list: &CommitList) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    if list.gone > 0 {
        let gone = words::counted(list.gone, "commit", "commits");
        blocks.push(paragraph(format!(
            "{gone} that the run began with cannot be reached any more: another branch was checked out, or history was \
             rewritten."
        )));
    }
    if list.commits.is_empty() {
        blocks.push(paragraph("No new commits."));
        return blocks;
    }
    let total = u64::try_from(list.commits.len()).unwrap_or(u64::MAX).saturating_add(list.more);
    blocks.push(Block::Paragraph(vec![strong(format!(
        "{}, newest first:",
        words::counted(total, "new commit", "new commits")
    ))]));
    let columns = vec![column("Commit"), column("Authored"), column("Author"), column("Subject")];
    let rows = list.commits.iter().map(|commit| {
        vec![
            vec![code(short(&commit.hash))],
            line(words::time(commit.authored_at)),
            line(commit.author.as_str()),
            line(commit.subject.as_str()),
        ]
    });
    blocks.push(Block::Table { columns, rows: rows.collect() });
    blocks.extend(more(list.more));
    blocks
}

fn file_blocks(list: &FileList) -> Vec<Block<'_>> {
    if list.files.is_empty() {
        return vec![paragraph("No file differs between the two commits.")];
    }
    let total = u64::try_from(list.files.len()).unwrap_or(u64::MAX).saturating_add(list.more);
    let lines = match (list.added, list.removed) {
        (Some(added), Some(removed)) => {
            format!(", {} added, {removed} removed", words::counted(added, "line", "lines"))
        }
        (_, _) => ", lines not counted".to_owned(),
    };
    let mut blocks = vec![Block::Paragraph(vec![strong(format!(
        "{}{lines}:",
        words::counted(total, "changed file", "changed files")
    ))])];
    let columns = vec![column("Change"), column("File"), numbers("Added"), numbers("Removed")];
    blocks.push(Block::Table { columns, rows: list.files.iter().map(file).collect() });
    blocks.extend(more(list.more));
    blocks
}

fn file(file: &ChangedFile) -> Vec<Line<'_>> {
    let (added, removed) = match file.lines {
        LineCount::Text { added, removed } => (added.to_string(), removed.to_string()),
        LineCount::Binary => ("binary".to_owned(), "binary".to_owned()),
        LineCount::Unknown => ("unknown".to_owned(), "unknown".to_owned()),
    };
    vec![line(file.change.as_str()), path(&file.path, file.old_path.as_deref()), line(added), line(removed)]
}

fn path<'a>(path: &'a str, old_path: Option<&'a str>) -> Line<'a> {
    match old_path {
        Some(old) => vec![code(old), text(" → "), code(path)],
        None => vec![code(path)],
    }
}

fn uncommitted_blocks(uncommitted: &Uncommitted) -> Vec<Block<'_>> {
    let when = words::time(uncommitted.seen_at);
    if uncommitted.files.is_empty() {
        return vec![paragraph(format!("Nothing is uncommitted, as of {when}."))];
    }
    let count = u64::try_from(uncommitted.files.len()).unwrap_or(u64::MAX).saturating_add(uncommitted.more);
    let words = format!(
        "Not committed, as of {when}, whoever changed it: {}",
        words::counted(count, "entry", "entries")
    );
    let mut blocks = vec![Block::Paragraph(vec![strong(words)])];
    let columns = vec![column("Staged"), column("Not staged"), column("File")];
    blocks.push(Block::Table { columns, rows: uncommitted.files.iter().map(open_file).collect() });
    blocks.extend(more(uncommitted.more));
    blocks
}

fn open_file(file: &UncommittedFile) -> Vec<Line<'_>> {
    let word = |change: Option<ChangeKind>| line(change.map_or("-", ChangeKind::as_str));
    vec![word(file.staged), word(file.unstaged), path(&file.path, file.old_path.as_deref())]
}

fn more<'a>(count: u64) -> Option<Block<'a>> {
    (count > 0).then(|| paragraph(format!("And {count} more.")))
}
