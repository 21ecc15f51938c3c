//! Messages of the model and results of its tools. What sub-agents say is told apart from the conversation itself.

use std::borrow::Cow;

use agent_runner_model::Timestamp;
use agent_runner_model::turn::TurnEvent;

use super::ends::Progress;
use super::failure::Failure;
use super::reader::{Reader, words_of};
use super::summary;
use super::tools::Call;
use super::wire::{Block, Line, Message};
use crate::json::{fields, flag, items, text, word};
use crate::text::{MAX_LINE, MAX_TEXT, clean, one_line};

/// Blocks of a message that are looked at.
const MAX_BLOCKS: usize = 256;
/// The model of messages that the client wrote itself.
const SYNTHETIC: &str = "<synthetic>";

impl Reader {
    /// An `assistant` line: blocks of a message, or an error of the provider in the shape of one.
    pub(super) fn answered(&mut self, line: &Line<'_>, now: Timestamp, events: &mut Vec<TurnEvent>) {
        let message: Message<'_> = fields(line.message).unwrap_or_default();
        let blocks = items(message.content, MAX_BLOCKS).into_iter();
        let blocks = blocks.filter_map(|raw| fields::<Block<'_>>(Some(raw)));
        let blocks: Vec<Block<'_>> = blocks.filter(|block| word(block.kind).is_some()).collect();
        let agent = sub_agent(line);
        let is_error = line.error.is_some() || flag(line.is_api_error_message) == Some(true);
        if is_error {
            let words: Vec<Cow<'_, str>> = blocks.iter().map(|block| words_of(block.text)).collect();
            return self.refused_by_provider(line, &words.join(" "), agent.as_deref(), now, events);
        }
        if agent.is_none() && !blocks.is_empty() {
            self.evidence.progress = Progress::Open;
            self.evidence.error = None;
            self.evidence.limit = None;
            self.evidence.retrying = None;
        }
        // What the client says in the model's place is no answer of the model.
        if agent.is_none() && word(message.model) != Some(SYNTHETIC) {
            self.account.answered(&message);
            self.tell_usage(events);
        }
        for block in &blocks {
            match word(block.kind) {
                Some("text") => match &agent {
                    None => self.say(&words_of(block.text), events),
                    Some(agent) => {
                        let text = one_line(&format!("{agent} says: {}", words_of(block.text)), MAX_LINE);
                        events.push(TurnEvent::Notice { text });
                    }
                },
                Some("thinking") if agent.is_none() => {
                    let words = words_of(block.thinking);
                    if !words.trim().is_empty() {
                        events.push(TurnEvent::Thinking { text: clean(&words, MAX_TEXT) });
                    }
                }
                Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
                    self.tool_started(block, agent.as_deref(), events);
                }
                // Tools that run at the provider answer in the model's own message.
                Some(kind) if kind.ends_with("_tool_result") => {
                    self.tool_finished(block, events);
                }
                Some(_) | None => {}
            }
        }
    }

    fn refused_by_provider(
        &mut self,
        line: &Line<'_>,
        words: &str,
        agent: Option<&str>,
        now: Timestamp,
        events: &mut Vec<TurnEvent>,
    ) {
        let failure = Failure::of(line, words, now);
        match agent {
            None => {
                self.keep(&failure.words);
                events.push(TurnEvent::Error { text: failure.words.clone() });
                self.evidence.progress = Progress::Open;
                self.note_limit(line, now);
                self.evidence.error = Some(failure);
                self.has_spoken = true;
            }
            Some(agent) => {
                let text = one_line(&format!("{agent} met an error: {}", failure.words), MAX_LINE);
                events.push(TurnEvent::Notice { text });
            }
        }
    }

    fn tool_started(&mut self, block: &Block<'_>, agent: Option<&str>, events: &mut Vec<TurnEvent>) {
        let name = one_line(&words_of(block.name), MAX_LINE);
        let id = one_line(&words_of(block.id), MAX_LINE);
        let summary = summary::of_call(&name, block.input);
        let summary = match agent {
            Some(agent) => one_line(&format!("{agent}: {summary}"), MAX_LINE),
            None => summary,
        };
        self.tools.started(Call { id: id.clone(), name: name.clone(), summary: summary.clone() });
        events.push(TurnEvent::ToolStarted { id, name, summary });
    }

    /// A `user` line: what tools answered. Other words on such lines are the runner's own, or the client's.
    pub(super) fn tool_results(&mut self, line: &Line<'_>, events: &mut Vec<TurnEvent>) {
        let message: Message<'_> = fields(line.message).unwrap_or_default();
        for raw in items(message.content, MAX_BLOCKS) {
            let Some(block) = fields::<Block<'_>>(Some(raw)) else { continue };
            if word(block.kind) != Some("tool_result") {
                continue;
            }
            let call = self.tool_finished(&block, events);
            let plan = call.and_then(|call| self.todo.answered(&call.name, line.tool_use_result));
            if let Some(items) = plan {
                events.push(TurnEvent::Plan { items });
            }
        }
    }

    /// A tool answered. Returns its call if it is known and did not fail.
    fn tool_finished(&mut self, block: &Block<'_>, events: &mut Vec<TurnEvent>) -> Option<Call> {
        let id = text(block.tool_use_id).map(|id| one_line(&id, MAX_LINE));
        let call = self.tools.ended(id.as_deref());
        let id = id.or_else(|| call.as_ref().map(|call| call.id.clone()))?;
        let is_error = flag(block.is_error).unwrap_or(false);
        events.push(TurnEvent::ToolFinished { id, is_error, summary: summary::of_result(block.content) });
        call.filter(|_| !is_error)
    }
}

/// What a sub-agent is called in words; nothing for the conversation itself.
fn sub_agent(line: &Line<'_>) -> Option<String> {
    line.parent_tool_use_id?;
    let name = text(line.task_description).or_else(|| text(line.subagent_type));
    Some(match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => format!("sub-agent ({})", one_line(&name, 60)),
        None => "sub-agent".to_owned(),
    })
}
