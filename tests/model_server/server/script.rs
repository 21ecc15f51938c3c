//! What a model will say and do, written down by a test beforehand.

use std::sync::Arc;

use serde_json::Value;

use super::gate::Gate;
use super::refusal::Refusal;

/// One thing the model does.
#[derive(Clone)]
pub(super) enum Step {
    Say(String),
    Think(String),
    Shell(Command),
    Call { name: String, input: Value },
    Hold(Gate),
    Cut,
    Refuse(Refusal),
    End,
}

/// A shell command: written down, or made from what the model is told.
#[derive(Clone)]
pub(super) enum Command {
    Fixed(String),
    From(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

/// The steps of one conversation. Its client is the one whose key is `conv-` and the script's name.
///
/// Everything up to the next call is one response, as models do. A response without a call ends the model's turn; `end`
/// says so where the next turn would otherwise be glued to it, and is where the model goes on when it was interrupted
/// before it got there. After its last step, the model says that its script is finished.
#[derive(Clone)]
pub struct Script {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

impl Script {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), steps: Vec::new() }
    }

    pub fn say(self, text: &str) -> Self {
        self.step(Step::Say(text.to_owned()))
    }

    pub fn think(self, text: &str) -> Self {
        self.step(Step::Think(text.to_owned()))
    }

    /// Calls whatever shell tool the client offers.
    pub fn shell(self, command: &str) -> Self {
        self.step(Step::Shell(Command::Fixed(command.to_owned())))
    }

    /// The same with a command that is made from all the model was told so far, as a model would.
    pub fn shell_from(self, command: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.step(Step::Shell(Command::From(Arc::new(command))))
    }

    /// Calls the tool of that name, offered or not.
    pub fn call(self, name: &str, input: Value) -> Self {
        self.step(Step::Call { name: name.to_owned(), input })
    }

    /// Says no more before the gate is open.
    pub fn hold(self, gate: &Gate) -> Self {
        self.step(Step::Hold(gate.clone()))
    }

    /// Breaks the connection in the middle of what was said last. The client's next request gets what follows.
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    pub fn refuse(self, refusal: Refusal) -> Self {
        self.step(Step::Refuse(refusal))
    }

    pub fn end(self) -> Self {
        self.step(Step::End)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}
