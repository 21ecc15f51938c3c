//! Views of runs that are carried from one state directory to another.

use agent_runner_model::{Import, RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An archive of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedRun {
    /// The run.
    pub run_id: RunId,
    /// How it stood.
    pub status: String,
    /// Whether somebody was, or may have been, at work on it.
    pub is_snapshot: bool,
    /// Its last change.
    pub as_of: Timestamp,
    /// Bytes of the archive.
    pub size: u64,
    /// How many files are in it.
    pub files: usize,
    /// Its variables whose values are not in it.
    pub redacted_vars: Vec<String>,
    /// What of the run is not in it, but for what never is.
    pub left_out: Vec<LeftOutView>,
}

/// A file that is not in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOutView {
    /// Where it is below the run's directory.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// A run that came from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRun {
    /// Its id here.
    pub run_id: RunId,
    /// How it stands here.
    pub status: String,
    /// How it stood there, as what was read says.
    pub original_status: String,
    /// Where it came from.
    pub imported: Import,
    /// Where a person finds it.
    pub workspace_dir: String,
    /// Where its worker would work.
    pub cwd: String,
    /// Whether there is such a directory here.
    pub cwd_exists: bool,
    /// The variables whose values it came without.
    pub missing_vars: Vec<MissingVar>,
    /// What of the run was not in what was read.
    pub left_out: Vec<LeftOutView>,
}

/// A variable whose value nobody here knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingVar {
    /// Its name.
    pub name: String,
    /// The environment variable it was read from.
    pub env_name: String,
}
