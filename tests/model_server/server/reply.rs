//! A model's response in the provider's form: one message, whole or as a stream of events.

use serde_json::{Value, json};

use super::gate::Gate;

/// Tokens every response reports: read anew, read from the cache, written.
const TOKENS: [u64; 3] = [1000, 200, 50];
/// Characters in one piece of a stream.
const PIECE: usize = 24;

#[derive(Clone)]
pub(super) enum Part {
    Say(String),
    Think(String),
    Call { id: String, name: String, input: Value },
    Hold(Gate),
}

#[derive(Clone)]
pub(super) struct Reply {
    pub(super) id: String,
    pub(super) parts: Vec<Part>,
    /// The connection breaks in the middle of the last part.
    pub(super) cut: bool,
}

/// What a stream consists of.
pub(super) enum Item {
    Event(Value),
    Hold(Gate),
}

impl Reply {
    pub(super) fn call(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Call { id, .. } => Some(id.as_str()),
            Part::Say(_) | Part::Think(_) | Part::Hold(_) => None,
        })
    }

    fn stop_reason(&self) -> &'static str {
        if self.call().is_some() { "tool_use" } else { "end_turn" }
    }

    /// The whole message. Gates are the listener's business before it sends this.
    pub(super) fn message(&self, model: &str) -> Value {
        let blocks = self.parts.iter().filter_map(|part| match part {
            Part::Say(text) => Some(json!({"type": "text", "text": text})),
            Part::Think(text) => Some(json!({"type": "thinking", "thinking": text, "signature": "c2lnbmVk"})),
            Part::Call { id, name, input } => {
                Some(json!({"type": "tool_use", "id": id, "name": name, "input": input}))
            }
            Part::Hold(_) => None,
        });
        let content: Vec<Value> = blocks.collect();
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": model, "content": content,
            "stop_reason": self.stop_reason(), "stop_sequence": null, "usage": usage(TOKENS[2]),
        })
    }

    /// The same as a stream. One that is cut ends in the middle of its last block.
    pub(super) fn items(&self, model: &str) -> Vec<Item> {
        let mut message = self.message(model);
        message["content"] = json!([]);
        message["stop_reason"] = Value::Null;
        message["usage"] = usage(1);
        let mut items = vec![
            Item::Event(json!({"type": "message_start", "message": message})),
            Item::Event(json!({"type": "ping"})),
        ];
        let mut index = 0;
        for part in &self.parts {
            let (start, deltas) = match part {
                Part::Hold(gate) => {
                    items.push(Item::Hold(gate.clone()));
                    continue;
                }
                Part::Say(text) => text_block(text),
                Part::Think(text) => thinking_block(text),
                Part::Call { id, name, input } => call_block(id, name, input),
            };
            let event =
                |kind: &str, field: &str, value: Value| json!({"type": kind, "index": index, field: value});
            items.push(Item::Event(event("content_block_start", "content_block", start)));
            items.extend(
                deltas.into_iter().map(|delta| Item::Event(event("content_block_delta", "delta", delta))),
            );
            items.push(Item::Event(json!({"type": "content_block_stop", "index": index})));
            index += 1;
        }
        if self.cut {
            // The last block stays open, and its text incomplete where it has more than one piece.
            items.pop();
            items.pop();
            return items;
        }
        let stop = json!({"stop_reason": self.stop_reason(), "stop_sequence": null});
        items.push(Item::Event(json!({"type": "message_delta", "delta": stop, "usage": usage(TOKENS[2])})));
        items.push(Item::Event(json!({"type": "message_stop"})));
        items
    }
}

fn usage(written: u64) -> Value {
    json!({
        "input_tokens": TOKENS[0], "cache_read_input_tokens": TOKENS[1], "cache_creation_input_tokens": 0,
        "output_tokens": written,
    })
}

fn text_block(text: &str) -> (Value, Vec<Value>) {
    let deltas = pieces(text).into_iter().map(|piece| json!({"type": "text_delta", "text": piece}));
    (json!({"type": "text", "text": ""}), deltas.collect())
}

fn thinking_block(text: &str) -> (Value, Vec<Value>) {
    let deltas = pieces(text).into_iter().map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
    let signature = json!({"type": "signature_delta", "signature": "c2lnbmVk"});
    (json!({"type": "thinking", "thinking": "", "signature": ""}), deltas.chain([signature]).collect())
}

fn call_block(id: &str, name: &str, input: &Value) -> (Value, Vec<Value>) {
    let text = input.to_string();
    let deltas =
        pieces(&text).into_iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
    (json!({"type": "tool_use", "id": id, "name": name, "input": {}}), deltas.collect())
}

fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
}
