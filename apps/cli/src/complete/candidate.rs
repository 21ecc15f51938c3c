//! One thing that a shell may offer. What cannot be typed, or would steer a terminal, never becomes one.

use crate::render::{one_line, squeeze};

/// Columns of a description; shells that show one show it beside the candidate.
const ABOUT: usize = 60;

/// A text that may stand where the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What is typed.
    pub(super) value: String,
    /// What it is, on one line.
    pub(super) about: String,
}

impl Candidate {
    /// Nothing where no shell could take the value: it would be another line, or another word for whoever reads it.
    pub(super) fn new(value: impl Into<String>, about: &str) -> Option<Self> {
        let value = value.into();
        let shown = one_line(&value, usize::MAX);
        let typeable = !value.is_empty() && shown == value;
        typeable.then(|| Self { value, about: one_line(&squeeze(about), ABOUT) })
    }
}

/// What is offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// These, in this order.
    Candidates(Vec<Candidate>),
    /// Files, as the shell finds them.
    Files,
    /// Directories, as the shell finds them.
    Directories,
}

impl Offer {
    pub(super) fn nothing() -> Self {
        Self::Candidates(Vec::new())
    }
}
