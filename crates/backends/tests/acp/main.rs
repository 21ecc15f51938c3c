//! The reading half of the Agent Client Protocol, over recorded exchanges: what the client sent tells which answers are
//! which, as whoever drives an agent will.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]

use std::path::PathBuf;

use agent_runner_backends::{AcpReader, TurnEvent, TurnReader, TurnReport};
use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, Misconfiguration};
use agent_runner_supervisor::{Exit, Source};
use proptest::prelude::*;
use serde_json::Value;

/// A turn, or a conversation that could not be opened.
struct Turn {
    events: Vec<TurnEvent>,
    report: TurnReport,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/acp")
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-20T06:40:00Z").unwrap()
}

fn exchange(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Tells the reader what was sent.
fn sent(reader: &mut AcpReader, message: &Value) {
    let Some(id) = message["id"].as_u64() else { return };
    match message["method"].as_str() {
        Some("session/new") => reader.opening(id, None),
        Some("session/load") => reader.opening(id, message["params"]["sessionId"].as_str()),
        Some("session/prompt") => reader.prompting(id),
        _ => {}
    }
}

fn turns(name: &str) -> Vec<Turn> {
    let mut reader = AcpReader::default();
    let mut turns = Vec::new();
    let mut events = Vec::new();
    for line in exchange(name) {
        let message = &line["msg"];
        match line["dir"].as_str() {
            Some(">") => sent(&mut reader, message),
            Some("<") => {
                let was_over = reader.is_over();
                events.extend(reader.line(Source::Stdout, message.to_string().as_bytes(), false, now()));
                if reader.is_over() && (!was_over || message["error"].is_object()) {
                    turns
                        .push(Turn { events: std::mem::take(&mut events), report: reader.report().unwrap() });
                }
            }
            _ => {}
        }
    }
    turns
}

impl Turn {
    fn said(&self) -> Vec<&str> {
        let said = self.events.iter().filter_map(|event| match event {
            TurnEvent::Message { text } => Some(text.as_str()),
            _ => None,
        });
        said.collect()
    }

    fn calls(&self) -> Vec<(&str, &str)> {
        let calls = self.events.iter().filter_map(|event| match event {
            TurnEvent::ToolStarted { name, summary, .. } => Some((name.as_str(), summary.as_str())),
            _ => None,
        });
        calls.collect()
    }

    fn tokens(&self) -> [Option<u64>; 4] {
        let usage = self.report.usage;
        [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens]
    }

    fn cost(&self) -> Option<u64> {
        self.report.meter.as_ref().map(|meter| meter.cost_micro_usd)
    }
}

#[test]
fn two_prompts_are_two_turns() {
    let turns = turns("claude-agent-acp");
    let [first, second] = turns.as_slice() else { panic!("{} turns", turns.len()) };
    assert_eq!(
        first.said(),
        ["I will look at the directory first.", "Done: the file made-by-agent.txt was written."]
    );
    let commands = [
        "echo mock-tool-ran; pwd; ls",
        "printf 'hello from the mock\\n' > made-by-agent.txt && cat made-by-agent.txt",
    ];
    assert_eq!(first.calls(), commands.map(|command| ("Bash", command)));
    let finished = first.events.iter().filter_map(|event| match event {
        TurnEvent::ToolFinished { is_error, summary, .. } => Some((*is_error, summary.as_str())),
        _ => None,
    });
    assert_eq!(
        finished.collect::<Vec<_>>(),
        [(false, "mock-tool-ran /home/somebody/project"), (false, "hello from the mock")]
    );
    assert_eq!(first.tokens(), [Some(3000), Some(150), Some(600), Some(0)]);
    assert_eq!(first.cost(), Some(15260));
    assert!(matches!(&first.events[0], TurnEvent::Session { id, .. } if id.starts_with("b8da07da")));
    let asked = first
        .events
        .iter()
        .any(|event| matches!(event, TurnEvent::Notice { text } if text.contains("asks whether it may")));
    assert!(asked);
    assert_eq!(second.said(), ["Second turn finished."]);
    assert_eq!((second.tokens()[0], second.cost()), (Some(2000), Some(25340)));
    assert!(turns.iter().all(|turn| turn.report.end == AttemptEnd::Reported));
}

#[test]
fn pieces_of_a_message_add_up_to_it() {
    let turns = turns("claude-agent-acp");
    let pieces = turns[0].events.iter().filter_map(|event| match event {
        TurnEvent::TextDelta { text } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(pieces.collect::<String>(), turns[0].said().concat());
}

#[test]
fn the_history_of_a_loaded_conversation_is_no_turn() {
    let turns = turns("claude-agent-acp-load");
    let [third, unknown] = turns.as_slice() else { panic!("{} turns", turns.len()) };
    assert_eq!(third.said(), ["Third turn finished."]);
    assert_eq!(third.calls(), []);
    assert_eq!(third.report.end, AttemptEnd::Reported);
    assert!(unknown.report.session_lost);
    assert!(
        matches!(&unknown.report.end, AttemptEnd::Crashed { detail } if detail.contains("does not know"))
    );
}

#[test]
fn a_cancelled_turn_is_no_success() {
    let turns = turns("claude-agent-acp-cancel");
    assert!(matches!(&turns[0].report.end, AttemptEnd::Crashed { detail } if detail.contains("cancelled")));
    assert_eq!(turns[0].said(), ["Going to sleep in a tool."]);
    assert_eq!(turns[0].tokens()[1], Some(50));
    assert!(
        turns[0].events.iter().any(|event| matches!(event, TurnEvent::ToolFinished { is_error: true, .. }))
    );
}

#[test]
fn errors_of_the_provider_are_told_apart() {
    let refused = &turns("claude-agent-acp-e401")[0].report.end;
    assert!(
        matches!(refused, AttemptEnd::Misconfigured { what: Misconfiguration::Authentication, .. }),
        "{refused:?}"
    );
    let limited = &turns("claude-agent-acp-e429")[0].report.end;
    assert!(
        matches!(limited, AttemptEnd::Limited { reset_at: None, detail } if detail.contains("429")),
        "{limited:?}"
    );
}

#[test]
fn every_recording_is_looked_at() {
    let files =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.strip_suffix(".jsonl")?.to_owned())).collect();
    names.sort();
    let known = ["", "-cancel", "-e401", "-e429", "-load"].map(|suffix| format!("claude-agent-acp{suffix}"));
    assert_eq!(names, known);
}

#[test]
fn an_agent_that_ends_before_it_answers_has_not_reported() {
    let mut reader = AcpReader::default();
    reader.opening(1, None);
    reader.prompting(2);
    reader.line(Source::Stderr, b"panic at line 3", false, now());
    let end = reader.finish(Exit::Code(1)).end;
    assert!(matches!(&end, AttemptEnd::Crashed { detail } if detail.contains("panic at line 3")), "{end:?}");
    assert!(matches!(reader.finish(Exit::Code(0)).end, AttemptEnd::ProtocolError { .. }));
    for (reason, reported) in
        [("end_turn", true), ("max_turn_requests", true), ("refusal", false), ("new", false)]
    {
        reader.prompting(3);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":3,"result":{{"stopReason":"{reason}"}}}}"#);
        reader.line(Source::Stdout, answer.as_bytes(), false, now());
        assert_eq!(reader.report().unwrap().end == AttemptEnd::Reported, reported, "{reason}");
    }
}

#[test]
fn plans_and_thoughts_are_told() {
    let mut reader = AcpReader::default();
    reader.prompting(1);
    let mut update = |update: &str| {
        let line = format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"update":{update}}}}}"#);
        reader.line(Source::Stdout, line.as_bytes(), false, now())
    };
    let thought = r#"{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"hm"}}"#;
    assert_eq!(update(thought), []);
    let plan =
        r#"{"sessionUpdate":"plan","entries":[{"content":"look","status":"completed"},{"content":"leap"}]}"#;
    let events = update(plan);
    let [TurnEvent::Thinking { text }, TurnEvent::Plan { items }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(text, "hm");
    let items: Vec<_> = items.iter().map(|item| (item.text.as_str(), item.status.as_str())).collect();
    assert_eq!(items, [("look", "completed"), ("leap", "pending")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_messages_are_survived(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..10)) {
        let mut lines: Vec<(bool, Value, Vec<u8>)> = exchange("claude-agent-acp")
            .into_iter()
            .filter(|line| line["dir"] != "!")
            .map(|line| (line["dir"] == ">", line["msg"].clone(), line["msg"].to_string().into_bytes()))
            .collect();
        for (line, at, byte) in cuts {
            let hit = line.index(lines.len());
            let bytes = &mut lines[hit].2;
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut reader = AcpReader::default();
        for (is_sent, message, bytes) in &lines {
            if *is_sent {
                sent(&mut reader, message);
            } else {
                prop_assert!(reader.line(Source::Stdout, bytes, false, now()).len() <= 8);
            }
        }
        reader.finish(Exit::Code(0));
    }
}
