//! Why something that was to be done to a repository was not done, and what helps.

use std::io;
use std::path::{Path, PathBuf};

use super::command::GitError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorktreeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("{} is in no git repository with a work tree", dir.display())]
    NoRepository { dir: PathBuf },
    #[error("{} is not the top of a git work tree", dir.display())]
    NoWorktree { dir: PathBuf },
    #[error("{} is a work tree of another repository", dir.display())]
    OtherRepository { dir: PathBuf },
    #[error("{} is the repository's first work tree", dir.display())]
    MainWorktree { dir: PathBuf },
    #[error("what is checked out in {} cannot be told", dir.display())]
    UnreadableHead { dir: PathBuf },
    #[error("no branch is checked out in {}", dir.display())]
    NoBranch { dir: PathBuf },
    #[error("the branch {found} is checked out in {}, not {wanted}", dir.display())]
    OtherBranch { dir: PathBuf, found: String, wanted: String },
    #[error("{words:?} is no commit of the repository")]
    UnknownCommit { words: String },
    #[error("{name:?} is no name for a branch")]
    BranchName { name: String },
    #[error("the branch {branch} is checked out in {place}")]
    InUse { branch: String, place: String },
    #[error("{} is there already", path.display())]
    There { path: PathBuf },
    #[error("{} is not an empty directory", path.display())]
    NotEmpty { path: PathBuf },
    #[error("repositories of their own are in it: {}", paths.join(", "))]
    Nested { paths: Vec<String> },
    #[error("what would be written belongs to repositories of their own: {}", paths.join(", "))]
    NestedInTheWay { paths: Vec<String> },
    #[error("git keeps no files of such names: {}", paths.join(", "))]
    CannotKeep { paths: Vec<String> },
    #[error("ignored files, pipes or sockets are in the way: {}", paths.join(", "))]
    InTheWay { paths: Vec<String> },
    #[error("the work tree {} is locked with `git worktree lock`", path.display())]
    TreeLocked { path: PathBuf },
    #[error("{} is there: a git is at work, or was killed", path.display())]
    Locked { path: PathBuf },
    #[error("there is no snapshot {number}")]
    NoSnapshot { number: String },
    #[error("it has no snapshots")]
    NoSnapshots,
    #[error("there are more files than can be gone through")]
    TooMany,
    #[error("{what} {} failed", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What an error of the disk becomes.
pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorktreeError {
    let path = path.to_path_buf();
    move |source| WorktreeError::Io { what, path, source }
}

impl WorktreeError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Git(GitError::Missing) => "install git, or put it into PATH",
            Self::Git(GitError::Late) => "repeat the command when the machine has less to do",
            Self::Git(GitError::Start(_) | GitError::Refused(_)) => {
                "what was put aside stays; see what git itself says there, then repeat the command"
            }
            Self::NoRepository { .. } => "name a directory inside a git repository; `git init` makes one",
            Self::NoWorktree { .. } | Self::OtherRepository { .. } => {
                "name the top of a work tree of that repository"
            }
            Self::MainWorktree { .. } => "only work trees that were added to a repository can be removed",
            Self::UnreadableHead { .. } => "`git status` there says what is wrong with it",
            Self::NoBranch { .. } => "`git switch` checks a branch out",
            Self::OtherBranch { .. } => "name that branch, or another path",
            Self::UnknownCommit { .. } => {
                "name a branch, a tag or a commit; a repository without commits needs a first one"
            }
            Self::BranchName { .. } => "`git check-ref-format --branch NAME` says what is a name",
            Self::InUse { .. } => "name another branch, or check another one out there",
            Self::There { .. } => "name another path, or move it away",
            Self::NotEmpty { .. } => "name a directory that is empty or not there yet",
            Self::Nested { .. } => "move them away, or delete them if nothing in them is needed",
            Self::NestedInTheWay { .. } => "move them away: no snapshot holds what is in them",
            Self::CannotKeep { .. } => "rename them, move them away, or let git ignore them",
            Self::TreeLocked { .. } => "`git worktree unlock` there takes that back",
            Self::InTheWay { .. } => "move them away: no snapshot holds them, and they would be overwritten",
            Self::Locked { .. } => "delete that file if no git is at work there any more",
            Self::NoSnapshot { .. } => "`agent-runner workspace snapshots RUN-ID` lists those there are",
            Self::NoSnapshots => {
                "one is taken when something that is not committed is about to be reset, removed or aborted"
            }
            Self::TooMany => "let git ignore what need not be kept",
            Self::Io { .. } => "see to that place, then repeat the command",
        }
    }
}
