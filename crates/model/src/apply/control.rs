//! Facts by which people and programs steer a run.

use crate::event::EventBody;
use crate::fact::{ControlFact, Refusal};
use crate::ids::Epoch;
use crate::manifest::{AbortRequest, QueuedMessage, RunState, Urgency};
use crate::phase::{Cause, Outcome, Phase, Stage, Wait, WaitReason};
use crate::spec::LimitPolicy;
use crate::task::TaskStatus;

use super::{Change, family, hooks, life};

/// Why a run is not started whose workers have to be kept in a container.
const CONTAINED: &str = "its workers are to be in a container, which this version does not know; outside of it they could do \
                         what they must not";
/// Most bytes of all messages that wait: they become one prompt.
const MAX_MESSAGES: usize = 1024 * 1024;

pub(super) fn apply(change: &mut Change, fact: &ControlFact) -> Result<(), Refusal> {
    match fact {
        ControlFact::Readied => readied(change),
        ControlFact::PreparationStarted => preparation_started(change),
        ControlFact::TransitionHookEnded { hook_id, task_id, report } => {
            hooks::transition_hook_ended(change, hook_id, task_id, report)
        }
        ControlFact::Started { cause, seen, on_limit } => {
            started(change, cause, *seen)?;
            set_limit_policy(change, *on_limit);
            Ok(())
        }
        ControlFact::AbortRequested { by, urgency } => abort_requested(change, by, *urgency),
        ControlFact::MessageQueued { message } => message_queued(change, message),
        ControlFact::MessageRemoved { id } => message_removed(change, id),
        ControlFact::SnapshotTaken { .. }
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
        | ControlFact::AttachmentRemoved { .. } => life::apply(change, fact),
        ControlFact::ChildEnded { .. }
        | ControlFact::NoticeDelivered { .. }
        | ControlFact::TellParent { .. }
        | ControlFact::BudgetReserved { .. }
        | ControlFact::BudgetSettled { .. }
        | ControlFact::BudgetGranted { .. }
        | ControlFact::Extended { .. } => family::apply(change, fact),
    }
}

/// Taken only while the run is active: whoever ends it looks at what waits in the same commit, so a message is either
/// worked off or refused, never lost.
fn message_queued(change: &mut Change, message: &QueuedMessage) -> Result<(), Refusal> {
    const WHAT: &str = "queueing the message";
    let state = &mut change.manifest.state;
    let queued = &mut state.queued_resume_messages;
    if queued.iter().any(|known| known.id == message.id) {
        return Ok(());
    }
    match &state.phase {
        Phase::Active { .. } => {}
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {
            return Err(denied(WHAT, "the run is not running"));
        }
    }
    if message.text.trim().is_empty() {
        return Err(Refusal::Invalid("the message is empty".to_owned()));
    }
    let waiting: usize = queued.iter().map(|known| known.text.len()).sum();
    if waiting.saturating_add(message.text.len()) > MAX_MESSAGES {
        let why =
            "the messages that wait have at most 1 MiB together; `run remove-queued-message` takes one back";
        return Err(denied(WHAT, why));
    }
    queued.push(message.clone());
    change.log(EventBody::MessageQueued { message_id: message.id.clone() });
    Ok(())
}

fn message_removed(change: &mut Change, id: &str) -> Result<(), Refusal> {
    const WHAT: &str = "removing the message";
    if let Some(Cause::Queued { messages }) = &change.manifest.state.next_cause
        && messages.iter().any(|known| known == id)
    {
        return Err(denied(WHAT, "a session is being opened with it; `run abort` ends that"));
    }
    let queued = &mut change.manifest.state.queued_resume_messages;
    let before = queued.len();
    queued.retain(|known| known.id != id);
    if queued.len() == before {
        return Err(denied(WHAT, "no message with this id waits"));
    }
    change.log(EventBody::MessageRemoved { message_id: id.to_owned() });
    Ok(())
}

fn readied(change: &mut Change) -> Result<(), Refusal> {
    const WHAT: &str = "approving the run";
    refuse_passive(change, WHAT)?;
    life::refuse_archived(change, WHAT)?;
    refuse_without_values(change, WHAT)?;
    match &change.manifest.state.phase {
        Phase::Initialized => {
            change.manifest.state.phase = Phase::Ready;
            change.log(EventBody::RunReady {});
            Ok(())
        }
        Phase::Ready => Ok(()),
        Phase::Active { .. } | Phase::Ended { .. } => {
            let why = "only an initialized run can be approved".to_owned();
            Err(Refusal::NotAllowed { what: WHAT, why })
        }
    }
}

/// A driver prepares the run and lets go of it.
fn preparation_started(change: &mut Change) -> Result<(), Refusal> {
    const WHAT: &str = "preparing the run";
    life::refuse_archived(change, WHAT)?;
    refuse_without_values(change, WHAT)?;
    if change.manifest.state.preparation.is_none() {
        return Err(denied(WHAT, "no hook has anything left to prepare"));
    }
    match &change.manifest.state.phase {
        Phase::Initialized => {}
        Phase::Ready | Phase::Active { .. } | Phase::Ended { .. } => {
            return Err(denied(WHAT, "only an initialized run can be prepared"));
        }
    }
    change.manifest.state.phase = Phase::Active { stage: Stage::Deciding };
    change.manifest.state.budget.active_since = Some(change.now);
    change.log(EventBody::PreparationStarted {});
    Ok(())
}

fn started(change: &mut Change, cause: &Cause, seen: Option<Epoch>) -> Result<(), Refusal> {
    const WHAT: &str = "resuming the run";
    // Until it is prepared, a driver is needed for any run.
    if change.manifest.state.preparation.is_none() {
        refuse_passive(change, WHAT)?;
    }
    life::refuse_archived(change, WHAT)?;
    if change.manifest.spec.execution_environment.is_some() {
        return Err(denied(WHAT, CONTAINED));
    }
    refuse_without_values(change, WHAT)?;
    if let Cause::Continue { message: Some(words) } = cause
        && words.trim().is_empty()
    {
        return Err(Refusal::Invalid("the message is empty".to_owned()));
    }
    match (&change.manifest.state.phase, cause) {
        (Phase::Ready, _) => {}
        // Whoever makes a run may start it at once; whoever resumes one has seen it approved.
        (Phase::Initialized, Cause::First) if seen.is_none() => {}
        (Phase::Initialized, _) => {
            return Err(denied(WHAT, "it is initialized; approve it with `run ready` first"));
        }
        // Somebody saw it ready; by now it is not.
        (Phase::Active { .. }, Cause::First) => {
            return Err(denied(WHAT, "somebody else has started it in the meantime"));
        }
        (Phase::Active { .. }, _) => return started_again(change, cause, seen),
        // Whoever starts it took it for a run that still has what it was granted.
        (Phase::Ended { .. }, _) if change.manifest.state.budget.given_back => {
            return Err(denied(WHAT, "it has ended at the same moment; repeat the command"));
        }
        // Without words it was meant for the run as it was; nobody wants an end undone that he has not seen.
        (Phase::Ended { .. }, Cause::Continue { message: None }) if is_late(change, seen) => {
            return Err(denied(WHAT, "somebody else went on with it in the meantime, and it has ended"));
        }
        (Phase::Ended { outcome }, cause) => check_resume(change, outcome, cause, WHAT)?,
    }
    change.manifest.state.next_cause = Some(words_first(&change.manifest.state, cause));
    change.manifest.state.abort_request = None;
    change.manifest.state.ended_at = None;
    change.manifest.state.budget.active_since = Some(change.now);
    change.manifest.state.phase = Phase::Active { stage: Stage::Deciding };
    if let Some(preparation) = &mut change.manifest.state.preparation {
        preparation.starts = !change.manifest.spec.is_passive();
        change.log(EventBody::PreparationStarted {});
    }
    Ok(())
}

/// Words that were left waiting when a run was aborted or failed are what it goes on with, unless somebody has others.
fn words_first(state: &RunState, cause: &Cause) -> Cause {
    let waiting = &state.queued_resume_messages;
    match cause {
        Cause::Continue { message: None } if !waiting.is_empty() => {
            Cause::Queued { messages: waiting.iter().map(|message| message.id.clone()).collect() }
        }
        Cause::First
        | Cause::Continue { .. }
        | Cause::Queued { .. }
        | Cause::Reinvoked { .. }
        | Cause::Fired
        | Cause::Rejected { .. }
        | Cause::Fallback => cause.clone(),
    }
}

/// A run that waits for the end of a limit and is told not to decides anew.
fn set_limit_policy(change: &mut Change, policy: Option<LimitPolicy>) {
    let Some(policy) = policy else { return };
    let state = &mut change.manifest.state;
    state.on_limit = policy;
    match (policy, &state.phase) {
        (
            LimitPolicy::Stop,
            Phase::Active { stage: Stage::Waiting { wait: Wait { why: WaitReason::Limit, .. } } },
        ) => state.phase = Phase::Active { stage: Stage::Deciding },
        (LimitPolicy::Stop | LimitPolicy::Wait, _) => {}
    }
}

/// Whether the run had another driver since the caller looked.
fn is_late(change: &Change, seen: Option<Epoch>) -> bool {
    seen.is_some_and(|seen| seen != change.manifest.state.epoch)
}

/// Going on after an interruption is not a new session: the open one still holds its retries. Words that come with it
/// open one, unless somebody else's words or driver came first: then they wait their turn.
fn started_again(change: &mut Change, cause: &Cause, seen: Option<Epoch>) -> Result<(), Refusal> {
    let now = change.now;
    let is_late = is_late(change, seen);
    let state = &mut change.manifest.state;
    if !is_late {
        state.abort_request = None;
    }
    let Cause::Continue { message: Some(text) } = cause else { return Ok(()) };
    if !is_late && state.next_cause.is_none() {
        state.next_cause = Some(cause.clone());
        // Who has something to say may know that waiting has become pointless, or that the end is none.
        if let Phase::Active { stage: stage @ (Stage::Waiting { .. } | Stage::Closing { .. }) } =
            &mut state.phase
        {
            *stage = Stage::Deciding;
        }
        return Ok(());
    }
    let id = format!("resume-{}", change.manifest.revision);
    let message = QueuedMessage { id, text: text.clone(), queued_at: now, from_run_id: None };
    change.log(EventBody::MessageQueued { message_id: message.id.clone() });
    change.manifest.state.queued_resume_messages.push(message);
    Ok(())
}

/// An ended run needs something new to do: words, or open tasks. A blocked one needs words.
fn check_resume(
    change: &Change,
    outcome: &Outcome,
    cause: &Cause,
    what: &'static str,
) -> Result<(), Refusal> {
    let has_words = match cause {
        Cause::Continue { message } => message.is_some(),
        Cause::Queued { .. } | Cause::Reinvoked { .. } | Cause::Rejected { .. } => true,
        Cause::First | Cause::Fired | Cause::Fallback => false,
    };
    if has_words || !change.manifest.state.queued_resume_messages.is_empty() {
        return Ok(());
    }
    let still_blocked = change.manifest.count(TaskStatus::Blocked) > 0;
    match outcome {
        Outcome::Blocked { .. } if still_blocked => {
            Err(denied(what, "a blocked run needs a message that says how to go on"))
        }
        Outcome::Success
        | Outcome::Blocked { .. }
        | Outcome::Exhausted
        | Outcome::Failed { .. }
        | Outcome::Aborted => {
            let tasks = &change.manifest.state.final_tasks;
            if change.manifest.open_tasks().next().is_some() {
                Ok(())
            } else if tasks.is_empty() && !matches!(outcome, Outcome::Success) {
                // Without a task list the brief itself is what remains to be done.
                Ok(())
            } else {
                Err(denied(what, "no task is open; add a message or a task"))
            }
        }
    }
}

fn abort_requested(change: &mut Change, by: &str, urgency: Urgency) -> Result<(), Refusal> {
    match &change.manifest.state.phase {
        Phase::Active { .. } => {}
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {
            return Err(denied("aborting the run", "it is not running"));
        }
    }
    match &mut change.manifest.state.abort_request {
        // Asked for already: it can only become more urgent.
        Some(request) => request.urgency = request.urgency.max(urgency),
        None => {
            change.manifest.state.abort_request =
                Some(AbortRequest { at: change.now, by: by.to_owned(), urgency });
            change.log(EventBody::AbortRequested { by: by.to_owned() });
        }
    }
    // The hooks at its end have begun: they go on where they are, for an end that is another one now.
    if let Phase::Active { stage: Stage::Closing { outcome, .. } } = &mut change.manifest.state.phase {
        match outcome {
            Outcome::Success | Outcome::Exhausted | Outcome::Blocked { by: None, .. } => {
                *outcome = Outcome::Aborted;
            }
            Outcome::Aborted | Outcome::Failed { .. } | Outcome::Blocked { by: Some(_), .. } => {}
        }
    }
    Ok(())
}

fn refuse_passive(change: &Change, what: &'static str) -> Result<(), Refusal> {
    if change.manifest.spec.is_passive() {
        return Err(denied(what, "a passive run is driven through the task commands"));
    }
    Ok(())
}

/// A worker is never told what stands in place of a value.
fn refuse_without_values(change: &Change, what: &'static str) -> Result<(), Refusal> {
    let vars = change.manifest.spec.runtime_vars.iter();
    let lost: Vec<String> = vars
        .filter(|(_, var)| var.is_lost())
        .map(|(name, var)| {
            format!("`{name}` (environment variable {})", var.env_name.as_deref().unwrap_or_default())
        })
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let why =
        format!("the archive it came from does not hold the values of its variables: {}", lost.join(", "));
    Err(denied(what, &why))
}

pub(super) fn denied(what: &'static str, why: &str) -> Refusal {
    Refusal::NotAllowed { what, why: why.to_owned() }
}
