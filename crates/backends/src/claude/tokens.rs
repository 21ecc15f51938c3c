//! What a turn used, from what the client counted, and how often the model answered. Zero only where the client's account is there and empty; a figure
//! that nobody measured is missing.

use agent_runner_model::usage::Usage;
use serde_json::value::RawValue;

use super::wire::{Line, Message, ModelTokens, StreamEvent, Tokens};
use crate::json::{fields, members, number, text, whole, word};
use crate::text::{MAX_LINE, one_line};

/// Adds up what a turn used.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What results accounted for.
    settled: Usage,
    /// Messages that ended since the last result.
    pending: Usage,
    /// What the message that is being written started with.
    begun: Usage,
    /// The cost of the whole conversation, in millionths of a dollar.
    cost: Option<u64>,
    /// Answers of the model in the conversation itself, and the name of the last one.
    answers: u64,
    last_answer: Option<String>,
}

impl Account {
    /// What was used so far.
    pub(super) fn so_far(&self) -> Usage {
        let used = self.settled.plus(self.pending);
        let turns = match (self.answers, used.output_tokens) {
            (0, Some(0)) => Some(0),
            // Whatever was answered, it was not printed as a message.
            (0, Some(_) | None) => None,
            (answers, _) => Some(answers),
        };
        Usage { turns, ..used }
    }

    /// The cost of the conversation as the client last said it.
    pub(super) fn cost(&self) -> Option<u64> {
        self.cost
    }

    /// A message began: what was read for it is known.
    pub(super) fn message_began(&mut self, message: &Message<'_>) {
        self.begun = tokens(message.usage).unwrap_or_default();
    }

    /// A message of the conversation itself began: that is a turn, whatever becomes of it. A provider may give all its
    /// messages the same name.
    pub(super) fn turn_began(&mut self, message: &Message<'_>) {
        self.last_answer = name_of(message);
        self.answers = self.answers.saturating_add(1);
    }

    /// A part of a message of the conversation itself. Each part has the name of its message; only one whose beginning
    /// was not told is a turn more. A part without a name belongs to whatever was answered last.
    pub(super) fn answered(&mut self, message: &Message<'_>) {
        let name = name_of(message);
        if name.is_some() && name != self.last_answer {
            self.turn_began(message);
        }
    }

    /// The provider's last word about a message. A message that was broken off has none.
    pub(super) fn message_ended(&mut self, event: &StreamEvent<'_>, stop_reason: Option<&RawValue>) {
        let begun = std::mem::take(&mut self.begun);
        let (Some(_), Some(last)) = (word(stop_reason), tokens(event.usage)) else { return };
        let message = Usage {
            input_tokens: last.input_tokens.or(begun.input_tokens),
            output_tokens: last.output_tokens,
            cache_read_tokens: last.cache_read_tokens.or(begun.cache_read_tokens),
            cache_write_tokens: last.cache_write_tokens.or(begun.cache_write_tokens),
            cost_micro_usd: None,
            turns: None,
        };
        self.pending = self.pending.plus(message);
    }

    /// A result accounts for everything since the one before it, messages that were broken off and sub-agents included
    /// where it has an account by model.
    pub(super) fn result(&mut self, line: &Line<'_>, is_whole: bool) {
        // What is left of an account that was cut off would be too little.
        let account = line.model_usage_since_last_result.filter(|raw| is_whole && raw.get().starts_with('{'));
        let by_model = account.map(|account| {
            let models = members(Some(account)).into_iter();
            let models = models.filter_map(|(_, model)| fields::<ModelTokens<'_>>(Some(model)));
            models.fold(NOTHING, |sum, model| sum.plus(of_model(&model)))
        });
        let own = tokens(line.usage).filter(|usage| usage.output_tokens != Some(0));
        if let Some(used) = by_model.or(own) {
            self.settled = self.settled.plus(used);
            self.pending = Usage::default();
        }
        let cost = number(line.total_cost_usd).filter(|cost| *cost >= 0.0);
        // A result without an account, such as that of a conversation that was not found, says nothing about its cost.
        self.cost = cost.filter(|cost| *cost > 0.0 || by_model.is_some()).map(micro).or(self.cost);
    }
}

/// An account in which nothing was used: measured, and zero.
const NOTHING: Usage = Usage {
    input_tokens: Some(0),
    output_tokens: Some(0),
    cache_read_tokens: Some(0),
    cache_write_tokens: Some(0),
    cost_micro_usd: None,
    turns: None,
};

fn tokens(raw: Option<&RawValue>) -> Option<Usage> {
    let tokens: Tokens<'_> = fields(raw)?;
    Some(Usage {
        input_tokens: whole(tokens.input_tokens),
        output_tokens: Some(whole(tokens.output_tokens)?),
        cache_read_tokens: whole(tokens.cache_read_input_tokens),
        cache_write_tokens: whole(tokens.cache_creation_input_tokens),
        cost_micro_usd: None,
        turns: None,
    })
}

fn of_model(model: &ModelTokens<'_>) -> Usage {
    Usage {
        input_tokens: whole(model.input_tokens),
        output_tokens: whole(model.output_tokens),
        cache_read_tokens: whole(model.cache_read_input_tokens),
        cache_write_tokens: whole(model.cache_creation_input_tokens),
        cost_micro_usd: None,
        turns: None,
    }
}

/// The provider's name of a message, as far as it is kept.
fn name_of(message: &Message<'_>) -> Option<String> {
    let name = text(message.id).map(|name| one_line(&name, MAX_LINE));
    name.filter(|name| !name.is_empty())
}

/// Dollars in millionths, rounded.
fn micro(dollars: f64) -> u64 {
    // A cast of a number that is not negative saturates.
    (dollars * 1e6).round() as u64
}
