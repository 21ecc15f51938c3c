//! What a report is made from.

use agent_runner_api::view::{GitChanges, RunReport};
use serde::Serialize;

/// A run, and what it changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The run and what its history comes to.
    #[serde(flatten)]
    pub(crate) run: RunReport,
    /// What changed in git.
    pub(crate) changes: GitChanges,
    /// Which version of this program looked.
    #[serde(skip)]
    pub(crate) version: &'static str,
}
