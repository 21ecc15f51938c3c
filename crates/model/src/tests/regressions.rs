//! Stories that once went wrong.

use crate::attempt::AttemptEnd;
use crate::event::EventBody;
use crate::fact::{Author, ControlFact, DriverFact, Refusal};
use crate::hook::{HookPhase, HookVerdict};
use crate::phase::{Cause, FailureKind, HookRef, Outcome, PromptKind, RunStatus, Stage};
use crate::step::Step;
use crate::task::TaskStatus;

use super::sample::{Sample, end};
use super::world::{Results, World, hook_ended, objection, results};

const DONE: TaskStatus = TaskStatus::Completed;

fn pass(world: &mut World) {
    world.carry_out(&results(AttemptEnd::Reported));
}

fn complete_all(world: &mut World) {
    let worker = world.worker();
    world.set(worker, 0, DONE);
    world.set(worker, 1, DONE);
}

/// Stopped where an attempt reported and every task is completed.
fn done(sample: &Sample) -> World {
    let mut world = World::started(sample);
    world.start_attempt();
    complete_all(&mut world);
    world.end_attempt(AttemptEnd::Reported);
    world
}

fn finished(world: &mut World) -> RunStatus {
    world.drive(&results(AttemptEnd::Reported), 60);
    world.status()
}

#[test]
fn checks_run_although_the_tasks_were_completed_while_an_attempt_was_prepared() {
    let mut world = World::started(&Sample { before: 1, checks: 1, ..Sample::default() });
    world.attempt(AttemptEnd::Reported);
    pass(&mut world);
    assert!(matches!(world.manifest.stage(), Some(Stage::Preparing { .. })));
    world.set(Author::Person, 0, DONE);
    world.set(Author::Person, 1, DONE);
    assert_eq!(world.step(), Step::Verify { check: 0 });
    assert_eq!(finished(&mut world), RunStatus::Success);
}

#[test]
fn words_that_come_while_an_attempt_is_prepared_open_a_session() {
    let mut world = World::started(&Sample { before: 1, ..Sample::default() });
    pass(&mut world);
    assert!(matches!(world.manifest.stage(), Some(Stage::Preparing { .. })));
    let cause = Cause::Continue { message: Some("wait".into()) };
    world.control(ControlFact::Started { cause: cause.clone(), seen: None, on_limit: None });
    world.take_over();
    assert_eq!(world.step(), Step::OpenSession(cause));
    pass(&mut world);
    assert_eq!(world.step(), Step::RunHook(HookRef { phase: HookPhase::BeforeAttempt, index: 0 }));
}

#[test]
fn words_that_come_while_checks_run_are_not_lost() {
    for sample in [Sample { checks: 2, ..Sample::default() }, Sample { finish: 2, ..Sample::default() }] {
        let mut world = done(&sample);
        pass(&mut world);
        pass(&mut world);
        assert!(matches!(world.manifest.stage(), Some(Stage::Verifying { .. } | Stage::Closing { .. })));
        let mut queued = world.clone();
        queued.queue("m1");
        let messages = vec!["m1".to_owned()];
        assert_eq!(queued.step(), Step::OpenSession(Cause::Queued { messages }));
        pass(&mut queued);
        assert_eq!(queued.step(), Step::StartAttempt { prompt: PromptKind::Message });
        let cause = Cause::Continue { message: Some("one more thing".into()) };
        world.control(ControlFact::Started { cause: cause.clone(), seen: None, on_limit: None });
        world.take_over();
        assert_eq!(world.step(), Step::OpenSession(cause));
        pass(&mut world);
    }
}

#[test]
fn a_task_that_opens_while_checks_run_is_worked_on() {
    for sample in [Sample { checks: 1, ..Sample::default() }, Sample { finish: 1, ..Sample::default() }] {
        for status in [TaskStatus::Pending, TaskStatus::Blocked] {
            let mut world = done(&sample);
            while !matches!(world.step(), Step::Finish(Outcome::Success))
                || (sample.finish > 0
                    && !matches!(world.manifest.stage(), Some(Stage::Closing { cursor: 1, .. })))
            {
                pass(&mut world);
            }
            // A driver that asked before the change reports after it.
            let late = world.outcome_of_step(&results(AttemptEnd::Reported)).unwrap();
            world.set(Author::Person, 1, status);
            let refused = world.tell(&world.by_driver(late));
            assert!(matches!(refused, Err(Refusal::NotAllowed { .. })), "{refused:?}");
            let expected = if status.is_open() { RunStatus::Exhausted } else { RunStatus::Blocked };
            assert_eq!(finished(&mut world), expected);
        }
    }
}

#[test]
fn hooks_before_the_end_judge_the_end_that_comes() {
    let mut world = done(&Sample { finish: 1, ..Sample::default() });
    pass(&mut world);
    pass(&mut world);
    world.set(Author::Person, 1, TaskStatus::Blocked);
    assert!(matches!(world.step(), Step::Finish(Outcome::Blocked { .. })));
    pass(&mut world);
    assert_eq!(
        world.step(),
        Step::RunHook(HookRef { phase: HookPhase::AfterExit, index: 0 }),
        "the hook has seen another end"
    );
    assert_eq!(finished(&mut world), RunStatus::Blocked);
}

#[test]
fn a_driver_cannot_end_a_run_with_what_is_not_true() {
    let mut world = World::started(&Sample { checks: 1, ..Sample::default() });
    for outcome in
        [Outcome::Success, Outcome::Exhausted, Outcome::Blocked { tasks: Vec::new(), over: None, by: None }]
    {
        let fact = world.by_driver(DriverFact::Finished { outcome });
        assert!(matches!(world.tell(&fact), Err(Refusal::NotAllowed { .. })));
    }
    world.start_attempt();
    complete_all(&mut world);
    world.end_attempt(AttemptEnd::Reported);
    let unverified = world.by_driver(DriverFact::Finished { outcome: Outcome::Success });
    assert!(matches!(world.tell(&unverified), Err(Refusal::NotAllowed { .. })));
    world.abort();
    let late = world.by_driver(DriverFact::CheckPassed { check: 0 });
    assert!(world.tell(&late).is_err());
    assert!(world.tell(&unverified).is_err(), "an abort came first");
    assert_eq!(finished(&mut world), RunStatus::Aborted);
}

/// A session that a message opened must not end by what the tasks said before it.
#[test]
fn a_fault_before_the_worker_heard_the_message_is_not_judged_by_old_tasks() {
    let mut world = done(&Sample::default());
    finished(&mut world);
    let blocked = {
        let mut world = World::started(&Sample::default());
        world.start_attempt();
        let worker = world.worker();
        world.set(worker, 0, TaskStatus::Blocked);
        world.end_attempt(AttemptEnd::Reported);
        finished(&mut world);
        world
    };
    for ended in [world, blocked] {
        let resumed = || {
            let mut world = ended.clone();
            let cause = Cause::Continue { message: Some("also this".into()) };
            world.control(ControlFact::Started { cause, seen: None, on_limit: None });
            world.take_over();
            world
        };
        let mut missing = resumed();
        missing.attempt(end(10, missing.now));
        assert_eq!(finished(&mut missing), RunStatus::Error);
        let mut overloaded = resumed();
        overloaded.attempt(end(5, overloaded.now));
        overloaded.wait();
        assert_eq!(overloaded.step(), Step::StartAttempt { prompt: PromptKind::Message });
        let mut limited = resumed();
        limited.attempt(end(8, limited.now));
        limited.wait();
        assert_eq!(limited.step(), Step::StartAttempt { prompt: PromptKind::Message });
        let mut interrupted = resumed();
        interrupted.attempt(AttemptEnd::Interrupted);
        assert_eq!(interrupted.step(), Step::StartAttempt { prompt: PromptKind::AfterInterrupt });
    }
}

#[test]
fn an_objection_does_not_hurry_past_a_fault() {
    let mut world = done(&Sample { checks: 1, ..Sample::default() });
    let fails = |end| Results { end, hooks_pass: true, checks_pass: false };
    world.carry_out(&fails(AttemptEnd::Reported));
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
    for _ in 0..10 {
        world.carry_out(&fails(AttemptEnd::Reported));
        world.carry_out(&fails(end(6, world.now)));
        world.wait();
        assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
    }
    world.carry_out(&fails(AttemptEnd::Reported));
    world.carry_out(&fails(end(6, world.now)));
    let Step::Finish(Outcome::Failed { failure }) = world.step() else { panic!("{:?}", world.step()) };
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

/// What the worker did not get to hear because of a fault is said again.
#[test]
fn an_objection_survives_a_fault() {
    let mut world = done(&Sample { checks: 1, ..Sample::default() });
    world.carry_out(&Results { end: AttemptEnd::Reported, hooks_pass: true, checks_pass: false });
    let objection = world.manifest.state.rejection.clone();
    assert!(objection.is_some());
    world.attempt(end(5, world.now));
    world.wait();
    assert_eq!(world.manifest.state.rejection, objection);
    world.attempt(AttemptEnd::Reported);
    assert_eq!(world.manifest.state.rejection, None, "heard");
    assert_eq!(world.step(), Step::Verify { check: 0 });
}

#[test]
fn hooks_run_one_after_the_other() {
    let mut world = World::started(&Sample { before: 2, after: 2, ..Sample::default() });
    let hook = |phase, index| HookRef { phase, index };
    let before = |index| hook_ended(hook(HookPhase::BeforeAttempt, index), HookVerdict::Continue);
    for wrong in [before(1), before(2), before(u32::MAX)] {
        assert!(world.tell(&world.by_driver(wrong)).is_err());
    }
    world.driver(before(0));
    for wrong in [before(0), before(2)] {
        assert!(world.tell(&world.by_driver(wrong)).is_err());
    }
    let wrong = hook_ended(hook(HookPhase::BeforeAttempt, 0), objection());
    assert!(world.tell(&world.by_driver(wrong)).is_err());
    world.start_attempt();
    world.end_attempt(AttemptEnd::Reported);
    let wrong = hook_ended(hook(HookPhase::AfterAttempt, 1), objection());
    assert!(world.tell(&world.by_driver(wrong)).is_err());
    let right = hook_ended(hook(HookPhase::AfterAttempt, 0), objection());
    world.driver(right);
    assert!(world.manifest.state.rejection.is_some());
}

#[test]
fn a_hook_that_refuses_an_attempt_ends_the_run_before_it() {
    let mut world = World::started(&Sample { before: 1, ..Sample::default() });
    let hook = HookRef { phase: HookPhase::BeforeAttempt, index: 0 };
    world.driver(hook_ended(hook, HookVerdict::Block { reason: "not here".into() }));
    assert_eq!(world.status(), RunStatus::Blocked);
    assert_eq!(world.manifest.state.next_fence.0, 1, "no attempt was started");
}

#[test]
fn a_check_that_never_passes_exhausts_the_run() {
    let mut world = done(&Sample { checks: 1, ..Sample::default() });
    world.drive(&Results { end: AttemptEnd::Reported, hooks_pass: true, checks_pass: false }, 40);
    assert_eq!(world.status(), RunStatus::Exhausted);
    assert_eq!(world.manifest.session().unwrap().attempts_spent, 4);
    assert!(world.manifest.state.rejection.is_some(), "what is wrong can still be read");
}

#[test]
fn an_attempt_does_not_start_without_a_retry_left() {
    let mut world = World::started(&Sample { max_attempts: 1, ..Sample::default() });
    world.attempt(AttemptEnd::Reported);
    let prompt = PromptKind::Nudge;
    let fact = world.by_driver(DriverFact::AttemptStarting { marker: "m".into(), prompt });
    assert!(matches!(world.tell(&fact), Err(Refusal::NotAllowed { .. })));
}

#[test]
fn a_message_is_queued_once() {
    let mut world = World::started(&Sample::default());
    world.queue("m1");
    world.queue("m1");
    world.queue("m2");
    assert_eq!(world.manifest.state.queued_resume_messages.len(), 2);
}

#[test]
fn a_driver_that_lost_the_run_is_not_heard() {
    let mut world = World::started(&Sample::default());
    world.start_attempt();
    let stale = world.by_driver(DriverFact::AttemptEnded {
        fence: world.live().unwrap(),
        report: super::sample::report(AttemptEnd::Reported),
    });
    world.take_over();
    assert_eq!(world.tell(&stale), Err(Refusal::StaleDriver));
    pass(&mut world);
    assert_eq!(world.manifest.state.attempt_records[0].end, AttemptEnd::Interrupted);
    let told = world.driver(DriverFact::StarterLost { detail: "terminal closed".into() });
    assert!(matches!(told[..], [EventBody::StarterLost { .. }]));
}

/// A commit that seemed to fail may have landed: what the driver says again is refused, not recorded again.
#[test]
fn what_a_driver_says_twice_counts_once() {
    let mut world = World::new(&Sample { before: 1, after: 1, finish: 1, checks: 1, ..Sample::default() });
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    world.take_over();
    let mut said = 0;
    while !world.is_over() {
        let live = world.live();
        if live.is_some() {
            complete_all(&mut world);
        }
        let fact = world.by_driver(world.outcome_of_step(&results(AttemptEnd::Reported)).unwrap());
        world.must(&fact);
        world.watching = world.live();
        assert!(world.tell(&fact).is_err(), "{fact:?}");
        said += 1;
    }
    assert_eq!(said, 9);
    assert_eq!(world.status(), RunStatus::Success);
}

#[test]
fn an_abort_comes_before_a_start_that_was_decided_earlier() {
    let mut world = World::started(&Sample::default());
    let start = world.by_driver(world.outcome_of_step(&results(AttemptEnd::Reported)).unwrap());
    world.abort();
    assert!(matches!(world.tell(&start), Err(Refusal::NotAllowed { .. })));
    assert_eq!(finished(&mut world), RunStatus::Aborted);
}

#[test]
fn a_change_before_the_hooks_of_the_end_is_decided_at_once() {
    let mut world = done(&Sample { finish: 1, checks: 1, ..Sample::default() });
    pass(&mut world);
    pass(&mut world);
    assert!(matches!(world.manifest.stage(), Some(Stage::Closing { cursor: 0, .. })));
    world.set(Author::Person, 1, TaskStatus::Blocked);
    assert!(matches!(world.step(), Step::Finish(Outcome::Blocked { .. })));
    pass(&mut world);
    assert!(matches!(
        world.manifest.stage(),
        Some(Stage::Closing { outcome: Outcome::Blocked { .. }, cursor: 0 })
    ));
    world.set(Author::Person, 1, DONE);
    assert_eq!(world.step(), Step::Verify { check: 0 }, "the checks belong to a success");
    assert_eq!(finished(&mut world), RunStatus::Success);
}

#[test]
fn a_hook_cannot_keep_a_run_from_ending_badly() {
    for status in [TaskStatus::Blocked, TaskStatus::InProgress] {
        let mut world = World::started(&Sample { finish: 2, max_attempts: 1, ..Sample::default() });
        world.start_attempt();
        let worker = world.worker();
        world.set(worker, 0, status);
        let refusing = Results { end: AttemptEnd::Reported, hooks_pass: false, checks_pass: true };
        // The end of the attempt, the proposal, two objections, the end.
        assert_eq!(world.drive(&refusing, 10), 5);
        let expected = if status.is_open() { RunStatus::Exhausted } else { RunStatus::Blocked };
        assert_eq!(world.status(), expected);
    }
}

#[test]
fn a_hook_can_keep_a_run_from_ending_well() {
    let mut world = done(&Sample { finish: 1, ..Sample::default() });
    pass(&mut world);
    world.carry_out(&Results { end: AttemptEnd::Reported, hooks_pass: false, checks_pass: true });
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
}

/// Work on an objection that a fault cut short: the fault has its pause first.
#[test]
fn an_objection_waits_for_a_fault_even_if_tasks_changed() {
    let mut world = done(&Sample { checks: 1, ..Sample::default() });
    world.carry_out(&Results { end: AttemptEnd::Reported, hooks_pass: true, checks_pass: false });
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 0, TaskStatus::InProgress);
    world.set(worker, 0, DONE);
    world.end_attempt(end(5, world.now));
    world.wait();
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
}

#[test]
fn a_new_session_starts_a_new_count() {
    for (number, times, prompt) in [(3, 3, PromptKind::AfterCrash), (12, 6, PromptKind::AfterInterrupt)] {
        let mut world = World::started(&Sample::default());
        for _ in 0..times {
            world.attempt(end(number, world.now));
        }
        assert_eq!(finished(&mut world), RunStatus::Error);
        let cause = Cause::Continue { message: None };
        world.control(ControlFact::Started { cause, seen: None, on_limit: None });
        world.take_over();
        world.attempt(end(number, world.now));
        assert_eq!(world.step(), Step::StartAttempt { prompt });
    }
}
