//! Views of what a run changed in the git repository of its directory.

use agent_runner_model::manifest::GitHead;
use agent_runner_model::{RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changed in the repository of a run's directory. A part that could not be told is missing, and `problems` says
/// why: missing is never "nothing".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitChanges {
    /// The run.
    pub run_id: RunId,
    /// The directory it works in.
    pub cwd: String,
    /// The top of the work tree that encloses it now.
    pub work_tree: Option<String>,
    /// What was checked out when the first session was opened, as recorded.
    pub before: Option<GitHead>,
    /// What it is compared with.
    pub after: Option<GitHead>,
    /// Where `after` is from.
    pub after_from: LookedAt,
    /// What is checked out now.
    pub now: Option<GitHead>,
    /// Commits that `after` has and `before` has not.
    pub commits: Option<CommitList>,
    /// Files that differ between `before` and `after`.
    pub files: Option<FileList>,
    /// What is not committed, as of now: whoever did it, and whenever.
    pub uncommitted: Option<Uncommitted>,
    /// Why something is missing, in words.
    pub problems: Vec<String>,
}

/// When something was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LookedAt {
    /// When the run ended, by its driver.
    Record,
    /// Now: the run is not over, or nobody looked when it ended.
    Now,
}

/// Commits, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct CommitList {
    /// The newest ones.
    pub commits: Vec<Commit>,
    /// How many there are besides.
    pub more: u64,
    /// Commits that `before` has and `after` has not: another branch was checked out, or history was rewritten.
    pub gone: u64,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// In hexadecimal digits.
    pub hash: String,
    /// Its author's name, as the commit says.
    pub author: String,
    /// When it was authored, as the commit says.
    pub authored_at: Timestamp,
    /// The first line of its message.
    pub subject: String,
}

/// Files that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct FileList {
    /// The first ones, by path.
    pub files: Vec<ChangedFile>,
    /// How many there are besides.
    pub more: u64,
    /// Lines added in all of them; nothing where they could not be counted.
    pub added: Option<u64>,
    /// Lines removed in all of them.
    pub removed: Option<u64>,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    /// From the top of the work tree.
    pub path: String,
    /// Where it was before, if it was renamed or copied.
    pub old_path: Option<String>,
    /// What happened to it.
    pub change: ChangeKind,
    /// How many of its lines changed.
    pub lines: LineCount,
}

/// How many lines of a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LineCount {
    /// So many.
    Text {
        /// Lines added.
        added: u64,
        /// Lines removed.
        removed: u64,
    },
    /// It has no lines.
    Binary,
    /// They were not counted.
    Unknown,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content or its mode is another.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name.
    Renamed,
    /// It was made from another one.
    Copied,
    /// It became something else: a link, a submodule.
    TypeChanged,
    /// A merge has left it undecided.
    Unmerged,
    /// Git knows nothing of it.
    Untracked,
}

impl ChangeKind {
    /// The word used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
            Self::TypeChanged => "type changed",
            Self::Unmerged => "unmerged",
            Self::Untracked => "untracked",
        }
    }
}

/// What is not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uncommitted {
    /// When it was looked at.
    pub seen_at: Timestamp,
    /// The first ones, by path.
    pub files: Vec<UncommittedFile>,
    /// How many there are besides, at least.
    pub more: u64,
}

/// A file with something that is not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UncommittedFile {
    /// From the top of the work tree; a directory without any tracked file ends with `/`.
    pub path: String,
    /// Where it was before, if it was renamed or copied.
    pub old_path: Option<String>,
    /// What the next commit would record.
    pub staged: Option<ChangeKind>,
    /// What is changed on top of that.
    pub unstaged: Option<ChangeKind>,
}
