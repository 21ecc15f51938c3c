//! Resumes and aborts that come late, or at the same time.

use super::sample::{START, Sample};
use crate::apply::{apply, apply_all};
use crate::fact::{ControlFact, DriverFact, Fact, Refusal};
use crate::ids::Epoch;
use crate::manifest::{Manifest, Urgency};
use crate::phase::{Cause, Outcome};
use crate::step::{Observation, Step, next_step};
use crate::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_millis(START)
}

fn resume(words: &str, seen: Epoch) -> Fact {
    let cause = Cause::Continue { message: Some(words.to_owned()) };
    Fact::Control(ControlFact::Started { cause, seen: Some(seen), on_limit: None })
}

fn abort(urgency: Urgency) -> Fact {
    Fact::Control(ControlFact::AbortRequested { by: "a test".into(), urgency })
}

fn driven(mut run: Manifest) -> Manifest {
    let epoch = Epoch(run.state.epoch.0 + 1);
    let took = Fact::Driver { epoch, fact: DriverFact::Took { driver: super::sample::driver(7) } };
    run = apply(&run, &took, now()).unwrap().manifest;
    run
}

fn active() -> Manifest {
    let start = Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    driven(apply(&Sample::default().manifest(), &start, now()).unwrap().manifest)
}

#[test]
fn the_second_of_two_resumes_waits_its_turn() {
    let mut run = active();
    run.state.next_cause = None;
    let seen = run.state.epoch;
    let both = apply_all(&run, &[resume("first", seen), resume("second", seen)], now()).unwrap().manifest;
    assert_eq!(both.state.next_cause, Some(Cause::Continue { message: Some("first".into()) }));
    let queued: Vec<&str> =
        both.state.queued_resume_messages.iter().map(|queued| queued.text.as_str()).collect();
    assert_eq!(queued, ["second"]);
}

#[test]
fn a_resume_that_comes_after_another_driver_steers_nothing_and_loses_nothing() {
    let run = active();
    let before = run.state.epoch;
    let run = apply(&driven(run), &abort(Urgency::Graceful), now()).unwrap().manifest;
    let next = run.state.next_cause.clone();
    let late = apply(&run, &resume("late words", before), now()).unwrap().manifest;
    assert!(late.state.abort_request.is_some(), "somebody wants this driver's run to end");
    assert_eq!(late.state.next_cause, next);
    assert_eq!(late.state.queued_resume_messages[0].text, "late words");
}

#[test]
fn a_session_is_opened_only_for_the_cause_that_is_next() {
    let run = active();
    let Step::OpenSession(cause) = next_step(&run, &Observation::default(), now()) else {
        panic!("no session")
    };
    let open = |cause| Fact::Driver {
        epoch: run.state.epoch,
        fact: DriverFact::SessionOpened { cause, environment: Vec::new() },
    };
    let other = Cause::Continue { message: Some("other words".into()) };
    assert!(matches!(apply(&run, &open(other), now()), Err(Refusal::NotAllowed { .. })));
    assert!(apply(&run, &open(cause), now()).is_ok());
}

#[test]
fn nobody_leaves_a_run_that_is_to_end_and_urgency_only_grows() {
    let run = active();
    let left = Fact::Driver { epoch: run.state.epoch, fact: DriverFact::Left { why: "told to".into() } };
    assert!(apply(&run, &left, now()).is_ok());
    let run = apply(&run, &abort(Urgency::AtOnce), now()).unwrap().manifest;
    assert!(matches!(apply(&run, &left, now()), Err(Refusal::NotAllowed { .. })));
    let run = apply(&run, &abort(Urgency::Graceful), now()).unwrap().manifest;
    assert_eq!(run.state.abort_request.unwrap().urgency, Urgency::AtOnce);
}

#[test]
fn an_end_that_nobody_saw_is_undone_only_by_words() {
    let active = active();
    let aborted = apply(&active, &abort(Urgency::Graceful), now()).unwrap().manifest;
    let seen = active.state.epoch;
    let aborted = driven(aborted);
    let outcome = Outcome::Aborted;
    let end = Fact::Driver { epoch: aborted.state.epoch, fact: DriverFact::Finished { outcome } };
    let ended = apply(&aborted, &end, now()).unwrap().manifest;
    let wordless = |seen| {
        let cause = Cause::Continue { message: None };
        apply(&ended, &Fact::Control(ControlFact::Started { cause, seen, on_limit: None }), now())
    };
    assert!(matches!(wordless(Some(seen)), Err(Refusal::NotAllowed { .. })));
    assert!(wordless(Some(ended.state.epoch)).is_ok(), "who saw the end may go on");
    assert!(apply(&ended, &resume("late words", seen), now()).is_ok(), "words are not lost");
}
