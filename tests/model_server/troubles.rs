//! Refusals, cut streams, turns that were broken off.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::caller::Caller;
use crate::server::{ModelServer, Refusal, Script};

#[test]
fn a_refusal_has_status_headers_and_a_message_and_passes() {
    let refusal = Refusal::new(429, "Slow down").times(2).header("retry-after", "1");
    let server = ModelServer::start([Script::new("x").refuse(refusal).say("Now.")]);
    let mut caller = Caller::new(&server, "x");
    let first = caller.prompt("Hello");
    assert_eq!((first.status, first.header("retry-after")), (429, Some("1")));
    let error = json!({"type": "rate_limit_error", "message": "Slow down"});
    assert_eq!(first.json(), json!({"type": "error", "error": error}));
    assert_eq!((caller.ask().status, caller.ask().text().as_str()), (429, "Now."));
    let statuses: Vec<u16> = server.turns("x").iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [429, 429, 200]);
}

#[test]
fn some_refusals_last_for_ever() {
    let server =
        ModelServer::start([Script::new("x").refuse(Refusal::new(401, "No").for_ever()).say("Never.")]);
    let mut caller = Caller::new(&server, "x");
    let statuses: Vec<u16> = (0..5).map(|_| caller.prompt("Please").status).collect();
    assert_eq!(statuses, [401; 5]);
    assert!(!server.is_over("x"));
}

#[test]
fn a_usage_limit_names_one_reset_however_often_it_refuses() {
    let limit = Refusal::usage_limit(Duration::from_secs(100)).times(2);
    let server = ModelServer::start([Script::new("x").refuse(limit)]);
    let mut caller = Caller::new(&server, "x");
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let named = |response: &crate::caller::Response| -> u64 {
        assert_eq!(response.header("anthropic-ratelimit-unified-status"), Some("rejected"));
        response.header("anthropic-ratelimit-unified-reset").unwrap().parse().unwrap()
    };
    let (first, second) = (named(&caller.prompt("Hello")), named(&caller.prompt("Hello?")));
    assert_eq!(first, second);
    assert!((before + 100..=before + 160).contains(&first), "{before} {first}");
    assert_eq!(server.turns("x")[0].reset, Some(first));
}

#[test]
fn a_cut_stream_ends_in_the_middle_and_the_next_request_goes_on() {
    let text = "This is said in several pieces, but not to its end, because the line breaks.";
    let server = ModelServer::start([Script::new("x").say(text).cut().say("Once more.")]);
    let mut caller = Caller::new(&server, "x");
    caller.stream = true;
    let broken = caller.prompt("Hello");
    assert!(!broken.is_whole());
    let heard = broken.text();
    assert!(!heard.is_empty() && heard.len() < text.len() && text.starts_with(&heard), "{heard}");
    assert!(broken.events().iter().all(|event| event["type"] != "content_block_stop"));
    let retried = caller.ask();
    assert!(retried.is_whole());
    assert_eq!(retried.text(), "Once more.");
}

#[test]
fn a_turn_that_was_broken_off_is_not_played_to_its_end() {
    let script = Script::new("x").shell("a long one").say("It has ended.").end().say("A new turn.");
    let server = ModelServer::start([script]);
    let mut caller = Caller::new(&server, "x");
    let call = caller.prompt("Hello");
    caller.take(&call);
    // Clients answer the call that nobody waits for any more, and then ask something else.
    let id = call.call()["id"].clone();
    let result =
        json!({"type": "tool_result", "tool_use_id": id, "content": "interrupted", "is_error": true});
    caller.messages.push(json!({"role": "user", "content": [result]}));
    caller.messages.push(json!({"role": "assistant", "content": [{"type": "text", "text": "Oh."}]}));
    assert_eq!(caller.prompt("Something else").text(), "A new turn.");
}
