//! The repository itself, with its own configuration, for what cannot be done beside it: names, and which work trees
//! there are. No hook and no monitor of it is started. Files are not read or written this way: that would start filters.

use std::path::Path;
use std::time::Duration;

use agent_runner_model::RunId;
use agent_runner_model::manifest::GitHead;
use agent_runner_supervisor::Stdin;
use tokio::time::Instant;

use super::command::{Answer, Call, GitError, call};
use super::trouble::{WorktreeError, failed};
use crate::workspace::{self, Repository};

/// What is said before each command. Nothing that these name exists, and a name is on the disk before it counts.
const BEFORE: [&str; 6] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.fsync=committed,loose-object,reference",
];
/// Most bytes of an answer about names.
const NAMES_LIMIT: usize = 64 * 1024 * 1024;
/// Where everything that is set aside for runs has its names.
const REFS: &str = "refs/agent-runner";

/// With what git is called.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    /// A directory for this user alone.
    pub(crate) place: &'a Path,
    /// Where git is looked up.
    pub(crate) search_path: &'a std::ffi::OsStr,
    /// When it has to be done.
    pub(crate) until: Instant,
}

impl<'a> Tools<'a> {
    /// Tools for so long.
    pub(crate) fn new(place: &'a Path, search_path: &'a std::ffi::OsStr, limit: Duration) -> Self {
        Self { place, search_path, until: Instant::now() + limit }
    }
}

/// The names of what is set aside for a run begin with this.
pub(super) fn run_refs(run_id: &RunId) -> String {
    format!("{REFS}/{run_id}/")
}

/// A repository that is changed.
pub(super) struct Real<'a> {
    pub(super) repository: Repository,
    pub(super) tools: Tools<'a>,
}

impl<'a> Real<'a> {
    /// The repository around a directory, or the one that it is itself.
    pub(super) fn find(tools: Tools<'a>, dir: &Path) -> Result<Self, WorktreeError> {
        match workspace::find(dir).or_else(|| workspace::bare(dir)) {
            Some(repository) => Ok(Self { repository, tools }),
            None => Err(WorktreeError::NoRepository { dir: dir.to_path_buf() }),
        }
    }

    /// The work tree whose top a directory is.
    pub(super) fn at_top(tools: Tools<'a>, dir: &Path) -> Result<Self, WorktreeError> {
        let outside = || WorktreeError::NoRepository { dir: dir.to_path_buf() };
        let real = Self { repository: workspace::find(dir).ok_or_else(outside)?, tools };
        let top = std::fs::canonicalize(dir).map_err(failed("looking at", dir))?;
        if real.repository.work_tree != top {
            return Err(WorktreeError::NoWorktree { dir: dir.to_path_buf() });
        }
        Ok(real)
    }

    /// What is checked out.
    pub(super) fn head(&self) -> Result<GitHead, WorktreeError> {
        let unread = || WorktreeError::UnreadableHead { dir: self.repository.work_tree.clone() };
        self.repository.head().ok_or_else(unread)
    }

    /// Whether it is one of several work trees, and not the one that the repository itself is in.
    pub(super) fn is_linked(&self) -> bool {
        self.repository.git_dir != self.repository.common_dir
    }

    pub(super) async fn ask(&self, args: &[&str]) -> Result<Answer, GitError> {
        self.ask_with(args, Stdin::Null).await
    }

    pub(super) async fn ask_with(&self, args: &[&str], stdin: Stdin) -> Result<Answer, GitError> {
        let args: Vec<&str> = BEFORE.iter().chain(args).copied().collect();
        let places = [("GIT_DIR", self.repository.git_dir.as_path())];
        let wanted = Call { args: &args, stdin, limit: NAMES_LIMIT, places: &places };
        let answer = call(&wanted, self.tools.search_path, self.tools.until).await?;
        match answer.cut {
            true => Err(GitError::Refused("it said more than can be taken".to_owned())),
            false => Ok(answer),
        }
    }

    /// The one line that is answered.
    pub(super) async fn line(&self, args: &[&str]) -> Result<String, GitError> {
        Ok(first_line(&self.ask(args).await?))
    }

    /// The commit that somebody's words mean.
    pub(super) async fn commit_of(&self, words: &str) -> Result<String, WorktreeError> {
        let unknown = || WorktreeError::UnknownCommit { words: words.to_owned() };
        if words.starts_with('-') || words.contains(char::is_control) {
            return Err(unknown());
        }
        let wanted = format!("{words}^{{commit}}");
        match self.line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).await {
            Ok(commit) if super::compare::is_hash(&commit) => Ok(commit),
            Ok(_) | Err(GitError::Refused(_)) => Err(unknown()),
            Err(error @ (GitError::Missing | GitError::Start(_) | GitError::Late)) => Err(error.into()),
        }
    }

    /// What a name of exactly this spelling stands for.
    pub(super) async fn named(&self, name: &str) -> Result<Option<String>, GitError> {
        let found = self.names(name).await?;
        Ok(found.into_iter().find(|(found, _)| found == name).map(|(_, commit)| commit))
    }

    /// Names that are this one or below it, with what they stand for.
    pub(super) async fn names(&self, below: &str) -> Result<Vec<(String, String)>, GitError> {
        let args = ["for-each-ref", "--format=%(refname) %(objectname)", "--end-of-options", below];
        let answer = self.ask(&args).await?;
        let lines = answer.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        Ok(lines.filter_map(|line| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect())
    }

    /// Lets a name stand for a commit. `before` is what it stands for now, nothing if there is no such name: if that is
    /// not so, nothing is changed.
    pub(super) async fn set_name(
        &self,
        name: &str,
        commit: &str,
        before: Option<&str>,
    ) -> Result<(), GitError> {
        let none = "0".repeat(commit.len());
        let args = ["update-ref", "--no-deref", "--end-of-options", name, commit, before.unwrap_or(&none)];
        self.ask(&args).await.map(|_| ())
    }

    /// Takes a name away, if it is there.
    pub(super) async fn drop_name(&self, name: &str) -> Result<(), GitError> {
        self.ask(&["update-ref", "--no-deref", "-d", "--end-of-options", name]).await.map(|_| ())
    }

    /// Words for git that mean everything which keeps commits: branches, but for one of them, tags, and what is set aside
    /// for runs. What a run notes about making its work tree keeps nothing: it goes with that.
    pub(super) fn kept_elsewhere(without: Option<&str>) -> Vec<String> {
        let exclude = without.map(|branch| format!("--exclude={branch}"));
        let notes = super::worktrees::NOTES.map(|word| format!("--exclude={REFS}/*/{word}"));
        let mut words = vec!["--not".to_owned()];
        words.extend(exclude);
        words.extend(["--branches".to_owned(), "--tags".to_owned()]);
        words.extend(notes);
        words.extend([format!("--glob={REFS}/*"), "--".to_owned()]);
        words
    }

    /// Whether a commit and all before it are reachable from something that stays.
    pub(super) async fn is_kept(&self, commit: &str, without: Option<&str>) -> Result<bool, GitError> {
        let kept = Self::kept_elsewhere(without);
        let mut args = vec!["rev-list", "--max-count=1", commit];
        args.extend(kept.iter().map(String::as_str));
        Ok(self.ask(&args).await?.lines.is_empty())
    }

    /// Sees to it that what was written for the repository outlives the machine.
    pub(super) fn sync(&self) -> Result<(), WorktreeError> {
        let objects = self.repository.common_dir.join("objects");
        let dir = std::fs::File::open(&objects).map_err(failed("opening", &objects))?;
        let synced = rustix::fs::syncfs(&dir).map_err(std::io::Error::from);
        synced.map_err(failed("writing to the disk what is in", &objects))
    }
}

pub(super) fn first_line(answer: &Answer) -> String {
    answer.lines.first().map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default()
}
