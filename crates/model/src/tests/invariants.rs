//! What holds after every fact, whatever it was.

use crate::manifest::Urgency;
use std::collections::BTreeSet;

use crate::apply::{Applied, apply, apply_all};
use crate::attempt::AttemptEnd;
use crate::capabilities::{Lease, capabilities};
use crate::event::{Event, EventBody, EventRecord};
use crate::fact::{Author, ControlFact, DriverFact, Fact, Refusal, TaskFact};
use crate::hook::HookPhase;
use crate::ids::{Fence, TaskId};
use crate::manifest::{Manifest, QueuedMessage};
use crate::phase::{Outcome, Phase, RunStatus, Stage};
use crate::step::{Observation, Step, next_step};
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::life;

fn live(manifest: &Manifest) -> Option<Fence> {
    match manifest.stage() {
        Some(Stage::Attempting { attempt }) => Some(attempt.fence),
        _ => None,
    }
}

/// Facts that have to be refused, whatever they say.
pub(super) fn refusals(manifest: &Manifest, fact: &Fact, now: Timestamp) {
    let result = apply(manifest, fact, now);
    match fact {
        Fact::Task { author: Author::Worker(fence), .. } if live(manifest) != Some(*fence) => {
            assert!(matches!(result, Err(Refusal::StaleFence { .. })), "{fact:?} -> {result:?}");
        }
        Fact::Driver { epoch, fact: DriverFact::Took { .. } } if epoch.0 != manifest.state.epoch.0 + 1 => {
            assert_eq!(result, Err(Refusal::StaleDriver), "{fact:?}");
        }
        Fact::Driver { epoch, fact: inner }
            if *epoch != manifest.state.epoch && !matches!(inner, DriverFact::Took { .. }) =>
        {
            assert_eq!(result, Err(Refusal::StaleDriver), "{fact:?}");
        }
        Fact::Driver {
            fact: DriverFact::AttemptEnded { fence, .. } | DriverFact::AttemptSpawned { fence, .. },
            ..
        } if live(manifest) != Some(*fence) => {
            assert!(matches!(result, Err(Refusal::StaleFence { .. })), "{fact:?} -> {result:?}");
        }
        Fact::Once { fact, .. } => refusals(manifest, fact, now),
        Fact::Driver { .. } | Fact::Task { .. } | Fact::Judged { .. } | Fact::Control(_) => {}
    }
}

/// Which checks passed since the last attempt and the last objection.
pub(super) fn track_checks(passed: &mut BTreeSet<String>, events: &[EventBody]) {
    for event in events {
        match event {
            EventBody::AttemptStarted { .. } | EventBody::RunStarted { .. } => passed.clear(),
            EventBody::CheckRecorded { objection: Some(_), .. } => passed.clear(),
            EventBody::CheckRecorded { check, objection: None } => {
                passed.insert(check.clone());
            }
            _ => {}
        }
    }
}

/// Everything that holds once a fact was accepted.
pub(super) fn accepted(
    before: &Manifest,
    fact: &Fact,
    applied: &Applied,
    now: Timestamp,
    passed: &BTreeSet<String>,
) {
    let after = &applied.manifest;
    round_trips(applied, now);
    if let Fact::Control(fact) = fact {
        life::accepted(before, fact, applied, now);
    }
    life::always(after, now);
    attempts(after);
    sessions(after);
    clock(before, applied, now);
    if !begins_anew(fact) {
        counters(before, fact, after);
        task_list(before, fact, after);
        task_events(before, applied);
        other_events(before, fact, applied);
    }
    if let Some(outcome) = after.outcome()
        && before.state.phase != after.state.phase
    {
        ending(after, outcome, passed);
    }
    passive(after);
    shown(after, now);
    decision(after, now);
}

/// Facts that replace the past, or what the run is made from: their laws are in `life`.
fn begins_anew(fact: &Fact) -> bool {
    matches!(fact, Fact::Control(ControlFact::Reset | ControlFact::Respecified { .. }))
}

fn round_trips(applied: &Applied, at: Timestamp) {
    let text = serde_json::to_string(&applied.manifest).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), applied.manifest, "{text}");
    for body in &applied.events {
        let event = Event { cursor: 3, at, body: body.clone() };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        let record: EventRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(record.body().as_ref(), Some(body), "{text}");
    }
}

fn counters(before: &Manifest, fact: &Fact, after: &Manifest) {
    let by_hook = matches!(
        fact,
        Fact::Driver { fact: DriverFact::HookEnded { .. }, .. }
            | Fact::Control(ControlFact::TransitionHookEnded { .. })
    );
    assert!(by_hook || before.spec == after.spec, "the spec is frozen");
    assert_eq!(
        (before.schema_version, before.revision, before.last_cursor, before.events_len),
        (after.schema_version, after.revision, after.last_cursor, after.events_len),
        "these are the store's to set"
    );
    let starts = u64::from(matches!(fact, Fact::Driver { fact: DriverFact::AttemptStarting { .. }, .. }));
    assert_eq!(after.state.next_fence.0, before.state.next_fence.0 + starts);
    let took = u64::from(matches!(fact, Fact::Driver { fact: DriverFact::Took { .. }, .. }));
    assert_eq!(after.state.epoch.0, before.state.epoch.0 + took);
    let was = &before.state.attempt_records;
    let is = &after.state.attempt_records;
    assert_eq!(is.get(..was.len()), Some(was.as_slice()), "the past does not change");
    let ended = usize::from(matches!(fact, Fact::Driver { fact: DriverFact::AttemptEnded { .. }, .. }));
    assert_eq!(is.len(), was.len() + ended);
}

fn attempts(manifest: &Manifest) {
    let state = &manifest.state;
    for (at, record) in state.attempt_records.iter().enumerate() {
        assert_eq!(record.attempt_number as usize, state.first_attempt_number as usize + at);
        assert!(record.fence < state.next_fence);
    }
    assert!(state.attempt_records.is_sorted_by(|one, next| one.fence < next.fence), "fences only grow");
    if let Some(Stage::Attempting { attempt }) = manifest.stage() {
        assert_eq!(attempt.attempt_number, manifest.next_attempt_number());
        assert_eq!(attempt.fence.0 + 1, state.next_fence.0, "the live attempt holds the newest fence");
    }
}

fn sessions(manifest: &Manifest) {
    let state = &manifest.state;
    for (at, session) in state.sessions.iter().enumerate() {
        let index = u32::try_from(at).unwrap();
        assert_eq!(session.session_index, index);
        let is_last = at + 1 == state.sessions.len();
        assert!(is_last || session.ended_at.is_some(), "only the last session can be open");
        let own = || state.attempt_records.iter().filter(|record| record.session_index == index);
        assert!(own().filter(|record| record.unheard).count() <= 1, "a session is let off once");
        let costly = own().filter(|record| !record.unheard).filter(|record| {
            matches!(
                record.end,
                AttemptEnd::Reported
                    | AttemptEnd::TimedOut { .. }
                    | AttemptEnd::Crashed { .. }
                    | AttemptEnd::ProtocolError { .. }
                    | AttemptEnd::OverBudget { .. }
            )
        });
        assert_eq!(session.attempts_spent as usize, costly.count());
        assert!(session.attempts_spent <= session.max_attempts_per_session);
        let under_way = usize::from(is_last && live(manifest).is_some());
        assert_eq!(session.attempt_count as usize, own().count() + under_way);
        for (place, record) in own().enumerate() {
            assert_eq!(record.attempt_index_in_session as usize, place);
        }
        if let Some(first) = own().next() {
            assert_eq!(session.first_attempt_number, Some(first.attempt_number));
        }
    }
    let open = manifest.session().is_some_and(|session| session.ended_at.is_none());
    assert!(live(manifest).is_none() || open, "an attempt belongs to an open session");
    match &state.phase {
        Phase::Ended { .. } => {
            assert!(state.ended_at.is_some(), "an ended run has an end");
            assert!(!open, "an ended run has no open session");
            assert_eq!(state.abort_request, None);
            assert_eq!(state.next_cause, None);
        }
        Phase::Initialized | Phase::Ready | Phase::Active { .. } => assert_eq!(state.ended_at, None),
    }
}

fn task_list(before: &Manifest, fact: &Fact, after: &Manifest) {
    let was: Vec<&TaskId> = before.state.final_tasks.keys().collect();
    let is: Vec<&TaskId> = after.state.final_tasks.keys().collect();
    match fact {
        Fact::Task { fact: TaskFact::Added { id, .. }, .. }
        | Fact::Judged { fact: TaskFact::Added { id, .. }, .. } => {
            assert_eq!(is.split_last(), Some((&id, was.as_slice())), "a new task comes last");
        }
        Fact::Task { fact: TaskFact::Deleted { id }, .. }
        | Fact::Judged { fact: TaskFact::Deleted { id }, .. } => {
            let rest: Vec<&TaskId> = was.into_iter().filter(|known| *known != id).collect();
            assert_eq!(is, rest);
        }
        _ => assert_eq!(is, was, "tasks keep their order"),
    }
    for (id, task) in &after.state.final_tasks {
        assert_eq!(*id, task.id);
        assert!(task.notes.len() <= crate::task::MAX_NOTES);
    }
}

fn task_events(before: &Manifest, applied: &Applied) {
    let mut changes = 0;
    for (id, task) in &applied.manifest.state.final_tasks {
        let updates: Vec<_> = applied
            .events
            .iter()
            .filter_map(|event| match event {
                EventBody::TaskUpdated { task_id, from, status, .. } if task_id == id => {
                    Some((*from, *status))
                }
                _ => None,
            })
            .collect();
        match before.state.final_tasks.get(id) {
            None => assert!(updates.is_empty()),
            Some(old) if old == task => assert!(updates.is_empty(), "{id} did not change"),
            Some(old) => {
                let from = (old.status != task.status).then_some(old.status);
                changes += u64::from(from.is_some());
                assert_eq!(updates, [(from, task.status)], "one event for one change");
                assert_eq!(task.version, old.version + 1);
            }
        }
    }
    assert_eq!(applied.manifest.state.progress, before.state.progress + changes);
}

fn clock(before: &Manifest, applied: &Applied, now: Timestamp) {
    let (was, is) = (before.state.updated_at, applied.manifest.state.updated_at);
    if *before == applied.manifest {
        for event in &applied.events {
            let only_told = matches!(
                event,
                EventBody::StarterLost { .. }
                    | EventBody::DriverLeft { .. }
                    | EventBody::SnapshotTaken { .. }
            );
            assert!(only_told, "{event:?} without a change");
        }
    } else {
        assert_eq!(is, was.max(now), "the time of the last change never goes back");
    }
}

fn other_events(before: &Manifest, fact: &Fact, applied: &Applied) {
    let count = |wanted: fn(&EventBody) -> bool| applied.events.iter().filter(|event| wanted(event)).count();
    let (was, is) = (&before.state, &applied.manifest.state);
    let opened = count(|event| matches!(event, EventBody::RunStarted { .. }));
    assert_eq!(opened, is.sessions.len() - was.sessions.len());
    let recorded = count(|event| matches!(event, EventBody::AttemptRecorded { .. }));
    assert_eq!(recorded, is.attempt_records.len() - was.attempt_records.len());
    let started = count(|event| matches!(event, EventBody::AttemptStarted { .. }));
    assert_eq!(started as u64, is.next_fence.0 - was.next_fence.0);
    let ended = applied.manifest.outcome().is_some() && was.phase != is.phase;
    let finished: Vec<_> = applied
        .events
        .iter()
        .filter_map(|event| match event {
            EventBody::RunFinished { status, exit_code, .. } => Some((*status, *exit_code)),
            _ => None,
        })
        .collect();
    match applied.manifest.outcome().filter(|_| ended) {
        None => assert!(finished.is_empty(), "{fact:?} did not end the run"),
        Some(outcome) => {
            assert_eq!(finished, [(applied.manifest.status(false), outcome.exit_code())]);
        }
    }
    for event in &applied.events {
        if let EventBody::TaskUpdated { fence, .. } | EventBody::TaskAdded { fence, .. } = event {
            let expected = match fact {
                Fact::Task { author, .. } | Fact::Judged { author, .. } => author.fence(),
                // A hook is nobody's worker.
                Fact::Driver { fact: DriverFact::HookEnded { .. }, .. }
                | Fact::Control(ControlFact::TransitionHookEnded { .. }) => None,
                _ => panic!("{event:?} by {fact:?}"),
            };
            assert_eq!(*fence, expected);
        }
    }
}

/// What a run may only end with when it is true.
fn ending(manifest: &Manifest, outcome: &Outcome, passed: &BTreeSet<String>) {
    let tasks = &manifest.state.final_tasks;
    match outcome {
        Outcome::Success => {
            let all = tasks.values().all(|task| task.status == TaskStatus::Completed);
            assert!(all, "success with tasks that are not completed");
            let last = manifest.state.attempt_records.last().map(|record| &record.end);
            assert!(!tasks.is_empty() || last == Some(&AttemptEnd::Reported), "nobody said it is done");
            assert_eq!(manifest.state.rejection, None, "success against an objection");
            if !manifest.spec.is_passive() {
                for check in &manifest.spec.checks {
                    assert!(passed.contains(&check.id), "success without {}", check.id);
                }
            }
        }
        Outcome::Blocked { tasks: named, by: Some(_), .. } => assert!(named.is_empty()),
        Outcome::Blocked { tasks: named, over, by: None } => {
            let blocked: Vec<&TaskId> = tasks
                .iter()
                .filter(|(_, task)| task.status == TaskStatus::Blocked)
                .map(|(id, _)| id)
                .collect();
            assert!(!blocked.is_empty() || over.is_some());
            assert_eq!(named.iter().collect::<Vec<_>>(), blocked);
        }
        Outcome::Exhausted => {
            let session = manifest.session().unwrap();
            assert_eq!(session.attempts_spent, session.max_attempts_per_session, "attempts are left");
        }
        Outcome::Failed { .. } | Outcome::Aborted => {}
    }
}

/// A passive run's phase follows from its tasks alone, and nobody ever drives it.
fn passive(manifest: &Manifest) {
    // While it is prepared it is driven like others.
    if !manifest.spec.is_passive() || manifest.state.preparation.is_some() {
        return;
    }
    let of = |status| manifest.state.final_tasks.values().filter(|task| task.status == status).count();
    let open = of(TaskStatus::Pending) + of(TaskStatus::InProgress);
    let expected = match (manifest.state.final_tasks.len(), open, of(TaskStatus::Blocked)) {
        (0, _, _) => RunStatus::Initialized,
        (_, 0, 0) => RunStatus::Success,
        (_, 0, _) => RunStatus::Blocked,
        (_, _, _) => RunStatus::Initialized,
    };
    assert_eq!(manifest.status(true), expected);
    if let Some(Outcome::Blocked { tasks, .. }) = manifest.outcome() {
        assert_eq!(tasks.len(), of(TaskStatus::Blocked));
    }
}

/// Every state can be shown, and what is shown as possible is possible.
fn shown(manifest: &Manifest, now: Timestamp) {
    let active = matches!(manifest.state.phase, Phase::Active { .. });
    assert_eq!(manifest.status(true) == RunStatus::Interrupted, active);
    assert_eq!(manifest.status(false) == RunStatus::Running, active);
    let control = |fact| apply(manifest, &Fact::Control(fact), now);
    let can = capabilities(manifest, Lease::Free);
    let abort = control(ControlFact::AbortRequested { by: "x".into(), urgency: Urgency::Graceful });
    assert_eq!(can.can_abort, abort.is_ok());
    let ready = control(ControlFact::Readied);
    let readied = ready.as_ref().is_ok_and(|applied| applied.manifest.state != manifest.state);
    assert_eq!(can.can_ready, readied);
    let cause = crate::phase::Cause::Continue { message: Some("go on".into()) };
    let started = ControlFact::Started { cause, seen: None, on_limit: None };
    // What it was granted before it has given back: whoever starts it brings another grant.
    let (amount, by) = (manifest.state.budget.granted, manifest.state.budget.granted_by.clone());
    let granted = manifest.state.budget.given_back.then_some(ControlFact::BudgetGranted { amount, by });
    if granted.is_some() {
        assert!(control(started.clone()).is_err(), "started on what it has given back");
    }
    let facts: Vec<Fact> = granted.into_iter().chain([started]).map(Fact::Control).collect();
    assert_eq!(can.can_resume, apply_all(manifest, &facts, now).is_ok());
    for lease in [Lease::Held, Lease::Unknown] {
        let driven = capabilities(manifest, lease);
        assert_eq!(driven.can_resume, can.can_resume && !active, "never resume what may be driven");
    }
    can_be_put_away(manifest, now);
    // What is only put before hooks is possible.
    let person = |fact| match apply(manifest, &Fact::Task { author: Author::Person, fact }, now) {
        Err(Refusal::HooksFirst { .. }) => Ok(()),
        told => told.map(|_| ()),
    };
    let id = TaskId::parse("quite-new").unwrap();
    let added = person(TaskFact::Added { id, title: "New".into(), body: String::new() });
    assert_eq!(can.task_mutation.can_add, added.is_ok());
    let Some(task) = manifest.state.final_tasks.values().next() else { return };
    let (id, pending) = (task.id.clone(), task.status == TaskStatus::Pending);
    let done = person(TaskFact::Set { id: id.clone(), status: Some(TaskStatus::Completed), notes: None });
    assert_eq!(can.task_mutation.can_set_status, done.is_ok());
    let noted = person(TaskFact::NotesAppended { id: id.clone(), text: "x".into() });
    assert_eq!(can.task_mutation.can_edit_notes, noted.is_ok());
    let edited = person(TaskFact::Edited { id: id.clone(), title: Some("Else".into()), body: None });
    assert_eq!(can.task_mutation.can_edit_pending && pending, edited.is_ok());
    let deleted = person(TaskFact::Deleted { id });
    assert_eq!(can.task_mutation.can_delete_pending && pending, deleted.is_ok());
}

/// What is shown as possible about a run's life outside of its work is possible, and nothing else is.
fn can_be_put_away(manifest: &Manifest, now: Timestamp) {
    let control = |fact| apply(manifest, &Fact::Control(fact), now);
    let changes =
        |fact: ControlFact| control(fact).is_ok_and(|applied| applied.manifest.state != manifest.state);
    let can = capabilities(manifest, Lease::Held);
    assert_eq!(can.can_archive, changes(ControlFact::Archived));
    assert_eq!(can.can_unarchive, changes(ControlFact::Unarchived));
    assert_eq!(can.can_reset, control(ControlFact::Reset).is_ok());
    let message =
        QueuedMessage { id: "quite-new".into(), text: "and this".into(), queued_at: now, from_run_id: None };
    assert_eq!(can.can_queue_message, control(ControlFact::MessageQueued { message }).is_ok());
    let spec = Box::new(manifest.spec.clone());
    let respecified = ControlFact::Respecified {
        revision: manifest.revision,
        spec,
        changed: vec!["message".into()],
        anew: false,
    };
    assert_eq!(can.can_reconfigure, control(respecified).is_ok());
    assert_eq!(can.can_reconfigure, can.reconfigure_reason.is_none());
    assert_eq!(can.can_abort, can.abort_reason.is_none());
    assert!(!can.can_delete || can.can_unarchive, "only what was put away can be deleted");
}

/// What the next decision has to be in some states.
fn decision(manifest: &Manifest, now: Timestamp) {
    let step = next_step(manifest, &Observation::default(), now);
    match &manifest.state.phase {
        Phase::Active { stage: Stage::Attempting { attempt } } => {
            assert_eq!(step, Step::Recover(attempt.clone()));
            let with = |fence| {
                next_step(manifest, &Observation { watching: Some(fence), ..Observation::default() }, now)
            };
            assert_eq!(with(attempt.fence), Step::Watch(attempt.fence));
            assert_eq!(with(Fence(attempt.fence.0 + 1)), step, "watching another attempt is not enough");
        }
        Phase::Active { stage: Stage::Closing { outcome, .. } } if manifest.state.abort_request.is_some() => {
            // The hooks at its end go on; an end that was only proposed has become another one.
            match step {
                Step::Finish(end) => assert_eq!(end, *outcome),
                Step::RunHook(hook) => assert_eq!(hook.phase, HookPhase::AfterExit),
                other => panic!("{other:?} after an abort"),
            }
            assert!(!matches!(outcome, Outcome::Success | Outcome::Exhausted));
        }
        Phase::Active { .. } if manifest.state.abort_request.is_some() => {
            assert_eq!(step, Step::Finish(Outcome::Aborted));
        }
        Phase::Active { .. } => {
            assert!(!matches!(step, Step::Rest | Step::External | Step::Recover(_) | Step::Watch(_)));
            if let Step::Wait(wait) = &step {
                assert!(wait.until.is_some() || wait.until_changed, "a wait without an end");
            }
        }
        Phase::Initialized if manifest.spec.is_passive() => assert_eq!(step, Step::External),
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => assert_eq!(step, Step::Rest),
    }
}
