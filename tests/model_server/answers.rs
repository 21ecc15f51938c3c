//! What the model answers: texts, thoughts, calls, one turn after the other.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::server::{Gate, ModelServer, Script};

#[test]
fn a_script_is_played_turn_by_turn() {
    let script = Script::new("x").say("I look.").shell("ls").say("Two files.").end().say("Yes.");
    let server = ModelServer::start([script]);
    let mut caller = Caller::new(&server, "x");
    let first = caller.prompt("What is there?");
    assert_eq!((first.text().as_str(), &first.call()["input"]), ("I look.", &json!({"command": "ls"})));
    let second = caller.result(&first, "a b");
    assert_eq!((second.text().as_str(), &second.json()["stop_reason"]), ("Two files.", &json!("end_turn")));
    assert!(!server.is_over("x"));
    caller.take(&second);
    let third = caller.prompt("Sure?");
    assert_eq!(third.text(), "Yes.");
    caller.take(&third);
    assert!(server.is_over("x"));
    assert_eq!(caller.prompt("And?").text(), "(script finished)");
    let turns = server.turns("x");
    let steps: Vec<_> = turns.iter().map(|seen| seen.step.unwrap()).collect();
    assert_eq!(steps, [0, 2, 4, 5]);
    let said: Vec<_> = turns.iter().map(|seen| seen.said()).collect();
    assert_eq!(said, ["What is there?", "a b", "Sure?", "And?"]);
}

#[test]
fn a_stream_says_the_same_in_pieces() {
    let long = "A text that is longer than one piece of a stream, so it comes in several.";
    let server = ModelServer::start([Script::new("x").think("Hm.").say(long).shell("true")]);
    let mut caller = Caller::new(&server, "x");
    caller.stream = true;
    let answer = caller.prompt("Hello");
    assert!(answer.is_whole());
    assert_eq!(answer.text(), long);
    let events = answer.events();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("message_start", "message_stop"));
    let starts = events.iter().filter(|event| event["type"] == "content_block_start");
    let blocks: Vec<_> = starts.map(|event| event["content_block"]["type"].as_str().unwrap()).collect();
    assert_eq!(blocks, ["thinking", "text", "tool_use"]);
    assert_eq!(events.iter().filter(|event| event["delta"]["type"] == "text_delta").count(), 4);
    let input: String = events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap(), json!({"command": "true"}));
    let usage = &events[kinds.len() - 2]["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(1000), &json!(50)));
}

#[test]
fn the_shell_tool_is_the_one_the_client_has() {
    let server = ModelServer::start([Script::new("x").shell("pwd")]);
    let mut caller = Caller::new(&server, "x");
    let properties = json!({
        "command": {"type": "string"}, "why": {"type": "string"}, "wait": {"type": "integer", "minimum": 1},
        "how": {"enum": ["slow", "fast"]}, "notes": {"type": "string"},
    });
    let schema =
        json!({"type": "object", "required": ["command", "why", "wait", "how"], "properties": properties});
    caller.tools = json!([
        {"name": "read_file", "input_schema": {"type": "object"}},
        {"type": "web_search", "name": "web_search"},
        {"name": "run_in_terminal", "input_schema": schema},
    ]);
    let call = caller.prompt("Where are we?").call();
    assert_eq!(call["name"], "run_in_terminal");
    assert_eq!(call["input"], json!({"command": "pwd", "why": "text", "wait": 1, "how": "slow"}));
}

#[test]
fn a_command_can_be_made_from_what_the_model_was_told() {
    let number = |told: &str| format!("echo {}", told.split("number ").nth(1).unwrap_or("none"));
    let server = ModelServer::start([Script::new("x").shell_from(number)]);
    let answer = Caller::new(&server, "x").prompt("Say the number 42");
    assert_eq!(answer.call()["input"]["command"], "echo 42");
}

#[test]
fn a_tool_can_be_named_outright() {
    let server = ModelServer::start([Script::new("x").call("Write", json!({"path": "a"}))]);
    let call = Caller::new(&server, "x").prompt("Write it").call();
    assert_eq!((&call["name"], &call["input"]), (&json!("Write"), &json!({"path": "a"})));
}

#[test]
fn conversations_do_not_know_each_other() {
    let one = Script::new("one").say("I am one.").end().say("Still one.");
    let server = ModelServer::start([one, Script::new("two").say("I am two.")]);
    let (mut one, mut two) = (Caller::new(&server, "one"), Caller::new(&server, "two"));
    let first = one.prompt("Who?");
    assert_eq!((first.text().as_str(), two.prompt("Who?").text().as_str()), ("I am one.", "I am two."));
    one.take(&first);
    assert_eq!(one.prompt("Who?").text(), "Still one.");
    assert_eq!((server.turns("one").len(), server.turns("two").len()), (2, 1));
}

#[test]
fn nothing_passes_a_gate_before_it_is_opened() {
    let gate = Gate::new();
    let server = ModelServer::start([Script::new("x").say("Before.").hold(&gate).say("After.")]);
    for stream in [true, false] {
        // The same request again: the gate is open by then.
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| {
                let mut caller = Caller::new(&server, "x");
                caller.stream = stream;
                caller.prompt("Hello").text()
            });
            gate.wait_until_reached();
            if stream {
                assert!(!asked.is_finished(), "nobody has opened the gate yet");
                gate.open();
            }
            assert_eq!(asked.join().unwrap(), "Before.After.");
        });
    }
}
