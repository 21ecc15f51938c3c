//! Tool calls that are under way, and refusals that were told. Keeps the last few of each.

use std::collections::VecDeque;

use agent_runner_model::turn::TurnEvent;
use serde_json::value::RawValue;

use super::summary;
use super::wire::Denial;
use crate::json::{fields, items, text, word};
use crate::text::{MAX_LINE, one_line};

/// Calls that are remembered.
const MAX_CALLS: usize = 64;
/// Refusals that are remembered, so that each is told once, and those of a result that are looked at.
const MAX_REFUSALS: usize = 256;
/// Characters of a call in the words about its refusal.
const CALL_WIDTH: usize = 120;

/// A tool call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub id: String,
    pub name: String,
    pub summary: String,
}

/// What is known of the turn's tool calls.
#[derive(Debug, Default)]
pub(super) struct Tools {
    calls: VecDeque<Call>,
    refused: VecDeque<String>,
}

impl Tools {
    pub(super) fn started(&mut self, call: Call) {
        if self.calls.len() >= MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// Whether a call is under way.
    pub(super) fn is_open(&self, id: Option<&str>) -> bool {
        self.calls.iter().any(|call| Some(call.id.as_str()) == id)
    }

    /// The call that ended. A result that was cut off before it names its call belongs to the only one there is.
    pub(super) fn ended(&mut self, id: Option<&str>) -> Option<Call> {
        let at = match id {
            Some(id) => self.calls.iter().position(|call| call.id == id)?,
            None if self.calls.len() == 1 => 0,
            None => return None,
        };
        self.calls.remove(at)
    }

    /// A refusal, told when it happens.
    pub(super) fn refused(&mut self, tool: &str, id: Option<&str>, why: &str, events: &mut Vec<TurnEvent>) {
        let call = self.calls.iter().rev().find(|call| Some(call.id.as_str()) == id);
        let detail = match call {
            Some(call) if !call.summary.is_empty() => {
                one_line(&format!("{}: {why}", one_line(&call.summary, CALL_WIDTH)), MAX_LINE)
            }
            Some(_) | None => one_line(why, MAX_LINE),
        };
        self.tell(tool, id, detail, events);
    }

    /// The refusals of a whole turn, in its result.
    pub(super) fn refused_in_all(&mut self, denials: Option<&RawValue>, events: &mut Vec<TurnEvent>) {
        for raw in items(denials, MAX_REFUSALS) {
            let Some(denial) = fields::<Denial<'_>>(Some(raw)) else { continue };
            let Some(tool) = text(denial.tool_name) else { continue };
            let detail = summary::of_call(&tool, denial.tool_input);
            self.tell(&tool, word(denial.tool_use_id), detail, events);
        }
    }

    fn tell(&mut self, tool: &str, id: Option<&str>, detail: String, events: &mut Vec<TurnEvent>) {
        if let Some(id) = id {
            if self.refused.iter().any(|known| known == id) {
                return;
            }
            if self.refused.len() >= MAX_REFUSALS {
                self.refused.pop_front();
            }
            self.refused.push_back(one_line(id, MAX_LINE));
        }
        events.push(TurnEvent::Permission { tool: one_line(tool, MAX_LINE), detail });
    }
}
