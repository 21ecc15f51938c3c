//! One line about each thing a worker does. What it says is data and is cleaned by whoever prints it.

use agent_runner_model::turn::TurnEvent;
use agent_runner_model::usage::Usage;

/// What a worker did, without its time; nothing for what is only a piece of something.
pub(crate) fn turn_line(event: &TurnEvent) -> Option<String> {
    Some(match event {
        TurnEvent::Session { id, model: Some(model) } => format!("session {id}, model {model}"),
        TurnEvent::Session { id, model: None } => format!("session {id}"),
        TurnEvent::TextDelta { .. } => return None,
        TurnEvent::Message { text } => text.clone(),
        TurnEvent::Thinking { text } => format!("thinks: {text}"),
        TurnEvent::ToolStarted { name, summary, .. } if summary.is_empty() => format!("> {name}"),
        TurnEvent::ToolStarted { name, summary, .. } => format!("> {name}: {summary}"),
        TurnEvent::ToolFinished { is_error: true, summary, .. } => format!("< failed: {summary}"),
        TurnEvent::ToolFinished { is_error: false, summary, .. } => format!("< {summary}"),
        TurnEvent::Plan { items } => {
            let items = items.iter().map(|item| format!("[{}] {}", item.status, item.text));
            format!("plan: {}", items.collect::<Vec<_>>().join("; "))
        }
        TurnEvent::Usage { usage } => format!("used {}", usage_words(usage)),
        TurnEvent::Limit { reset_at: Some(at), detail } => format!("limit until {at}: {detail}"),
        TurnEvent::Limit { reset_at: None, detail } => format!("limit: {detail}"),
        TurnEvent::Permission { tool, detail } => format!("refused {tool}: {detail}"),
        TurnEvent::Notice { text } => format!("note: {text}"),
        TurnEvent::Error { text } => format!("error: {text}"),
    })
}

/// Tokens and cost in words. What was not measured is not mentioned, and nothing measured is said.
pub(crate) fn usage_words(usage: &Usage) -> String {
    let read = [usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
    let read = read.into_iter().flatten().reduce(u64::saturating_add);
    let mut parts = Vec::new();
    if let Some(read) = read {
        parts.push(format!("{} tokens in", count_words(read)));
    }
    if let Some(written) = usage.output_tokens {
        parts.push(format!("{} out", count_words(written)));
    }
    if let Some(cost) = usage.cost_micro_usd {
        parts.push(cost_words(cost));
    }
    if parts.is_empty() { "unknown".to_owned() } else { parts.join(", ") }
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

/// Millionths of a dollar as dollars: whole cents from one dollar on, four digits below.
pub(crate) fn cost_words(micro_usd: u64) -> String {
    let dollars = micro_usd / 1_000_000;
    if dollars > 0 {
        format!("${dollars}.{:02}", micro_usd % 1_000_000 / 10_000)
    } else {
        format!("$0.{:04}", micro_usd / 100)
    }
}
