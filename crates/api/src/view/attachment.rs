//! Views of files that were handed over with runs.

use agent_runner_model::RunId;
use agent_runner_model::attachment::Attachment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::ListProblem;
use crate::operations::AttachmentScope;

/// A file that was handed over with a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    /// The run it belongs to.
    pub owner_run_id: RunId,
    /// The file.
    #[serde(flatten)]
    pub attachment: Attachment,
}

/// Files that were handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentList {
    /// The run that was asked for.
    pub run_id: RunId,
    /// Its group.
    pub run_group_id: String,
    /// Whose files these are.
    pub scope: AttachmentScope,
    /// The run's own first, then oldest first.
    pub attachments: Vec<AttachmentView>,
    /// Runs that could not be read: nobody can tell whether they are of the group.
    pub problems: Vec<ListProblem>,
}
