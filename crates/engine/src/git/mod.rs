//! Asks git what changed. A repository is data here: nothing that its configuration, its attributes or its hooks name is
//! ever started, because git is not shown them. Must not change a repository.

mod borrowed;
mod command;
mod compare;
mod history;
mod quoted;
mod status;

#[cfg(test)]
pub(crate) use command::absolute_only;
pub(crate) use compare::{LIMIT, Question, compare};
