//! What the worker of the current attempt does now, as far as it tells.

use std::time::Duration;

use agent_runner_model::Timestamp;
use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_model::usage::Usage;

use super::line::{Line, Look};
use super::news::{Kind, News};
use crate::render::clean::{end_of_line, squeeze, width};
use crate::render::span::clock_words;
use crate::render::usage::updated;
use crate::wall::Wall;

/// Bytes of a message that is being written that are kept: more than any line shows.
const DRAFT: usize = 2048;
/// Tools that are watched at the same time.
const MAX_TOOLS: usize = 64;
/// How long a worker may be silent before that is said.
const QUIET: Duration = Duration::from_secs(3);

/// A tool call that has not ended.
#[derive(Debug)]
struct Tool {
    id: String,
    name: String,
    summary: String,
    since: Timestamp,
}

/// What is being produced.
#[derive(Debug, Default)]
enum Producing {
    #[default]
    Nothing,
    /// A message: what there is of it.
    Message(String),
    /// Thoughts: the last of them.
    Thoughts(String),
}

/// What the client says about a limit it met and may get over by itself.
#[derive(Debug)]
struct Slowed {
    reset_at: Option<Timestamp>,
    detail: String,
}

/// What a worker does.
#[derive(Debug, Default)]
pub(super) struct Activity {
    attempt: Option<u32>,
    heard: Option<Timestamp>,
    tools: Vec<Tool>,
    producing: Producing,
    slowed: Option<Slowed>,
    usage: Usage,
}

impl Activity {
    /// What this attempt has used so far.
    pub(super) fn usage(&self, attempt: u32) -> Usage {
        if self.attempt == Some(attempt) { self.usage } else { Usage::default() }
    }

    /// The attempt is over: nothing of it goes on.
    pub(super) fn ended(&mut self, attempt: u32) {
        if self.attempt == Some(attempt) {
            *self = Self::default();
        }
    }

    /// The worker of an attempt did something; what is finished goes to the news.
    pub(super) fn take(&mut self, attempt: u32, record: &TurnRecord, news: &mut News) {
        if self.attempt != Some(attempt) {
            *self = Self { attempt: Some(attempt), ..Self::default() };
        }
        let at = record.at;
        self.heard = Some(at);
        // A client that goes on has got over its limit.
        match &record.event {
            TurnEvent::Limit { .. } | TurnEvent::Usage { .. } | TurnEvent::Notice { .. } => {}
            TurnEvent::Session { .. }
            | TurnEvent::TextDelta { .. }
            | TurnEvent::Message { .. }
            | TurnEvent::Thinking { .. }
            | TurnEvent::ToolStarted { .. }
            | TurnEvent::ToolFinished { .. }
            | TurnEvent::Plan { .. }
            | TurnEvent::Permission { .. }
            | TurnEvent::Error { .. } => self.slowed = None,
        }
        match &record.event {
            TurnEvent::Session { model: Some(model), .. } => {
                news.add(at, Kind::Did, &format!("model {model}"))
            }
            TurnEvent::Session { model: None, .. } => {}
            TurnEvent::TextDelta { text } => self.draft(text),
            TurnEvent::Message { text } => {
                self.producing = Producing::Nothing;
                news.add(at, Kind::Said, text);
            }
            TurnEvent::Thinking { text } => self.producing = Producing::Thoughts(text.clone()),
            TurnEvent::ToolStarted { id, name, summary } => self.started(id, name, summary, at),
            TurnEvent::ToolFinished { id, is_error, summary } => {
                self.finished(id, *is_error, summary, at, news)
            }
            TurnEvent::Plan { items } => {
                let done = items.iter().filter(|item| item.status.starts_with("complete")).count();
                let next = items.iter().find(|item| !item.status.starts_with("complete"));
                let next = next.map(|item| format!(", next: {}", item.text)).unwrap_or_default();
                news.add(at, Kind::Said, &format!("plan: {done} of {} done{next}", items.len()));
            }
            TurnEvent::Usage { usage } => self.usage = updated(self.usage, usage),
            TurnEvent::Limit { reset_at, detail } => {
                self.slowed = Some(Slowed { reset_at: *reset_at, detail: detail.clone() });
                news.add(at, Kind::Trouble, &format!("limit: {detail}"));
            }
            TurnEvent::Permission { tool, detail } => {
                news.add(at, Kind::Trouble, &format!("refused {tool}: {detail}"));
            }
            TurnEvent::Notice { text } => news.add(at, Kind::Said, text),
            TurnEvent::Error { text } => news.add(at, Kind::Trouble, &format!("error: {text}")),
        }
    }

    fn draft(&mut self, piece: &str) {
        let mut text = match std::mem::take(&mut self.producing) {
            Producing::Message(text) => text,
            Producing::Nothing | Producing::Thoughts(_) => String::new(),
        };
        text.push_str(piece);
        if text.len() > 2 * DRAFT {
            let start = text.len() - DRAFT;
            let start = (start..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            text.drain(..start);
        }
        self.producing = Producing::Message(text);
    }

    fn started(&mut self, id: &str, name: &str, summary: &str, since: Timestamp) {
        self.producing = Producing::Nothing;
        self.tools.retain(|tool| tool.id != id);
        if self.tools.len() < MAX_TOOLS {
            let (id, name, summary) = (id.to_owned(), name.to_owned(), summary.to_owned());
            self.tools.push(Tool { id, name, summary, since });
        }
    }

    fn finished(&mut self, id: &str, is_error: bool, result: &str, at: Timestamp, news: &mut News) {
        let tool = self.tools.iter().position(|tool| tool.id == id).map(|index| self.tools.remove(index));
        let (what, took) = match &tool {
            Some(tool) => (tool.words(), format!(" ({})", clock_words(at.since(tool.since)))),
            None => ("a tool".to_owned(), String::new()),
        };
        if is_error {
            news.add(at, Kind::Trouble, &format!("{what}{took} failed: {result}"));
        } else {
            news.add(at, Kind::Did, &format!("{what}{took}"));
        }
    }

    /// What the worker does now, in a line of its own.
    pub(super) fn line(&self, attempt: u32, started: Timestamp, columns: usize, wall: &Wall) -> Line {
        if self.attempt != Some(attempt) {
            let since = wall.now().since(started);
            return Line::of(Look::Faint, format!("nothing heard yet ({})", clock_words(since)));
        }
        if let Some(slowed) = &self.slowed {
            let until = slowed.reset_at.map(|at| {
                let left = clock_words(wall.left(at));
                format!(" ({left}, until {})", wall.moment(at))
            });
            let text = format!("limit{}: {}", until.unwrap_or_default(), squeeze(&slowed.detail));
            return Line::of(Look::Bad, text);
        }
        if let Some(tool) = self.tools.last() {
            let more = match self.tools.len() - 1 {
                0 => String::new(),
                count => format!(", and {count} more"),
            };
            return ending(
                tool.words(),
                format!(" ({}{more})", clock_words(wall.now().since(tool.since))),
                columns,
            );
        }
        match &self.producing {
            Producing::Message(text) => {
                const WRITES: &str = "writes: ";
                Line::of(Look::Busy, WRITES)
                    .and(Look::Plain, end_of_line(text, columns.saturating_sub(WRITES.len())))
            }
            Producing::Thoughts(text) => Line::of(Look::Faint, format!("thinks: {}", squeeze(text))),
            Producing::Nothing => {
                let quiet = self.heard.map(|heard| wall.now().since(heard)).unwrap_or_default();
                match quiet < QUIET {
                    true => Line::of(Look::Faint, "at work"),
                    false => Line::of(Look::Faint, format!("at work, last heard {} ago", clock_words(quiet))),
                }
            }
        }
    }
}

impl Tool {
    fn words(&self) -> String {
        let (name, summary) = (squeeze(&self.name), squeeze(&self.summary));
        if summary.is_empty() { name } else { format!("{name}: {summary}") }
    }
}

/// A text whose end must be seen, however long its beginning is.
fn ending(text: String, end: String, columns: usize) -> Line {
    let room = columns.saturating_sub(width(&end));
    Line::of(Look::Busy, text).cut(room).and(Look::Faint, end)
}
