//! What a run changed: puts what is on record, what is checked out and what git says together. What cannot be told is
//! said in words; it is never an error, because the rest of the answer is worth having.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use agent_runner_api::view::{CommitList, FileList, GitChanges, LookedAt};
use agent_runner_model::manifest::GitHead;
use agent_runner_model::{RunId, Timestamp};
use agent_runner_supervisor::Stdin;
use tokio::time::Instant;

use super::borrowed::Borrowed;
use super::command::{Git, GitError};
use super::{history, status};
use crate::workspace::{self, Repository};

/// How long git may take for everything together.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// Most bytes of a list of settings.
const SETTINGS_LIMIT: usize = 1024 * 1024;

/// What is asked.
pub(crate) struct Question<'a> {
    /// Of which run.
    pub(crate) run_id: &'a RunId,
    /// Where it works.
    pub(crate) cwd: &'a str,
    /// What was checked out when it began, as recorded.
    pub(crate) before: Option<GitHead>,
    /// What was checked out when it ended, as recorded.
    pub(crate) after: Option<GitHead>,
    /// Whether files in new directories are told one by one, as whoever looks for some of them needs it.
    pub(crate) every_file: bool,
    /// What time it is.
    pub(crate) now: Timestamp,
    /// A directory for this user alone.
    pub(crate) place: &'a Path,
    /// Where git is looked up.
    pub(crate) search_path: &'a OsStr,
    /// How long git may take.
    pub(crate) limit: Duration,
}

/// An answer that grows.
struct Answering {
    changes: GitChanges,
    /// Nothing more can be asked.
    over: bool,
}

/// Looks, and asks git.
pub(crate) async fn compare(question: Question<'_>) -> GitChanges {
    let changes = GitChanges {
        run_id: question.run_id.clone(),
        cwd: question.cwd.to_owned(),
        work_tree: None,
        before: question.before.clone(),
        after: question.after.clone(),
        after_from: if question.after.is_some() { LookedAt::Record } else { LookedAt::Now },
        now: None,
        commits: None,
        files: None,
        uncommitted: None,
        problems: Vec::new(),
    };
    let mut answering = Answering { changes, over: false };
    if let Some((repository, head)) = answering.find_repository() {
        answering.ask(&question, repository, &head).await;
    }
    answering.changes
}

impl Answering {
    fn problem(&mut self, words: impl Into<String>) {
        self.changes.problems.push(words.into());
    }

    /// The repository there is now, and what it has checked out.
    fn find_repository(&mut self) -> Option<(Repository, GitHead)> {
        let cwd = Path::new(&self.changes.cwd);
        if let Err(error) = std::fs::metadata(cwd) {
            let words = match error.kind() {
                std::io::ErrorKind::NotFound => format!("{} is gone", cwd.display()),
                _ => format!("{} cannot be looked at: {error}", cwd.display()),
            };
            self.problem(words);
            return None;
        }
        let Some(repository) = workspace::find(cwd) else {
            let has_one = cwd.ancestors().any(|dir| dir.join(".git").symlink_metadata().is_ok());
            self.problem(if has_one {
                format!("the git repository around {} cannot be read", cwd.display())
            } else {
                format!("{} is in no git repository", cwd.display())
            });
            return None;
        };
        self.changes.work_tree = Some(repository.work_tree.to_string_lossy().into_owned());
        let head = repository.head();
        if head.is_none() {
            self.problem(
                "what is checked out cannot be told: the repository keeps its branches in a way that this version \
                 does not read, or its files are damaged",
            );
        }
        self.changes.now = head.clone();
        head.map(|head| (repository, head))
    }

    async fn ask(&mut self, question: &Question<'_>, repository: Repository, head: &GitHead) {
        let commits = self.commits_to_compare();
        let borrowed = match Borrowed::new(question.place, repository, head) {
            Ok(borrowed) => borrowed,
            Err(error) => {
                return self.problem(format!(
                    "git could not be asked: {} cannot be used: {error}",
                    question.place.display()
                ));
            }
        };
        let until = Instant::now() + question.limit;
        let git = Git { borrowed: &borrowed, search_path: question.search_path, until };
        if let Err(error) = carry_settings(&git, head).await {
            return self.problem(error.to_string());
        }
        if let Some((before, after)) = commits {
            self.compare_commits(&git, before.as_deref(), &after).await;
        }
        if !self.over {
            let asked = status::uncommitted(&git, question.now, question.every_file).await;
            self.changes.uncommitted = self.heard("what is not committed", asked);
        }
    }

    /// What git answered; without an answer, why not.
    fn heard<T>(&mut self, what: &str, answer: Result<T, GitError>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.over = matches!(error, GitError::Late | GitError::Missing);
                self.problem(format!("{what} could not be told: {error}"));
                None
            }
        }
    }

    /// The two commits to compare, if there is anything to ask about them. Before the first commit there was none.
    fn commits_to_compare(&mut self) -> Option<(Option<String>, String)> {
        let Some(before) = self.changes.before.clone() else {
            self.problem(
                "what was checked out when the run began is not on record: no session was opened, or there was no \
                 repository that could be read",
            );
            return None;
        };
        let after = self.changes.after.clone().or_else(|| self.changes.now.clone())?;
        self.changes.after = Some(after.clone());
        if before.commit == after.commit {
            self.unchanged();
            return None;
        }
        let Some(after) = after.commit else {
            self.problem("the branch that was checked out in the end has no commit");
            return None;
        };
        // The record is a file that others can write to; what git is given must not be taken for anything else.
        if !before.commit.iter().chain([&after]).all(|commit| is_hash(commit)) {
            self.problem("the record of what was checked out is damaged");
            return None;
        }
        Some((before.commit, after))
    }

    fn unchanged(&mut self) {
        self.changes.commits = Some(CommitList::default());
        self.changes.files = Some(FileList { added: Some(0), removed: Some(0), ..FileList::default() });
    }

    async fn compare_commits(&mut self, git: &Git<'_>, before: Option<&str>, after: &str) {
        let commits: Vec<&str> = before.into_iter().chain([after]).collect();
        let missing = history::missing(git, &commits).await;
        match self.heard("the commits", missing) {
            Some(missing) if missing.is_empty() => {}
            Some(missing) => {
                for commit in missing {
                    self.problem(format!("commit {commit} is not in the repository any more"));
                }
                return;
            }
            None => return,
        }
        let commits = history::commits(git, before, after).await;
        self.changes.commits = self.heard("the commits", commits);
        if !self.over {
            let files = history::files(git, before, after).await;
            self.changes.files = self.heard("the files that changed", files);
        }
    }
}

pub(super) fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Carries over the repository's harmless settings. Settings that make no sense are not needed.
pub(super) async fn carry_settings(git: &Git<'_>, head: &GitHead) -> Result<(), GitError> {
    let Some(text) = git.borrowed.foreign_settings() else { return Ok(()) };
    let args = ["config", "--file", "-", "--no-includes", "--list"];
    match git.ask(&args, Stdin::Bytes(text), SETTINGS_LIMIT).await {
        Ok(listed) => git
            .borrowed
            .carry(head, &listed.lines)
            .map_err(|error| GitError::Start(format!("its settings cannot be written: {error}"))),
        Err(GitError::Refused(_)) => Ok(()),
        Err(error @ (GitError::Missing | GitError::Start(_) | GitError::Late)) => Err(error),
    }
}
