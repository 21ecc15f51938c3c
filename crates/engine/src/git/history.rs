//! Reads what git says about commits and the files that differ between two of them.

use agent_runner_api::view::{ChangeKind, ChangedFile, Commit, CommitList, FileList, LineCount};
use agent_runner_model::Timestamp;
use agent_runner_supervisor::Stdin;

use super::command::{Answer, Git, GitError};
use super::quoted::unquoted;

/// Commits that are listed.
const MAX_COMMITS: usize = 200;
/// Files that are listed.
const MAX_FILES: usize = 500;
/// Most bytes of a list of commits.
const COMMITS_LIMIT: usize = 2 * 1024 * 1024;
/// Most bytes of a list of files.
const FILES_LIMIT: usize = 8 * 1024 * 1024;
/// Longest text that is kept of a commit, in characters.
const MAX_TEXT: usize = 300;
/// The tree without files, which every repository knows.
pub(super) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// The same with the longer kind of hash.
pub(super) const EMPTY_TREE_SHA256: &str = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";

/// Of these commits, those that are not in the repository any more.
pub(super) async fn missing(git: &Git<'_>, commits: &[&str]) -> Result<Vec<String>, GitError> {
    let input = commits.iter().flat_map(|commit| [*commit, "\n"]).collect::<String>();
    let args = ["cat-file", "--batch-check=%(objecttype)"];
    let answer = git.ask(&args, Stdin::Bytes(input.into_bytes()), 4096).await?;
    let found = answer.lines.iter().map(|line| line == b"commit").chain(std::iter::repeat(false));
    let absent = commits.iter().zip(found).filter(|(_, found)| !found);
    Ok(absent.map(|(commit, _)| (*commit).to_owned()).collect())
}

/// The commits that `after` has and `before` has not; without a `before`, all of them.
pub(super) async fn commits(
    git: &Git<'_>,
    before: Option<&str>,
    after: &str,
) -> Result<CommitList, GitError> {
    let range = before.map_or_else(|| after.to_owned(), |before| format!("{before}..{after}"));
    let count = format!("--max-count={MAX_COMMITS}");
    let args = [
        "log",
        "--no-show-signature",
        "--no-color",
        "--no-decorate",
        "--no-notes",
        "--no-patch",
        "--encoding=UTF-8",
        "--format=%H%x00%at%x00%an%x00%s",
        &count,
        "--end-of-options",
        &range,
        "--",
    ];
    let answer = git.ask(&args, Stdin::Null, COMMITS_LIMIT).await?;
    let commits: Vec<Commit> = answer.lines.iter().filter_map(|line| commit(line)).collect();
    let (gone, total) = counts(git, before, after).await?;
    let listed = u64::try_from(commits.len()).unwrap_or(u64::MAX);
    Ok(CommitList { commits, more: total.saturating_sub(listed), gone })
}

/// How many commits only `before` has, and how many only `after`.
async fn counts(git: &Git<'_>, before: Option<&str>, after: &str) -> Result<(u64, u64), GitError> {
    let range = before.map_or_else(|| after.to_owned(), |before| format!("{before}...{after}"));
    let mut args = vec!["rev-list", "--count"];
    if before.is_some() {
        args.push("--left-right");
    }
    args.extend(["--end-of-options", &range, "--"]);
    let answer = git.ask(&args, Stdin::Null, 4096).await?;
    let text = answer.lines.first().map(|line| String::from_utf8_lossy(line)).unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
    Ok(match (before.is_some(), numbers.next(), numbers.next()) {
        (true, Some(gone), Some(total)) => (gone, total),
        (false, Some(total), _) => (0, total),
        (_, _, _) => return Err(GitError::Refused(format!("it counted {text:?}"))),
    })
}

fn commit(line: &[u8]) -> Option<Commit> {
    let mut fields = line.splitn(4, |byte| *byte == 0).map(String::from_utf8_lossy);
    let (hash, time, author, subject) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let seconds: i64 = time.parse().unwrap_or_default();
    let short = |text: &str| text.chars().take(MAX_TEXT).collect();
    Some(Commit {
        hash: hash.into_owned(),
        author: short(&author),
        authored_at: Timestamp::from_millis(seconds.saturating_mul(1000)),
        subject: short(&subject),
    })
}

/// The files that differ between two commits; without a `before`, all that `after` has.
pub(super) async fn files(git: &Git<'_>, before: Option<&str>, after: &str) -> Result<FileList, GitError> {
    let empty = if after.len() == EMPTY_TREE.len() { EMPTY_TREE } else { EMPTY_TREE_SHA256 };
    let args = [
        "diff-tree",
        "-r",
        "--raw",
        "--numstat",
        "--find-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--end-of-options",
        before.unwrap_or(empty),
        after,
        "--",
    ];
    let answer = git.ask(&args, Stdin::Null, FILES_LIMIT).await?;
    Ok(file_list(&answer))
}

/// Git prints what happened to each file first, and then the numbers of lines in the same order.
pub(super) fn file_list(answer: &Answer) -> FileList {
    let (raw, numbers): (Vec<&Vec<u8>>, Vec<&Vec<u8>>) =
        answer.lines.iter().filter(|line| !line.is_empty()).partition(|line| line.starts_with(b":"));
    let counted: Vec<LineCount> = if answer.cut || raw.len() != numbers.len() {
        Vec::new()
    } else {
        numbers.iter().map(|line| count(line)).collect()
    };
    let counts = counted.iter().copied().chain(std::iter::repeat(LineCount::Unknown));
    let files = raw.iter().zip(counts).filter_map(|(line, lines)| changed_file(line, lines));
    let mut list = FileList { files: files.take(MAX_FILES).collect(), ..FileList::default() };
    let listed = list.files.len();
    list.more = u64::try_from(raw.len().saturating_sub(listed)).unwrap_or(u64::MAX);
    if counted.len() == raw.len() {
        let sum = |of: fn(u64, u64) -> u64| {
            counted.iter().fold(0u64, |sum, count| match count {
                LineCount::Text { added, removed } => sum.saturating_add(of(*added, *removed)),
                LineCount::Binary | LineCount::Unknown => sum,
            })
        };
        list.added = Some(sum(|added, _| added));
        list.removed = Some(sum(|_, removed| removed));
    }
    list
}

/// `added<tab>removed<tab>path`, with dashes where a file has no lines.
fn count(line: &[u8]) -> LineCount {
    let mut fields = line.split(|byte| *byte == b'\t').map(String::from_utf8_lossy);
    let (Some(added), Some(removed)) = (fields.next(), fields.next()) else { return LineCount::Unknown };
    match (added.parse(), removed.parse()) {
        (Ok(added), Ok(removed)) => LineCount::Text { added, removed },
        (Err(_), Err(_)) if added == "-" && removed == "-" => LineCount::Binary,
        (_, _) => LineCount::Unknown,
    }
}

/// `:mode mode hash hash X<tab>path`, for renames and copies `:mode mode hash hash Xnn<tab>old<tab>new`.
fn changed_file(line: &[u8], lines: LineCount) -> Option<ChangedFile> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let head = fields.next()?;
    let letter = head.rsplit(|byte| *byte == b' ').next()?.first()?;
    let change = change_kind(*letter)?;
    let first = unquoted(fields.next()?);
    let (path, old_path) = match fields.next() {
        Some(second) => (unquoted(second), Some(first)),
        None => (first, None),
    };
    Some(ChangedFile { path, old_path, change, lines })
}

/// Git's letter for what happened to a file.
pub(super) fn change_kind(letter: u8) -> Option<ChangeKind> {
    Some(match letter {
        b'A' => ChangeKind::Added,
        b'M' => ChangeKind::Modified,
        b'D' => ChangeKind::Deleted,
        b'R' => ChangeKind::Renamed,
        b'C' => ChangeKind::Copied,
        b'T' => ChangeKind::TypeChanged,
        b'U' => ChangeKind::Unmerged,
        _ => return None,
    })
}
