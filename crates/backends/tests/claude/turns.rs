//! How often the model answered: counted while it works, message by message.

use std::collections::BTreeSet;

use agent_runner_backends::{TurnEvent, TurnReader};
use agent_runner_model::usage::Usage;
use agent_runner_supervisor::{Exit, Source};
use serde_json::{Value, json};

use crate::expectations::expectations;
use crate::replay::{lines, names, reader, replay, then, transcript};

/// Recordings in which the scripted provider gave all its messages the same name.
const NAMELESS: &[&str] = &["stop-max-tokens", "stop-refusal"];

fn printed(name: &str) -> Vec<Value> {
    let transcript = transcript(name);
    lines(&transcript.stdout).into_iter().filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The names of the messages of the model in the conversation itself, as often as they are begun or shown.
fn messages(name: &str) -> Vec<String> {
    let of_main = printed(name).into_iter().filter(|line| line["parent_tool_use_id"].is_null());
    let messages = of_main.filter_map(|line| match line["type"].as_str()? {
        "assistant" => Some(line["message"].clone()),
        "stream_event" if line["event"]["type"] == "message_start" => Some(line["event"]["message"].clone()),
        _ => None,
    });
    let of_model = messages.filter(|message| message["model"] != "<synthetic>");
    of_model.map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

fn turns(name: &str) -> Option<u64> {
    replay(&transcript(name)).report.usage.turns
}

#[test]
fn turns_are_the_messages_of_the_conversation_itself() {
    let mut counted = 0;
    for name in names("claude/print").iter().filter(|name| !NAMELESS.contains(&name.as_str())) {
        let distinct: BTreeSet<String> = messages(name).into_iter().collect();
        assert_eq!(turns(name).unwrap_or(0), distinct.len() as u64, "{name}");
        counted += distinct.len();
    }
    assert!(counted > 60, "{counted}");
}

#[test]
fn messages_of_the_same_name_are_turns_each_that_begins() {
    for name in NAMELESS {
        assert_eq!(messages(name).into_iter().collect::<BTreeSet<_>>().len(), 1, "{name}");
        let results = printed(name).into_iter().filter(|line| line["type"] == "result");
        let told: u64 = results.map(|result| result["num_turns"].as_u64().unwrap()).sum();
        assert_eq!(turns(name), Some(told), "{name}");
    }
}

/// The client's own figure is there only at the end, and counts what is no answer where a turn was cut off.
#[test]
fn the_client_counts_the_same_where_a_turn_ended_by_itself() {
    let well =
        expectations().into_iter().filter(|expected| expected.is_well() && expected.name != "max-turns");
    for expected in well {
        let results = printed(expected.name).into_iter().filter(|line| line["type"] == "result");
        let told: u64 = results.map(|result| result["num_turns"].as_u64().unwrap()).sum();
        assert_eq!(turns(expected.name), Some(told), "{}", expected.name);
    }
}

fn tell(reader: &mut dyn TurnReader, line: &Value) -> Vec<Usage> {
    let events = reader.line(Source::Stdout, line.to_string().as_bytes(), false, then());
    let told = events.into_iter().filter_map(|event| match event {
        TurnEvent::Usage { usage } => Some(usage),
        _ => None,
    });
    told.collect()
}

fn begins(id: &str, parent: Option<&str>) -> Value {
    let message = json!({"id": id, "model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}});
    json!({"type": "stream_event", "event": {"type": "message_start", "message": message},
        "parent_tool_use_id": parent})
}

fn shows(id: Option<&str>, model: &str, parent: Option<&str>) -> Value {
    let content = json!([{"type": "text", "text": "Words."}]);
    json!({"type": "assistant", "message": {"id": id, "model": model, "content": content},
        "parent_tool_use_id": parent})
}

#[test]
fn a_turn_is_told_when_it_begins_and_once() {
    let mut reader = reader();
    let turns = |usage: &Usage| usage.turns.unwrap();
    let mut told = |line: Value| -> Vec<u64> { tell(reader.as_mut(), &line).iter().map(turns).collect() };
    assert_eq!(told(begins("a", None)), [1]);
    assert_eq!(told(shows(Some("a"), "m", None)), [0; 0], "its first part");
    assert_eq!(told(begins("s", Some("call"))), [0; 0], "a sub-agent's");
    assert_eq!(told(shows(Some("s"), "m", Some("call"))), [0; 0]);
    assert_eq!(told(shows(Some("a"), "m", None)), [0; 0], "another part, with a sub-agent's in between");
    assert_eq!(told(shows(Some("x"), "<synthetic>", None)), [0; 0], "the client's own words");
    assert_eq!(told(shows(None, "m", None)), [0; 0], "without a name it belongs to the last one");
    assert_eq!(told(shows(Some("b"), "m", None)), [2], "its beginning was not told");
    assert_eq!(told(begins("b", None)), [3], "a provider that calls all its messages the same");
    assert_eq!(reader.finish(Exit::Signal(9)).usage.turns, Some(3));
}

#[test]
fn turns_that_nobody_counted_are_unknown_and_not_none() {
    assert_eq!(reader().finish(Exit::Signal(9)).usage.turns, None, "nothing was printed");
    let result = |written: u64| {
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "done",
            "usage": {"output_tokens": written}, "modelUsage": {}})
    };
    let mut silent = reader();
    tell(silent.as_mut(), &result(5));
    assert_eq!(silent.finish(Exit::Code(0)).usage.turns, None, "something was answered, and not shown");
    assert_eq!(turns("e401"), Some(0), "by the client's own account nothing was");
}
