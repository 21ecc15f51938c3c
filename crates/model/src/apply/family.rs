//! Facts between a run and the runs it started: ends that are told, budgets that are shared out.

use crate::budget::{Amount, BudgetKind, MAX_AMOUNT, Reservation, own_ceilings, to_share};
use crate::event::EventBody;
use crate::fact::{ControlFact, Refusal};
use crate::ids::RunId;
use crate::manifest::QueuedMessage;
use crate::phase::Phase;

use super::Change;
use super::control::denied;
use super::life::refuse_archived;

pub(super) fn apply(change: &mut Change, fact: &ControlFact) -> Result<(), Refusal> {
    match fact {
        ControlFact::ChildEnded { notice, child, text } => {
            child_ended(change, notice, child, text);
            Ok(())
        }
        ControlFact::NoticeDelivered { notice } => {
            notice_delivered(change, notice);
            Ok(())
        }
        ControlFact::BudgetReserved { child, amount, base, is_active } => {
            if *is_active != matches!(change.manifest.state.phase, Phase::Active { .. }) {
                return Err(denied(
                    "starting a run inside this one",
                    "it has started or ended at the same moment",
                ));
            }
            budget_reserved(change, child, *amount, *base)
        }
        ControlFact::BudgetSettled { child, used, open } => {
            budget_settled(change, child, *used, *open);
            Ok(())
        }
        ControlFact::BudgetGranted { amount, by } => {
            budget_granted(change, *amount)?;
            change.manifest.state.budget.granted_by.clone_from(by);
            Ok(())
        }
        ControlFact::TellParent { tell } => {
            change.manifest.state.tell_parent = Some(*tell);
            Ok(())
        }
        ControlFact::Extended { by } => extended(change, by),
        ControlFact::SnapshotTaken { .. }
        | ControlFact::Readied
        | ControlFact::PreparationStarted
        | ControlFact::TransitionHookEnded { .. }
        | ControlFact::Started { .. }
        | ControlFact::AbortRequested { .. }
        | ControlFact::MessageQueued { .. }
        | ControlFact::MessageRemoved { .. }
        | ControlFact::Reset
        | ControlFact::Respecified { .. }
        | ControlFact::Archived
        | ControlFact::Unarchived
        | ControlFact::Named { .. }
        | ControlFact::Noted { .. }
        | ControlFact::Pinned { .. }
        | ControlFact::Grouped { .. }
        | ControlFact::BackendSessionSet { .. }
        | ControlFact::DependencyAdded { .. }
        | ControlFact::DependencyRemoved { .. }
        | ControlFact::DependenciesCleared
        | ControlFact::AttachmentAdded { .. }
        | ControlFact::AttachmentRemoved { .. } => Ok(()),
    }
}

/// A passive or archived parent only knows; any other one gets the words when its next session opens.
fn child_ended(change: &mut Change, notice: &str, child: &RunId, text: &str) {
    if !change.manifest.state.heard.insert(notice.to_owned()) {
        return;
    }
    change.log(EventBody::ChildEnded { run_id: child.clone() });
    if change.manifest.spec.is_passive() || change.manifest.state.archived_at.is_some() {
        return;
    }
    let message = QueuedMessage {
        id: notice.to_owned(),
        text: text.to_owned(),
        queued_at: change.now,
        from_run_id: Some(child.clone()),
    };
    change.log(EventBody::MessageQueued { message_id: message.id.clone() });
    change.manifest.state.queued_resume_messages.push(message);
}

fn notice_delivered(change: &mut Change, notice: &str) {
    let pending = change.manifest.state.parent_notice.as_mut();
    if let Some(known) = pending.filter(|known| known.id == notice && !known.delivered) {
        known.delivered = true;
        change.log(EventBody::ParentNotified {});
    }
}

/// What is promised is there: what counts for the child grows by no more than what is left.
fn budget_reserved(change: &mut Change, child: &RunId, amount: Amount, base: Amount) -> Result<(), Refusal> {
    const WHAT: &str = "starting a run inside this one";
    let entry = Reservation { amount, base, settled: false };
    let before = change.manifest.state.budget.children.get(child).copied();
    let counted = before.map(|before| before.counted()).unwrap_or_default();
    let left = to_share(&change.manifest, change.now);
    let more = entry.counted().minus(counted);
    let short = BudgetKind::ALL.into_iter().find(|kind| match (left.get(*kind), more.get(*kind)) {
        (Some(left), Some(wanted)) => wanted > left,
        (Some(_), None) => true,
        (None, _) => false,
    });
    if let Some(kind) = short {
        let why = format!(
            "its budget has {} {} left, which is not enough",
            left.get(kind).unwrap_or(0),
            kind.as_str()
        );
        return Err(Refusal::NotAllowed { what: WHAT, why });
    }
    if before != Some(entry) {
        change.manifest.state.budget.children.insert(child.clone(), entry);
        change.log(EventBody::BudgetReserved { run_id: child.clone(), amount: more });
    }
    Ok(())
}

fn budget_settled(change: &mut Change, child: &RunId, used: Amount, open: bool) {
    let Some(entry) = change.manifest.state.budget.children.get_mut(child) else { return };
    let settled = Reservation { amount: used, settled: !open, ..*entry };
    if *entry != settled {
        *entry = settled;
        change.log(EventBody::BudgetSettled { run_id: child.clone(), used: settled.counted() });
    }
}

/// Only together with a start: a run at work goes on with what it was given.
fn budget_granted(change: &mut Change, amount: Amount) -> Result<(), Refusal> {
    match &change.manifest.state.phase {
        Phase::Active { .. } => Err(denied("starting the run", "somebody else has started it meanwhile")),
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {
            change.manifest.state.budget.granted = amount;
            change.manifest.state.budget.given_back = false;
            Ok(())
        }
    }
}

fn extended(change: &mut Change, by: &Amount) -> Result<(), Refusal> {
    const WHAT: &str = "extending the budget";
    refuse_archived(change, WHAT)?;
    if BudgetKind::ALL.into_iter().all(|kind| by.get(kind).unwrap_or(0) == 0) {
        return Err(Refusal::Invalid("an extension has to add something".to_owned()));
    }
    let limits = own_ceilings(&change.manifest);
    let unlimited =
        BudgetKind::ALL.into_iter().find(|kind| by.get(*kind).is_some() && limits.get(*kind).is_none());
    if let Some(kind) = unlimited {
        let why = format!("the run has no ceiling of `{}` of its own", kind.as_str());
        return Err(denied_owned(WHAT, why));
    }
    let above = BudgetKind::ALL
        .into_iter()
        .find(|kind| limits.get(*kind).unwrap_or(0).saturating_add(by.get(*kind).unwrap_or(0)) > MAX_AMOUNT);
    if let Some(kind) = above {
        let why =
            format!("the ceiling of `{}` would be above {MAX_AMOUNT}, the largest there is", kind.as_str());
        return Err(Refusal::Invalid(why));
    }
    let extended = &mut change.manifest.state.budget.extended;
    *extended = extended.plus(*by);
    change.log(EventBody::RunExtended { by: *by });
    Ok(())
}

fn denied_owned(what: &'static str, why: String) -> Refusal {
    let Refusal::NotAllowed { what, .. } = denied(what, "") else { return Refusal::Invalid(why) };
    Refusal::NotAllowed { what, why }
}
