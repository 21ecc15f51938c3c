//! Views of runs that started one another.

use agent_runner_model::phase::RunStatus;
use agent_runner_model::usage::UsageTotals;
use agent_runner_model::{RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::{ListProblem, RunSummary};

/// The runs above a run, up to the root, and all below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunTree {
    /// The run that was asked for.
    pub run_id: RunId,
    /// The run at the root names this one as its parent, but it is not there any more.
    pub missing_parent_run_id: Option<RunId>,
    /// The run at the root names this one as its parent, but it cannot be read.
    pub unreadable_parent_run_id: Option<RunId>,
    /// The root.
    pub root: TreeNode,
    /// Runs that could not be read: nobody can tell whether they belong into the tree.
    pub problems: Vec<ListProblem>,
}

/// A run in a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeNode {
    /// The run.
    pub run_id: RunId,
    /// Display name.
    pub name: Option<String>,
    /// The agent.
    pub agent_name: String,
    /// The assignment.
    pub assignment_name: Option<String>,
    /// The backend.
    pub backend: String,
    /// The status as things are.
    pub effective_status: RunStatus,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// Completed tasks.
    pub tasks_completed: usize,
    /// All tasks.
    pub tasks_total: usize,
    /// What its attempts used together, without the runs below it.
    pub usage: UsageTotals,
    /// Runs it started, oldest first.
    pub children: Vec<TreeNode>,
}

impl TreeNode {
    /// A run in a tree.
    pub fn new(summary: RunSummary, children: Vec<TreeNode>) -> Self {
        let RunSummary {
            run_id,
            name,
            agent_name,
            assignment_name,
            backend,
            effective_status,
            archived_at,
            tasks_completed,
            tasks_total,
            usage,
            ..
        } = summary;
        Self {
            run_id,
            name,
            agent_name,
            assignment_name,
            backend,
            effective_status,
            archived_at,
            tasks_completed,
            tasks_total,
            usage,
            children,
        }
    }
}
