//! Reads what git says about what is not committed.

use agent_runner_api::view::{ChangeKind, Uncommitted, UncommittedFile};
use agent_runner_model::Timestamp;
use agent_runner_supervisor::Stdin;

use super::command::{Answer, Git, GitError};
use super::history::change_kind;
use super::quoted::unquoted;

/// Files that are listed.
const MAX_FILES: usize = 500;
/// Most bytes of the list.
const LIMIT: usize = 8 * 1024 * 1024;

/// What is not committed now. Submodules are not entered: git would start itself there, with their configuration.
/// With `every_file`, files in new directories are listed one by one.
pub(super) async fn uncommitted(
    git: &Git<'_>,
    seen_at: Timestamp,
    every_file: bool,
) -> Result<Uncommitted, GitError> {
    let args = [
        "status",
        "--porcelain=v2",
        if every_file { "--untracked-files=all" } else { "--untracked-files=normal" },
        "--ignore-submodules=dirty",
        "--find-renames",
    ];
    let answer = git.ask(&args, Stdin::Null, LIMIT).await?;
    Ok(listed(&answer, seen_at))
}

pub(super) fn listed(answer: &Answer, seen_at: Timestamp) -> Uncommitted {
    let mut files = answer.lines.iter().filter_map(|line| file(line));
    let listed: Vec<UncommittedFile> = files.by_ref().take(MAX_FILES).collect();
    let rest = files.count() + usize::from(answer.cut);
    Uncommitted { seen_at, files: listed, more: u64::try_from(rest).unwrap_or(u64::MAX) }
}

/// `1 XY …6 fields… path`, `2 XY …7 fields… path<tab>old`, `u XY …8 fields… path`, `? path`.
fn file(line: &[u8]) -> Option<UncommittedFile> {
    let (kind, rest) = (line.first()?, line.get(2..)?);
    let fields_before_path = match kind {
        b'1' => 7,
        b'2' => 8,
        b'u' => 9,
        b'?' => {
            let (path, unstaged) = (unquoted(rest), Some(ChangeKind::Untracked));
            return Some(UncommittedFile { path, old_path: None, staged: None, unstaged });
        }
        _ => return None,
    };
    let path = rest.splitn(fields_before_path + 1, |byte| *byte == b' ').nth(fields_before_path)?;
    let mut paths = path.split(|byte| *byte == b'\t').map(unquoted);
    let (path, old_path) = (paths.next()?, paths.next());
    if *kind == b'u' {
        return Some(UncommittedFile { path, old_path, staged: None, unstaged: Some(ChangeKind::Unmerged) });
    }
    let (staged, unstaged) = (change_kind(*rest.first()?), change_kind(*rest.get(1)?));
    Some(UncommittedFile { path, old_path, staged, unstaged })
}
