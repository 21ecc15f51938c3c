//! The work trees of a repository: which there are, a new one, and one less. Must not remove anything that it was not
//! told is kept elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;
use agent_runner_model::hook::Worktree;
use agent_runner_supervisor::Stdin;

use super::command::GitError;
use super::exact::Desk;
use super::real::{Real, Tools};
use super::restore::note_name;
use super::trouble::{WorktreeError, failed};

/// Most bytes of git's answers here.
const WORDS_LIMIT: usize = 1024 * 1024;
/// The note of a run on the commit that its work tree began at. It is made before the work tree: what is found there
/// later is the run's own.
const BASE: &str = "base";
/// The note that the branch was made with it.
const MADE_BRANCH: &str = "made-branch";

/// A work tree there is.
struct Listed {
    path: PathBuf,
    /// Without `refs/heads/`; nothing if no branch is checked out.
    branch: Option<String>,
}

/// What a work tree is made of.
pub(crate) struct Plan<'a> {
    pub(crate) run_id: &'a RunId,
    /// Some directory of the repository.
    pub(crate) repo: &'a Path,
    pub(crate) path: &'a Path,
    pub(crate) branch: &'a str,
    /// Where a new branch begins.
    pub(crate) from: Option<&'a str>,
}

/// The work trees, the repository's own first.
async fn listed(real: &Real<'_>) -> Result<Vec<Listed>, GitError> {
    let answer = real.ask(&["worktree", "list", "--porcelain"]).await?;
    let mut all: Vec<Listed> = Vec::new();
    for line in &answer.lines {
        let line = String::from_utf8_lossy(line);
        match (line.split_once(' '), all.last_mut()) {
            (Some(("worktree", path)), _) => {
                all.push(Listed { path: PathBuf::from(path), branch: None });
            }
            (Some(("branch", name)), Some(last)) => {
                last.branch = name.strip_prefix("refs/heads/").map(str::to_owned);
            }
            (_, _) => {}
        }
    }
    Ok(all)
}

/// The full name of a branch, if it can be one.
pub(super) async fn branch_ref(real: &Real<'_>, branch: &str) -> Result<String, WorktreeError> {
    let wrong = || WorktreeError::BranchName { name: branch.to_owned() };
    if branch.is_empty() || branch.starts_with('-') || branch == "HEAD" {
        return Err(wrong());
    }
    let name = format!("refs/heads/{branch}");
    match real.ask(&["check-ref-format", &name]).await {
        Ok(_) => Ok(name),
        Err(GitError::Refused(_)) => Err(wrong()),
        Err(error @ (GitError::Missing | GitError::Start(_) | GitError::Late)) => Err(error.into()),
    }
}

/// Refuses a branch that is checked out in another place than that one.
pub(super) async fn refuse_in_use(
    real: &Real<'_>,
    branch: &str,
    place: Option<&Path>,
) -> Result<(), WorktreeError> {
    let all = listed(real).await?;
    let is_there = |listed: &Listed| place.is_some_and(|place| is_same(&listed.path, place));
    let other = all.iter().find(|listed| listed.branch.as_deref() == Some(branch) && !is_there(listed));
    match other {
        Some(other) => {
            Err(WorktreeError::InUse { branch: branch.to_owned(), place: other.path.display().to_string() })
        }
        None => Ok(()),
    }
}

/// The directory of the repository itself: a work tree that was added to it may go.
async fn root(real: &Real<'_>) -> Result<String, GitError> {
    let first = listed(real).await?.into_iter().next().map(|first| first.path);
    let first = first.filter(|path| {
        crate::workspace::find(path).is_some_and(|found| found.common_dir == real.repository.common_dir)
    });
    Ok(first.unwrap_or_else(|| real.repository.work_tree.clone()).to_string_lossy().into_owned())
}

/// The work tree that a run has made, or has begun to make: complete, or nothing if there is none.
pub(crate) async fn made(tools: Tools<'_>, plan: &Plan<'_>) -> Result<Option<Worktree>, WorktreeError> {
    let real = Real::find(tools, plan.repo)?;
    let Some(base) = real.named(&note_name(plan.run_id, BASE)).await? else { return Ok(None) };
    let Ok(tree) = Real::at_top(tools, plan.path) else { return Ok(None) };
    let is_done = tree.repository.git_dir.join("index").is_file();
    let branch = tree.head()?.branch;
    if tree.repository.common_dir != real.repository.common_dir || !is_done {
        return Ok(None);
    }
    if branch.as_deref() != Some(plan.branch) {
        return Ok(None);
    }
    let made_branch = real.named(&note_name(plan.run_id, MADE_BRANCH)).await?.is_some();
    Ok(Some(Worktree {
        repo_root: root(&real).await?,
        path: tree.repository.work_tree.to_string_lossy().into_owned(),
        branch: plan.branch.to_owned(),
        base,
        made_branch,
    }))
}

/// Whether a run has made the work tree it works in, and not found it there.
pub(crate) async fn is_own(tools: Tools<'_>, run_id: &RunId, repo: &Path) -> Result<bool, WorktreeError> {
    let real = Real::find(tools, repo)?;
    Ok(real.named(&note_name(run_id, BASE)).await?.is_some())
}

/// Makes a work tree with a branch checked out: one there is, or a new one. Killed at any moment and called again, it goes
/// on where it was.
pub(crate) async fn add(tools: Tools<'_>, plan: &Plan<'_>) -> Result<Worktree, WorktreeError> {
    let real = Real::find(tools, plan.repo)?;
    let name = branch_ref(&real, plan.branch).await?;
    let (base_note, branch_note) = (note_name(plan.run_id, BASE), note_name(plan.run_id, MADE_BRANCH));
    let begun = real.named(&base_note).await?;
    if begun.is_some() {
        clear_unfinished(&real, plan.path).await?;
    }
    if !is_free(plan.path) {
        return Err(WorktreeError::There { path: plan.path.to_path_buf() });
    }
    refuse_in_use(&real, plan.branch, None).await?;
    let existing = real.named(&name).await?;
    let base = match (&existing, &begun) {
        (Some(tip), _) => tip.clone(),
        (None, Some(base)) => base.clone(),
        (None, None) => real.commit_of(plan.from.unwrap_or("HEAD")).await?,
    };
    if existing.is_none() {
        let before = real.named(&branch_note).await?;
        real.set_name(&branch_note, &base, before.as_deref()).await?;
    }
    real.set_name(&base_note, &base, begun.as_deref()).await?;
    if existing.is_none() {
        real.set_name(&name, &base, None).await?;
    }
    if let Some(parent) = plan.path.parent() {
        fs::create_dir_all(parent).map_err(failed("making", parent))?;
    }
    let path = plan.path.to_str().ok_or_else(|| WorktreeError::There { path: plan.path.to_path_buf() })?;
    let common = common(&real);
    common.ask(&["worktree", "add", "--no-checkout", "--quiet", "--", path, plan.branch]).await?;
    check_out(tools, plan.path, &base).await?;
    match made(tools, plan).await? {
        Some(worktree) => Ok(worktree),
        None => Err(WorktreeError::NoWorktree { dir: plan.path.to_path_buf() }),
    }
}

/// Writes the files of a new work tree, and its index last: where that is, all of it is.
async fn check_out(tools: Tools<'_>, path: &Path, commit: &str) -> Result<(), WorktreeError> {
    let tree = Real::at_top(tools, path)?;
    let head = tree.head()?;
    let desk = Desk::new(&tree, &head, false).await?;
    desk.git().ask(&["read-tree", "--reset", "-u", commit], Stdin::Null, WORDS_LIMIT).await?;
    Ok(())
}

/// The repository without any of its work trees.
fn common<'a>(real: &Real<'a>) -> Real<'a> {
    let mut repository = real.repository.clone();
    repository.git_dir = repository.common_dir.clone();
    Real { repository, tools: real.tools }
}

/// Whether two paths lead to the same place, or would if it were there.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

fn is_free(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => path.symlink_metadata().is_err(),
    }
}

/// Takes away what this run began to make and nobody has worked in: a work tree without an index, or the note of one
/// without a directory.
async fn clear_unfinished(real: &Real<'_>, path: &Path) -> Result<(), WorktreeError> {
    let all = listed(real).await?;
    if !all.iter().any(|listed| is_same(&listed.path, path)) {
        return Ok(());
    }
    if let Ok(tree) = Real::at_top(real.tools, path)
        && (tree.repository.git_dir.join("index").exists() || !tree.is_linked())
    {
        return Err(WorktreeError::There { path: path.to_path_buf() });
    }
    remove_forced(real, path).await
}

async fn remove_forced(real: &Real<'_>, path: &Path) -> Result<(), WorktreeError> {
    let text = path.to_str().ok_or_else(|| WorktreeError::NoWorktree { dir: path.to_path_buf() })?;
    // Twice: one for what is not committed, one for a lock. Without that, git would start filters to look at the files.
    common(real).ask(&["worktree", "remove", "--force", "--force", "--", text]).await?;
    Ok(())
}

/// Removes a work tree. Whoever calls this knows that all in it is kept elsewhere. The branch stays.
pub(crate) async fn remove(tools: Tools<'_>, dir: &Path) -> Result<(), WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    if !real.is_linked() {
        return Err(WorktreeError::MainWorktree { dir: dir.to_path_buf() });
    }
    let path = real.repository.work_tree.clone();
    remove_forced(&real, &path).await
}

/// Takes away what a run noted about making its work tree.
pub(crate) async fn forget(tools: Tools<'_>, run_id: &RunId, repo: &Path) -> Result<(), WorktreeError> {
    let real = Real::find(tools, repo)?;
    for word in [MADE_BRANCH, BASE] {
        let name = note_name(run_id, word);
        if real.named(&name).await?.is_some() {
            real.drop_name(&name).await?;
        }
    }
    Ok(())
}

/// The work tree of a repository that is at a place already, to be used as it is.
pub(crate) async fn existing(
    tools: Tools<'_>,
    repo: &Path,
    path: &Path,
    branch: Option<&str>,
) -> Result<Worktree, WorktreeError> {
    let real = Real::find(tools, repo)?;
    let tree = Real::at_top(tools, path)?;
    if tree.repository.common_dir != real.repository.common_dir {
        return Err(WorktreeError::OtherRepository { dir: path.to_path_buf() });
    }
    let head = tree.head()?;
    let found = head.branch.ok_or_else(|| WorktreeError::NoBranch { dir: path.to_path_buf() })?;
    if let Some(wanted) = branch
        && wanted != found
    {
        let (dir, wanted) = (path.to_path_buf(), wanted.to_owned());
        return Err(WorktreeError::OtherBranch { dir, found, wanted });
    }
    let base = head.commit.ok_or_else(|| WorktreeError::UnknownCommit { words: found.clone() })?;
    Ok(Worktree {
        repo_root: root(&real).await?,
        path: tree.repository.work_tree.to_string_lossy().into_owned(),
        branch: found,
        base,
        made_branch: false,
    })
}
