//! What a worker did, whole: a word for its kind, and its text. What it says is data and is cleaned by whoever prints it.

use agent_runner_model::turn::TurnEvent;

use super::usage::usage_words;

/// The kind of an event in a word, and what there is to say about it, in any number of lines; nothing for what is only a
/// piece of something.
pub(super) fn turn_words(event: &TurnEvent) -> Option<(&'static str, String)> {
    Some(match event {
        TurnEvent::Session { id, model: Some(model) } => ("session", format!("{id}, model {model}")),
        TurnEvent::Session { id, model: None } => ("session", id.clone()),
        TurnEvent::TextDelta { .. } => return None,
        TurnEvent::Message { text } => ("says", text.clone()),
        TurnEvent::Thinking { text } => ("thinks", text.clone()),
        TurnEvent::ToolStarted { name, summary, .. } if summary.is_empty() => ("tool", name.clone()),
        TurnEvent::ToolStarted { name, summary, .. } => ("tool", format!("{name}: {summary}")),
        TurnEvent::ToolFinished { is_error: true, summary, .. } => ("failed", summary.clone()),
        TurnEvent::ToolFinished { is_error: false, summary, .. } => ("result", summary.clone()),
        TurnEvent::Plan { items } => {
            let items = items.iter().map(|item| format!("[{}] {}", item.status, item.text));
            ("plan", items.collect::<Vec<_>>().join("\n"))
        }
        TurnEvent::Usage { usage } => ("used", usage_words(usage)),
        TurnEvent::Limit { reset_at: Some(at), detail } => ("limit", format!("until {at}: {detail}")),
        TurnEvent::Limit { reset_at: None, detail } => ("limit", detail.clone()),
        TurnEvent::Permission { tool, detail } => ("refused", format!("{tool}: {detail}")),
        TurnEvent::Notice { text } => ("note", text.clone()),
        TurnEvent::Error { text } => ("error", text.clone()),
    })
}
