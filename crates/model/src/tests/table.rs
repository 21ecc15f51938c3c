//! The attempt table, row by row: what an end costs, what comes next, and when it is enough.

use std::time::Duration;

use proptest::prelude::*;

use crate::attempt::{AttemptEnd, EndClass, Misconfiguration, TimeoutKind, backoff};
use crate::phase::{FailureKind, Outcome, PromptKind, RunStatus, WaitReason};
use crate::step::Step;
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::sample::{Sample, end};
use super::world::World;

const DONE: TaskStatus = TaskStatus::Completed;

fn crashed() -> AttemptEnd {
    AttemptEnd::Crashed { detail: "exit code 3".into() }
}

fn protocol() -> AttemptEnd {
    AttemptEnd::ProtocolError { detail: "not JSON".into() }
}

fn overloaded() -> AttemptEnd {
    AttemptEnd::Overloaded { detail: "529".into() }
}

fn network() -> AttemptEnd {
    AttemptEnd::Network { detail: "no route".into() }
}

fn timed_out(limit: TimeoutKind) -> AttemptEnd {
    AttemptEnd::TimedOut { limit }
}

fn limited(reset_at: Option<Timestamp>) -> AttemptEnd {
    AttemptEnd::Limited { reset_at, detail: "5-hour limit".into() }
}

fn started() -> World {
    World::started(&Sample::default())
}

fn many_retries() -> World {
    World::started(&Sample { max_attempts: 21, ..Sample::default() })
}

fn prompted(world: &World) -> PromptKind {
    match world.step() {
        Step::StartAttempt { prompt } => prompt,
        other => panic!("an attempt was expected, not {other:?}"),
    }
}

fn failure(world: &World) -> (FailureKind, String) {
    match world.step() {
        Step::Finish(Outcome::Failed { failure }) => {
            assert!(!failure.hint.is_empty(), "a failure says what to do");
            (failure.kind, failure.detail)
        }
        other => panic!("a failure was expected, not {other:?}"),
    }
}

fn finish(world: &mut World) -> (RunStatus, u8) {
    assert!(matches!(world.step(), Step::Finish(_)), "{:?}", world.step());
    world.drive(&super::world::results(AttemptEnd::Reported), 2);
    (world.status(), world.manifest.outcome().unwrap().exit_code())
}

#[test]
fn the_first_attempt_is_briefed() {
    assert_eq!(prompted(&started()), PromptKind::Brief);
}

#[test]
fn reported_with_open_tasks_costs_a_retry_and_is_nudged_until_exhausted() {
    let mut world = started();
    for spent in 1..4 {
        world.attempt(AttemptEnd::Reported);
        assert_eq!((world.spent(), prompted(&world)), (spent, PromptKind::Nudge));
    }
    world.attempt(AttemptEnd::Reported);
    assert_eq!(world.spent(), 4);
    assert_eq!(finish(&mut world), (RunStatus::Exhausted, 1));
}

#[test]
fn reported_with_every_task_completed_is_success() {
    let mut world = started();
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 0, DONE);
    world.set(worker, 1, DONE);
    world.end_attempt(AttemptEnd::Reported);
    assert_eq!(finish(&mut world), (RunStatus::Success, 0));
}

#[test]
fn reported_without_a_task_list_is_success() {
    let mut world = World::started(&Sample { tasks: 0, ..Sample::default() });
    world.attempt(AttemptEnd::Reported);
    assert_eq!(finish(&mut world), (RunStatus::Success, 0));
}

#[test]
fn a_blocked_task_ends_the_run_with_open_ones_left() {
    let mut world = started();
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 1, TaskStatus::Blocked);
    world.end_attempt(AttemptEnd::Reported);
    assert_eq!(
        world.step(),
        Step::Finish(Outcome::Blocked { tasks: vec![super::sample::task_id(1)], over: None, by: None })
    );
    assert_eq!(finish(&mut world), (RunStatus::Blocked, 2));
}

#[test]
fn one_attempt_means_no_retry() {
    let mut world = World::started(&Sample { max_attempts: 1, ..Sample::default() });
    world.attempt(AttemptEnd::Reported);
    assert_eq!(finish(&mut world), (RunStatus::Exhausted, 1));
}

#[test]
fn timed_out_costs_a_retry_and_the_next_prompt_says_so() {
    for limit in [TimeoutKind::Wall, TimeoutKind::Idle] {
        let mut world = started();
        for spent in 1..4 {
            world.attempt(timed_out(limit));
            assert_eq!((world.spent(), prompted(&world)), (spent, PromptKind::AfterTimeout));
        }
        world.attempt(timed_out(limit));
        assert_eq!(finish(&mut world), (RunStatus::Exhausted, 1));
    }
}

#[test]
fn the_same_failure_three_times_in_a_row_is_an_error() {
    for end in [crashed(), protocol()] {
        let mut world = started();
        for spent in 1..3 {
            world.attempt(end.clone());
            assert_eq!((world.spent(), prompted(&world)), (spent, PromptKind::AfterCrash));
        }
        world.attempt(end.clone());
        let (kind, detail) = failure(&world);
        assert_eq!(kind, FailureKind::Crashing);
        assert!(detail.contains('3') && detail.contains(&end.detail()), "{detail}");
        assert_eq!(finish(&mut world), (RunStatus::Error, 4));
    }
}

#[test]
fn different_failures_and_other_ends_are_no_streak() {
    let mut world = many_retries();
    for end in [crashed(), crashed(), protocol(), protocol(), crashed(), crashed(), AttemptEnd::Reported] {
        world.attempt(end);
    }
    world.attempt(crashed());
    world.attempt(crashed());
    assert_eq!(prompted(&world), PromptKind::AfterCrash);
    world.attempt(crashed());
    assert_eq!(failure(&world).0, FailureKind::Crashing);
}

#[test]
fn progress_restarts_the_streak_of_failures() {
    let mut world = many_retries();
    world.attempt(crashed());
    world.attempt(crashed());
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 0, TaskStatus::InProgress);
    world.end_attempt(crashed());
    assert_eq!(world.manifest.state.streak.unwrap().count, 1);
    world.attempt(crashed());
    assert_eq!(prompted(&world), PromptKind::AfterCrash);
    world.attempt(crashed());
    assert_eq!(failure(&world).0, FailureKind::Crashing);
}

#[test]
fn notes_are_no_progress() {
    let mut world = many_retries();
    for _ in 0..3 {
        world.start_attempt();
        let (author, id) = (world.worker(), super::sample::task_id(0));
        let fact = crate::fact::TaskFact::NotesAppended { id, text: "tried".into() };
        world.must(&crate::fact::Fact::Task { author, fact });
        world.end_attempt(crashed());
    }
    assert_eq!(failure(&world).0, FailureKind::Crashing);
}

#[test]
fn a_failure_without_retries_left_is_exhausted_with_tasks_and_an_error_without() {
    let one = Sample { max_attempts: 1, ..Sample::default() };
    let mut world = World::started(&one);
    world.attempt(crashed());
    assert_eq!(finish(&mut world), (RunStatus::Exhausted, 1));
    let mut world = World::started(&Sample { tasks: 0, ..one });
    world.attempt(crashed());
    assert_eq!(failure(&world), (FailureKind::Crashing, "exit code 3".into()));
    assert_eq!(finish(&mut world), (RunStatus::Error, 4));
}

#[test]
fn a_worker_that_fails_after_its_work_has_done_its_work() {
    let mut world = started();
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 0, DONE);
    world.set(worker, 1, DONE);
    world.end_attempt(crashed());
    assert_eq!(finish(&mut world), (RunStatus::Success, 0));
}

#[test]
fn passing_faults_cost_nothing_and_come_back_after_growing_pauses() {
    for end in [overloaded(), network()] {
        let mut world = started();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            world.attempt(end.clone());
            let before = world.now;
            let wait = world.wait();
            assert_eq!((wait.why, wait.until_changed), (WaitReason::Backoff, false));
            pauses.push(wait.until.unwrap().since(before));
            assert_eq!((world.spent(), prompted(&world)), (0, PromptKind::Brief), "the same words again");
        }
        for (pause, full) in pauses.iter().zip([10, 20, 40, 80, 160, 300, 300, 300, 300, 300]) {
            let full = Duration::from_secs(full);
            assert!(*pause <= full && *pause >= full * 3 / 4, "{pause:?} of {full:?}");
        }
        world.attempt(end);
        assert_eq!(failure(&world).0, FailureKind::Unavailable);
        assert_eq!(finish(&mut world), (RunStatus::Error, 4));
    }
}

#[test]
fn overloaded_and_network_are_one_row() {
    let mut world = started();
    for count in 0..10 {
        world.attempt(if count % 2 == 0 { overloaded() } else { network() });
        world.wait();
    }
    world.attempt(overloaded());
    assert_eq!(failure(&world).0, FailureKind::Unavailable);
}

#[test]
fn progress_restarts_the_pauses() {
    let mut world = started();
    for _ in 0..10 {
        world.attempt(overloaded());
        world.wait();
    }
    world.start_attempt();
    let worker = world.worker();
    world.set(worker, 0, DONE);
    world.end_attempt(overloaded());
    let pause = world.wait().until.unwrap();
    assert!(pause.since(world.manifest.state.attempt_records.last().unwrap().ended_at).as_secs() <= 10);
}

#[test]
fn a_pause_keeps_the_words_of_the_attempt_it_follows() {
    let mut world = started();
    world.attempt(AttemptEnd::Reported);
    world.attempt(overloaded());
    world.wait();
    assert_eq!(prompted(&world), PromptKind::Nudge);
}

#[test]
fn a_limit_is_waited_for_until_its_reset() {
    let mut world = started();
    for _ in 0..20 {
        let reset = world.now.plus(Duration::from_secs(18_000));
        world.attempt(limited(Some(reset)));
        let wait = world.wait();
        assert_eq!((wait.why, wait.until, wait.until_changed), (WaitReason::Limit, Some(reset), false));
        assert_eq!((world.spent(), prompted(&world)), (0, PromptKind::Brief));
    }
}

#[test]
fn a_limit_without_a_reset_backs_off_and_never_gives_up() {
    let mut world = started();
    for count in 1..40 {
        world.attempt(limited(None));
        let before = world.now;
        let wait = world.wait();
        assert_eq!(wait.why, WaitReason::Limit);
        let pause = wait.until.unwrap().since(before).as_secs();
        assert!(pause <= 300 && (count < 7 || pause >= 225), "{count}: {pause}");
        assert_eq!((world.spent(), prompted(&world)), (0, PromptKind::Brief));
    }
}

#[test]
fn a_reset_that_is_past_already_is_no_reason_to_hurry() {
    let mut world = started();
    world.attempt(limited(Some(Timestamp::from_millis(0))));
    let before = world.now;
    let pause = world.wait().until.unwrap().since(before);
    assert!(pause >= Duration::from_millis(7_500), "{pause:?}");
}

#[test]
fn what_cannot_work_is_an_error_at_once() {
    let kinds = [
        (Misconfiguration::BinaryMissing, FailureKind::BinaryMissing),
        (Misconfiguration::DirectoryMissing, FailureKind::Configuration),
        (Misconfiguration::Authentication, FailureKind::Authentication),
        (Misconfiguration::Configuration, FailureKind::Configuration),
    ];
    for (what, kind) in kinds {
        let mut world = started();
        world.attempt(AttemptEnd::Misconfigured { what, detail: "no such program".into() });
        assert_eq!(failure(&world), (kind, "no such program".into()));
        assert_eq!(world.spent(), 0);
        assert_eq!(finish(&mut world), (RunStatus::Error, 4));
    }
}

#[test]
fn an_interrupted_attempt_is_gone_on_with_five_times() {
    let mut world = started();
    for _ in 0..5 {
        world.attempt(AttemptEnd::Interrupted);
        assert_eq!((world.spent(), prompted(&world)), (0, PromptKind::AfterInterrupt));
    }
    world.attempt(AttemptEnd::Interrupted);
    assert_eq!(failure(&world).0, FailureKind::Interrupted);
    assert_eq!(finish(&mut world), (RunStatus::Error, 4));
}

#[test]
fn progress_restarts_the_interruptions() {
    let mut world = started();
    for at in 0..15 {
        world.start_attempt();
        if at % 5 == 4 {
            let status = if at % 2 == 0 { TaskStatus::InProgress } else { TaskStatus::Pending };
            let worker = world.worker();
            world.set(worker, 0, status);
        }
        world.end_attempt(AttemptEnd::Interrupted);
        assert_eq!(prompted(&world), PromptKind::AfterInterrupt);
    }
}

#[test]
fn an_aborted_attempt_ends_the_run() {
    let mut world = started();
    world.start_attempt();
    world.abort();
    world.end_attempt(AttemptEnd::Aborted);
    assert_eq!(finish(&mut world), (RunStatus::Aborted, 130));
    assert_eq!(world.manifest.session().unwrap().attempts_spent, 0);
}

#[test]
fn words_that_wait_are_said_before_the_run_ends() {
    // Exhausted: each of the three ends that tasks decide gives way to the words.
    let mut world = World::started(&Sample { max_attempts: 1, ..Sample::default() });
    world.queue("m1");
    world.queue("m2");
    world.attempt(AttemptEnd::Reported);
    assert!(matches!(world.step(), Step::OpenSession(_)), "{:?}", world.step());
    world.start_attempt();
    assert_eq!(world.manifest.session().unwrap().message.as_deref(), Some("words of m1\n\nwords of m2"));
    assert_eq!(world.manifest.state.queued_resume_messages, []);
    world.end_attempt(AttemptEnd::Reported);
    assert_eq!(finish(&mut world), (RunStatus::Exhausted, 1));
}

#[test]
fn a_failure_does_not_wait_for_words() {
    let mut world = started();
    world.queue("m1");
    world.attempt(end(10, world.now));
    assert_eq!(finish(&mut world), (RunStatus::Error, 4));
    assert_eq!(world.manifest.state.queued_resume_messages.len(), 1, "they are kept for a resume");
}

#[test]
fn exactly_the_ends_a_worker_answers_for_cost_a_retry() {
    use EndClass as E;
    for class in [E::Reported, E::TimedOut, E::Crashed, E::ProtocolError] {
        assert!(class.costs_retry(), "{}", class.as_str());
    }
    for class in [E::Overloaded, E::Network, E::Limited, E::Misconfigured, E::Interrupted, E::Aborted] {
        assert!(!class.costs_retry(), "{}", class.as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pause_is_bounded_whatever_the_numbers(failures: u32, salt: u64) {
        let pause = backoff(failures, salt);
        prop_assert!(pause >= Duration::from_millis(7_500) && pause <= Duration::from_secs(300));
        prop_assert!(failures < 6 || pause >= Duration::from_secs(225));
        // Without salt nothing is taken off, and a pause never shrinks as failures add up.
        prop_assert!(backoff(failures, 0) >= pause);
        prop_assert!(backoff(failures.saturating_add(1), 0) >= backoff(failures, 0));
    }
}

#[test]
fn salt_spreads_the_pauses() {
    let pauses: std::collections::BTreeSet<_> = (0..1024).map(|salt| backoff(1, salt)).collect();
    assert!(pauses.len() > 500, "{}", pauses.len());
    assert!(*pauses.first().unwrap() < Duration::from_millis(7_600));
}
