//! One script, and how far it has been played.

use std::collections::BTreeMap;

use serde_json::json;

use super::refusal::Refusal;
use super::reply::{Part, Reply};
use super::request::Request;
use super::script::{Command, Script, Step};
use super::tools::{Tool, shell_of};

pub(super) struct Conversation {
    steps: Vec<Step>,
    /// The first step that was not played yet.
    position: usize,
    /// The last reply, as long as nobody knows whether it arrived.
    sent: Option<Sent>,
    /// For each step that refuses: how often it did, and when its limit ends.
    refused: BTreeMap<usize, (usize, Option<u64>)>,
    replies: usize,
}

struct Sent {
    content: String,
    reply: Reply,
    step: usize,
    after: usize,
}

pub(super) enum Answer {
    Reply(Reply),
    Refusal { refusal: Refusal, reset: Option<u64> },
}

impl Conversation {
    pub(super) fn new(script: &Script) -> Self {
        let steps = script.steps.clone();
        Self { steps, position: 0, sent: None, refused: BTreeMap::new(), replies: 0 }
    }

    /// The answer to a request, and the first step it plays.
    pub(super) fn answer(&mut self, request: &Request) -> (usize, Answer) {
        if let Some(sent) = &self.sent
            && sent.content == request.content
        {
            // A retry uses nothing up.
            return (sent.step, Answer::Reply(sent.reply.clone()));
        }
        if let Some(sent) = self.sent.take() {
            self.acknowledge(&sent, request);
        }
        let step = self.position;
        if let Some(Step::Refuse(refusal)) = self.steps.get(step).cloned() {
            return (step, self.refuse(step, refusal));
        }
        let reply = self.play(request);
        if !reply.cut {
            // A reply that was cut is none: the next request gets what follows it.
            let content = request.content.clone();
            self.sent = Some(Sent { content, reply: reply.clone(), step, after: self.position });
            self.position = step;
        }
        (step, Answer::Reply(reply))
    }

    /// Whether the client has taken the script's last step.
    pub(super) fn is_over(&self) -> bool {
        self.sent.as_ref().map_or(self.position, |sent| sent.after) >= self.steps.len()
    }

    /// What the last reply said was heard, because something else is asked now.
    fn acknowledge(&mut self, sent: &Sent, request: &Request) {
        self.position = sent.after;
        let Some(call) = sent.reply.call() else { return };
        if request.answered.iter().any(|answered| answered == call) {
            return;
        }
        // A new prompt although a call was out: the turn was interrupted, and its rest is not played.
        let rest = &self.steps[self.position..];
        let end = rest.iter().position(|step| matches!(step, Step::End));
        self.position += end.map_or(0, |end| end + 1);
    }

    fn refuse(&mut self, step: usize, refusal: Refusal) -> Answer {
        let (times, reset) = self.refused.entry(step).or_insert_with(|| (0, refusal.reset_from_now()));
        *times += 1;
        let (times, reset) = (*times, *reset);
        if refusal.times.is_some_and(|most| times >= most) {
            self.position = step + 1;
        }
        Answer::Refusal { refusal, reset }
    }

    /// Plays up to the next call or end, and moves past it.
    fn play(&mut self, request: &Request) -> Reply {
        self.replies += 1;
        let number = self.replies;
        let mut reply = Reply { id: format!("msg_{number:06}"), parts: Vec::new(), cut: false };
        if self.position >= self.steps.len() {
            reply.parts.push(Part::Say("(script finished)".to_owned()));
            return reply;
        }
        while let Some(step) = self.steps.get(self.position).cloned() {
            let call = |name: String, input| Part::Call { id: format!("call_{number:06}"), name, input };
            match step {
                Step::Refuse(_) => break,
                Step::Say(text) => reply.parts.push(Part::Say(text)),
                Step::Think(text) => reply.parts.push(Part::Think(text)),
                Step::Hold(gate) => reply.parts.push(Part::Hold(gate)),
                Step::Cut => reply.cut = true,
                Step::End => {}
                Step::Call { name, input } => reply.parts.push(call(name, input)),
                Step::Shell(command) => {
                    let command = match command {
                        Command::Fixed(command) => command,
                        Command::From(make) => make(&request.told),
                    };
                    let (name, input) = match shell_of(&request.tools) {
                        Some(tool) => (tool.name.clone(), tool.running(&command)),
                        // The client then says what it makes of a tool it never offered.
                        None => ("Bash".to_owned(), json!({"command": command})),
                    };
                    reply.parts.push(call(name, input));
                }
            }
            self.position += 1;
            let ended = matches!(self.steps[self.position - 1], Step::End | Step::Cut);
            if ended || reply.call().is_some() {
                break;
            }
        }
        reply
    }
}

/// The answer to a request that has nothing to do with the conversation.
pub(super) fn aside(request: &Request) -> Reply {
    let part = match (request.tools.as_slice(), &request.wanted) {
        ([tool], _) => call_of(tool),
        (_, Some(schema)) => Part::Say(super::tools::example(schema).to_string()),
        (_, None) => Part::Say("An aside".to_owned()),
    };
    Reply { id: "msg_aside".to_owned(), parts: vec![part], cut: false }
}

fn call_of(tool: &Tool) -> Part {
    Part::Call { id: "call_aside".to_owned(), name: tool.name.clone(), input: tool.least() }
}
