//! The work trees of a repository: which there are, a new one, and one less. Must not remove anything that it was not
//! told is kept elsewhere.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;
use agent_runner_model::hook::Worktree;
use agent_runner_supervisor::Stdin;

use super::command::GitError;
use super::exact::Desk;
use super::real::{Real, Tools, first_line};
use super::restore::note_name;
use super::trouble::{WorktreeError, failed};
use crate::workspace::contents;

/// Most bytes of git's answers here.
const WORDS_LIMIT: usize = 1024 * 1024;
/// The note of a run on the commit that its work tree began at. It is made before the work tree: what is found there
/// later is the run's own.
const BASE: &str = "base";
/// The note that the branch was made with it.
const MADE_BRANCH: &str = "made-branch";
/// The note on the place at which a work tree is being made. While it is there and the work tree says nothing, the run has
/// not begun to work in it.
const MAKING: &str = "making";
/// All of them. They keep no commits.
pub(super) const NOTES: [&str; 3] = [MAKING, MADE_BRANCH, BASE];
/// A file in a work tree's own part of the repository, with what a run knows of making it. It is written last, and goes
/// with the work tree.
const OWN_FILE: &str = "agent-runner.json";
/// Longest file of that kind, in bytes.
const OWN_LIMIT: u64 = 8 * 1024;
/// Where git notes the branches that a rebase will move at its end, or that a bisection will go back to.
const BUSY_WITH: [&str; 3] = ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];

/// What a run says in a work tree that it made.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    run_id: String,
    base: String,
    made_branch: bool,
}

/// Who made a work tree, if a run did.
fn maker(tree: &Real<'_>) -> Option<Own> {
    serde_json::from_slice(&contents(&tree.repository.git_dir.join(OWN_FILE), OWN_LIMIT)?).ok()
}

/// A work tree there is.
struct Listed {
    path: PathBuf,
    is_locked: bool,
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
                all.push(Listed { path: PathBuf::from(path), is_locked: false, branch: None });
            }
            (Some(("locked", _)), Some(last)) => last.is_locked = true,
            (None, Some(last)) if line == "locked" => last.is_locked = true,
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
    let has =
        |listed: &Listed| listed.branch.as_deref() == Some(branch) || is_busy_with(&listed.path, branch);
    let other = all.iter().find(|listed| !is_there(listed) && has(listed));
    match other {
        Some(other) => {
            Err(WorktreeError::InUse { branch: branch.to_owned(), place: other.path.display().to_string() })
        }
        None => Ok(()),
    }
}

/// Whether a rebase or a bisection in the middle will come back to a branch.
fn is_busy_with(path: &Path, branch: &str) -> bool {
    let Some(found) = crate::workspace::find(path) else { return false };
    BUSY_WITH.iter().any(|name| {
        let text = contents(&found.git_dir.join(name), OWN_LIMIT).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.trim().strip_prefix("refs/heads/").unwrap_or(text.trim()) == branch
    })
}

/// The directory of the repository itself: a work tree that was added to it may go.
async fn root(real: &Real<'_>) -> Result<String, GitError> {
    let first = listed(real).await?.into_iter().next().map(|first| first.path);
    let first = first.filter(|path| {
        let found = crate::workspace::find(path).or_else(|| crate::workspace::bare(path));
        found.is_some_and(|found| found.common_dir == real.repository.common_dir)
    });
    Ok(first.unwrap_or_else(|| real.repository.work_tree.clone()).to_string_lossy().into_owned())
}

/// The work tree that a run has made; nothing if it is not there, or not complete.
pub(crate) async fn made(tools: Tools<'_>, plan: &Plan<'_>) -> Result<Option<Worktree>, WorktreeError> {
    let real = Real::find(tools, plan.repo)?;
    let Ok(tree) = Real::at_top(tools, plan.path) else { return Ok(None) };
    let Some(own) = maker(&tree).filter(|own| own.run_id == plan.run_id.as_str()) else { return Ok(None) };
    let branch = tree.head()?.branch;
    if tree.repository.common_dir != real.repository.common_dir || branch.as_deref() != Some(plan.branch) {
        return Ok(None);
    }
    Ok(Some(Worktree {
        repo_root: root(&real).await?,
        path: tree.repository.work_tree.to_string_lossy().into_owned(),
        branch: plan.branch.to_owned(),
        base: own.base,
        made_branch: own.made_branch,
    }))
}

/// Whether a run has made the work tree at a place, and not found it there.
pub(crate) fn is_own(tools: Tools<'_>, run_id: &RunId, path: &Path) -> Result<bool, WorktreeError> {
    let tree = Real::at_top(tools, path)?;
    Ok(tree.is_linked() && maker(&tree).is_some_and(|own| own.run_id == run_id.as_str()))
}

/// Whether a work tree could be made like that, as far as it can be told without making anything.
pub(crate) async fn may_add(
    tools: Tools<'_>,
    repo: &Path,
    branch: Option<&str>,
    from: Option<&str>,
) -> Result<(), WorktreeError> {
    let real = Real::find(tools, repo)?;
    if let Some(branch) = branch {
        let name = branch_ref(&real, branch).await?;
        // Somebody has named it in full.
        if branch.starts_with("refs/") {
            return Err(WorktreeError::BranchName { name: branch.to_owned() });
        }
        refuse_in_use(&real, branch, None).await?;
        if real.named(&name).await?.is_some() {
            return Ok(());
        }
    }
    real.commit_of(from.unwrap_or("HEAD")).await.map(|_| ())
}

/// Makes a work tree with a branch checked out: one there is, or a new one. Killed at any moment and called again, it goes
/// on where it was.
pub(crate) async fn add(tools: Tools<'_>, plan: &Plan<'_>) -> Result<Worktree, WorktreeError> {
    let real = Real::find(tools, plan.repo)?;
    let name = branch_ref(&real, plan.branch).await?;
    let note = |word| note_name(plan.run_id, word);
    let begun = begun(&real, plan).await?;
    if begun {
        clear_unfinished(&real, plan).await?;
    }
    if !is_free(plan.path) {
        return Err(WorktreeError::There { path: plan.path.to_path_buf() });
    }
    refuse_in_use(&real, plan.branch, None).await?;
    let existing = real.named(&name).await?;
    let noted = real.named(&note(BASE)).await?;
    let base = match (&existing, noted.as_ref().filter(|_| begun)) {
        (Some(tip), _) => tip.clone(),
        (None, Some(base)) => base.clone(),
        (None, None) => real.commit_of(plan.from.unwrap_or("HEAD")).await?,
    };
    let mut made_branch = real.named(&note(MADE_BRANCH)).await?;
    if !begun {
        let path = plan.path.as_os_str().as_bytes().to_vec();
        let blob = real.ask_with(&["hash-object", "-w", "--stdin"], Stdin::Bytes(path)).await?;
        let before = real.named(&note(MAKING)).await?;
        // Of another work tree, perhaps.
        if made_branch.take().is_some() {
            real.drop_name(&note(MADE_BRANCH)).await?;
        }
        real.set_name(&note(MAKING), &first_line(&blob), before.as_deref()).await?;
    }
    if existing.is_none() {
        real.set_name(&note(MADE_BRANCH), &base, made_branch.as_deref()).await?;
        made_branch = Some(base.clone());
    }
    real.set_name(&note(BASE), &base, noted.as_deref()).await?;
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
    let own = Own { run_id: plan.run_id.to_string(), base, made_branch: made_branch.is_some() };
    sign(&Real::at_top(tools, plan.path)?, &own)?;
    real.drop_name(&note(MAKING)).await?;
    match made(tools, plan).await? {
        Some(worktree) => Ok(worktree),
        None => Err(WorktreeError::NoWorktree { dir: plan.path.to_path_buf() }),
    }
}

/// Whether the run has begun to make a work tree at that place, and nobody has worked in it.
async fn begun(real: &Real<'_>, plan: &Plan<'_>) -> Result<bool, WorktreeError> {
    let Some(blob) = real.named(&note_name(plan.run_id, MAKING)).await? else { return Ok(false) };
    let place = real.ask(&["cat-file", "blob", &blob]).await?;
    let is_meant = place.lines.join(&b'\n') == plan.path.as_os_str().as_bytes();
    let is_signed = Real::at_top(real.tools, plan.path).is_ok_and(|tree| maker(&tree).is_some());
    Ok(is_meant && !is_signed)
}

/// Says in a work tree who made it.
fn sign(tree: &Real<'_>, own: &Own) -> Result<(), WorktreeError> {
    let path = tree.repository.git_dir.join(OWN_FILE);
    let draft = tree.repository.git_dir.join(format!("{OWN_FILE}.new"));
    let written = serde_json::to_vec(own).map_err(std::io::Error::other).and_then(|text| {
        let mut file = fs::File::create(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    });
    written.map_err(failed("writing", &path))
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

/// Takes away what this run began to make and nobody has worked in. A file that is not of the commit that was being checked
/// out is somebody's; others may be half written, and are put aside all the same.
async fn clear_unfinished(real: &Real<'_>, plan: &Plan<'_>) -> Result<(), WorktreeError> {
    let there = || WorktreeError::There { path: plan.path.to_path_buf() };
    let all = listed(real).await?;
    if !all.iter().any(|listed| is_same(&listed.path, plan.path)) {
        return Ok(());
    }
    if is_free(plan.path) {
        return remove_forced(real, plan.path).await;
    }
    let tree = Real::at_top(real.tools, plan.path).map_err(|_| there())?;
    if !tree.is_linked() || tree.repository.common_dir != real.repository.common_dir {
        return Err(there());
    }
    let files = files_below(plan.path).map_err(failed("looking through", plan.path))?;
    if !files.is_empty() {
        let base = real.named(&note_name(plan.run_id, BASE)).await?.ok_or_else(there)?;
        let args = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", &base];
        let known = real.ask(&args).await?.lines.join(&b'\n');
        let known: HashSet<&[u8]> = known.split(|byte| *byte == 0).collect();
        if !files.iter().all(|file| known.contains(file.as_slice())) {
            return Err(there());
        }
        super::snapshot::take(real.tools, plan.run_id, plan.path, super::Want::Uncommitted).await?;
    }
    remove_forced(real, plan.path).await
}

/// Everything below a work tree that is no directory, but for the file by which git knows it.
fn files_below(top: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = left.pop() {
        for entry in fs::read_dir(top.join(&below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => left.push(name),
                false if name == Path::new(".git") => {}
                false => found.push(name.into_os_string().into_vec()),
            }
        }
    }
    Ok(found)
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
    if listed(&real).await?.iter().any(|listed| listed.is_locked && is_same(&listed.path, &path)) {
        return Err(WorktreeError::TreeLocked { path });
    }
    remove_forced(&real, &path).await
}

/// Takes away what a run noted about making its work tree.
pub(crate) async fn forget(tools: Tools<'_>, run_id: &RunId, repo: &Path) -> Result<(), WorktreeError> {
    let real = Real::find(tools, repo)?;
    for word in NOTES {
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
