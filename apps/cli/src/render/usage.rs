//! Tokens, money and turns in words. What was not measured is not mentioned, and nothing measured is said: unknown is not zero.

use agent_runner_model::budget::{Amount, BudgetKind, dollars};
use agent_runner_model::usage::{Usage, UsageTotals};

/// An amount of what can be limited, in words; nothing is not mentioned.
pub(crate) fn amount_words(amount: &Amount) -> String {
    let parts = BudgetKind::ALL.into_iter().filter_map(|kind| {
        let value = amount.get(kind)?;
        Some(match kind {
            BudgetKind::WallClock => format!("{value} s"),
            BudgetKind::Tokens => format!("{} tokens", count_words(value)),
            BudgetKind::CostUsd => dollars(value),
            BudgetKind::Attempts => format!("{value} attempts"),
            BudgetKind::Turns => turn_words(value),
        })
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// Tokens, cost and turns in words.
pub(crate) fn usage_words(usage: &Usage) -> String {
    let read = [usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
    let read = read.into_iter().flatten().reduce(u64::saturating_add);
    let mut parts = Vec::new();
    if let Some(read) = read {
        parts.push(format!("{} tokens in", count_words(read)));
    }
    if let Some(written) = usage.output_tokens {
        let unit = if read.is_some() { "" } else { "tokens " };
        parts.push(format!("{} {unit}out", count_words(written)));
    }
    if let Some(cost) = usage.cost_micro_usd {
        parts.push(dollars(cost));
    }
    parts.extend(usage.turns.map(turn_words));
    if parts.is_empty() { "not measured".to_owned() } else { parts.join(", ") }
}

/// The same for a whole run.
pub(crate) fn totals_words(totals: &UsageTotals) -> String {
    let words = usage_words(&totals.usage);
    if totals.unmeasured_attempts > 0 && !totals.usage.is_unknown() {
        format!("at least {words}")
    } else {
        words
    }
}

/// Both together, when the second is that of an attempt that still goes on.
pub(crate) fn with_running(totals: &UsageTotals, running: &Usage) -> UsageTotals {
    let is_whole = running.output_tokens.is_some() && running.cost_micro_usd.is_some();
    UsageTotals {
        usage: totals.usage.plus(*running),
        unmeasured_attempts: totals.unmeasured_attempts.saturating_add(u32::from(!is_whole)),
    }
}

/// A reading that came later than another one of the same turn. What it does not mention stands.
pub(crate) fn updated(before: Usage, now: &Usage) -> Usage {
    Usage {
        input_tokens: now.input_tokens.or(before.input_tokens),
        output_tokens: now.output_tokens.or(before.output_tokens),
        cache_read_tokens: now.cache_read_tokens.or(before.cache_read_tokens),
        cache_write_tokens: now.cache_write_tokens.or(before.cache_write_tokens),
        cost_micro_usd: now.cost_micro_usd.or(before.cost_micro_usd),
        turns: now.turns.or(before.turns),
    }
}

fn turn_words(count: u64) -> String {
    format!("{count} turn{}", if count == 1 { "" } else { "s" })
}

/// A number of tokens, short: 950, 12.3k, 4.5M.
pub(crate) fn count_words(count: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", count / unit, (count % unit) * 10 / unit);
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}k", tenths(1_000)),
        _ => format!("{}M", tenths(1_000_000)),
    }
}
