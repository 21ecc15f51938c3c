//! Views of the installation and of recovery.

use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::ListProblem;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    /// Version of the program.
    pub version: String,
    /// Where named definitions are looked up.
    pub config_dir: String,
    /// Where runs live.
    pub state_dir: String,
    /// Where sockets of running drivers are.
    pub runtime_dir: String,
    /// `embedded`: commands work on the state directory themselves.
    pub host_mode: String,
    /// The daemon commands are routed to.
    pub connect_url: Option<String>,
    /// What is known of that daemon.
    pub daemon: Option<String>,
}

/// What was, or would be, done about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecoveryAction {
    /// Leftovers were ended and the attempt was recorded as interrupted.
    Recovered,
    /// The same, and a new driver was started.
    Resumed,
    /// It has ended, and its parent was told.
    ToldParent,
    /// What runs below it no longer held of its budget went back.
    SettledBudget,
    /// It would be recovered.
    WouldRecover,
    /// Nobody here can tell whether its driver lives.
    LeftAlone,
    /// It could not be recovered.
    Failed,
}

/// A run that recovery looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// The run.
    pub run_id: RunId,
    /// Its status afterwards.
    pub status: RunStatus,
    /// What was done.
    pub action: RecoveryAction,
    /// Processes that were left behind, as `name (pid)`.
    pub leftovers: Vec<String>,
    /// More, in words.
    pub detail: Option<String>,
}

/// What recovery did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Interrupted runs, and what was done about each.
    pub runs: Vec<Recovered>,
    /// What could not be read, and so not be recovered.
    pub problems: Vec<ListProblem>,
}
