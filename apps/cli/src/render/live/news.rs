//! The last few things that were finished or happened: a short log that moves up.

use std::collections::VecDeque;

use agent_runner_model::Timestamp;

use super::line::{Line, Look};
use crate::render::clean::squeeze;
use crate::wall::Wall;

/// Entries that are kept.
const KEPT: usize = 12;
/// Characters of an entry that are kept: more than any line shows.
const TEXT: usize = 600;
/// Narrowest picture that has room for times.
const WITH_TIMES: usize = 60;

/// What kind of thing an entry is, by its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something about the run.
    Run,
    /// The worker said something.
    Said,
    /// The worker did something.
    Did,
    /// Something failed, was refused or was limited.
    Trouble,
}

impl Kind {
    fn sign(self) -> (Look, &'static str) {
        match self {
            Self::Run => (Look::Strong, "*"),
            Self::Said => (Look::Plain, "|"),
            Self::Did => (Look::Plain, ">"),
            Self::Trouble => (Look::Bad, "!"),
        }
    }
}

#[derive(Debug)]
struct Entry {
    at: Timestamp,
    kind: Kind,
    text: String,
}

/// The entries, oldest first.
#[derive(Debug, Default)]
pub(super) struct News(VecDeque<Entry>);

impl News {
    pub(super) fn add(&mut self, at: Timestamp, kind: Kind, text: &str) {
        let text = squeeze(&text.chars().take(TEXT).collect::<String>());
        if text.is_empty() {
            return;
        }
        // What the run tells and what the worker tells come by different ways.
        let place = self.0.iter().rposition(|entry| entry.at <= at).map_or(0, |before| before + 1);
        self.0.insert(place, Entry { at, kind, text });
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The newest so many entries.
    pub(super) fn lines(&self, count: usize, columns: usize, wall: &Wall) -> Vec<Line> {
        let entries = self.0.iter().skip(self.0.len().saturating_sub(count));
        let line = |entry: &Entry| {
            let (look, sign) = entry.kind.sign();
            let line = match columns >= WITH_TIMES {
                true => Line::of(Look::Faint, format!("{}  ", wall.time(entry.at))),
                false => Line::default(),
            };
            line.and(look, sign).and(Look::Plain, format!(" {}", entry.text))
        };
        entries.map(line).collect()
    }
}
