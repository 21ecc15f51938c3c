//! Asks git what changed, and has it keep what is not committed. A repository is data here: nothing that its
//! configuration, its attributes or its hooks name is ever started, because git is not shown them. What changes a
//! repository is in `real`, `snapshot`, `restore` and `worktrees`, and destroys nothing that is not kept elsewhere.

mod borrowed;
mod command;
mod compare;
mod exact;
mod history;
mod nested;
mod notes;
mod quoted;
mod real;
mod restore;
mod snapshot;
mod status;
mod trouble;
mod worktrees;

pub(crate) use command::GitError;
#[cfg(test)]
pub(crate) use command::absolute_only;
pub(crate) use compare::{LIMIT, Question, compare};
pub(crate) use real::Tools;
pub(crate) use restore::{find, into_directory, into_worktree, keep_branch, put_back, snapshots};
pub(crate) use snapshot::{Snapshot, Taken, Want, look, take};
pub(crate) use trouble::WorktreeError;
pub(crate) use worktrees::{Plan, add, existing, forget, is_own, made, may_add, remove};
