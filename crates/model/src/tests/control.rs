//! What people and programs may ask of a run: approving, starting, resuming, aborting.

use crate::attempt::AttemptEnd;
use crate::fact::{Author, ControlFact, Fact, Refusal};
use crate::ids::Epoch;
use crate::manifest::Urgency;
use crate::phase::{Cause, Outcome, Phase, PromptKind, RunStatus, Stage};
use crate::step::Step;
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::sample::{Sample, end};
use super::world::{World, results};

fn resume(message: Option<&str>) -> ControlFact {
    ControlFact::Started {
        cause: Cause::Continue { message: message.map(str::to_owned) },
        seen: None,
        on_limit: None,
    }
}

fn refused(world: &mut World, fact: ControlFact) -> String {
    match world.tell(&Fact::Control(fact)) {
        Err(Refusal::NotAllowed { why, .. }) => why,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

fn finish(world: &mut World) -> RunStatus {
    world.drive(&results(AttemptEnd::Reported), 20);
    world.status()
}

/// An ended run; its attempts ended as told, its tasks stand as told.
fn ended(sample: &Sample, tasks: &[TaskStatus], ends: AttemptEnd) -> World {
    let mut world = World::started(sample);
    world.start_attempt();
    for (at, status) in tasks.iter().enumerate() {
        let worker = world.worker();
        world.set(worker, at, *status);
    }
    world.end_attempt(ends.clone());
    world.drive(&results(ends), 20);
    assert!(world.is_over());
    world
}

fn resumed(world: &mut World, message: Option<&str>) {
    let ended = world.manifest.state.sessions.len();
    world.control(resume(message));
    world.take_over();
    let cause = Cause::Continue { message: message.map(str::to_owned) };
    assert_eq!(world.step(), Step::OpenSession(cause));
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!(world.manifest.state.sessions.len(), ended + 1);
    assert_eq!(world.spent(), 0, "a new session has all its retries");
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Message });
}

const DONE: TaskStatus = TaskStatus::Completed;

#[test]
fn an_initialized_run_is_approved_not_resumed() {
    let mut world = World::new(&Sample::default());
    assert!(refused(&mut world, resume(None)).contains("run ready"));
    assert!(refused(&mut world, resume(Some("go"))).contains("run ready"));
    world.control(ControlFact::Readied);
    assert_eq!(world.status(), RunStatus::Ready);
    assert_eq!(world.control(ControlFact::Readied), [], "approved already");
}

#[test]
fn a_ready_run_starts_with_its_brief_or_with_words() {
    for (message, prompt) in [(None, PromptKind::Brief), (Some("go"), PromptKind::Message)] {
        let mut world = World::new(&Sample::default());
        world.control(ControlFact::Readied);
        world.control(resume(message));
        world.take_over();
        world.carry_out(&results(AttemptEnd::Reported));
        assert_eq!(world.step(), Step::StartAttempt { prompt });
        assert_eq!(world.manifest.session().unwrap().message.as_deref(), message);
        assert_eq!(world.manifest.state.started_at, Some(world.now));
    }
}

#[test]
fn only_an_initialized_run_can_be_approved() {
    let mut world = World::started(&Sample::default());
    refused(&mut world, ControlFact::Readied);
    world.abort();
    finish(&mut world);
    refused(&mut world, ControlFact::Readied);
}

#[test]
fn a_passive_run_is_neither_approved_nor_started_nor_aborted() {
    let mut world = World::new(&Sample { passive: true, ..Sample::default() });
    for fact in [
        ControlFact::Readied,
        resume(Some("go")),
        ControlFact::Started { cause: Cause::First, seen: None, on_limit: None },
        ControlFact::AbortRequested { by: "x".into(), urgency: Urgency::Graceful },
    ] {
        refused(&mut world, fact);
    }
    assert_eq!(world.step(), Step::External);
}

#[test]
fn who_saw_a_run_ready_does_not_start_one_that_is_not_any_more() {
    let seen_ready = || ControlFact::Started { cause: Cause::First, seen: Some(Epoch(0)), on_limit: None };
    // It was reset meanwhile: nobody has approved it.
    let mut world = World::new(&Sample::default());
    assert!(refused(&mut world, seen_ready()).contains("approve it with `run ready` first"));
    world.control(ControlFact::Readied);
    world.control(seen_ready());
    // Somebody else was faster, whether or not there is a driver yet.
    assert!(refused(&mut world, seen_ready()).contains("somebody else has started it"));
    world.take_over();
    assert!(refused(&mut world, seen_ready()).contains("somebody else has started it"));
}

#[test]
fn an_archived_run_is_neither_approved_nor_started() {
    let mut world = World::new(&Sample::default());
    world.manifest.state.archived_at = Some(Timestamp::from_millis(1));
    assert!(
        refused(&mut world, ControlFact::Started { cause: Cause::First, seen: None, on_limit: None })
            .contains("archived")
    );
    assert!(refused(&mut world, ControlFact::Readied).contains("archived"));
}

#[test]
fn a_blocked_run_needs_words_unless_nothing_is_blocked_any_more() {
    let mut world =
        ended(&Sample::default(), &[TaskStatus::Blocked, TaskStatus::InProgress], AttemptEnd::Reported);
    assert_eq!(world.status(), RunStatus::Blocked);
    assert!(refused(&mut world, resume(None)).contains("message"));
    let mut with_words = world.clone();
    resumed(&mut with_words, Some("use the other key"));
    with_words.attempt(AttemptEnd::Reported);
    assert_eq!(finish(&mut with_words), RunStatus::Blocked, "it is still blocked");
    world.set(Author::Person, 0, TaskStatus::Pending);
    resumed(&mut world, None);
}

#[test]
fn a_blocked_run_whose_tasks_a_person_completed_has_nothing_to_do() {
    let mut world = ended(&Sample::default(), &[TaskStatus::Blocked, DONE], AttemptEnd::Reported);
    world.set(Author::Person, 0, DONE);
    refused(&mut world, resume(None));
}

#[test]
fn a_success_needs_words_or_an_open_task() {
    let mut world = ended(&Sample::default(), &[DONE, DONE], AttemptEnd::Reported);
    assert_eq!(world.status(), RunStatus::Success);
    assert!(refused(&mut world, resume(None)).contains("no task is open"));
    resumed(&mut world.clone(), Some("one more thing"));
    world.set(Author::Person, 1, TaskStatus::Pending);
    resumed(&mut world, None);
}

#[test]
fn a_success_without_tasks_needs_words_and_a_failure_without_tasks_does_not() {
    let sample = Sample { tasks: 0, ..Sample::default() };
    let mut world = ended(&sample, &[], AttemptEnd::Reported);
    refused(&mut world, resume(None));
    resumed(&mut world, Some("more"));
    let now = world.now;
    let mut world = ended(&sample, &[], end(10, now));
    assert_eq!(world.status(), RunStatus::Error);
    resumed(&mut world, None);
}

#[test]
fn an_exhausted_a_failed_and_an_aborted_run_can_be_resumed() {
    let mut exhausted = ended(&Sample::default(), &[], AttemptEnd::Reported);
    assert_eq!(exhausted.status(), RunStatus::Exhausted);
    resumed(&mut exhausted, None);
    let now = exhausted.now;
    let mut failed = ended(&Sample::default(), &[], end(11, now));
    resumed(&mut failed, None);
    let mut aborted = World::started(&Sample::default());
    aborted.start_attempt();
    aborted.abort();
    aborted.end_attempt(AttemptEnd::Aborted);
    assert_eq!(finish(&mut aborted), RunStatus::Aborted);
    resumed(&mut aborted, None);
    assert_eq!(aborted.manifest.state.ended_at, None);
    aborted.attempt(AttemptEnd::Reported);
    assert_eq!(aborted.step(), Step::StartAttempt { prompt: PromptKind::Nudge }, "the abort is forgotten");
}

#[test]
fn resuming_an_interrupted_run_keeps_its_session_and_its_budget() {
    let mut world = World::started(&Sample::default());
    world.attempt(AttemptEnd::Reported);
    world.start_attempt();
    let sessions = world.manifest.state.sessions.clone();
    // The driver dies; somebody resumes.
    assert_eq!(world.control(resume(None)), []);
    world.take_over();
    assert!(matches!(world.step(), Step::Recover(_)));
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!(world.manifest.state.sessions, sessions);
    assert_eq!(world.spent(), 1);
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::AfterInterrupt });
}

#[test]
fn resuming_an_interrupted_run_with_words_opens_a_session() {
    let mut world = World::started(&Sample::default());
    world.attempt(AttemptEnd::Reported);
    world.start_attempt();
    world.control(resume(Some("go on differently")));
    world.take_over();
    world.carry_out(&results(AttemptEnd::Reported));
    let cause = Cause::Continue { message: Some("go on differently".into()) };
    assert_eq!(world.step(), Step::OpenSession(cause));
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!((world.manifest.state.sessions.len(), world.spent()), (2, 0));
    let first = &world.manifest.state.sessions[0];
    assert!(first.ended_at.is_some() && first.outcome.is_none());
}

#[test]
fn resuming_an_interrupted_run_takes_back_an_abort() {
    let mut world = World::started(&Sample::default());
    world.start_attempt();
    world.abort();
    world.control(resume(None));
    world.take_over();
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::AfterInterrupt });
}

#[test]
fn a_run_that_does_not_run_cannot_be_aborted() {
    let abort = || ControlFact::AbortRequested { by: "x".into(), urgency: Urgency::Graceful };
    let mut world = World::new(&Sample::default());
    assert!(refused(&mut world, abort()).contains("not running"));
    world.control(ControlFact::Readied);
    refused(&mut world, abort());
    let mut world = ended(&Sample::default(), &[DONE, DONE], AttemptEnd::Reported);
    refused(&mut world, abort());
    assert_eq!(world.status(), RunStatus::Success);
}

#[test]
fn an_abort_is_asked_for_once() {
    let mut world = World::started(&Sample::default());
    world.abort();
    let request = world.manifest.state.abort_request.clone();
    world.now = world.now.plus(std::time::Duration::from_secs(1));
    assert_eq!(
        world.control(ControlFact::AbortRequested { by: "somebody else".into(), urgency: Urgency::Graceful }),
        []
    );
    assert_eq!(world.manifest.state.abort_request, request);
}

#[test]
fn an_abort_cuts_a_wait_and_the_hooks_short() {
    let mut world = World::started(&Sample { after: 2, finish: 2, ..Sample::default() });
    world.attempt(end(5, world.now));
    assert!(matches!(world.manifest.stage(), Some(Stage::Judging { .. })));
    let judging = world.clone();
    world.carry_out(&results(AttemptEnd::Reported));
    world.carry_out(&results(AttemptEnd::Reported));
    let Step::Wait(wait) = world.step() else { panic!("{:?}", world.step()) };
    world.driver(crate::fact::DriverFact::WaitStarted { wait });
    for mut world in [judging, world] {
        world.abort();
        assert_eq!(world.step(), Step::Finish(Outcome::Aborted));
        // The hooks at the end have their turn all the same; those that would judge the attempt have not.
        assert_eq!(world.drive(&results(AttemptEnd::Reported), 10), 4);
        assert_eq!(world.manifest.state.phase, Phase::Ended { outcome: Outcome::Aborted });
    }
}

#[test]
fn whoever_is_in_a_hurry_does_not_wait_for_the_hooks_at_the_end() {
    let mut world = World::started(&Sample { finish: 2, ..Sample::default() });
    world.attempt(AttemptEnd::Reported);
    world.abort();
    world.carry_out(&results(AttemptEnd::Reported));
    assert!(matches!(world.step(), Step::RunHook(_)));
    let by = "a person".to_owned();
    world.control(ControlFact::AbortRequested { by, urgency: Urgency::AtOnce });
    assert_eq!(world.step(), Step::Finish(Outcome::Aborted));
}

#[test]
fn an_initialized_run_starts_for_the_first_time_only() {
    let mut world = World::new(&Sample::default());
    for cause in [Cause::Fired, Cause::Fallback, Cause::Queued { messages: Vec::new() }] {
        refused(&mut world, ControlFact::Started { cause, seen: None, on_limit: None });
    }
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    assert_eq!(world.manifest.status(true), RunStatus::Interrupted, "active, and nobody drives it yet");
    assert_eq!(world.status(), RunStatus::Running);
}

#[test]
fn words_may_come_from_elsewhere_but_a_schedule_has_none() {
    let ended = ended(&Sample::default(), &[DONE, DONE], AttemptEnd::Reported);
    let task_id = super::sample::task_id(0);
    let queued = Cause::Queued { messages: vec!["m1".into()] };
    for cause in [queued, Cause::Reinvoked { run_id: "child".into() }, Cause::Rejected { task_id }] {
        let mut world = ended.clone();
        world.control(ControlFact::Started { cause: cause.clone(), seen: None, on_limit: None });
        assert_eq!(world.step(), Step::OpenSession(cause));
    }
    for cause in [Cause::First, Cause::Fired, Cause::Fallback] {
        refused(&mut ended.clone(), ControlFact::Started { cause, seen: None, on_limit: None });
    }
}
