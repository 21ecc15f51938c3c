//! A client of a few lines, for the server's own tests: one connection a request, and the answer as it came.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server::ModelServer;

/// An answer, read to the end of the connection.
pub struct Response {
    pub status: u16,
    head: String,
    body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| *own == name).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The events of a stream.
    pub fn events(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// Whether a stream came to its end, and was not cut.
    pub fn is_whole(&self) -> bool {
        self.body.ends_with("\r\n0\r\n\r\n")
    }

    /// The text of the message, streamed or not.
    pub fn text(&self) -> String {
        if self.header("content-type") == Some("text/event-stream") {
            let events = self.events();
            return events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
        }
        let message = self.json();
        let blocks = message["content"].as_array().unwrap();
        blocks.iter().filter_map(|block| block["text"].as_str()).collect()
    }

    /// The call the message ends with.
    pub fn call(&self) -> Value {
        let message = self.json();
        let last = message["content"].as_array().unwrap().last().cloned().unwrap();
        assert_eq!((&last["type"], &message["stop_reason"]), (&json!("tool_use"), &json!("tool_use")));
        last
    }
}

/// A conversation as a client keeps it.
pub struct Caller<'a> {
    server: &'a ModelServer,
    key: String,
    pub messages: Vec<Value>,
    pub tools: Value,
    pub stream: bool,
}

impl<'a> Caller<'a> {
    pub fn new(server: &'a ModelServer, conversation: &str) -> Self {
        let command = json!({"type": "string"});
        let schema = json!({"type": "object", "required": ["command"], "properties": {"command": command}});
        let tools = json!([
            {"name": "Read", "input_schema": {"type": "object", "properties": {}}},
            {"name": "Bash", "input_schema": schema},
        ]);
        let key = format!("conv-{conversation}");
        Self { server, key, messages: Vec::new(), tools, stream: false }
    }

    /// Adds a prompt to the conversation and asks.
    pub fn prompt(&mut self, text: &str) -> Response {
        self.messages.push(json!({"role": "user", "content": text}));
        self.ask()
    }

    /// Takes over an answer, and adds the result of its call.
    pub fn result(&mut self, of: &Response, text: &str) -> Response {
        self.take(of);
        let id = of.call()["id"].clone();
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": text});
        self.messages.push(json!({"role": "user", "content": [result]}));
        self.ask()
    }

    /// Takes over an answer.
    pub fn take(&mut self, answer: &Response) {
        self.messages.push(json!({"role": "assistant", "content": answer.json()["content"]}));
    }

    /// Asks with the conversation as it is.
    pub fn ask(&self) -> Response {
        let body = json!({
            "model": "m", "max_tokens": 1000, "stream": self.stream, "tools": self.tools, "messages": self.messages,
        });
        self.post("/v1/messages?beta=true", &body)
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        let body = body.to_string();
        let head =
            format!("POST {path} HTTP/1.1\r\nx-api-key: {}\r\ncontent-length: {}", self.key, body.len());
        raw(self.server, &format!("{head}\r\n\r\n{body}"))
    }
}

/// Sends bytes and reads what comes until the server has no more to say.
pub fn raw(server: &ModelServer, bytes: &str) -> Response {
    let mut stream = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    // The server answers what it has, and then finds no other request.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    // A connection that is cut may end with an error; what came before it counts.
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_owned(), body: body.to_owned() }
}
