//! Gives back what was set aside, and puts a work tree back to where it began. Whoever calls this has taken a snapshot
//! before; what no snapshot holds, ignored files and repositories inside, is never overwritten.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::Stdin;

use super::borrowed::Borrowed;
use super::command::{Git, GitError};
use super::exact::Desk;
use super::history::{EMPTY_TREE, EMPTY_TREE_SHA256};
use super::real::{Real, Tools, run_refs};
use super::snapshot::{Told, names};
use super::trouble::{WorktreeError, failed};
use super::worktrees;

/// Most bytes of git's answers here: it only speaks when something is wrong.
const WORDS_LIMIT: usize = 1024 * 1024;
/// What git keeps of something that is half done, in a work tree's own directory.
const HALF_DONE: [&str; 15] = [
    "MERGE_HEAD",
    "MERGE_AUTOSTASH",
    "MERGE_MSG",
    "MERGE_MODE",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "SQUASH_MSG",
    "BISECT_START",
    "BISECT_LOG",
    "BISECT_NAMES",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];

/// A snapshot there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) commit: String,
    pub(crate) taken_at: Timestamp,
    /// What was checked out.
    pub(crate) parent: Option<String>,
    /// How many files differ from that.
    pub(crate) files: u64,
}

/// The snapshots of a run, oldest first.
pub(crate) async fn snapshots(
    tools: Tools<'_>,
    run_id: &RunId,
    repo: &Path,
) -> Result<Vec<Kept>, WorktreeError> {
    let real = Real::find(tools, repo)?;
    let mut all = Vec::new();
    for (number, name, commit) in names(&real, run_id).await? {
        let told = Told::read(&real, &commit).await?;
        let parent = told.head_parents().first().cloned();
        let empty = if commit.len() == EMPTY_TREE.len() { EMPTY_TREE } else { EMPTY_TREE_SHA256 };
        let base = parent.as_deref().unwrap_or(empty);
        let args = ["diff-tree", "-r", "--name-only", "--no-renames", "--end-of-options", base, &commit];
        let files = u64::try_from(real.ask(&args).await?.lines.len()).unwrap_or(u64::MAX);
        let taken_at = told.committed_at;
        all.push(Kept { number, name, commit, taken_at, parent, files });
    }
    Ok(all)
}

/// One snapshot of a run: its name and commit; the newest unless a number is given.
pub(crate) async fn find(
    tools: Tools<'_>,
    run_id: &RunId,
    repo: &Path,
    number: Option<u32>,
) -> Result<(u32, String), WorktreeError> {
    let real = Real::find(tools, repo)?;
    let all = names(&real, run_id).await?;
    let found = match number {
        Some(wanted) => all.iter().find(|(number, _, _)| *number == wanted),
        None => all.last(),
    };
    match (found, number) {
        (Some((number, _, commit)), _) => Ok((*number, commit.clone())),
        (None, Some(number)) => Err(WorktreeError::NoSnapshot { number: number.to_string() }),
        (None, None) => Err(WorktreeError::NoSnapshots),
    }
}

/// Makes the files of a work tree what they are in a commit, byte for byte: changed ones written, deleted ones deleted.
/// Its index and what is checked out stay as they are.
pub(crate) async fn into_worktree(tools: Tools<'_>, dir: &Path, commit: &str) -> Result<(), WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    let head = real.head()?;
    let desk = Desk::new(&real, &head, true).await?;
    let files = desk.files().await?;
    let wanted = format!("{commit}^{{tree}}");
    desk.refuse_overwriting(&real, &files, &wanted).await?;
    let args = ["read-tree", "-m", "-u", &files.tree, &wanted];
    desk.git().ask_with(&files.index, &args, Stdin::Null, WORDS_LIMIT).await?;
    Ok(())
}

/// Writes the files of a commit into a directory that is empty or not there yet.
pub(crate) async fn into_directory(
    tools: Tools<'_>,
    repo: &Path,
    commit: &str,
    dir: &Path,
) -> Result<(), WorktreeError> {
    let real = Real::find(tools, repo)?;
    let head = real.head()?;
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(WorktreeError::NotEmpty { path: dir.to_path_buf() });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir(dir).map_err(failed("making", dir))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(WorktreeError::NotEmpty { path: dir.to_path_buf() });
        }
        Err(error) => return Err(failed("looking into", dir)(error)),
    }
    let mut repository = real.repository.clone();
    repository.work_tree = fs::canonicalize(dir).map_err(failed("looking at", dir))?;
    let borrowed = Borrowed::exact(tools.place, repository, &head);
    let borrowed = borrowed.map_err(failed("making a place for git in", tools.place))?;
    let git = Git { borrowed: &borrowed, search_path: tools.search_path, until: tools.until };
    super::compare::carry_settings(&git, &head).await?;
    let index = borrowed.dir.join("index-new");
    let wanted = format!("{commit}^{{tree}}");
    git.ask_with(&index, &["read-tree", "-m", "-u", &wanted], Stdin::Null, WORDS_LIMIT).await?;
    Ok(())
}

/// Checks a branch out at a commit, whatever it was at and whatever was half done. Files are written as git would check
/// them out, but for filters; files that are not committed go, ignored ones and repositories inside stay. `tip` is the
/// commit that the branch had when it was kept, if there was one: somebody who has moved it since is not overruled.
pub(crate) async fn put_back(
    tools: Tools<'_>,
    dir: &Path,
    branch: &str,
    commit: &str,
    tip: Option<&str>,
) -> Result<(), WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    let head = real.head()?;
    let name = worktrees::branch_ref(&real, branch).await?;
    // Said before anything is changed, and not when half of it is done.
    refuse_locked(&real, &name)?;
    worktrees::refuse_in_use(&real, branch, Some(&real.repository.work_tree)).await?;
    let commit = real.commit_of(commit).await?;
    let exact = Desk::new(&real, &head, true).await?;
    let files = exact.files().await?;
    // Git must not doubt that the index fits to the files: it would read them again, and convert them.
    let later = SystemTime::now() + Duration::from_secs(86_400);
    let index = fs::File::options().write(true).open(&files.index);
    index
        .and_then(|index| index.set_modified(later))
        .map_err(failed("changing the time of", &files.index))?;
    let plain = Desk::new(&real, &head, false).await?;
    let tree = format!("{commit}^{{tree}}");
    exact.refuse_overwriting(&real, &files, &tree).await?;
    let args = ["read-tree", "-m", "-u", &files.tree, &tree];
    plain.git().ask_with(&files.index, &args, Stdin::Null, WORDS_LIMIT).await?;
    real.set_name(&name, &commit, tip).await?;
    real.ask(&["symbolic-ref", "HEAD", &name]).await?;
    forget_half_done(&real)?;
    plain.git().ask(&["read-tree", "--reset", &commit], Stdin::Null, WORDS_LIMIT).await?;
    match plain.git().ask(&["update-index", "-q", "--refresh"], Stdin::Null, WORDS_LIMIT).await {
        // Filters that were not started let a file look changed; that is said by whoever asks for its state.
        Ok(_) | Err(GitError::Refused(_)) => Ok(()),
        Err(error @ (GitError::Missing | GitError::Start(_) | GitError::Late)) => Err(error.into()),
    }
}

/// Refuses while a git is at work there, or where a killed one left its locks.
fn refuse_locked(real: &Real<'_>, name: &str) -> Result<(), WorktreeError> {
    let repository = &real.repository;
    let locks = [
        repository.git_dir.join("index.lock"),
        repository.git_dir.join("HEAD.lock"),
        repository.common_dir.join(format!("{name}.lock")),
    ];
    match locks.into_iter().find(|lock| lock.symlink_metadata().is_ok()) {
        Some(path) => Err(WorktreeError::Locked { path }),
        None => Ok(()),
    }
}

fn forget_half_done(real: &Real<'_>) -> Result<(), WorktreeError> {
    for name in HALF_DONE {
        let path = real.repository.git_dir.join(name);
        let gone = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(_) => Ok(()),
        };
        gone.map_err(failed("removing", &path))?;
    }
    Ok(())
}

/// The commit that a branch is at, and the name it was given among the snapshots of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tip {
    /// Nothing if there is no such branch.
    pub(crate) commit: Option<String>,
    /// Nothing if something else than that branch leads to it.
    pub(crate) name: Option<String>,
}

/// Gives the commit that a branch is at a number among the snapshots of a run, unless something else leads to it.
pub(crate) async fn keep_branch(
    tools: Tools<'_>,
    run_id: &RunId,
    dir: &Path,
    branch: &str,
) -> Result<Tip, WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    let name = worktrees::branch_ref(&real, branch).await?;
    let Some(tip) = real.named(&name).await? else { return Ok(Tip::default()) };
    if real.is_kept(&tip, Some(branch)).await? {
        return Ok(Tip { commit: Some(tip), name: None });
    }
    let (_, name) = super::snapshot::name_it(&real, run_id, &tip).await?;
    real.sync()?;
    Ok(Tip { commit: Some(tip), name: Some(name) })
}

/// What else than snapshots has a name for a run.
pub(super) fn note_name(run_id: &RunId, word: &str) -> String {
    format!("{}{word}", run_refs(run_id))
}
