//! Recordings of the client's two-way mode, in which one process answers several prompts: what it printed is unwrapped
//! and read turn by turn.

use agent_runner_backends::TurnEvent;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_supervisor::{Exit, Source};
use serde_json::Value;

use crate::replay::{Turn, fixtures, names, reader, then};

/// The turns of a recording. A turn is over with its result; the process goes on.
fn turns(name: &str) -> Vec<Turn> {
    let text = std::fs::read_to_string(fixtures("claude/two-way").join(format!("{name}.jsonl"))).unwrap();
    let mut turns = Vec::new();
    let mut open = reader();
    let mut events = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["dir"] != "<" {
            continue;
        }
        let message = &line["msg"];
        events.extend(open.line(Source::Stdout, message.to_string().as_bytes(), false, then()));
        if message["type"] == "result" {
            let report = open.finish(Exit::Code(0));
            turns.push(Turn { events: std::mem::take(&mut events), report });
            open = reader();
        }
    }
    turns
}

#[test]
fn each_turn_of_a_conversation_is_read_by_itself() {
    let turns = turns("stream");
    let said: Vec<_> = turns.iter().map(|turn| turn.last_message().unwrap()).collect();
    assert_eq!(said, ["Done: the file made-by-agent.txt was written.", "Second turn finished."]);
    assert!(turns.iter().all(|turn| turn.report.end == AttemptEnd::Reported));
    let tokens: Vec<_> = turns.iter().map(|turn| turn.tokens().unwrap()).collect();
    assert_eq!(tokens, [[3000, 150, 600, 0], [2000, 100, 400, 0]], "each turn has its own");
    let counted: Vec<_> = turns.iter().map(|turn| turn.report.usage.turns.unwrap()).collect();
    assert_eq!(counted, [3, 2]);
    let cost: Vec<_> = turns.iter().map(|turn| turn.report.meter.clone().unwrap().cost_micro_usd).collect();
    assert_eq!(cost, [15120, 25200], "the cost is of the whole conversation");
    assert!(turns.iter().all(|turn| turn.session() == Some("5648d653-57d5-4453-97b5-9ae493801c67")));
}

#[test]
fn an_interrupted_turn_is_told_from_the_one_after_it() {
    let turns = turns("stream-interrupt");
    let [first, second] = turns.as_slice() else { panic!("{} turns", turns.len()) };
    assert!(matches!(&first.report.end, AttemptEnd::Crashed { detail } if detail.contains("interrupted")));
    assert_eq!(first.tokens(), Some([1000, 50, 200, 0]));
    assert_eq!(second.report.end, AttemptEnd::Reported);
    assert_eq!(second.last_message(), Some("Resumed after interrupt."));
}

#[test]
fn a_question_that_was_answered_is_no_refusal() {
    let turns = turns("stream-permission");
    let [turn] = turns.as_slice() else { panic!("{} turns", turns.len()) };
    assert_eq!(turn.report.end, AttemptEnd::Reported);
    assert_eq!(turn.permissions(), [""; 0]);
    let failed =
        turn.events.iter().any(|event| matches!(event, TurnEvent::ToolFinished { is_error: true, .. }));
    assert!(!failed);
}

#[test]
fn every_recording_is_looked_at() {
    assert_eq!(names("claude/two-way"), ["stream", "stream-interrupt", "stream-permission"]);
}
