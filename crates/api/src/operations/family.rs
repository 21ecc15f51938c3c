//! Requests about what runs have to do with one another.

use agent_runner_model::budget::Amount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run depends on, as somebody says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Upstream {
    /// One run.
    Run {
        /// Id or path.
        run: String,
    },
    /// Every run of a group.
    Group {
        /// Which.
        group_id: String,
    },
}

requests! {
    /// Makes an initialized run wait for something.
    AddDependency {
        /// Id or path.
        run: String,
        /// What has to end well first.
        upstream: Upstream,
    }
    /// Takes that back.
    RemoveDependency {
        /// Id or path.
        run: String,
        /// What no longer has to end well first.
        upstream: Upstream,
    }
    /// Makes an initialized run wait for nothing.
    ClearDependencies {
        /// Id or path.
        run: String,
    }
    /// Raises the ceilings of a run's budget, and may go on with it: both or neither.
    ExtendBudget {
        /// Id or path.
        run: String,
        /// By how much.
        by: Amount,
        /// Goes on with the run.
        resume: bool,
        /// What the worker is told then.
        message: Option<String>,
    }
}
