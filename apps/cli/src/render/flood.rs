//! Keeps what a worker says from flooding a log. The rule: of the lines of one attempt, at most [`MOST`] in each stretch
//! of [`STRETCH`] are shown; the others are counted. By the clock of whoever heard the worker, not by the reader's: the
//! same lines pass, however late they are read.

use std::time::Duration;

use agent_runner_model::Timestamp;

/// Lines that are shown in a stretch.
pub(super) const MOST: u32 = 30;
/// A stretch of time.
pub(super) const STRETCH: Duration = Duration::from_secs(10);

/// An attempt, and how many of its lines were held back.
pub(super) type HeldBack = (u32, u64);

/// Whether a line passes, and what was held back before it and is to be told now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) before: Option<HeldBack>,
    pub(super) passes: bool,
}

/// Counts lines.
#[derive(Debug, Default)]
pub(super) struct Flood {
    attempt: u32,
    since: Option<Timestamp>,
    shown: u32,
    held_back: u64,
}

impl Flood {
    /// A line of an attempt wants to be shown.
    pub(super) fn ask(&mut self, attempt: u32, at: Timestamp) -> Passed {
        let is_over = self.since.is_none_or(|since| at.since(since) >= STRETCH);
        let mut before = None;
        if is_over || self.attempt != attempt {
            before = self.rest();
            *self = Self { attempt, since: Some(at), shown: 0, held_back: 0 };
        }
        let passes = self.shown < MOST;
        if passes {
            self.shown += 1;
        } else {
            self.held_back += 1;
        }
        Passed { before, passes }
    }

    /// Lines were not even heard.
    pub(super) fn missed(&mut self, attempt: u32, count: u64) {
        self.attempt = attempt;
        self.held_back = self.held_back.saturating_add(count);
    }

    /// What was held back and has not been told.
    pub(super) fn rest(&mut self) -> Option<HeldBack> {
        let count = std::mem::take(&mut self.held_back);
        (count > 0).then_some((self.attempt, count))
    }
}
