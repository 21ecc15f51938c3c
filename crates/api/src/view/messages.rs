//! Views of the words that wait for a run's next session.

use agent_runner_model::RunId;
use agent_runner_model::manifest::QueuedMessage;
use agent_runner_model::phase::RunStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The words that wait for a run's next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageList {
    /// The run.
    pub run_id: RunId,
    /// Its status as things are.
    pub effective_status: RunStatus,
    /// The message that was added or taken back by this request.
    pub message_id: Option<String>,
    /// Oldest first.
    pub queued_resume_messages: Vec<QueuedMessage>,
}
