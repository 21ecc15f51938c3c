//! Ceilings on what a run may use, what it has used, and what it has set aside for the runs it started. Pure
//! arithmetic: who is stopped when is `next_step`'s and the driver's business.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::manifest::Manifest;
use crate::time::Timestamp;
use crate::usage::totals;

/// The percentage of a ceiling from which on a worker is told, unless a definition says otherwise.
pub const DEFAULT_SOFT_PERCENT: u8 = 80;

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BudgetKind {
    /// Seconds since the first start, waits included.
    WallClock,
    /// Tokens read and written, caches included.
    Tokens,
    /// Money.
    CostUsd,
    /// Starts of a worker.
    Attempts,
    /// Answers of the model, as the backend counts them.
    Turns,
}

impl BudgetKind {
    /// All kinds, in the documented order.
    pub const ALL: [Self; 5] = [Self::WallClock, Self::Tokens, Self::CostUsd, Self::Attempts, Self::Turns];

    /// The spelling in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WallClock => "wallClock",
            Self::Tokens => "tokens",
            Self::CostUsd => "costUsd",
            Self::Attempts => "attempts",
            Self::Turns => "turns",
        }
    }

    /// Whether children take their share of it from their parent. Time passes for all of them at once.
    pub fn is_shared_out(self) -> bool {
        match self {
            Self::WallClock => false,
            Self::Tokens | Self::CostUsd | Self::Attempts | Self::Turns => true,
        }
    }
}

/// An amount of everything that can be limited: seconds, tokens, millionths of a dollar, attempts, turns. What is
/// missing is not limited, or not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct Amount {
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_clock_sec: Option<u64>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
    /// Starts of a worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// Answers of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
}

impl Amount {
    /// How much of one kind.
    pub fn get(&self, kind: BudgetKind) -> Option<u64> {
        match kind {
            BudgetKind::WallClock => self.wall_clock_sec,
            BudgetKind::Tokens => self.tokens,
            BudgetKind::CostUsd => self.cost_micro_usd,
            BudgetKind::Attempts => self.attempts,
            BudgetKind::Turns => self.turns,
        }
    }

    /// The same with another amount of one kind.
    pub fn with(mut self, kind: BudgetKind, value: Option<u64>) -> Self {
        match kind {
            BudgetKind::WallClock => self.wall_clock_sec = value,
            BudgetKind::Tokens => self.tokens = value,
            BudgetKind::CostUsd => self.cost_micro_usd = value,
            BudgetKind::Attempts => self.attempts = value,
            BudgetKind::Turns => self.turns = value,
        }
        self
    }

    /// Each kind's sum; what is missing in both stays missing.
    pub fn plus(self, other: Self) -> Self {
        BudgetKind::ALL.into_iter().fold(Self::default(), |sum, kind| {
            let value = match (self.get(kind), other.get(kind)) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
            };
            sum.with(kind, value)
        })
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens when something is limited that the backend does not measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub enum OnUnmeasured {
    /// The run is refused.
    #[default]
    Refuse,
    /// It runs without that ceiling.
    Allow,
}

/// Ceilings on what a run may use, the runs it starts included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSpec {
    /// The hard marks.
    #[serde(flatten)]
    pub hard: Amount,
    /// The percentage of each from which on the worker is told.
    pub soft_percent: u8,
    /// What happens when the backend cannot measure what is limited.
    pub on_unmeasured: OnUnmeasured,
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            hard: Amount::default(),
            soft_percent: DEFAULT_SOFT_PERCENT,
            on_unmeasured: OnUnmeasured::Refuse,
        }
    }
}

/// What a run has set aside for one that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Set aside while the child may still use it; what it really used once it is settled.
    pub amount: Amount,
    /// Whether the child has ended and this is what it used.
    pub settled: bool,
}

/// What changes about a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct BudgetState {
    /// Added to the ceilings since.
    #[serde(default)]
    pub extended: Amount,
    /// What its parent lets it use in all: no ceiling of its own reaches further.
    #[serde(default, skip_serializing_if = "Amount::is_empty")]
    pub granted: Amount,
    /// For each child.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Reservation>")]
    pub children: BTreeMap<RunId, Reservation>,
}

/// The run's own ceilings as they stand, extensions included.
pub fn own_ceilings(manifest: &Manifest) -> Amount {
    let (hard, extended) = (manifest.spec.budget.hard, manifest.state.budget.extended);
    BudgetKind::ALL.into_iter().fold(Amount::default(), |sum, kind| {
        let value = hard.get(kind).map(|value| value.saturating_add(extended.get(kind).unwrap_or(0)));
        sum.with(kind, value)
    })
}

/// The ceilings as they stand: its own, and no more than its parent lets it use.
pub fn ceilings(manifest: &Manifest) -> Amount {
    let (own, granted) = (own_ceilings(manifest), manifest.state.budget.granted);
    BudgetKind::ALL.into_iter().fold(Amount::default(), |sum, kind| {
        let value = match (own.get(kind), granted.get(kind)) {
            (Some(own), Some(granted)) => Some(own.min(granted)),
            (Some(only), None) | (None, Some(only)) => Some(only),
            (None, None) => None,
        };
        sum.with(kind, value)
    })
}

/// What the run itself has used: its attempts, those that are under way included where that is known.
pub fn spent(manifest: &Manifest, now: Timestamp) -> Amount {
    let records = &manifest.state.attempt_records;
    let running = manifest.live_attempt().map(|attempt| attempt.usage).unwrap_or_default();
    let usage = totals(records).usage.plus(running);
    let parts = [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
    let tokens = parts.into_iter().flatten().fold(0_u64, u64::saturating_add);
    let live = u64::from(manifest.live_attempt().is_some());
    Amount {
        wall_clock_sec: Some(elapsed(manifest, now).as_secs()),
        tokens: Some(tokens),
        cost_micro_usd: Some(usage.cost_micro_usd.unwrap_or(0)),
        attempts: Some(u64::try_from(records.len()).unwrap_or(u64::MAX).saturating_add(live)),
        turns: Some(usage.turns.unwrap_or(0)),
    }
}

fn elapsed(manifest: &Manifest, now: Timestamp) -> Duration {
    manifest.state.started_at.map(|start| now.since(start)).unwrap_or_default()
}

/// What is set aside for children, or was used by them.
pub fn given_out(manifest: &Manifest) -> Amount {
    let children = manifest.state.budget.children.values();
    children.fold(Amount::default(), |sum, child| sum.plus(child.amount))
}

/// What is left below each ceiling; only kinds that are limited.
pub fn remaining(manifest: &Manifest, now: Timestamp) -> Amount {
    let (ceilings, spent, given) = (ceilings(manifest), spent(manifest, now), given_out(manifest));
    BudgetKind::ALL.into_iter().fold(Amount::default(), |left, kind| {
        let shared = if kind.is_shared_out() { given.get(kind).unwrap_or(0) } else { 0 };
        let used = spent.get(kind).unwrap_or(0).saturating_add(shared);
        left.with(kind, ceilings.get(kind).map(|ceiling| ceiling.saturating_sub(used)))
    })
}

/// The first ceiling that is reached.
pub fn reached(manifest: &Manifest, now: Timestamp) -> Option<BudgetKind> {
    let left = remaining(manifest, now);
    BudgetKind::ALL.into_iter().find(|kind| left.get(*kind) == Some(0))
}

/// The first ceiling that is reached while an attempt is under way: one that counts attempts stops the next one.
pub fn reached_meanwhile(manifest: &Manifest, now: Timestamp) -> Option<BudgetKind> {
    let left = remaining(manifest, now).with(BudgetKind::Attempts, None);
    BudgetKind::ALL.into_iter().find(|kind| left.get(*kind) == Some(0))
}

/// Whether children of this run have to ask it for their share.
pub fn is_shared_out(manifest: &Manifest) -> bool {
    let ceilings = ceilings(manifest);
    BudgetKind::ALL.into_iter().any(|kind| kind.is_shared_out() && ceilings.get(kind).is_some())
}

/// What a run used of what its parent set aside for it, as the parent counts it: what it was given, without what is left.
pub fn used_of(reservation: Amount, child: &Manifest, now: Timestamp) -> Amount {
    let used = spent(child, now).plus(given_out(child));
    BudgetKind::ALL.into_iter().fold(Amount::default(), |sum, kind| {
        let of = reservation.get(kind).map(|reserved| {
            let granted = child.state.budget.granted.get(kind).unwrap_or(reserved);
            let left = granted.saturating_sub(used.get(kind).unwrap_or(0));
            let over = used.get(kind).unwrap_or(0).saturating_sub(granted);
            reserved.saturating_sub(left).saturating_add(over)
        });
        sum.with(kind, of)
    })
}

/// The ceilings whose soft mark is passed, with what is left of each.
pub fn nearly_reached(manifest: &Manifest, now: Timestamp) -> Vec<(BudgetKind, u64)> {
    let (ceilings, left) = (ceilings(manifest), remaining(manifest, now));
    let soft = u128::from(manifest.spec.budget.soft_percent);
    let passed = |kind: &BudgetKind| {
        let (ceiling, left) = (ceilings.get(*kind)?, left.get(*kind)?);
        let used = u128::from(ceiling.saturating_sub(left)) * 100;
        (used >= u128::from(ceiling) * soft).then_some((*kind, left))
    };
    BudgetKind::ALL.iter().filter_map(passed).collect()
}

/// What a child is given of each kind its parent limits: what it asks for, or half of what is left when it asks for
/// nothing. Errors name the first kind that does not suffice.
pub fn share(left: &Amount, asked: &Amount) -> Result<Amount, BudgetKind> {
    let kinds = BudgetKind::ALL.into_iter().filter(|kind| kind.is_shared_out());
    kinds.into_iter().try_fold(Amount::default(), |share, kind| {
        let Some(left) = left.get(kind) else { return Ok(share) };
        let wanted = asked.get(kind).unwrap_or(left / 2);
        if wanted == 0 || wanted > left {
            return Err(kind);
        }
        Ok(share.with(kind, Some(wanted)))
    })
}
