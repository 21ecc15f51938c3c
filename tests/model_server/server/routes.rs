//! Which request gets which answer.

use std::io::{Error, Result};

use serde_json::{Value, json};

use super::conversation::{Answer, aside};
use super::http::{Connection, Incoming};
use super::listener::{Kind, Seen, Shared};
use super::refusal::Refusal;
use super::reply::{Item, Part, Reply};
use super::request::Request;

/// Answers one request. An error ends the connection.
pub(super) fn serve(connection: &mut Connection, incoming: &Incoming, shared: &Shared) -> Result<()> {
    let conversation = name_of(incoming);
    let body: Value = serde_json::from_slice(&incoming.body).unwrap_or(Value::Null);
    let other = |status| Seen {
        conversation: conversation.clone().unwrap_or_default(),
        kind: Kind::Other,
        step: None,
        status,
        reset: None,
        body: body.clone(),
    };
    match (incoming.method.as_str(), incoming.path.as_str()) {
        ("POST", "/v1/messages/count_tokens") => {
            shared.record(other(200));
            connection.send(200, &[], &json!({"input_tokens": incoming.body.len() / 4 + 1}))
        }
        ("POST", "/v1/messages") if body.is_object() => {
            messages(connection, shared, conversation.as_deref(), body)
        }
        ("GET", "/v1/models") => {
            shared.record(other(200));
            let model = json!({"type": "model", "id": "scripted", "display_name": "Scripted"});
            connection.send(200, &[], &json!({"data": [model], "has_more": false}))
        }
        ("GET" | "HEAD", _) => {
            shared.record(other(200));
            connection.send(200, &[], &json!({}))
        }
        (method, path) => {
            shared.record(other(404));
            let refusal = Refusal::new(404, &format!("the model server does not know {method} {path}"));
            connection.send(404, &[], &refusal.body())
        }
    }
}

/// The conversation a client's key stands for.
fn name_of(incoming: &Incoming) -> Option<String> {
    let bearer = incoming.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let key = incoming.header("x-api-key").or(bearer)?;
    key.strip_prefix("conv-").map(str::to_owned)
}

fn messages(connection: &mut Connection, shared: &Shared, name: Option<&str>, body: Value) -> Result<()> {
    let request = Request::read(&body);
    let mut conversations = shared.conversations.lock().unwrap();
    let conversation = name.and_then(|name| conversations.get_mut(name));
    let (kind, step, answer) = match conversation {
        None => {
            let refusal = Refusal::new(401, "no script has this key");
            (Kind::Other, None, Answer::Refusal { refusal, reset: None })
        }
        Some(_) if request.is_aside() => (Kind::Aside, None, Answer::Reply(aside(&request))),
        Some(conversation) => {
            let (step, answer) = conversation.answer(&request);
            (Kind::Turn, Some(step), answer)
        }
    };
    drop(conversations);
    let (status, reset) = match &answer {
        Answer::Reply(_) => (200, None),
        Answer::Refusal { refusal, reset } => (refusal.status, *reset),
    };
    shared.record(Seen {
        conversation: name.unwrap_or_default().to_owned(),
        kind,
        step,
        status,
        reset,
        body,
    });
    match answer {
        Answer::Refusal { refusal, reset } => {
            connection.send(refusal.status, &refusal.headers(reset), &refusal.body())
        }
        Answer::Reply(reply) if request.stream || reply.cut => stream(connection, &reply, &request.model),
        Answer::Reply(reply) => {
            for part in &reply.parts {
                match part {
                    Part::Hold(gate) => gate.pass(),
                    Part::Say(_) | Part::Think(_) | Part::Call { .. } => {}
                }
            }
            connection.send(200, &[], &reply.message(&request.model))
        }
    }
}

fn stream(connection: &mut Connection, reply: &Reply, model: &str) -> Result<()> {
    connection.begin_stream()?;
    for item in reply.items(model) {
        match item {
            Item::Event(event) => connection.send_event(&event)?,
            Item::Hold(gate) => gate.pass(),
        }
    }
    if reply.cut {
        connection.cut()?;
        return Err(Error::other("cut"));
    }
    connection.end_stream()
}
