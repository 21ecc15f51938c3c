//! Which requests count as part of a conversation, and which are answered beside it.

use serde_json::json;

use crate::caller::{Caller, raw};
use crate::server::{Kind, ModelServer, Script};

fn server() -> ModelServer {
    ModelServer::start([Script::new("x").say("The first.").end().say("The second.")])
}

#[test]
fn the_same_request_again_gets_the_same_answer() {
    let server = server();
    let mut caller = Caller::new(&server, "x");
    caller.messages = vec![json!({"role": "user", "content": [{"type": "text", "text": "Hello"}]})];
    let first = caller.ask();
    // Clients move the marks for the provider's cache about.
    caller.messages[0]["content"][0]["cache_control"] = json!({"type": "ephemeral"});
    let again = caller.ask();
    assert_eq!((again.text().as_str(), again.json()), ("The first.", first.json()));
    caller.take(&again);
    let second = caller.prompt("And then?");
    assert_eq!(second.text(), "The second.");
    assert_ne!(second.json()["id"], first.json()["id"]);
    let steps: Vec<_> = server.turns("x").iter().map(|seen| seen.step.unwrap()).collect();
    assert_eq!(steps, [0, 0, 2]);
}

#[test]
fn asides_use_up_no_step() {
    let server = server();
    let mut caller = Caller::new(&server, "x");
    let tools = caller.tools.clone();
    caller.tools = json!([]);
    assert_eq!(caller.prompt("A title, please").text(), "An aside");
    caller.tools = json!([{"name": "judge", "input_schema": {
        "type": "object", "required": ["safe"], "properties": {"safe": {"type": "boolean"}}
    }}]);
    assert_eq!(caller.ask().call()["input"], json!({"safe": false}));
    caller.tools = tools.clone();
    let probe = json!({"model": "m", "max_tokens": 1, "tools": tools, "messages": caller.messages});
    assert_eq!(caller.post("/v1/messages", &probe).text(), "An aside");
    let schema =
        json!({"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}});
    let formed = json!({"model": "m", "messages": [], "output_config": {"format": {"schema": schema}}});
    assert_eq!(caller.post("/v1/messages", &formed).text(), r#"{"title":"text"}"#);
    let kinds: Vec<Kind> = server.seen().iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, [Kind::Aside; 4]);
    assert_eq!(caller.ask().text(), "The first.");
}

#[test]
fn a_shell_as_the_only_tool_is_no_aside() {
    let server = server();
    let mut caller = Caller::new(&server, "x");
    caller.tools.as_array_mut().unwrap().remove(0);
    assert_eq!(caller.prompt("Hello").text(), "The first.");
}

#[test]
fn tokens_are_counted_and_models_listed() {
    let server = server();
    let caller = Caller::new(&server, "x");
    let counted = caller.post("/v1/messages/count_tokens", &json!({"messages": ["a", "b"]}));
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 0);
    let models = raw(&server, "GET /v1/models?limit=10 HTTP/1.1\r\n\r\n");
    assert_eq!((models.status, &models.json()["data"][0]["type"]), (200, &json!("model")));
    assert_eq!(raw(&server, "HEAD / HTTP/1.1\r\n\r\n").status, 200);
    assert_eq!(caller.post("/v1/elsewhere", &json!({})).status, 404);
    assert!(server.turns("x").is_empty());
}

#[test]
fn a_key_without_a_script_is_refused() {
    let server = server();
    let refused = Caller::new(&server, "nobody").prompt("Hello");
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (401, &json!("authentication_error")));
    let body = r#"{"messages": [], "tools": []}"#;
    let head = format!("POST /v1/messages HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
    assert_eq!(raw(&server, &format!("{head}\r\n{body}")).status, 401);
    // A token stands where a key would.
    assert_eq!(raw(&server, &format!("{head}authorization: Bearer conv-x\r\n\r\n{body}")).text(), "An aside");
}

#[test]
fn bodies_may_come_in_chunks_and_requests_one_after_the_other() {
    let server = server();
    let body = r#"{"messages": [{"role": "user", "content": "Hello"}]}"#;
    let (a, b) = body.split_at(10);
    let one = format!(
        "POST /v1/messages HTTP/1.1\r\nx-api-key: conv-x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{a}\r\n{:x}\r\n{b}\r\n0\r\n\r\n",
        a.len(),
        b.len()
    );
    raw(&server, &format!("{one}{one}"));
    assert_eq!(server.seen().len(), 2);
    assert!(server.seen().iter().all(|seen| seen.kind == Kind::Aside && seen.said() == "Hello"));
}

#[test]
fn words_of_the_system_may_follow_what_was_said() {
    let server = ModelServer::start([Script::new("x").shell("true").say("Heard.").end().say("Too far.")]);
    let mut caller = Caller::new(&server, "x");
    let call = caller.prompt("Hello");
    caller.take(&call);
    let id = call.call()["id"].clone();
    let result = json!({"type": "tool_result", "tool_use_id": id, "content": "done"});
    caller.messages.push(json!({"role": "user", "content": [result]}));
    caller.messages.push(json!({"role": "system", "content": "It is late."}));
    assert_eq!(caller.ask().text(), "Heard.");
    assert_eq!(server.turns("x")[1].said(), "done");
}
