//! A client's request, reduced to what decides about its answer.

use serde_json::Value;

use super::tools::{Tool, shell_of};

pub(super) struct Request {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) tools: Vec<Tool>,
    /// What makes it the same request again: all it says, without marks that move between retries.
    pub(super) content: String,
    /// Everything the client's side said, results of tools included.
    pub(super) told: String,
    /// The calls whose results the last message brings.
    pub(super) answered: Vec<String>,
    max_tokens: Option<u64>,
    pub(super) wanted: Option<Value>,
}

impl Request {
    pub(super) fn read(body: &Value) -> Self {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        // Clients may put words of the system anywhere, behind the last thing their user said too.
        let spoken: Vec<&Value> = messages.iter().filter(|message| message["role"] != "system").collect();
        let users = spoken.iter().filter(|message| message["role"] == "user");
        let told: Vec<String> = users.map(|message| text_of(&message["content"])).collect();
        let last = spoken.last().map(|message| blocks(&message["content"])).unwrap_or_default();
        let results = last.iter().filter(|block| block["type"] == "tool_result");
        Self {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            stream: body["stream"] == true,
            tools: tools.iter().filter_map(Tool::read).collect(),
            content: without_marks(&Value::Array(messages.clone())).to_string(),
            told: told.join("\n"),
            answered: results.filter_map(|block| block["tool_use_id"].as_str().map(str::to_owned)).collect(),
            max_tokens: body["max_tokens"].as_u64(),
            wanted: body.pointer("/output_config/format/schema").cloned(),
        }
    }

    /// Whether it has nothing to do with the conversation: a title, a probe of the quota, a question to a classifier.
    pub(super) fn is_aside(&self) -> bool {
        let probe = self.max_tokens.is_some_and(|tokens| tokens <= 1);
        let classifier = self.tools.len() == 1 && shell_of(&self.tools).is_none();
        probe || self.tools.is_empty() || classifier
    }
}

/// The text of a message: of its text blocks and of the results it brings.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| match block["type"].as_str() {
                Some("text") => block["text"].as_str().map(str::to_owned),
                Some("tool_result") => Some(text_of(&block["content"])),
                _ => None,
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn blocks(content: &Value) -> Vec<Value> {
    content.as_array().cloned().unwrap_or_default()
}

/// Marks for the provider's cache move from message to message; they are no part of what is said.
fn without_marks(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "cache_control");
            Value::Object(kept.map(|(name, value)| (name.clone(), without_marks(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_marks).collect()),
        other => other.clone(),
    }
}
