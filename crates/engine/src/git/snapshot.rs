//! Puts everything that is not committed into a commit under a name of its own. Must not touch files, the repository's
//! index or what is checked out.

use std::path::Path;

use agent_runner_model::manifest::GitHead;
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::Stdin;

use super::command::GitError;
use super::exact::{Desk, Files, Staged};
use super::history::{EMPTY_TREE, EMPTY_TREE_SHA256};
use super::nested::Nested;
use super::notes;
use super::real::{Real, Tools, run_refs};
use super::trouble::WorktreeError;

/// How often somebody else may take the number that was to be ours.
const MAX_RACES: u32 = 100;
/// What stands before the tree of what was staged, in the words of a snapshot.
const STAGED: &str = "staged: ";

/// A snapshot that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Its number within the run, from 1.
    pub(crate) number: u32,
    /// Its name in the repository.
    pub(crate) name: String,
    /// Its commit.
    pub(crate) commit: String,
    /// How many files differ from what was checked out.
    pub(crate) files: u64,
    /// Whether the newest one held all that already.
    pub(crate) was_there: bool,
}

/// What came of looking for something to keep.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// The snapshot; nothing if all was committed.
    pub(crate) snapshot: Option<Snapshot>,
    /// Repositories inside that were not looked into.
    pub(crate) nested: Vec<String>,
}

/// When a snapshot is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// If something is not committed.
    Uncommitted,
    /// Also if commits of what is checked out would be reachable from nothing else, once this branch is gone or elsewhere.
    Reachable,
    /// Also if the work tree's own notes, which are about to go, are the last that name a commit.
    Noted,
}

/// What a snapshot is made of.
struct Made {
    files: Files,
    parents: Vec<String>,
    staged: Staged,
}

/// Takes a snapshot of a work tree for a run.
pub(crate) async fn take(
    tools: Tools<'_>,
    run_id: &RunId,
    dir: &Path,
    want: Want,
) -> Result<Taken, WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    let head = real.head()?;
    let plain = Desk::new(&real, &head, false).await?;
    let (dirty, mut nested) = plain.status().await?;
    nested.extend(Nested::find(&real).await?.names());
    nested.sort();
    nested.dedup();
    let lonely = match want {
        Want::Uncommitted => Vec::new(),
        Want::Reachable => notes::lonely(&real, &head, false).await?,
        Want::Noted => notes::lonely(&real, &head, true).await?,
    };
    let uncovered = match (want, &head.commit) {
        (Want::Reachable | Want::Noted, Some(commit)) => !real.is_kept(commit, None).await?,
        (Want::Reachable | Want::Noted, None) | (Want::Uncommitted, _) => false,
    };
    let uncovered = uncovered || !lonely.is_empty();
    if dirty.is_empty() && !uncovered {
        return Ok(Taken { snapshot: None, nested });
    }
    let exact = Desk::new(&real, &head, true).await?;
    let files = exact.files().await?;
    nested.extend(files.nested.iter().cloned());
    nested.sort();
    nested.dedup();
    let mut parents: Vec<String> = head.commit.iter().cloned().collect();
    for commit in notes::half_done(&real).await?.into_iter().chain(lonely) {
        if !parents.contains(&commit) {
            parents.push(commit);
        }
    }
    let made = Made { parents, staged: plain.staged().await?, files };
    let snapshot = keep(&real, &exact, &head, run_id, made, uncovered).await?;
    Ok(Taken { snapshot, nested })
}

/// How a work tree is.
pub(crate) struct Look {
    /// How many files are not as committed.
    pub(crate) dirty: usize,
    /// Repositories inside.
    pub(crate) nested: Vec<String>,
}

/// Looks at a work tree.
pub(crate) async fn look(tools: Tools<'_>, dir: &Path) -> Result<Look, WorktreeError> {
    let real = Real::at_top(tools, dir)?;
    let plain = Desk::new(&real, &real.head()?, false).await?;
    let (dirty, mut nested) = plain.status().await?;
    nested.extend(Nested::find(&real).await?.names());
    nested.sort();
    nested.dedup();
    Ok(Look { dirty: dirty.len(), nested })
}

async fn keep(
    real: &Real<'_>,
    exact: &Desk<'_>,
    head: &GitHead,
    run_id: &RunId,
    made: Made,
    even_if_same: bool,
) -> Result<Option<Snapshot>, WorktreeError> {
    let sha256 = made.files.tree.len() == EMPTY_TREE_SHA256.len();
    let base = match &head.commit {
        Some(commit) => exact.line(&exact.copy(), &["rev-parse", &format!("{commit}^{{tree}}")]).await?,
        None => (if sha256 { EMPTY_TREE_SHA256 } else { EMPTY_TREE }).to_owned(),
    };
    let tree = &made.files.tree;
    // What was staged and is neither in a commit nor in a file would be gone.
    let is_needed =
        |staged: &Staged| !staged.sides.is_empty() || (staged.tree != base && staged.tree != *tree);
    let staged = Some(made.staged).filter(is_needed);
    if *tree == base && staged.is_none() && !even_if_same {
        return Ok(None);
    }
    let other = staged.as_ref().filter(|_| *tree == base).map_or(tree, |staged| &staged.tree);
    let files = differing(exact, &base, other).await?;
    let words = match &staged {
        Some(Staged { tree, sides }) => {
            let trees: Vec<&str> = [tree].into_iter().chain(sides).map(String::as_str).collect();
            format!("Not committed in run {run_id}\n\n{STAGED}{}", trees.join(" "))
        }
        None => format!("Not committed in run {run_id}"),
    };
    let existing = names(real, run_id).await?;
    if let Some((number, name, commit)) = existing.last()
        && is_same(real, commit, tree, &made.parents, &words).await?
    {
        let (number, name, commit) = (*number, name.clone(), commit.clone());
        return Ok(Some(Snapshot { number, name, commit, files, was_there: true }));
    }
    let mut parents = made.parents;
    if let Some(staged) = &staged {
        let words = format!("Staged in run {run_id}");
        let mut before: Vec<String> = parents.iter().take(1).cloned().collect();
        for side in &staged.sides {
            let words = format!("A side of a conflict in run {run_id}");
            before.push(commit_tree(exact, side, &[], &words).await?);
        }
        parents.push(commit_tree(exact, &staged.tree, &before, &words).await?);
    }
    let commit = commit_tree(exact, tree, &parents, &words).await?;
    real.sync()?;
    let (number, name) = name_it(real, run_id, &commit).await?;
    real.sync()?;
    Ok(Some(Snapshot { number, name, commit, files, was_there: false }))
}

async fn commit_tree(
    exact: &Desk<'_>,
    tree: &str,
    parents: &[String],
    words: &str,
) -> Result<String, GitError> {
    let mut args = vec!["commit-tree", tree];
    for parent in parents {
        args.extend(["-p", parent]);
    }
    args.extend(["-m", words]);
    exact.line(&exact.copy(), &args).await
}

/// How many files differ between two trees.
async fn differing(exact: &Desk<'_>, one: &str, other: &str) -> Result<u64, WorktreeError> {
    let args = ["diff-tree", "-r", "--name-only", "--no-renames", "--end-of-options", one, other];
    let answer = exact.git().ask_with(&exact.copy(), &args, Stdin::Null, usize::MAX).await?;
    Ok(u64::try_from(answer.lines.len()).unwrap_or(u64::MAX))
}

/// What a commit says.
pub(super) struct Told {
    tree: String,
    parents: Vec<String>,
    pub(super) committed_at: Timestamp,
    words: String,
}

impl Told {
    pub(super) async fn read(real: &Real<'_>, commit: &str) -> Result<Self, GitError> {
        let answer = real.ask(&["cat-file", "commit", commit]).await?;
        let lines: Vec<String> =
            answer.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let (head, words) = lines.split_at(lines.iter().position(String::is_empty).unwrap_or(lines.len()));
        let of = |name: &str| {
            let values = head.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        // `name <mail> seconds zone`
        let seconds = of("committer").first().and_then(|line| line.rsplit(' ').nth(1)?.parse::<i64>().ok());
        Ok(Self {
            tree: of("tree").pop().unwrap_or_default(),
            parents: of("parent"),
            committed_at: Timestamp::from_millis(seconds.unwrap_or_default().saturating_mul(1000)),
            words: words.get(1..).unwrap_or_default().join("\n"),
        })
    }

    /// Its parents without the one that holds what was staged.
    pub(super) fn head_parents(&self) -> &[String] {
        match (self.words.contains(STAGED), self.parents.split_last()) {
            (true, Some((_, rest))) => rest,
            (true, None) | (false, _) => &self.parents,
        }
    }
}

/// Whether a snapshot holds that. What it names besides was named by nothing else before.
async fn is_same(
    real: &Real<'_>,
    commit: &str,
    tree: &str,
    parents: &[String],
    words: &str,
) -> Result<bool, GitError> {
    let told = Told::read(real, commit).await?;
    let named = told.head_parents();
    let all = named.first() == parents.first() && parents.iter().all(|parent| named.contains(parent));
    Ok(told.tree == tree && all && told.words == words)
}

/// Gives a commit the next free number. Whoever is faster has the one before.
pub(super) async fn name_it(
    real: &Real<'_>,
    run_id: &RunId,
    commit: &str,
) -> Result<(u32, String), WorktreeError> {
    let mut races = 0;
    loop {
        let number = names(real, run_id).await?.last().map_or(1, |(last, _, _)| last.saturating_add(1));
        let name = format!("{}{number}", run_refs(run_id));
        match real.set_name(&name, commit, None).await {
            Ok(()) => return Ok((number, name)),
            Err(error @ GitError::Refused(_)) => {
                races += 1;
                // Refused for another reason than that the number is taken, or the name locked at this moment.
                if races > MAX_RACES {
                    return Err(error.into());
                }
            }
            Err(error @ (GitError::Missing | GitError::Start(_) | GitError::Late)) => {
                return Err(error.into());
            }
        }
    }
}

/// The snapshots of a run, oldest first: number, name, commit.
pub(super) async fn names(real: &Real<'_>, run_id: &RunId) -> Result<Vec<(u32, String, String)>, GitError> {
    let prefix = run_refs(run_id);
    let mut found: Vec<(u32, String, String)> = real
        .names(&prefix)
        .await?
        .into_iter()
        .filter_map(|(name, commit)| {
            let number: u32 = name.strip_prefix(&prefix)?.parse().ok()?;
            Some((number, name, commit))
        })
        .collect();
    found.sort();
    Ok(found)
}
