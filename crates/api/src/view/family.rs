//! Views of what runs have to do with one another.

use std::collections::BTreeMap;

use agent_runner_model::budget::{self, Amount, BudgetKind};
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{Manifest, RunId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run depends on, and how that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DependencyView {
    /// One run.
    Run {
        /// Which.
        run_id: RunId,
        /// Its display name.
        name: Option<String>,
        /// Its status by its manifest; nothing if it is missing.
        status: Option<RunStatus>,
        /// Its status as things are.
        effective_status: Option<RunStatus>,
        /// When it was put away.
        archived_at: Option<Timestamp>,
        /// Whether it has ended well.
        satisfied: bool,
        /// Whether there is no such run.
        missing: bool,
    },
    /// Every run of a group that was not put away.
    Group {
        /// Which.
        group_id: String,
        /// Runs that count.
        total: usize,
        /// Those of them that have ended well.
        successful: usize,
        /// Those of them that have not.
        unsatisfied: usize,
        /// Runs that were put away, which do not count.
        archived_excluded: usize,
        /// Whether all have ended well, and there are any.
        satisfied: bool,
        /// Whether no run counts.
        missing: bool,
    },
}

/// By what another run depends on this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Via {
    /// By its id.
    Run,
    /// By its group.
    Group,
}

/// A run that depends on this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependentView {
    /// Always `run`.
    #[serde(rename = "type")]
    pub kind: String,
    /// By what it depends on this one.
    pub via: Via,
    /// The run.
    pub run_id: RunId,
    /// The group it waits for, if that is how it depends on this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency_group_id: Option<String>,
    /// Its display name.
    pub name: Option<String>,
    /// Its status by its manifest.
    pub status: RunStatus,
    /// Its status as things are.
    pub effective_status: RunStatus,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// Whether what it waits for here has ended well.
    pub satisfied: bool,
    /// Always false: it was found.
    pub missing: bool,
}

/// How the dependencies of a run stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependencyState {
    /// Whether nothing keeps the run from starting.
    pub ready: bool,
    /// All of them.
    pub total: usize,
    /// Those that have ended well.
    pub satisfied: usize,
    /// Those that have not.
    pub unsatisfied: usize,
}

/// What other runs have to do with a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// What it depends on.
    pub dependencies: Vec<DependencyView>,
    /// What depends on it; nothing where nobody looked.
    pub dependents: Option<Vec<DependentView>>,
}

impl DependencyView {
    /// Whether it has ended well.
    pub fn is_satisfied(&self) -> bool {
        match self {
            Self::Run { satisfied, .. } | Self::Group { satisfied, .. } => *satisfied,
        }
    }
}

impl Relations {
    /// How the dependencies stand together.
    pub fn state(&self) -> DependencyState {
        let total = self.dependencies.len();
        let satisfied = self.dependencies.iter().filter(|view| view.is_satisfied()).count();
        DependencyState { ready: satisfied == total, total, satisfied, unsatisfied: total - satisfied }
    }
}

/// The budget of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// The ceilings as they stand.
    pub ceilings: Amount,
    /// What the run itself has used.
    pub spent: Amount,
    /// What is set aside for runs it started, or was used by them.
    pub reserved: Amount,
    /// What is left of each ceiling.
    pub remaining: Amount,
    /// The first ceiling that is reached.
    pub over: Option<BudgetKind>,
    /// For each ceiling that is not its own: the run whose budget it has its share of.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RunId>")]
    pub granted_by: BTreeMap<BudgetKind, RunId>,
    /// The percentage from which on its worker is told.
    pub soft_percent: u8,
}

impl BudgetView {
    /// The budget of a run that has one.
    pub fn new(manifest: &Manifest, now: Timestamp) -> Option<Self> {
        let ceilings = budget::ceilings(manifest);
        (!ceilings.is_empty()).then(|| Self {
            ceilings,
            spent: budget::spent(manifest, now),
            reserved: budget::given_out(manifest),
            remaining: budget::remaining(manifest, now),
            over: budget::reached(manifest, now),
            granted_by: BudgetKind::ALL
                .into_iter()
                .filter_map(|kind| Some((kind, budget::granted_by(manifest, kind)?.clone())))
                .collect(),
            soft_percent: manifest.spec.budget.soft_percent,
        })
    }
}
