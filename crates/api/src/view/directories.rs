//! What became of runs that were to be brought here.

use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::view::RunDetail;

/// What was done about a run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DirectoryAction {
    /// It is a run here now.
    Imported,
    /// It would be.
    WouldImport,
    /// It was a run here already; nothing was changed.
    Present,
    /// It could not be taken over; nothing was changed.
    Refused,
}

/// A run directory that was to be brought here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedDirectory {
    /// Where it was found.
    pub path: String,
    /// What was done.
    pub action: DirectoryAction,
    /// The run, if it could be told which it is.
    pub run_id: Option<RunId>,
    /// Its display name.
    pub name: Option<String>,
    /// How it stands here.
    pub status: Option<RunStatus>,
    /// Where the directory is kept, if it was moved.
    pub kept_at: Option<String>,
    /// What is different here.
    pub remarks: Vec<String>,
    /// Why it could not be taken over, and what to do.
    pub error: Option<ApiError>,
}

/// A run that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedRun {
    /// As it was.
    #[serde(flatten)]
    pub run: RunDetail,
    /// The directories it was made of, which are kept: they are whoever's it was made by.
    pub originals_kept_at: Vec<String>,
}

/// What became of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryImport {
    /// One for each run directory, by path.
    pub runs: Vec<ImportedDirectory>,
}
