//! Worktrees of runs: makes the one that a run works in, and keeps what is not committed there. Must not decide when
//! something is destroyed, and never removes what is not kept elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::hook::Worktree;
use agent_runner_model::{ControlFact, RunId};

use crate::engine::EngineConfig;
use crate::failure::chain;
use crate::git::{self, Plan, Snapshot, Taken, Tools, Want, WorktreeError};
use crate::workspace;

/// How long git may take to go through all files of a worktree.
pub(crate) const FILES_LIMIT: Duration = Duration::from_secs(600);
/// Where worktrees are, below the state directory.
const WORKTREES: &str = "worktrees";
/// What the name of a run's own branch begins with.
const BRANCHES: &str = "agent-runner/";

/// What to do with something that is at a worktree's place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Collision {
    /// Refuse.
    #[default]
    Fail,
    /// Work there, if it is a worktree of the repository.
    Reuse,
    /// Put aside what is not committed there, remove it, and make it anew.
    Replace,
}

/// What worktree is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorktreeAsk<'a> {
    /// Some directory of the repository.
    pub(crate) repo: &'a Path,
    /// Where a new branch begins; nothing for what is checked out.
    pub(crate) from: Option<&'a str>,
    /// The branch: one there is, or a new one; nothing for one of the run's own.
    pub(crate) branch: Option<&'a str>,
    /// Its place; nothing for one in the state directory.
    pub(crate) path: Option<&'a Path>,
    /// What to do if something is there.
    pub(crate) collision: Collision,
}

/// With what git is called, for so long.
pub(crate) fn tools(config: &EngineConfig, limit: Duration) -> Tools<'_> {
    Tools::new(&config.runtime_dir, &config.search_path, limit)
}

/// Sees to it that a run has its worktree. Called again after it was done, or after it was killed half-way, it finishes and
/// answers the same. Errors are words that say what to do.
pub(crate) async fn ensure_worktree(
    config: &EngineConfig,
    run_id: &RunId,
    ask: WorktreeAsk<'_>,
) -> Result<Worktree, String> {
    ensure(config, run_id, &ask).await.map_err(|error| worded(&error))
}

/// Whether the run has made the worktree at that place, and did not find it there.
pub(crate) fn is_own(config: &EngineConfig, run_id: &RunId, path: &Path) -> Result<bool, String> {
    git::is_own(tools(config, FILES_LIMIT), run_id, path).map_err(|error| worded(&error))
}

/// The worktree that would be replaced, if there is one. Nobody else may work in it meanwhile.
pub(crate) fn replaced(config: &EngineConfig, run_id: &RunId, ask: &WorktreeAsk<'_>) -> Option<PathBuf> {
    let path = place(config, run_id, ask).ok()?;
    let is_asked = ask.collision == Collision::Replace;
    let is_tree = workspace::find(&path).is_some_and(|found| found.work_tree == path);
    (is_asked && is_tree).then_some(path)
}

/// An error with what helps, as one line.
pub(crate) fn worded(error: &WorktreeError) -> String {
    format!("{}; {}", chain(error), error.hint())
}

async fn ensure(
    config: &EngineConfig,
    run_id: &RunId,
    ask: &WorktreeAsk<'_>,
) -> Result<Worktree, WorktreeError> {
    let tools = tools(config, FILES_LIMIT);
    let own_branch = format!("{BRANCHES}{run_id}");
    let path = place(config, run_id, ask)?;
    let plan = Plan {
        run_id,
        repo: ask.repo,
        path: &path,
        branch: ask.branch.unwrap_or(&own_branch),
        from: ask.from,
    };
    if let Some(made) = git::made(tools, &plan).await? {
        return Ok(made);
    }
    match (git::add(tools, &plan).await, ask.collision) {
        (Err(WorktreeError::There { .. }), Collision::Reuse) => {
            git::existing(tools, ask.repo, &path, ask.branch).await
        }
        (Err(WorktreeError::There { .. }), Collision::Replace) => {
            replace_worktree(tools, run_id, ask.repo, &path).await?;
            git::add(tools, &plan).await
        }
        (added, Collision::Fail | Collision::Reuse | Collision::Replace) => added,
    }
}

/// Removes the worktree at a place after putting aside what is not committed there, and commits that nothing else keeps.
/// Repositories inside it are kept by nobody: then it stays.
pub(crate) async fn replace_worktree(
    tools: Tools<'_>,
    run_id: &RunId,
    repo: &Path,
    path: &Path,
) -> Result<Taken, WorktreeError> {
    let (mine, theirs) = (found(repo)?, found(path)?);
    if mine.common_dir != theirs.common_dir {
        return Err(WorktreeError::OtherRepository { dir: path.to_path_buf() });
    }
    if theirs.git_dir == theirs.common_dir {
        return Err(WorktreeError::MainWorktree { dir: path.to_path_buf() });
    }
    let taken = git::take(tools, run_id, path, Want::Noted).await?;
    if !taken.nested.is_empty() {
        return Err(WorktreeError::Nested { paths: taken.nested });
    }
    git::remove(tools, path).await?;
    Ok(taken)
}

fn found(dir: &Path) -> Result<workspace::Repository, WorktreeError> {
    workspace::find(dir)
        .or_else(|| workspace::bare(dir))
        .ok_or_else(|| WorktreeError::NoRepository { dir: dir.to_path_buf() })
}

/// Where the worktree is to be, without links in what is there of it.
fn place(config: &EngineConfig, run_id: &RunId, ask: &WorktreeAsk<'_>) -> Result<PathBuf, WorktreeError> {
    let repository = found(ask.repo)?;
    let wanted = match ask.path {
        Some(path) => repository.work_tree.join(path),
        None => {
            // The repository's name, also when it is asked for by one of its other worktrees.
            let main = repository.common_dir.parent().filter(|_| repository.common_dir.ends_with(".git"));
            let name = main.unwrap_or(&repository.work_tree).file_name().unwrap_or(OsStr::new("repository"));
            config.state_dir.join(WORKTREES).join(name).join(run_id.as_str())
        }
    };
    let there = wanted.ancestors().find_map(|dir| {
        let real = fs::canonicalize(dir).ok()?;
        Some(wanted.strip_prefix(dir).map_or_else(|_| real.clone(), |rest| real.join(rest)))
    });
    // Joined with nothing, a path would end in a slash.
    Ok(there.unwrap_or(wanted).components().collect())
}

/// Whether a run's worktree is there: not only something at its place.
pub(crate) fn is_there(worktree: &Worktree) -> bool {
    let path = Path::new(&worktree.path);
    let Some(repository) = workspace::find(path) else { return false };
    let root = Path::new(&worktree.repo_root);
    let is_other = workspace::find(root).or_else(|| workspace::bare(root));
    let is_other = is_other.is_some_and(|root| root.common_dir != repository.common_dir);
    !is_other && fs::canonicalize(path).is_ok_and(|top| top == repository.work_tree)
}

/// Whether something is at the place of a run's worktree.
pub(crate) fn is_taken(worktree: &Worktree) -> bool {
    Path::new(&worktree.path).symlink_metadata().is_ok()
}

/// Puts aside what is not committed in a run's worktree, if that is there.
pub(crate) async fn keep(
    tools: Tools<'_>,
    run_id: &RunId,
    worktree: &Worktree,
    want: Want,
) -> Result<Taken, WorktreeError> {
    match is_there(worktree) {
        true => git::take(tools, run_id, Path::new(&worktree.path), want).await,
        false => Ok(Taken::default()),
    }
}

/// What goes on record about a snapshot; nothing about one that was on record already.
pub(crate) fn fact(taken: &Taken) -> Option<ControlFact> {
    taken.snapshot.as_ref().filter(|snapshot| !snapshot.was_there).map(snapshot_fact)
}

fn snapshot_fact(snapshot: &Snapshot) -> ControlFact {
    ControlFact::SnapshotTaken {
        name: snapshot.name.clone(),
        commit: snapshot.commit.clone(),
        files: snapshot.files,
    }
}
