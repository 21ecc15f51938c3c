//! What a worker did and said in one attempt, boiled down while its events go by. Must not keep more than a report
//! shows, however long the attempt was.

use agent_runner_api::view::{AttemptDigest, RefusedPermission, WorkerError};
use agent_runner_model::turn::{TurnEvent, TurnRecord};

/// Bytes of a worker's last words that are kept: the end of them.
const LAST_WORDS: usize = 8 * 1024;
/// Refusals and errors of an attempt that are told.
const MAX_TOLD: usize = 20;
/// Bytes of one of them.
const MAX_TEXT: usize = 1024;

/// A digest that grows.
pub(super) struct Digest {
    told: AttemptDigest,
    /// The newest message, with the ones right before it: a program without a protocol says one a line.
    words: String,
    /// Something else has happened since.
    interrupted: bool,
}

impl Digest {
    pub(super) fn of(attempt_number: u32) -> Self {
        let told = AttemptDigest {
            attempt_number,
            model: None,
            last_words: None,
            tool_calls: 0,
            failed_tool_calls: 0,
            refusals: Vec::new(),
            more_refusals: 0,
            errors: Vec::new(),
            more_errors: 0,
        };
        Self { told, words: String::new(), interrupted: false }
    }

    pub(super) fn add(&mut self, record: TurnRecord) {
        let at = record.at;
        let told = &mut self.told;
        match record.event.cut(LAST_WORDS) {
            TurnEvent::Message { text } => return self.say(&text),
            TurnEvent::Session { model: Some(model), .. } => told.model = Some(model),
            TurnEvent::ToolStarted { .. } => told.tool_calls += 1,
            TurnEvent::ToolFinished { is_error: true, .. } => told.failed_tool_calls += 1,
            TurnEvent::Permission { tool, detail } if told.refusals.len() < MAX_TOLD => {
                let refusal = RefusedPermission { at, tool: short(tool), detail: short(detail) };
                told.refusals.push(refusal);
            }
            TurnEvent::Permission { .. } => told.more_refusals += 1,
            TurnEvent::Error { text } if told.errors.len() < MAX_TOLD => {
                told.errors.push(WorkerError { at, text: short(text) });
            }
            TurnEvent::Error { .. } => told.more_errors += 1,
            // These come between messages without the worker turning to anything else.
            TurnEvent::Session { model: None, .. }
            | TurnEvent::TextDelta { .. }
            | TurnEvent::Usage { .. }
            | TurnEvent::Limit { .. }
            | TurnEvent::Notice { .. } => return,
            TurnEvent::Thinking { .. }
            | TurnEvent::ToolFinished { is_error: false, .. }
            | TurnEvent::Plan { .. } => {}
        }
        self.interrupted = true;
    }

    fn say(&mut self, text: &str) {
        if std::mem::take(&mut self.interrupted) {
            self.words.clear();
        }
        if !self.words.is_empty() {
            self.words.push('\n');
        }
        self.words.push_str(text);
        // Twice the size, so that long output is not moved for every line.
        if self.words.len() > 2 * LAST_WORDS {
            self.words = end_of(&self.words, LAST_WORDS).to_owned();
        }
    }

    pub(super) fn finish(mut self) -> AttemptDigest {
        let words = end_of(&self.words, LAST_WORDS).trim();
        self.told.last_words = (!words.is_empty()).then(|| words.to_owned());
        self.told
    }
}

fn short(text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let border = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", text.get(..border).unwrap_or_default())
}

/// The last bytes of a text, from a character's border on.
fn end_of(text: &str, bytes: usize) -> &str {
    let start = text.len().saturating_sub(bytes);
    let border = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(border..).unwrap_or_default()
}
