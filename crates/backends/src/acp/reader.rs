//! Reads an agent's messages: a turn's events and its end. Knows the requests only by the ids it is told.

use agent_runner_model::Timestamp;
use agent_runner_model::turn::TurnEvent;
use agent_runner_model::usage::{Meter, Usage};
use agent_runner_supervisor::{Exit, Source};
use serde_json::value::RawValue;

use super::ends::{Verdict, of_error, of_exit, of_stop};
use super::updates::Updates;
use super::wire::{Answer, Cost, Message, Params, RpcError, Tokens, Update};
use crate::backend::{TurnReader, TurnReport};
use crate::json::{fields, number, text, whole, word};
use crate::tail::{TAIL_BYTES, Tail};
use crate::text::{MAX_LINE, one_line};

/// Bytes of a message that are read.
const LONGEST_LINE: usize = 8 * 1024 * 1024;

/// Reads what an agent prints. Whoever drives the agent says which of its requests are which; what comes between a
/// prompt and its answer is a turn, what comes before (such as the history of a conversation that was loaded) is not.
pub struct AcpReader {
    session: Option<String>,
    /// The request that opens the conversation.
    opening: Option<u64>,
    /// The prompt that is being answered.
    prompt: Option<u64>,
    updates: Updates,
    verdict: Option<Verdict>,
    usage: Usage,
    /// The cost of the conversation, in millionths of a dollar.
    cost: Option<u64>,
    last_words: Option<String>,
    tail: Tail,
}

impl Default for AcpReader {
    fn default() -> Self {
        Self {
            session: None,
            opening: None,
            prompt: None,
            updates: Updates::default(),
            verdict: None,
            usage: Usage::default(),
            cost: None,
            last_words: None,
            tail: Tail::new(TAIL_BYTES),
        }
    }
}

impl AcpReader {
    /// `session/new`, `session/load` or `session/resume` was sent under that id; for the latter two with the session.
    pub fn opening(&mut self, id: u64, session: Option<&str>) {
        self.opening = Some(id);
        self.session = session.map(str::to_owned);
    }

    /// `session/prompt` was sent under that id: a turn begins.
    pub fn prompting(&mut self, id: u64) {
        self.prompt = Some(id);
        self.verdict = None;
        self.usage = Usage::default();
        self.updates = Updates::default();
    }

    /// Whether the turn is over, or cannot begin.
    pub fn is_over(&self) -> bool {
        self.verdict.is_some()
    }

    /// What the turn came to, once it is over.
    pub fn report(&self) -> Option<TurnReport> {
        self.verdict.as_ref().map(|verdict| self.reported(verdict))
    }

    fn reported(&self, verdict: &Verdict) -> TurnReport {
        let meter = match (&self.session, self.cost) {
            (Some(session), Some(cost_micro_usd)) => {
                Some(Meter { session_id: session.clone(), cost_micro_usd })
            }
            (_, None) | (None, _) => None,
        };
        TurnReport {
            end: verdict.end.clone(),
            output_tail: self.tail.text(),
            usage: self.usage,
            meter,
            session_lost: verdict.session_lost,
        }
    }

    fn message(&mut self, message: &Message<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        match word(message.method) {
            Some("session/update") => {
                let params: Params<'_> = fields(message.params).unwrap_or_default();
                let Some(update) = fields::<Update<'_>>(params.update) else { return };
                self.note_cost(update.cost);
                if self.prompt.is_some() && self.verdict.is_none() {
                    self.updates.update(&update, events);
                }
            }
            Some("session/request_permission") => {
                let params: Params<'_> = fields(message.params).unwrap_or_default();
                let call: Update<'_> = fields(params.tool_call).unwrap_or_default();
                self.updates.flush(events);
                let title = text(call.title).unwrap_or("use a tool".into());
                events.push(TurnEvent::Notice {
                    text: one_line(&format!("asks whether it may: {title}"), MAX_LINE),
                });
            }
            Some(_) => {}
            None => self.answered(message, now, events),
        }
    }

    fn answered(&mut self, message: &Message<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let id = whole(message.id);
        let opens = id.is_some() && id == self.opening;
        let ends = id.is_some() && id == self.prompt && self.verdict.is_none();
        if !opens && !ends {
            return;
        }
        if message.error.is_some() {
            let error: RpcError<'_> = fields(message.error).unwrap_or_default();
            let verdict = of_error(&error, opens, now);
            self.updates.flush(events);
            events.push(TurnEvent::Error { text: verdict.end.detail() });
            self.verdict = Some(verdict);
            return;
        }
        let answer: Answer<'_> = fields(message.result).unwrap_or_default();
        if opens {
            let named = text(answer.session_id).map(|id| one_line(&id, MAX_LINE));
            if let Some(id) = named.or_else(|| self.session.take()) {
                self.session = Some(id.clone());
                events.push(TurnEvent::Session { id, model: None });
            }
        } else {
            self.updates.flush(events);
            if let Some(usage) = tokens(answer.usage) {
                self.usage = usage;
                events.push(TurnEvent::Usage { usage });
            }
            self.verdict = Some(of_stop(text(answer.stop_reason).as_deref()));
        }
    }

    fn note_cost(&mut self, cost: Option<&RawValue>) {
        let Some(cost) = fields::<Cost<'_>>(cost) else { return };
        let amount =
            number(cost.amount).filter(|amount| *amount >= 0.0 && word(cost.currency) == Some("USD"));
        // A cast of a number that is not negative saturates.
        self.cost = amount.map(|dollars| (dollars * 1e6).round() as u64).or(self.cost);
    }
}

fn tokens(raw: Option<&RawValue>) -> Option<Usage> {
    let tokens: Tokens<'_> = fields(raw)?;
    Some(Usage {
        input_tokens: whole(tokens.input_tokens),
        output_tokens: whole(tokens.output_tokens),
        cache_read_tokens: whole(tokens.cached_read_tokens),
        cache_write_tokens: whole(tokens.cached_write_tokens),
        cost_micro_usd: None,
        turns: None,
    })
}

impl TurnReader for AcpReader {
    fn line(&mut self, source: Source, line: &[u8], _truncated: bool, now: Timestamp) -> Vec<TurnEvent> {
        let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let mut events = Vec::new();
        match source {
            Source::Stdout if text.starts_with('{') => {
                // A message that was cut off cannot be answered; what it announced comes again with its end.
                if let Ok(message) = serde_json::from_str::<Message<'_>>(text) {
                    self.message(&message, now, &mut events);
                }
            }
            Source::Stdout | Source::Stderr => {
                let words = one_line(text, MAX_LINE);
                if !words.is_empty() {
                    self.tail.push_line(words.as_bytes());
                    self.last_words = Some(words.clone());
                    events.push(TurnEvent::Notice { text: words });
                }
            }
        }
        for event in &events {
            if let TurnEvent::Message { text } | TurnEvent::Error { text } = event {
                self.tail.push_line(text.as_bytes());
            }
        }
        events
    }

    fn finish(&mut self, exit: Exit) -> TurnReport {
        self.report().unwrap_or_else(|| self.reported(&of_exit(exit, self.last_words.as_deref())))
    }
}
