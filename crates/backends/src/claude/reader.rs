//! Reads the client's stream line by line: what a turn did, as events, and what it leaves as evidence of how it ended.
//! Keeps little and that bounded, whatever is printed. Must not decide how the turn ended.

use std::borrow::Cow;

use agent_runner_model::Timestamp;
use agent_runner_model::turn::TurnEvent;
use agent_runner_model::usage::{Meter, Usage};
use agent_runner_supervisor::{Exit, Source};
use serde_json::value::RawValue;

use super::ends::{Complaint, Evidence, Progress, judge};
use super::failure::{Cause, Failure};
use super::plan::{LONGEST_LINE, is_session_id};
use super::todo::Todo;
use super::tokens::Account;
use super::tools::Tools;
use super::wire::{Delta, Line, Message, StreamEvent};
use crate::backend::{TurnReader, TurnReport};
use crate::json::{fields, flag, mend, text, word};
use crate::tail::{TAIL_BYTES, Tail};
use crate::text::{MAX_LINE, MAX_TEXT, clean, one_line};

/// Reads one turn.
pub(super) struct Reader {
    session: Option<String>,
    model: Option<String>,
    pub(super) evidence: Evidence,
    pub(super) account: Account,
    /// The figures that were told last.
    told: Usage,
    pub(super) tools: Tools,
    pub(super) todo: Todo,
    /// Whether the model has spoken since the last result, and what it said last.
    pub(super) has_spoken: bool,
    last_said: String,
    /// The last warning about a limit, so that it is given once.
    pub(super) warned: Option<String>,
    tail: Tail,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            session: None,
            model: None,
            evidence: Evidence::default(),
            account: Account::default(),
            told: Usage::default(),
            tools: Tools::default(),
            todo: Todo::default(),
            has_spoken: false,
            last_said: String::new(),
            warned: None,
            tail: Tail::new(TAIL_BYTES),
        }
    }
}

impl TurnReader for Reader {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool, now: Timestamp) -> Vec<TurnEvent> {
        let cut = &line[..line.len().min(LONGEST_LINE)];
        let truncated = truncated || cut.len() < line.len();
        let text = String::from_utf8_lossy(cut);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let mut events = Vec::new();
        match source {
            Source::Stdout => self.printed(text, truncated, now, &mut events),
            Source::Stderr => self.complained(text, &mut events),
        }
        events
    }

    fn finish(&mut self, exit: Exit) -> TurnReport {
        let verdict = judge(&self.evidence, exit);
        let meter = match (&self.session, self.account.cost()) {
            (Some(session), Some(cost_micro_usd)) => {
                Some(Meter { session_id: session.clone(), cost_micro_usd })
            }
            (_, None) | (None, _) => None,
        };
        TurnReport {
            end: verdict.end,
            output_tail: self.tail.text(),
            usage: self.account.so_far(),
            meter,
            session_lost: verdict.session_lost,
        }
    }
}

impl Reader {
    fn complained(&mut self, text: &str, events: &mut Vec<TurnEvent>) {
        let line = one_line(text, MAX_LINE);
        if line.is_empty() {
            return;
        }
        self.keep(&line);
        if self.evidence.complaint.is_none() {
            self.evidence.complaint = Complaint::of(&line);
        }
        self.evidence.last_words = Some(line.clone());
        events.push(TurnEvent::Notice { text: line });
    }

    fn printed(&mut self, text: &str, truncated: bool, now: Timestamp, events: &mut Vec<TurnEvent>) {
        if text.is_empty() {
            return;
        }
        // A list would be taken for an object with its members in order.
        if text.starts_with('{') {
            match serde_json::from_str::<Line<'_>>(text) {
                Ok(line) => return self.read(&line, true, now, events),
                // Cut by whoever delivers lines, or by the client's death.
                Err(error) if truncated || error.is_eof() => {
                    let mended = mend(text);
                    let line = mended.as_deref().map(serde_json::from_str::<Line<'_>>);
                    if let Some(Ok(line)) = line {
                        return self.read(&line, false, now, events);
                    }
                }
                Err(_) => {}
            }
        }
        let line = one_line(text, MAX_LINE);
        self.keep(&line);
        self.evidence.noise.get_or_insert_with(|| line.clone());
        events.push(TurnEvent::Notice { text: line });
    }

    fn read(&mut self, line: &Line<'_>, is_whole: bool, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let kind = word(line.kind);
        // The type of a result comes late in its line.
        let is_result = kind == Some("result")
            || (kind.is_none() && (line.total_cost_usd.is_some() || line.terminal_reason.is_some()));
        if is_result {
            return self.result(line, is_whole, now, events);
        }
        self.session(line, events);
        match kind {
            Some("stream_event") => self.streamed(line, events),
            Some("assistant") => self.answered(line, now, events),
            Some("user") => self.tool_results(line, events),
            Some("system") => {
                if word(line.subtype) == Some("init") {
                    self.evidence.progress = Progress::Open;
                }
                self.noticed(line, now, events);
            }
            Some("rate_limit_event") => self.rate_limit(line, now, events),
            Some(_) | None => {}
        }
    }

    /// The conversation's name is on every line; the first one counts, and the one that names the model.
    fn session(&mut self, line: &Line<'_>, events: &mut Vec<TurnEvent>) {
        let Some(id) = word(line.session_id).filter(|id| is_session_id(id)) else { return };
        let is_init = word(line.kind) == Some("system") && word(line.subtype) == Some("init");
        let model = if is_init { text(line.model).map(|model| one_line(&model, MAX_LINE)) } else { None };
        let is_new = self.session.as_deref() != Some(id);
        if !is_new && (model.is_none() || model == self.model) {
            return;
        }
        self.session = Some(id.to_owned());
        self.model = model.or_else(|| self.model.take());
        events.push(TurnEvent::Session { id: id.to_owned(), model: self.model.clone() });
    }

    fn streamed(&mut self, line: &Line<'_>, events: &mut Vec<TurnEvent>) {
        let Some(event) = fields::<StreamEvent<'_>>(line.event) else { return };
        match word(event.kind) {
            Some("content_block_delta") if line.parent_tool_use_id.is_none() => {
                let delta: Delta<'_> = fields(event.delta).unwrap_or_default();
                if word(delta.kind) == Some("text_delta")
                    && let Some(text) = text(delta.text).filter(|text| !text.is_empty())
                {
                    events.push(TurnEvent::TextDelta { text: clean(&text, MAX_TEXT) });
                }
            }
            Some("message_start") => {
                let message: Message<'_> = fields(event.message).unwrap_or_default();
                self.account.message_began(&message);
                if line.parent_tool_use_id.is_none() {
                    self.account.turn_began(&message);
                    self.evidence.progress = Progress::Open;
                    // A ceiling on turns is kept before the answer is written and paid for.
                    self.tell_usage(events);
                }
            }
            Some("message_delta") => {
                let delta: Delta<'_> = fields(event.delta).unwrap_or_default();
                self.account.message_ended(&event, delta.stop_reason);
                self.tell_usage(events);
            }
            Some(_) | None => {}
        }
    }

    fn result(&mut self, line: &Line<'_>, is_whole: bool, now: Timestamp, events: &mut Vec<TurnEvent>) {
        self.account.result(line, is_whole);
        let before = self.evidence.error.take();
        let told = before.as_ref().map(|before| before.words.clone());
        let progress = match flag(line.is_error) {
            Some(false) if matches!(word(line.subtype), Some("success") | None) => Progress::Succeeded,
            None if !is_whole => {
                self.evidence.error = before;
                Progress::Unclear { model_was_done: word(line.stop_reason) == Some("end_turn") }
            }
            Some(_) | None => Progress::Failed(Box::new(Failure::of_result(line, before, now))),
        };
        let is_unknown =
            matches!(&progress, Progress::Failed(failure) if failure.cause() == Cause::UnknownSession);
        if !is_unknown {
            self.session(line, events);
        }
        self.tools.refused_in_all(line.permission_denials, events);
        match &progress {
            Progress::Succeeded if !self.has_spoken => {
                // Commands of the client answer in the result alone. A turn begun by work in the background may have
                // nothing to add.
                let words = clean(&words_of(line.result), MAX_TEXT);
                if words != self.last_said {
                    self.say(&words, events);
                }
            }
            Progress::Failed(failure) if told.as_ref() != Some(&failure.words) && failure.has_words => {
                events.push(TurnEvent::Error { text: failure.words.clone() });
            }
            Progress::Succeeded
            | Progress::Failed(_)
            | Progress::Unclear { .. }
            | Progress::Open
            | Progress::Silent => {}
        }
        self.tell_usage(events);
        self.evidence.progress = progress;
        self.has_spoken = false;
    }

    /// Figures that have changed.
    pub(super) fn tell_usage(&mut self, events: &mut Vec<TurnEvent>) {
        let usage = self.account.so_far();
        if usage != self.told {
            self.told = usage;
            events.push(TurnEvent::Usage { usage });
        }
    }

    /// Words of the main conversation.
    pub(super) fn say(&mut self, words: &str, events: &mut Vec<TurnEvent>) {
        if words.trim().is_empty() {
            return;
        }
        let words = clean(words, MAX_TEXT);
        self.keep(&words);
        self.has_spoken = true;
        self.last_said.clone_from(&words);
        events.push(TurnEvent::Message { text: words });
    }

    /// Keeps words for the attempt's record.
    pub(super) fn keep(&mut self, words: &str) {
        self.tail.push_line(words.as_bytes());
    }
}

/// A text, or nothing of it.
pub(super) fn words_of<'a>(raw: Option<&'a RawValue>) -> Cow<'a, str> {
    text(raw).unwrap_or_default()
}
