//! What attempts use: tokens, money and answers of the model. A figure that was not measured is missing; it is never zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::AttemptRecord;

/// What an attempt used. A missing figure was not measured; it is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read that were in no cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    /// Tokens put into the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Cost in millionths of a US dollar, as the backend reckons it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
    /// Answers of the model, as the backend counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
}

/// A reading of a counter that a backend keeps over a whole conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meter {
    /// Which conversation.
    pub session_id: String,
    /// Cost of the conversation so far, in millionths of a US dollar.
    pub cost_micro_usd: u64,
}

/// What the attempts of a run used together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct UsageTotals {
    /// The sums of what was measured.
    #[serde(flatten)]
    pub usage: Usage,
    /// Attempts of which something was not measured: the sums are at least this much.
    pub unmeasured_attempts: u32,
}

impl Usage {
    /// Whether nothing was measured.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// These figures, and the other ones where they are missing.
    pub fn or(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(other.input_tokens),
            output_tokens: self.output_tokens.or(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.or(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.or(other.cache_write_tokens),
            cost_micro_usd: self.cost_micro_usd.or(other.cost_micro_usd),
            turns: self.turns.or(other.turns),
        }
    }

    /// Both together; a figure that is missing in both stays missing.
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cache_read_tokens: sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, other.cache_write_tokens),
            cost_micro_usd: sum(self.cost_micro_usd, other.cost_micro_usd),
            turns: sum(self.turns, other.turns),
        }
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    }
}

/// The cost of the attempt a reading was taken after: what was added since the last reading of the same conversation.
/// So an attempt that was killed before it could be read is paid for by the next one. A counter that went back was
/// started anew.
pub fn cost_since(records: &[AttemptRecord], meter: &Meter) -> u64 {
    let last = records.iter().rev().filter_map(|record| record.meter.as_ref());
    let before =
        last.filter(|known| known.session_id == meter.session_id).map(|known| known.cost_micro_usd).next();
    match before {
        Some(before) if before <= meter.cost_micro_usd => meter.cost_micro_usd - before,
        Some(_) | None => meter.cost_micro_usd,
    }
}

/// What the attempts used together.
pub fn totals(records: &[AttemptRecord]) -> UsageTotals {
    let mut totals = UsageTotals::default();
    for record in records {
        totals.usage = totals.usage.plus(record.usage);
        let is_whole = record.usage.output_tokens.is_some() && record.usage.cost_micro_usd.is_some();
        if !is_whole {
            totals.unmeasured_attempts = totals.unmeasured_attempts.saturating_add(1);
        }
    }
    totals
}
