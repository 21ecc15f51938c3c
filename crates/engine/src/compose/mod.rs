//! Makes a run's frozen spec and the words its workers are given. Must not start or change anything.

mod bases;
mod brief;
mod budget;
mod directory;
mod fill;
mod handlebars;
mod hooks;
mod labels;
mod prompt;
mod render;
mod spec;
mod texts;
mod vars;

pub(crate) use fill::{Places, fill, known_values};
pub(crate) use hooks::OWN_WORKTREE;
pub(crate) use prompt::{budget_words, prompt};
pub(crate) use render::render;
pub(crate) use spec::{Composed, Lineage, compose, new_task_id, requested_task_id};
pub(crate) use vars::{Ancestor, check_prepared, replace};
