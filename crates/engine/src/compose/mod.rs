//! Makes a run's frozen spec and the words its workers are given. Must not start or change anything.

mod brief;
mod labels;
mod prompt;
mod spec;

pub(crate) use prompt::{budget_words, prompt};
pub(crate) use spec::{Composed, Lineage, compose, new_task_id, requested_task_id};
