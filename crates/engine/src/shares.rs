//! What runs take from the budgets of the runs above them: set aside before they start, settled when they have ended.
//! Each run's record of its children is one account, in totals over a child's whole life; it is changed only by whoever
//! has the turn to change what runs have to do with one another, together with the start it is for. Must not decide what a
//! run may use beyond that.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::budget::{self, Amount, BudgetKind, OnUnmeasured};
use agent_runner_model::phase::Phase;
use agent_runner_model::{ControlFact, Fact, Manifest, RunId, Timestamp, apply_all};
use agent_runner_store::{Problem, StoreError, failpoint};

use crate::engine::Engine;
use crate::failure::{commit_error, refusal_error, store_error};
use crate::graph;
use crate::place::Places;
use crate::talk;

/// How often those above may use something up at the moment of a start before this gives up.
const TRIES: usize = 50;

/// What a start is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The run is being made, with what it is to wait for.
    New,
    /// It was made before.
    GoesOn,
}

type Reconciled<'a> = Pin<Box<dyn Future<Output = Result<Option<Manifest>, ApiError>> + Send + 'a>>;

impl<S: Places + 'static> Engine<S> {
    /// Commits the start of a run together with what the runs above it set aside for it: all of that, or nothing. `facts`
    /// end with the start.
    pub(crate) async fn start(
        &self,
        run: &Manifest,
        facts: &[Fact],
        occasion: Occasion,
    ) -> Result<Manifest, ApiError> {
        let run_id = &run.spec.run_id;
        let is_active = matches!(run.state.phase, Phase::Active { .. });
        let budget = &run.state.budget;
        let above = self.above(&run.spec.ancestors()).await?;
        let is_granted = !is_active && (!above.is_empty() || !budget.granted.is_empty());
        if !is_granted && !budget.has_open_entries() {
            self.require_means(run, facts)?;
            let committed = match occasion {
                Occasion::New => self.commit_among(run_id, facts).await,
                Occasion::GoesOn => self.commit(run_id, facts).await,
            };
            if committed.is_ok() || !(is_active && self.has_ended(run_id).await?) {
                return committed;
            }
        }
        let turn = self.store.hold_graph().await.map_err(|error| store_error(&error))?;
        let started = self.start_in_turn(&turn, run_id, facts, occasion).await;
        drop(turn);
        for changed in [run_id].into_iter().chain(above.iter().map(|above| &above.spec.run_id)) {
            talk::ping(&self.socket(changed));
        }
        started
    }

    async fn start_in_turn(
        &self,
        turn: &S::Graph,
        run_id: &RunId,
        facts: &[Fact],
        occasion: Occasion,
    ) -> Result<Manifest, ApiError> {
        for _ in 0..TRIES {
            let Some(run) = self.reconcile(run_id).await? else {
                return self.commit(run_id, facts).await;
            };
            self.require_means(&run, facts)?;
            // A run that is at work goes on with what it was given.
            if matches!(run.state.phase, Phase::Active { .. }) {
                let committed = self.commit(run_id, facts).await;
                if committed.is_err() && self.has_ended(run_id).await? {
                    // It has given that back by now.
                    continue;
                }
                return committed;
            }
            for one in &self.above(&run.spec.ancestors()).await? {
                self.reconcile(&one.spec.run_id).await?;
            }
            // One that has ended in the meantime is not the last that counts.
            let above = self.above(&run.spec.ancestors()).await?;
            let grant = self.grant(&run, facts, &above, occasion)?;
            match self.set_aside(&run, &above, &grant.share).await {
                Ok(true) => {}
                // Somebody above has used some of it since.
                Ok(false) => continue,
                Err(error) => {
                    self.take_back(&above).await;
                    return Err(error);
                }
            }
            failpoint::hit("budget.reserved");
            let mut all = Vec::new();
            if !(grant.amount.is_empty() && run.state.budget.granted.is_empty()) {
                all.push(Fact::Control(ControlFact::BudgetGranted { amount: grant.amount, by: grant.by }));
            }
            all.extend_from_slice(facts);
            let now = self.now();
            let committed = match occasion {
                Occasion::New => {
                    let check = |runs: &[Manifest], problems: &[Problem]| {
                        graph::check(runs, problems, run_id, &all, now)
                    };
                    self.store.commit_within(turn, run_id, &all, now, &check).await
                }
                Occasion::GoesOn => self.store.commit(run_id, &all, now).await,
            };
            if committed.is_err() {
                self.take_back(&above).await;
            }
            return committed.map_err(|error| commit_error(&error));
        }
        let message = format!("the budgets of the runs above {run_id} change all the time");
        Err(ApiError::new(ErrorCode::Busy, message).hint("repeat the command"))
    }

    async fn has_ended(&self, run_id: &RunId) -> Result<bool, ApiError> {
        let found = self.found(run_id).await?;
        Ok(found.is_some_and(|run| matches!(run.state.phase, Phase::Ended { .. })))
    }

    /// What was set aside for nothing goes back before anybody else sees it. Where that fails, the next one sees to it.
    async fn take_back(&self, above: &[Manifest]) {
        for one in above {
            let _ = self.reconcile(&one.spec.run_id).await;
        }
    }

    /// The runs above a run that count what it uses, nearest first: up to one that is active, for which others above it
    /// have set aside all that it may share out. Where none of them limits anything there is nothing to count.
    pub(crate) async fn above(&self, ancestors: &[RunId]) -> Result<Vec<Manifest>, ApiError> {
        let mut above: Vec<Manifest> = Vec::new();
        for id in ancestors {
            // One that was deleted counts nothing any more; those above it do.
            let Some(found) = self.found(id).await? else { continue };
            let is_active = matches!(found.state.phase, Phase::Active { .. });
            above.push(found);
            if is_active {
                break;
            }
        }
        while above.last().is_some_and(|last| !budget::limits_children(last)) {
            above.pop();
        }
        Ok(above)
    }

    /// Whether runs below this one take their share of something.
    pub(crate) async fn is_limited_below(&self, ancestors: &[RunId]) -> Result<bool, ApiError> {
        Ok(!self.above(ancestors).await?.is_empty())
    }

    /// What a run would get, if there is enough.
    fn grant(
        &self,
        run: &Manifest,
        facts: &[Fact],
        above: &[Manifest],
        occasion: Occasion,
    ) -> Result<Grant, ApiError> {
        let now = self.now();
        for one in above {
            let policy = one.spec.budget.on_unmeasured;
            let measured = self.check_measured(&run.spec.backend, &budget::ceilings(one), policy);
            measured.map_err(|error| {
                error.hint(format!(
                    "run {} limits that for all runs below it, and says `onUnmeasured: refuse`: use a backend that \
                     measures it, or start the run outside of that tree",
                    one.spec.run_id
                ))
            })?;
        }
        let after = preview(run, facts, now)?;
        let used = budget::spent(run, now).plus(budget::given_out(run));
        let own = budget::own_ceilings(&after);
        let asked = own.minus(used).map(|kind, asked| asked.filter(|_| kind.is_shared_out()));
        let shares: Vec<Amount> = above.iter().map(|one| budget::to_share(one, now)).collect();
        let left = shares.iter().fold(Amount::default(), |left, share| left.least(*share));
        let nearest = |kind: BudgetKind| {
            let at = shares.iter().position(|share| share.get(kind) == left.get(kind))?;
            above.get(at)
        };
        let refused = |kind: BudgetKind, left: u64, holder: Option<&Manifest>| {
            short(run, kind, left, holder, asked.get(kind), occasion)
        };
        let share = budget::share(&left, &asked)
            .map_err(|kind| refused(kind, left.get(kind).unwrap_or(0), nearest(kind)))?;
        let life = budget::life_use(run, now);
        let mut amount = share.map(|kind, share| Some(share?.saturating_add(life.get(kind).unwrap_or(0))));
        let mut by: BTreeMap<BudgetKind, RunId> = BudgetKind::ALL
            .into_iter()
            .filter(|kind| share.get(*kind).is_some())
            .filter_map(|kind| Some((kind, origin(nearest(kind)?, kind))))
            .collect();
        let times = above.iter().filter_map(|one| Some((budget::time_to_share(one, now)?, one)));
        if let Some((left, holder)) = times.min_by_key(|(left, _)| *left) {
            let active = budget::active_for(run, now);
            let seconds = active.saturating_add(left).as_secs();
            if Duration::from_secs(seconds) <= active {
                return Err(refused(BudgetKind::WallClock, left.as_secs(), Some(holder)));
            }
            amount = amount.with(BudgetKind::WallClock, Some(seconds));
            by.insert(BudgetKind::WallClock, origin(holder, BudgetKind::WallClock));
        }
        Ok(Grant { share, amount, by })
    }

    /// Puts the share of a run into every account above it, outermost first. Not if somebody has used some of it since.
    pub(crate) async fn set_aside(
        &self,
        run: &Manifest,
        above: &[Manifest],
        share: &Amount,
    ) -> Result<bool, ApiError> {
        if share.is_empty() {
            return Ok(true);
        }
        let now = self.now();
        let below = std::iter::once(run).chain(above);
        let levels: Vec<(&Manifest, &Manifest)> = below.zip(above).collect();
        for (child, account) in levels.into_iter().rev() {
            let life = budget::life_use(child, now);
            let amount = share.map(|kind, share| Some(share?.saturating_add(life.get(kind).unwrap_or(0))));
            let child_id = child.spec.run_id.clone();
            let known = account.state.budget.children.get(&child_id);
            let entry = budget::entry(known, life, amount);
            let (amount, base) = (entry.amount, entry.base);
            let is_active = matches!(account.state.phase, Phase::Active { .. });
            let fact = ControlFact::BudgetReserved { child: child_id, amount, base, is_active };
            let fact = Fact::Control(fact);
            match self
                .store
                .commit(&account.spec.run_id, &[fact], now)
                .await
                .map_err(|error| commit_error(&error))
            {
                Ok(_) => {}
                Err(error) if error.code == ErrorCode::NotAllowed => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Brings a run's account up to what is true of its children, for whoever has the turn: what is set aside for a run
    /// that is not active is what it has used. Nothing if there is no such run.
    fn reconcile<'a>(&'a self, run_id: &'a RunId) -> Reconciled<'a> {
        Box::pin(async move {
            let Some(run) = self.found(run_id).await? else { return Ok(None) };
            let mut facts = Vec::new();
            let open = run.state.budget.children.iter().filter(|(_, entry)| !entry.settled);
            for (child, entry) in open {
                let (used, open) = match self.found(child).await? {
                    Some(found) if matches!(found.state.phase, Phase::Active { .. }) => continue,
                    Some(_) => {
                        // What it has set aside itself may be out of date as well.
                        let Some(found) = self.reconcile(child).await? else { continue };
                        let life = budget::life_use(&found, self.now());
                        let used = entry.amount.map(|kind, known| known.and(life.get(kind)));
                        (used, found.state.budget.has_open_entries())
                    }
                    // What a deleted run used is not known any more.
                    None => (entry.amount, false),
                };
                facts.push(Fact::Control(ControlFact::BudgetSettled { child: child.clone(), used, open }));
            }
            if facts.is_empty() {
                return Ok(Some(run));
            }
            let committed = self.store.commit(run_id, &facts, self.now()).await;
            committed.map(Some).map_err(|error| commit_error(&error))
        })
    }

    /// Brings a run's account up to what is true of its children. Says whether that changed anything.
    pub(crate) async fn settle_account(&self, run_id: &RunId) -> Result<bool, ApiError> {
        let Some(before) = self.found(run_id).await? else { return Ok(false) };
        if !before.state.budget.has_open_entries() {
            return Ok(false);
        }
        let turn = self.store.hold_graph().await.map_err(|error| store_error(&error))?;
        let after = self.reconcile(run_id).await;
        drop(turn);
        let after = after?;
        let changed = after.is_some_and(|after| after.state.budget != before.state.budget);
        if changed {
            talk::ping(&self.socket(run_id));
        }
        Ok(changed)
    }

    /// Settles what was set aside for a run that is not active, in every account above it.
    pub(crate) async fn settle_share(&self, run: &Manifest) -> Result<(), ApiError> {
        let mut turn = None;
        let mut below = run.clone();
        let mut changed = Vec::new();
        for above_id in run.spec.ancestors() {
            // One that was deleted counts nothing any more; those above it do.
            let Some(above) = self.found(&above_id).await? else { continue };
            if !above.state.budget.children.contains_key(&below.spec.run_id) {
                break;
            }
            if turn.is_none() {
                failpoint::hit("budget.unsettled");
                turn = Some(self.store.hold_graph().await.map_err(|error| store_error(&error))?);
            }
            let Some(above) = self.reconcile(&above_id).await? else { continue };
            changed.push(above_id);
            if matches!(above.state.phase, Phase::Active { .. }) {
                break;
            }
            below = above;
        }
        drop(turn);
        changed.iter().for_each(|run_id| talk::ping(&self.socket(run_id)));
        Ok(())
    }

    /// Commits what changes a run's account or its ceilings, with the account as it really is.
    pub(crate) async fn commit_settled(&self, run_id: &RunId, facts: &[Fact]) -> Result<Manifest, ApiError> {
        let turn = self.store.hold_graph().await.map_err(|error| store_error(&error))?;
        let reconciled = self.reconcile(run_id).await;
        let committed = match reconciled {
            Ok(_) => self.commit(run_id, facts).await,
            Err(error) => Err(error),
        };
        drop(turn);
        committed
    }

    async fn found(&self, run_id: &RunId) -> Result<Option<Manifest>, ApiError> {
        match self.store.snapshot(run_id).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }

    /// A ceiling that nobody can keep to is a mistake, unless somebody says that it is not.
    pub(crate) fn check_measured(
        &self,
        backend: &str,
        ceilings: &Amount,
        policy: OnUnmeasured,
    ) -> Result<(), ApiError> {
        let Ok(known) = self.registry.get(backend) else { return Ok(()) };
        if policy == OnUnmeasured::Allow {
            return Ok(());
        }
        let measures = known.measures();
        let unmeasured = BudgetKind::ALL.into_iter().find(|kind| {
            let is_counted_here = matches!(kind, BudgetKind::WallClock | BudgetKind::Attempts);
            ceilings.get(*kind).is_some() && !is_counted_here && !measures.contains(kind)
        });
        match unmeasured {
            None => Ok(()),
            Some(kind) => {
                let message = format!(
                    "backend {backend:?} does not measure `{}`, so a ceiling of it cannot be kept",
                    kind.as_str()
                );
                Err(ApiError::new(ErrorCode::Invalid, message)
                    .hint("limit wallClock or attempts instead, or allow it with `--budget onUnmeasured=allow` (`onUnmeasured: allow` in a definition)"))
            }
        }
    }

    /// A run that would go on above its own ceilings has nothing to go on with.
    fn require_means(&self, run: &Manifest, facts: &[Fact]) -> Result<(), ApiError> {
        let now = self.now();
        let after = preview(run, facts, now)?;
        match (&run.state.phase, budget::reached_own(&after, now)) {
            (Phase::Initialized | Phase::Ready | Phase::Ended { .. }, Some(kind)) => {
                let run_id = &run.spec.run_id;
                let used = budget::spent(&after, now).plus(budget::given_out(&after)).get(kind);
                let ceiling = budget::own_ceilings(&after).get(kind);
                let words = |amount: Option<u64>| match (kind, amount.unwrap_or_default()) {
                    (BudgetKind::CostUsd, micro) => budget::dollars(micro),
                    (_, amount) => amount.to_string(),
                };
                let message = format!(
                    "run {run_id} has reached its ceiling of `{}`: {} of {} is used",
                    kind.as_str(),
                    words(used),
                    words(ceiling)
                );
                Err(ApiError::new(ErrorCode::NotAllowed, message).hint(format!(
                    "`agent-runner run extend {run_id} {} --resume` raises it, if it is enough",
                    kind.extend_flag()
                )))
            }
            (Phase::Initialized | Phase::Ready | Phase::Ended { .. } | Phase::Active { .. }, _) => Ok(()),
        }
    }
}

/// A run as a start would make it, whatever it is granted for it.
fn preview(run: &Manifest, facts: &[Fact], now: Timestamp) -> Result<Manifest, ApiError> {
    let mut run = run.clone();
    run.state.budget.given_back = false;
    let applied = apply_all(&run, facts, now).map_err(|refusal| refusal_error(&refusal))?;
    Ok(applied.manifest)
}

/// What a run gets.
struct Grant {
    /// From now on, of what is shared out.
    share: Amount,
    /// The same as totals over its whole life, and the time.
    amount: Amount,
    by: BTreeMap<BudgetKind, RunId>,
}

/// Whose ceiling it really is that limits what a run can share out.
fn origin(holder: &Manifest, kind: BudgetKind) -> RunId {
    let is_active = matches!(holder.state.phase, Phase::Active { .. });
    let above = budget::granted_by(holder, kind).filter(|_| is_active);
    above.unwrap_or(&holder.spec.run_id).clone()
}

fn short(
    run: &Manifest,
    kind: BudgetKind,
    left: u64,
    holder: Option<&Manifest>,
    asked: Option<u64>,
    occasion: Occasion,
) -> ApiError {
    let run_id = &run.spec.run_id;
    let Some(holder) = holder else { return ApiError::new(ErrorCode::NotAllowed, "there is nothing left") };
    let (holder_id, origin) = (&holder.spec.run_id, origin(holder, kind));
    let message = format!(
        "run {run_id} cannot start: of the budget of run {holder_id} above it, {left} of `{}` are left, which is not \
         enough",
        kind.as_str()
    );
    let raise = format!("`agent-runner run extend {origin} {}`", kind.extend_flag());
    let raise = match origin == *holder_id {
        true => format!("raise it with {raise}"),
        false => format!("{raise} raises what run {holder_id} gets when it is started next"),
    };
    let hint = match (occasion, asked) {
        (Occasion::New, Some(_)) if left > 0 => format!("ask for less with --budget, or {raise}"),
        (Occasion::New | Occasion::GoesOn, _)
            if kind == BudgetKind::WallClock || !holder.state.budget.has_open_entries() =>
        {
            raise
        }
        (Occasion::New | Occasion::GoesOn, _) => {
            format!(
                "wait until other runs below {holder_id} have ended and gave back what they did not use, or {raise}"
            )
        }
    };
    ApiError::new(ErrorCode::NotAllowed, message).hint(hint)
}
