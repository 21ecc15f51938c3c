//! What runs take from the budget of the run that started them: set aside before they start, settled when they have ended.
//! The parent's record is the one account. Must not decide what a run may use beyond that.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::budget::{self, Amount, BudgetKind, OnUnmeasured, Reservation};
use agent_runner_model::phase::Phase;
use agent_runner_model::{ControlFact, Fact, Manifest, RunId};
use agent_runner_store::StoreError;

use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;

/// How often somebody else may change the parent's account before this gives up.
const TRIES: usize = 50;

impl<S: Places + 'static> Engine<S> {
    /// Sets aside what a run may use of its parent's budget. What it returns is committed together with the start.
    pub(crate) async fn reserve(&self, child: &Manifest) -> Result<Vec<Fact>, ApiError> {
        // A run that is at work goes on with what it was given.
        if matches!(child.state.phase, Phase::Active { .. }) {
            return Ok(Vec::new());
        }
        let Some(parent_id) = &child.spec.parent_run_id else { return Ok(Vec::new()) };
        let run_id = &child.spec.run_id;
        for _ in 0..TRIES {
            let Some(parent) = self.reconciled(parent_id, run_id).await? else { return Ok(Vec::new()) };
            if !budget::is_shared_out(&parent) {
                return Ok(Vec::new());
            }
            self.check_measured(
                &child.spec.backend,
                &budget::ceilings(&parent),
                parent.spec.budget.on_unmeasured,
            )?;
            let now = self.now();
            let used = budget::spent(child, now).plus(budget::given_out(child));
            let own = budget::own_ceilings(child);
            let asked = each(|kind| Some(own.get(kind)?.saturating_sub(used.get(kind).unwrap_or(0))));
            let left = budget::remaining(&parent, now);
            let share = budget::share(&left, &asked).map_err(|kind| short(&parent, run_id, kind, &left))?;
            let before =
                parent.state.budget.children.get(run_id).map(|known| known.amount).unwrap_or_default();
            let fact = ControlFact::BudgetReserved { child: run_id.clone(), amount: share };
            match self.commit(parent_id, &[Fact::Control(fact)]).await {
                Ok(parent) => {
                    let reserved =
                        parent.state.budget.children.get(run_id).map(|known| known.amount).unwrap_or(share);
                    let amount = each(|kind| {
                        let given = reserved.get(kind)?.saturating_sub(before.get(kind).unwrap_or(0));
                        Some(used.get(kind).unwrap_or(0).saturating_add(given))
                    });
                    return Ok(vec![Fact::Control(ControlFact::BudgetGranted { amount })]);
                }
                // Somebody else has taken some of it since.
                Err(error) if error.code == ErrorCode::NotAllowed => {}
                Err(error) => return Err(error),
            }
        }
        let message = format!("the budget of run {parent_id} changes all the time");
        Err(ApiError::new(ErrorCode::Busy, message).hint("repeat the command"))
    }

    /// Settles what was set aside for a run that has ended.
    pub(crate) async fn settle_share(&self, ended: &Manifest) -> Result<(), ApiError> {
        let Some(parent_id) = &ended.spec.parent_run_id else { return Ok(()) };
        for _ in 0..TRIES {
            let Some(parent) = self.found(parent_id).await? else { return Ok(()) };
            let run_id = &ended.spec.run_id;
            let Some(Reservation { amount, settled: false }) =
                parent.state.budget.children.get(run_id).copied()
            else {
                return Ok(());
            };
            if self.settle_one(&parent, run_id, amount, None).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Gives back what was set aside for a run that was not started in the end.
    pub(crate) async fn give_back(&self, child: &Manifest) -> Result<(), ApiError> {
        match &child.spec.parent_run_id {
            Some(parent_id) => self.reconciled(parent_id, &child.spec.run_id).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// The parent, without what is still set aside for runs that have ended or are gone. `starting` is about to ask anew.
    async fn reconciled(&self, parent_id: &RunId, starting: &RunId) -> Result<Option<Manifest>, ApiError> {
        for _ in 0..TRIES {
            let Some(parent) = self.found(parent_id).await? else { return Ok(None) };
            let mut changed = false;
            for (child, reservation) in &parent.state.budget.children {
                if !reservation.settled {
                    changed |= self.settle_one(&parent, child, reservation.amount, Some(starting)).await?;
                    if changed {
                        break;
                    }
                }
            }
            if !changed {
                return Ok(Some(parent));
            }
        }
        self.found(parent_id).await
    }

    /// Whether what was set aside for one run was settled. Nobody else may have changed the account since it was read:
    /// then the run may be about to start again.
    async fn settle_one(
        &self,
        parent: &Manifest,
        child: &RunId,
        reserved: Amount,
        starting: Option<&RunId>,
    ) -> Result<bool, ApiError> {
        let used = match self.found(child).await? {
            Some(found) => match &found.state.phase {
                Phase::Ended { .. } => budget::used_of(reserved, &found, self.now()),
                // It was not started in the end.
                Phase::Initialized | Phase::Ready if starting == Some(child) => {
                    budget::used_of(reserved, &found, self.now())
                }
                Phase::Initialized | Phase::Ready | Phase::Active { .. } => return Ok(false),
            },
            // What a deleted run used is not known any more.
            None => reserved,
        };
        let fact = ControlFact::BudgetSettled { child: child.clone(), used, seen: parent.revision };
        match self.commit(&parent.spec.run_id, &[Fact::Control(fact)]).await {
            Ok(_) => Ok(true),
            Err(error) if error.code == ErrorCode::NotAllowed => Ok(false),
            Err(error) => Err(error),
        }
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
                    .hint("limit wallClock or attempts instead, or say `onUnmeasured: allow` in the budget"))
            }
        }
    }

    /// A run above its ceilings has nothing to go on with.
    pub(crate) fn require_means(&self, manifest: &Manifest) -> Result<(), ApiError> {
        let own = budget::own_ceilings(manifest);
        let used = budget::spent(manifest, self.now()).plus(budget::given_out(manifest));
        let reached = BudgetKind::ALL
            .into_iter()
            .find(|kind| own.get(*kind).is_some_and(|own| used.get(*kind).unwrap_or(0) >= own));
        match (&manifest.state.phase, reached) {
            (Phase::Initialized | Phase::Ready | Phase::Ended { .. }, Some(kind)) => {
                let run_id = &manifest.spec.run_id;
                let message = format!("run {run_id} has reached its ceiling of `{}`", kind.as_str());
                Err(ApiError::new(ErrorCode::NotAllowed, message)
                    .hint(format!("`agent-runner run extend {run_id}` raises it")))
            }
            (Phase::Initialized | Phase::Ready | Phase::Ended { .. } | Phase::Active { .. }, _) => Ok(()),
        }
    }
}

fn each(value: impl Fn(BudgetKind) -> Option<u64>) -> Amount {
    let kinds = BudgetKind::ALL.into_iter().filter(|kind| kind.is_shared_out());
    kinds.fold(Amount::default(), |sum, kind| sum.with(kind, value(kind)))
}

fn short(parent: &Manifest, child: &RunId, kind: BudgetKind, left: &Amount) -> ApiError {
    let (parent, left) = (&parent.spec.run_id, left.get(kind).unwrap_or(0));
    let message = format!(
        "run {child} cannot start: of the budget of its parent {parent}, {left} of `{}` are left, which is not enough",
        kind.as_str()
    );
    ApiError::new(ErrorCode::NotAllowed, message)
        .hint(format!("ask for less with --budget, or raise it with `agent-runner run extend {parent}`"))
}
