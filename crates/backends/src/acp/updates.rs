//! What a session's updates tell, as events. Messages come in pieces: each is told as it comes, and the whole once it
//! is over. Keeps one message and a few tool calls, whatever is sent.

use std::collections::VecDeque;

use agent_runner_model::turn::{PlanItem, TurnEvent};
use serde_json::value::RawValue;

use super::wire::{Block, Update};
use crate::json::{fields, items, text, word};
use crate::text::{MAX_LINE, MAX_TEXT, clean, head, one_line};

/// Tool calls that are remembered until they end.
const MAX_CALLS: usize = 64;
/// Items of a plan, and blocks of a result, that are looked at.
const MAX_ITEMS: usize = 100;

/// Whose words are being put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    Message,
    Thought,
}

/// A message that may go on.
#[derive(Debug)]
struct Partial {
    voice: Voice,
    id: Option<String>,
    words: String,
}

/// A tool call that was announced.
#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    summary: String,
    told: bool,
}

/// Follows one turn.
#[derive(Debug, Default)]
pub(super) struct Updates {
    partial: Option<Partial>,
    calls: VecDeque<Call>,
}

impl Updates {
    pub(super) fn update(&mut self, update: &Update<'_>, events: &mut Vec<TurnEvent>) {
        match word(update.session_update) {
            Some("agent_message_chunk") => self.piece(Voice::Message, update, events),
            Some("agent_thought_chunk") => self.piece(Voice::Thought, update, events),
            Some("tool_call" | "tool_call_update") => {
                self.flush(events);
                self.call(update, events);
            }
            Some("plan") => {
                self.flush(events);
                let entries = items(update.entries, MAX_ITEMS).into_iter();
                let items = entries.filter_map(|raw| {
                    let entry: Block<'_> = fields(Some(raw))?;
                    let status = text(entry.status).unwrap_or("pending".into());
                    Some(PlanItem {
                        text: one_line(&text(entry.content)?, MAX_LINE),
                        status: one_line(&status, MAX_LINE),
                    })
                });
                events.push(TurnEvent::Plan { items: items.collect() });
            }
            Some(_) | None => {}
        }
    }

    /// A message that was being written is over. Returns its words if it was one.
    pub(super) fn flush(&mut self, events: &mut Vec<TurnEvent>) {
        let Some(partial) = self.partial.take().filter(|partial| !partial.words.trim().is_empty()) else {
            return;
        };
        let text = clean(&partial.words, MAX_TEXT);
        events.push(match partial.voice {
            Voice::Message => TurnEvent::Message { text },
            Voice::Thought => TurnEvent::Thinking { text },
        });
    }

    fn piece(&mut self, voice: Voice, update: &Update<'_>, events: &mut Vec<TurnEvent>) {
        let block: Block<'_> = fields(update.content).unwrap_or_default();
        let Some(words) = text(block.text).filter(|words| !words.is_empty()) else { return };
        let id = text(update.message_id).map(|id| one_line(&id, MAX_LINE));
        if self.partial.as_ref().is_some_and(|partial| partial.voice != voice || partial.id != id) {
            self.flush(events);
        }
        let partial = self.partial.get_or_insert_with(|| Partial { voice, id, words: String::new() });
        partial.words.push_str(head(&words, MAX_TEXT.saturating_sub(partial.words.len())));
        if voice == Voice::Message {
            events.push(TurnEvent::TextDelta { text: clean(&words, MAX_TEXT) });
        }
    }

    /// A tool call is announced, often before its input is known; told when it is; and ends.
    fn call(&mut self, update: &Update<'_>, events: &mut Vec<TurnEvent>) {
        let Some(id) = text(update.tool_call_id).map(|id| one_line(&id, MAX_LINE)) else { return };
        let at = match self.calls.iter().position(|call| call.id == id) {
            Some(at) => at,
            None => {
                let name = text(update.name).or_else(|| text(update.kind)).unwrap_or("tool".into());
                let call = Call { id, name: one_line(&name, MAX_LINE), summary: String::new(), told: false };
                if self.calls.len() >= MAX_CALLS {
                    self.calls.pop_front();
                }
                self.calls.push_back(call);
                self.calls.len() - 1
            }
        };
        let status = word(update.status);
        let Some(call) = self.calls.get_mut(at) else { return };
        if let Some(title) = text(update.title) {
            call.summary = one_line(&title, MAX_LINE);
        }
        let has_input = update.raw_input.is_some_and(|input| !matches!(input.get(), "{}" | "null"));
        let is_over = matches!(status, Some("completed" | "failed"));
        if !call.told && (has_input || is_over || status == Some("in_progress")) {
            call.told = true;
            let (id, name, summary) = (call.id.clone(), call.name.clone(), call.summary.clone());
            events.push(TurnEvent::ToolStarted { id, name, summary });
        }
        if is_over && let Some(call) = self.calls.remove(at) {
            let is_error = status == Some("failed");
            events.push(TurnEvent::ToolFinished { id: call.id, is_error, summary: answer(update) });
        }
    }
}

/// The beginning of what a tool answered.
fn answer(update: &Update<'_>) -> String {
    if let Some(words) = text(update.raw_output) {
        return one_line(&words, MAX_LINE);
    }
    let blocks = items(update.content, MAX_ITEMS).into_iter();
    let words: Vec<String> = blocks.filter_map(words_of).collect();
    if words.is_empty() {
        return one_line(update.raw_output.map_or("", |raw| head(raw.get(), 4 * MAX_LINE)), MAX_LINE);
    }
    one_line(&words.join(" "), MAX_LINE)
}

fn words_of(raw: &RawValue) -> Option<String> {
    let outer: Block<'_> = fields(Some(raw))?;
    let inner: Block<'_> = fields(outer.content)?;
    text(inner.text).map(|words| words.into_owned())
}
