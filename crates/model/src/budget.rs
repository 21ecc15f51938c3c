//! Ceilings on what a run may use, what it has used, and what it has set aside for the runs it started. Pure
//! arithmetic: who is stopped when is `next_step`'s and the driver's business.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptRecord, EndClass};
use crate::ids::RunId;
use crate::manifest::Manifest;
use crate::phase::Phase;
use crate::time::Timestamp;
use crate::usage::totals;

/// The percentage of a ceiling from which on a worker is told, unless a definition says otherwise.
pub const DEFAULT_SOFT_PERCENT: u8 = 80;
/// The largest amount of anything: readers of JSON that know no whole numbers round what is above it.
pub const MAX_AMOUNT: u64 = (1 << 53) - 1;

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BudgetKind {
    /// Seconds from each start to the end that follows it, waits and interruptions included.
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

    /// The flag of `run extend` that raises its ceiling.
    pub fn extend_flag(self) -> &'static str {
        match self {
            Self::WallClock => "--wall-clock SEC",
            Self::Tokens => "--tokens N",
            Self::CostUsd => "--cost-usd USD",
            Self::Attempts => "--attempts N",
            Self::Turns => "--turns N",
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

    /// Each kind without the other's part of it; what is missing stays missing.
    pub fn minus(self, other: Self) -> Self {
        self.map(|kind, value| value.map(|value| value.saturating_sub(other.get(kind).unwrap_or(0))))
    }

    /// The smaller one of each kind; what is missing in one is as the other says.
    pub fn least(self, other: Self) -> Self {
        self.map(|kind, value| match (value, other.get(kind)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }

    /// The kinds that are shared out, without those of which there is nothing.
    pub fn shared(self) -> Self {
        self.map(|kind, value| value.filter(|value| *value > 0 && kind.is_shared_out()))
    }

    /// The same with each kind as `value` makes it of what it was.
    pub fn map(self, value: impl Fn(BudgetKind, Option<u64>) -> Option<u64>) -> Self {
        BudgetKind::ALL.into_iter().fold(self, |sum, kind| sum.with(kind, value(kind, self.get(kind))))
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An amount of money in words: cents from a dollar on, hundredths of them below, so that little is not shown as nothing.
pub fn dollars(micro_usd: u64) -> String {
    match micro_usd / 1_000_000 {
        0 => format!("$0.{:04}", micro_usd / 100),
        whole => format!("${whole}.{:02}", micro_usd % 1_000_000 / 10_000),
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

/// What a run counts for one that it started, as totals over that run's whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// While the child is active, what it may use; otherwise what it has used and has set aside for its own children.
    pub amount: Amount,
    /// What of that came before this account was opened for it, and is not counted here.
    #[serde(default, skip_serializing_if = "Amount::is_empty")]
    pub base: Amount,
    /// Whether neither the child nor anything below it can use more.
    pub settled: bool,
}

impl Reservation {
    /// What counts here.
    pub fn counted(&self) -> Amount {
        self.amount.minus(self.base)
    }
}

/// What changes about a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct BudgetState {
    /// Added to the ceilings since.
    #[serde(default)]
    pub extended: Amount,
    /// What the runs above it let it use in all, over its whole life: no ceiling of its own reaches further.
    #[serde(default, skip_serializing_if = "Amount::is_empty")]
    pub granted: Amount,
    /// Whether it has ended since, and holds nothing of that any more: it starts again only with a new grant.
    #[serde(default, skip_serializing_if = "is_false")]
    pub given_back: bool,
    /// The run above it that had least left of each kind it was granted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, RunId>")]
    pub granted_by: BTreeMap<BudgetKind, RunId>,
    /// What it used before it was reset: its own ceilings do not count that, the runs above it do.
    #[serde(default, skip_serializing_if = "Amount::is_empty")]
    pub before: Amount,
    /// Since when it is active, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Timestamp>,
    /// Milliseconds it was active until its last end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub active_ms: u64,
    /// For each child.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Reservation>")]
    pub children: BTreeMap<RunId, Reservation>,
}

impl BudgetState {
    /// Whether what is set aside for a child may turn out to be less, or more, than it says.
    pub fn has_open_entries(&self) -> bool {
        self.children.values().any(|child| !child.settled)
    }

    /// What a reset leaves: what was used stays counted above it, and children at work keep what they were given.
    pub fn reset(&self, spent: Amount) -> Self {
        let (open, settled): (Vec<_>, Vec<_>) = self
            .children
            .iter()
            .map(|(id, entry)| (id.clone(), *entry))
            .partition(|(_, entry)| !entry.settled);
        let by_children = settled.iter().fold(Amount::default(), |sum, (_, entry)| sum.plus(entry.counted()));
        Self {
            before: self.before.plus(spent).plus(by_children).shared(),
            children: open.into_iter().collect(),
            ..Self::default()
        }
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The run's own ceilings as they stand, extensions included.
pub fn own_ceilings(manifest: &Manifest) -> Amount {
    let (hard, extended) = (manifest.spec.budget.hard, manifest.state.budget.extended);
    BudgetKind::ALL.into_iter().fold(Amount::default(), |sum, kind| {
        let value = hard.get(kind).map(|value| value.saturating_add(extended.get(kind).unwrap_or(0)));
        sum.with(kind, value)
    })
}

/// The ceilings as they stand: its own, and no more than the runs above it let it use.
pub fn ceilings(manifest: &Manifest) -> Amount {
    let budget = &manifest.state.budget;
    own_ceilings(manifest).least(budget.granted.minus(budget.before))
}

/// The ceilings that hold for what a run shares out. What it was granted counts while it is active; after that the runs
/// above it are asked themselves.
fn in_force(manifest: &Manifest) -> Amount {
    match &manifest.state.phase {
        Phase::Active { .. } => ceilings(manifest),
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => own_ceilings(manifest),
    }
}

/// The run above it that a ceiling is due to, if it is not the run's own.
pub fn granted_by(manifest: &Manifest, kind: BudgetKind) -> Option<&RunId> {
    let budget = &manifest.state.budget;
    let granted = budget.granted.minus(budget.before).get(kind)?;
    match own_ceilings(manifest).get(kind) {
        Some(own) if own <= granted => None,
        Some(_) | None => budget.granted_by.get(&kind),
    }
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
        wall_clock_sec: Some(active_for(manifest, now).as_secs()),
        tokens: Some(tokens),
        cost_micro_usd: Some(usage.cost_micro_usd.unwrap_or(0)),
        attempts: Some(u64::try_from(records.len()).unwrap_or(u64::MAX).saturating_add(live)),
        turns: Some(usage.turns.unwrap_or(0)),
    }
}

/// How long the run was active in all.
pub fn active_for(manifest: &Manifest, now: Timestamp) -> Duration {
    let budget = &manifest.state.budget;
    let this_time = budget.active_since.map(|start| now.since(start)).unwrap_or_default();
    Duration::from_millis(budget.active_ms).saturating_add(this_time)
}

/// How long the run may still be active; nothing without a ceiling.
pub fn time_left(manifest: &Manifest, now: Timestamp) -> Option<Duration> {
    left_of(ceilings(manifest), manifest, now)
}

fn left_of(ceilings: Amount, manifest: &Manifest, now: Timestamp) -> Option<Duration> {
    let ceiling = Duration::from_secs(ceilings.wall_clock_sec?);
    Some(ceiling.saturating_sub(active_for(manifest, now)))
}

/// How long runs that this one starts may be active.
pub fn time_to_share(manifest: &Manifest, now: Timestamp) -> Option<Duration> {
    left_of(in_force(manifest), manifest, now)
}

/// What is set aside for children, or was used by them.
pub fn given_out(manifest: &Manifest) -> Amount {
    let children = manifest.state.budget.children.values();
    children.fold(Amount::default(), |sum, child| sum.plus(child.counted()))
}

/// What the run has used over its whole life, and has set aside for its children.
pub fn life_use(manifest: &Manifest, now: Timestamp) -> Amount {
    let used = manifest.state.budget.before.plus(spent(manifest, now)).plus(given_out(manifest));
    used.map(|kind, value| value.filter(|_| kind.is_shared_out()))
}

fn rest(ceilings: Amount, manifest: &Manifest, now: Timestamp) -> Amount {
    let (spent, given) = (spent(manifest, now), given_out(manifest));
    ceilings.map(|kind, ceiling| {
        let shared = if kind.is_shared_out() { given.get(kind).unwrap_or(0) } else { 0 };
        let used = spent.get(kind).unwrap_or(0).saturating_add(shared);
        ceiling.map(|ceiling| ceiling.saturating_sub(used))
    })
}

/// What is left below each ceiling; only kinds that are limited.
pub fn remaining(manifest: &Manifest, now: Timestamp) -> Amount {
    rest(ceilings(manifest), manifest, now)
}

/// What is left for runs that this one starts; only kinds that are limited.
pub fn to_share(manifest: &Manifest, now: Timestamp) -> Amount {
    rest(in_force(manifest), manifest, now).map(|kind, left| left.filter(|_| kind.is_shared_out()))
}

/// The first ceiling that is reached, or that nobody could keep to any more.
pub fn reached(manifest: &Manifest, now: Timestamp) -> Option<BudgetKind> {
    let left = remaining(manifest, now);
    let reached = BudgetKind::ALL.into_iter().find(|kind| left.get(*kind) == Some(0));
    reached.or_else(|| costs_in_the_dark(manifest).then_some(BudgetKind::CostUsd))
}

/// Whether there is a ceiling of cost, and the last attempts of the session have not told theirs. One may be killed before it
/// does, and a later one of the same conversation makes up for it; more of them would go on without a ceiling.
fn costs_in_the_dark(manifest: &Manifest) -> bool {
    let is_limited = ceilings(manifest).cost_micro_usd.is_some();
    let is_to_be_known = manifest.spec.budget.on_unmeasured == OnUnmeasured::Refuse;
    let Some(session) = manifest.session().filter(|_| is_limited && is_to_be_known) else { return false };
    let of_session = |record: &&AttemptRecord| record.session_index == session.session_index;
    let worked = |record: &&AttemptRecord| match record.end.class() {
        EndClass::Reported
        | EndClass::TimedOut
        | EndClass::Crashed
        | EndClass::ProtocolError
        | EndClass::OverBudget
        | EndClass::Interrupted => true,
        EndClass::Overloaded
        | EndClass::Network
        | EndClass::Limited
        | EndClass::Misconfigured
        | EndClass::Aborted => false,
    };
    let records = manifest.state.attempt_records.iter().rev().take_while(of_session).filter(worked);
    records.take_while(|record| record.usage.cost_micro_usd.is_none()).count() >= MAX_IN_THE_DARK
}

/// How many attempts in a row may end without telling their cost where that is limited.
const MAX_IN_THE_DARK: usize = 2;

/// The first of its own ceilings that is reached: what a run that goes on is granted anew does not help there.
pub fn reached_own(manifest: &Manifest, now: Timestamp) -> Option<BudgetKind> {
    let left = rest(own_ceilings(manifest), manifest, now);
    BudgetKind::ALL.into_iter().find(|kind| left.get(*kind) == Some(0))
}

/// The first ceiling for which an attempt that is under way has to stop: its time is up, or more is used and set aside
/// than there is. A child that was given all that was left does not stop the parent that waits for it; a ceiling that
/// counts attempts stops the next one.
pub fn exceeded(manifest: &Manifest, now: Timestamp) -> Option<BudgetKind> {
    let (ceilings, used) = (ceilings(manifest), spent(manifest, now).plus(given_out(manifest)));
    BudgetKind::ALL.into_iter().find(|kind| match kind {
        BudgetKind::WallClock => time_left(manifest, now).is_some_and(|left| left.is_zero()),
        BudgetKind::Attempts => false,
        BudgetKind::Tokens | BudgetKind::CostUsd | BudgetKind::Turns => {
            ceilings.get(*kind).is_some_and(|ceiling| used.get(*kind).unwrap_or(0) > ceiling)
        }
    })
}

/// Whether runs below this one have anything to keep to because of it.
pub fn limits_children(manifest: &Manifest) -> bool {
    !in_force(manifest).is_empty()
}

/// What the account of a run says of a child: `amount` over the child's whole life, in the kinds that matter there.
/// What the child used of a kind before the account was opened for it does not count.
pub fn entry(known: Option<&Reservation>, life_use: Amount, amount: Amount) -> Reservation {
    let base = life_use.map(|kind, used| match known {
        Some(known) if known.amount.get(kind).is_some() => known.base.get(kind),
        Some(_) | None => used.filter(|used| *used > 0 && amount.get(kind).is_some()),
    });
    Reservation { amount, base, settled: false }
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

/// What a child is given of each kind that is limited above it: what it asks for, or half of what is left when it asks
/// for nothing, but no less than one. Errors name the first kind that does not suffice.
pub fn share(left: &Amount, asked: &Amount) -> Result<Amount, BudgetKind> {
    let kinds = BudgetKind::ALL.into_iter().filter(|kind| kind.is_shared_out());
    kinds.into_iter().try_fold(Amount::default(), |share, kind| {
        let Some(left) = left.get(kind) else { return Ok(share) };
        let wanted = asked.get(kind).unwrap_or_else(|| (left / 2).max(1));
        if wanted == 0 || wanted > left {
            return Err(kind);
        }
        Ok(share.with(kind, Some(wanted)))
    })
}
