//! What a worker does during a turn, in one language for every backend. Must not say what follows from it: how the turn
//! ended is the attempt's end, and what is done is in the tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::usage::Usage;

/// Something a worker did or said. All texts come from the worker or its model: data, never to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TurnEvent {
    /// The backend named its conversation.
    Session {
        /// The backend's own handle.
        id: String,
        /// The model that answers, if the backend says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// A piece of a message that is still being written. Shown, never kept: the whole message follows.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// A whole message; for a program without a protocol, a line of its standard output.
    Message {
        /// The words.
        text: String,
    },
    /// What the model thought, where the backend shows it.
    Thinking {
        /// The words.
        text: String,
    },
    /// A tool call began.
    ToolStarted {
        /// The backend's own id of the call.
        id: String,
        /// The tool's name.
        name: String,
        /// One line about what it does.
        summary: String,
    },
    /// A tool call ended.
    ToolFinished {
        /// The backend's own id of the call.
        id: String,
        /// Whether it failed.
        is_error: bool,
        /// The beginning of its result.
        summary: String,
    },
    /// The worker's own plan, as it stands now.
    Plan {
        /// Its items, in order.
        items: Vec<PlanItem>,
    },
    /// What the turn used so far, or in all.
    Usage {
        /// The figures.
        usage: Usage,
    },
    /// The backend met a usage or rate limit, or is asked to slow down. It may still get over it by itself.
    Limit {
        /// When it is lifted or tried again, if the backend says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reset_at: Option<Timestamp>,
        /// In words.
        detail: String,
    },
    /// The worker was refused something by the backend's own safety rules.
    Permission {
        /// The tool it wanted to use.
        tool: String,
        /// What it wanted to do, or why it was refused.
        detail: String,
    },
    /// Something worth knowing that is no message; for a program without a protocol, a line of its standard error.
    Notice {
        /// In words.
        text: String,
    },
    /// Something went wrong; the turn may still go on.
    Error {
        /// In words.
        text: String,
    },
}

/// An item of a worker's own plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanItem {
    /// What is to be done.
    pub text: String,
    /// The backend's own word for how it stands.
    pub status: String,
}

/// An event of a turn as it is kept: one line of `attempts/NN.events.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TurnRecord {
    /// 1, 2, 3 … within the attempt. Live events that are not kept have numbers too, so there are gaps.
    pub seq: u64,
    /// When it was read.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: TurnEvent,
}

impl TurnEvent {
    /// Whether it is worth keeping. Pieces of messages are not: the whole message follows.
    pub fn is_kept(&self) -> bool {
        match self {
            Self::TextDelta { .. } => false,
            Self::Session { .. }
            | Self::Message { .. }
            | Self::Thinking { .. }
            | Self::ToolStarted { .. }
            | Self::ToolFinished { .. }
            | Self::Plan { .. }
            | Self::Usage { .. }
            | Self::Limit { .. }
            | Self::Permission { .. }
            | Self::Notice { .. }
            | Self::Error { .. } => true,
        }
    }

    /// Whether it says something about the turn as a whole that must be kept when everything else is too much.
    pub fn is_vital(&self) -> bool {
        match self {
            Self::Session { .. }
            | Self::Usage { .. }
            | Self::Limit { .. }
            | Self::Permission { .. }
            | Self::Error { .. } => true,
            Self::TextDelta { .. }
            | Self::Message { .. }
            | Self::Thinking { .. }
            | Self::ToolStarted { .. }
            | Self::ToolFinished { .. }
            | Self::Plan { .. }
            | Self::Notice { .. } => false,
        }
    }

    /// The event with every text cut to at most `bytes` bytes, at a character's border.
    pub fn cut(self, bytes: usize) -> Self {
        let cut = |text: String| cut(text, bytes);
        match self {
            Self::Session { id, model } => Self::Session { id: cut(id), model: model.map(cut) },
            Self::TextDelta { text } => Self::TextDelta { text: cut(text) },
            Self::Message { text } => Self::Message { text: cut(text) },
            Self::Thinking { text } => Self::Thinking { text: cut(text) },
            Self::ToolStarted { id, name, summary } => {
                Self::ToolStarted { id: cut(id), name: cut(name), summary: cut(summary) }
            }
            Self::ToolFinished { id, is_error, summary } => {
                Self::ToolFinished { id: cut(id), is_error, summary: cut(summary) }
            }
            Self::Plan { items } => Self::Plan {
                items: items
                    .into_iter()
                    .take(MAX_PLAN_ITEMS)
                    .map(|item| PlanItem { text: cut(item.text), status: cut(item.status) })
                    .collect(),
            },
            Self::Usage { usage } => Self::Usage { usage },
            Self::Limit { reset_at, detail } => Self::Limit { reset_at, detail: cut(detail) },
            Self::Permission { tool, detail } => Self::Permission { tool: cut(tool), detail: cut(detail) },
            Self::Notice { text } => Self::Notice { text: cut(text) },
            Self::Error { text } => Self::Error { text: cut(text) },
        }
    }
}

/// Items of a plan that are kept.
const MAX_PLAN_ITEMS: usize = 100;
/// What a text that was cut ends with.
const CUT_MARK: &str = "…";

fn cut(mut text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let room = bytes.saturating_sub(CUT_MARK.len());
    let border = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(border);
    text.push_str(CUT_MARK);
    text
}
