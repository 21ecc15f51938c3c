//! Whole turns as they are told, event by event.

use agent_runner_backends::TurnEvent;

use crate::replay::{reader, replay, then, transcript};

/// An event in a line. Pieces of messages are left out.
fn told(event: &TurnEvent) -> Option<String> {
    let short = |text: &str| text.chars().take(60).collect::<String>();
    Some(match event {
        TurnEvent::Session { model, .. } => format!("session {}", model.as_deref().unwrap_or("-")),
        TurnEvent::TextDelta { .. } => return None,
        TurnEvent::Message { text } => format!("says {text}"),
        TurnEvent::Thinking { text } => format!("thinks {text}"),
        TurnEvent::ToolStarted { name, summary, .. } => format!("begins {name} {}", short(summary)),
        TurnEvent::ToolFinished { is_error, summary, .. } => {
            format!("{} {}", if *is_error { "fails" } else { "gets" }, short(summary))
        }
        TurnEvent::Plan { items } => {
            let items: Vec<String> =
                items.iter().map(|item| format!("{} {}", item.text, item.status)).collect();
            format!("plans {}", items.join(", "))
        }
        TurnEvent::Usage { usage } => match (usage.turns, usage.output_tokens) {
            (turns, None) => format!("turn {}", turns.unwrap_or_default()),
            (Some(turns), Some(tokens)) => format!("used {tokens} in {turns}"),
            (None, Some(tokens)) => format!("used {tokens}"),
        },
        TurnEvent::Limit { reset_at, detail } => format!("limit {} {}", reset_at.is_some(), short(detail)),
        TurnEvent::Permission { tool, detail } => format!("refused {tool} {}", short(detail)),
        TurnEvent::Notice { text } => format!("notice {}", short(text)),
        TurnEvent::Error { text } => format!("error {}", short(text)),
    })
}

fn story(name: &str) -> Vec<String> {
    replay(&transcript(name)).events.iter().filter_map(told).collect()
}

#[test]
fn a_turn_is_told_as_it_happened() {
    assert_eq!(
        story("basic-partial"),
        [
            "session -",
            "session claude-opus-5-5",
            "turn 1",
            "thinks let me think",
            "says I will look.",
            "begins Bash echo hi",
            "used 50 in 1",
            "gets hi",
            "used 50 in 2",
            "says done",
            "used 100 in 2",
        ]
    );
}

#[test]
fn pieces_add_up_to_the_messages() {
    for name in ["first", "basic-partial", "subagent-forward"] {
        let events = replay(&transcript(name)).events;
        let (mut pieces, mut whole) = (String::new(), String::new());
        for event in &events {
            match event {
                TurnEvent::TextDelta { text } => pieces.push_str(text),
                TurnEvent::Message { text } => whole.push_str(text),
                _ => {}
            }
        }
        assert_eq!(pieces, whole, "{name}");
    }
}

#[test]
fn refusals_are_told_when_they_happen() {
    assert_eq!(
        story("restricted-denied"),
        [
            "session claude-opus-5-5",
            "turn 1",
            "begins Bash touch f",
            "refused Bash touch f: touch in '/home/somebody/project/f' needs approval.",
            "fails touch in '/home/somebody/project/f' needs approval. The path",
            "turn 2",
            "says done",
            "used 100 in 2",
        ]
    );
}

#[test]
fn plans_follow_the_tools_that_keep_them() {
    let plans = |name: &str| -> Vec<String> {
        story(name).into_iter().filter(|line| line.starts_with("plans")).collect()
    };
    assert_eq!(
        plans("todo-tools-enabled"),
        [
            "plans first pending",
            "plans first pending, second pending",
            "plans first in_progress, second pending",
            "plans first completed, second pending",
            "plans first completed, second pending",
        ]
    );
    assert_eq!(plans("todo-tools-enabled-no-tasks"), ["plans a in_progress, b pending"]);
    assert_eq!(plans("tools-todo"), [""; 0], "what was refused is no plan");
}

#[test]
fn sub_agents_are_told_apart() {
    assert_eq!(
        story("subagent"),
        [
            "session claude-opus-5-5",
            "turn 1",
            "says delegating",
            "begins Task look",
            "gets Async agent launched successfully. (This tool result is inte",
            "turn 2",
            "says (script finished)",
            "notice sub-agent (look) says: (script finished)",
            "notice work in the background: completed: (script finished)",
            "turn 3",
            "says (script finished)",
            "used 200 in 3",
        ]
    );
}

#[test]
fn limits_and_retries_are_told_when_they_are_met() {
    assert_eq!(
        story("e429-unified-oauth"),
        [
            "session claude-sonnet-5-5",
            "limit true the account's 5-hour limit is reached",
            "error You've hit your 5-hour limit · resets 8:37am (UTC)",
            "used 0 in 0",
        ]
    );
    assert_eq!(
        story("e529-retries1"),
        [
            "session claude-opus-5-5",
            "notice the provider is overloaded (529); claude tries again in 0.5 ",
            "error API Error: 529 Overloaded. This is a server-side issue, usua",
            "used 0 in 0",
        ]
    );
}

#[test]
fn tools_of_the_provider_end_in_the_models_message() {
    let line = r#"{"type":"assistant","message":{"content":[
        {"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"rust"}},
        {"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","title":"Rust"}]}
    ]}}"#;
    let events = reader().line(agent_runner_supervisor::Source::Stdout, line.as_bytes(), false, then());
    let told: Vec<String> = events.iter().filter_map(told).collect();
    assert_eq!(told, ["begins web_search {\"query\":\"rust\"}", "gets [web_search_result]"]);
}
