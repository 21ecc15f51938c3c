//! Limits that end a run, what attempts use, conversations that are lost, and what git stood at.

use crate::attempt::AttemptEnd;
use crate::budget::{Amount, BudgetKind, BudgetSpec, OnUnmeasured, reached};
use crate::fact::{ControlFact, DriverFact, EndReport};
use crate::manifest::GitHead;
use crate::phase::{Cause, FailureKind, Outcome, Phase, PromptKind, RunStatus, Stage, WaitReason};
use crate::spec::LimitPolicy;
use crate::step::Step;
use crate::task::TaskStatus;
use crate::time::Timestamp;
use crate::turn::{PlanItem, TurnEvent, TurnRecord};
use crate::usage::{Meter, Usage, UsageTotals, totals};

use super::sample::{Sample, report};
use super::world::{World, results};

fn limited(world: &World, millis: i64) -> AttemptEnd {
    let reset_at = Some(Timestamp::from_millis(world.now.as_millis() + millis));
    AttemptEnd::Limited { reset_at, detail: "5-hour limit".into() }
}

fn started_with(policy: LimitPolicy) -> World {
    let mut world = World::started(&Sample::default());
    world.manifest.state.on_limit = policy;
    world
}

fn resume(world: &mut World, on_limit: Option<LimitPolicy>) {
    let cause = Cause::Continue { message: None };
    world.control(ControlFact::Started { cause, seen: None, on_limit });
}

fn ended_by_limit(world: &World) -> String {
    match world.step() {
        Step::Finish(Outcome::Failed { failure }) => {
            assert_eq!(failure.kind, FailureKind::Limited);
            failure.hint
        }
        other => panic!("the run should end because of the limit, not {other:?}"),
    }
}

#[test]
fn a_run_that_is_not_to_wait_ends_with_75_and_can_be_resumed() {
    let mut world = started_with(LimitPolicy::Stop);
    world.attempt(limited(&world, 3_600_000));
    let until = Timestamp::from_millis(world.now.as_millis() + 3_600_000);
    assert!(ended_by_limit(&world).contains(&until.to_string()), "the hint says when to come back");
    world.drive(&results(AttemptEnd::Reported), 2);
    assert_eq!(world.status(), RunStatus::Error);
    assert_eq!(world.manifest.outcome().map(Outcome::exit_code), Some(75));
    assert_eq!(world.spent(), 0, "a limit costs no retry");

    resume(&mut world, Some(LimitPolicy::Wait));
    world.take_over();
    world.carry_out(&results(AttemptEnd::Reported));
    world.attempt(limited(&world, 3_600_000));
    assert!(matches!(world.step(), Step::Wait(wait) if wait.until == Some(until)));
}

#[test]
fn a_limit_without_a_time_ends_it_too_but_overload_does_not() {
    let mut world = started_with(LimitPolicy::Stop);
    world.attempt(AttemptEnd::Overloaded { detail: "529".into() });
    assert!(matches!(world.step(), Step::Wait(wait) if wait.why == WaitReason::Backoff));
    let mut world = started_with(LimitPolicy::Stop);
    world.attempt(AttemptEnd::Limited { reset_at: None, detail: "slow down".into() });
    assert!(ended_by_limit(&world).contains("--on-limit wait"));
}

#[test]
fn tasks_decide_before_the_limit_does() {
    let mut world = started_with(LimitPolicy::Stop);
    world.start_attempt();
    for task in 0..world.manifest.state.final_tasks.len() {
        let worker = world.worker();
        world.set(worker, task, TaskStatus::Completed);
    }
    world.end_attempt(limited(&world, 1000));
    assert_eq!(world.step(), Step::Finish(Outcome::Success));
}

#[test]
fn a_run_that_waits_can_be_told_not_to() {
    let mut world = started_with(LimitPolicy::Wait);
    world.attempt(limited(&world, 3_600_000));
    let Step::Wait(wait) = world.step() else { panic!("the run should wait") };
    world.driver(DriverFact::WaitStarted { wait });
    resume(&mut world, None);
    assert!(matches!(world.manifest.stage(), Some(Stage::Waiting { .. })), "nothing was said about it");
    resume(&mut world, Some(LimitPolicy::Stop));
    ended_by_limit(&world);
}

fn end_with(world: &mut World, change: impl FnOnce(&mut EndReport)) {
    world.start_attempt();
    let fence = world.live().unwrap();
    let mut told = report(AttemptEnd::Reported);
    change(&mut told);
    world.driver(DriverFact::AttemptEnded { fence, report: told });
}

fn read_at(session: &str, cost: u64) -> Option<Meter> {
    Some(Meter { session_id: session.to_owned(), cost_micro_usd: cost })
}

fn costs(world: &World) -> Vec<Option<u64>> {
    world.manifest.state.attempt_records.iter().map(|record| record.usage.cost_micro_usd).collect()
}

#[test]
fn a_cumulative_cost_is_charged_to_the_attempt_it_was_added_in() {
    let mut world = World::started(&Sample { max_attempts: 21, ..Sample::default() });
    end_with(&mut world, |told| told.meter = read_at("a", 15_120));
    end_with(&mut world, |told| told.meter = read_at("a", 25_200));
    // Killed before it could be read: unknown, and the next one pays for both.
    end_with(&mut world, |told| told.usage = Usage::default());
    end_with(&mut world, |told| told.meter = read_at("a", 60_000));
    // Another conversation begins at nothing, and a counter that went back was started anew.
    end_with(&mut world, |told| told.meter = read_at("b", 7));
    end_with(&mut world, |told| told.meter = read_at("a", 50));
    assert_eq!(costs(&world), [Some(15_120), Some(10_080), None, Some(34_800), Some(7), Some(50)]);
    let sums = totals(&world.manifest.state.attempt_records);
    assert_eq!(sums.usage.cost_micro_usd, Some(60_057));
    assert_eq!(sums.usage.input_tokens, Some(60), "five of six attempts said 12");
    assert_eq!(sums.unmeasured_attempts, 6, "none of them said everything");
}

#[test]
fn what_a_conversation_cost_before_the_run_is_not_charged_to_it() {
    let mut world = World::new(&Sample { max_attempts: 21, ..Sample::default() });
    world.manifest.spec.backend_session_id = Some("theirs".to_owned());
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    world.take_over();
    world.carry_out(&results(AttemptEnd::Reported));
    end_with(&mut world, |told| told.meter = read_at("theirs", 9_000_000));
    end_with(&mut world, |told| told.meter = read_at("theirs", 9_000_100));
    // It was lost, and the next one is our own from its beginning.
    end_with(&mut world, |told| told.meter = read_at("ours", 7));
    assert_eq!(costs(&world), [None, Some(100), Some(7)]);
}

#[test]
fn what_was_not_measured_is_not_zero() {
    assert_eq!(totals(&[]), UsageTotals::default());
    assert_eq!(serde_json::to_string(&totals(&[])).unwrap(), r#"{"unmeasuredAttempts":0}"#);
    let some = Usage { output_tokens: Some(0), ..Usage::default() };
    assert!(!some.is_unknown() && Usage::default().is_unknown());
    assert_eq!(some.plus(Usage::default()), some);
    let most = Usage { output_tokens: Some(u64::MAX), ..Usage::default() };
    assert_eq!(most.plus(most), most, "sums do not overflow");
}

#[test]
fn a_lost_conversation_is_forgotten() {
    let mut world = World::started(&Sample { max_attempts: 9, ..Sample::default() });
    world.start_attempt();
    world.driver(DriverFact::BackendSession { id: "gone".into() });
    world.end_attempt(AttemptEnd::Reported);
    assert_eq!(world.manifest.state.backend_session_id.as_deref(), Some("gone"));
    end_with(&mut world, |told| told.session_lost = true);
    assert_eq!(world.manifest.state.backend_session_id, None);
}

/// A run whose worker named its conversation and ended its turn.
fn remembered(max_attempts: u32) -> World {
    let mut world = World::started(&Sample { max_attempts, ..Sample::default() });
    world.start_attempt();
    world.driver(DriverFact::BackendSession { id: "a".into() });
    world
}

/// Ends the attempt under way, or the next one, because its conversation is gone.
fn lose(world: &mut World, output_tokens: Option<u64>) {
    world.start_attempt();
    let mut told = report(AttemptEnd::Crashed { detail: "no such conversation".into() });
    told.session_lost = true;
    told.usage = Usage { output_tokens, ..Usage::default() };
    let fence = world.live().unwrap();
    world.driver(DriverFact::AttemptEnded { fence, report: told });
}

#[test]
fn words_that_a_lost_conversation_did_not_hear_are_said_again_without_a_retry() {
    for unknown in [None, Some(0)] {
        let mut world = remembered(2);
        world.end_attempt(AttemptEnd::Reported);
        assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
        lose(&mut world, unknown);
        assert_eq!(world.spent(), 1, "only the first attempt was one");
        assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Nudge });
        world.attempt(AttemptEnd::Reported);
        assert_eq!(world.step(), Step::Finish(Outcome::Exhausted));
    }
}

#[test]
fn an_answer_to_a_blocked_run_is_not_lost_with_the_conversation() {
    let mut world = remembered(1);
    world.set(world.worker(), 0, TaskStatus::Blocked);
    world.end_attempt(AttemptEnd::Reported);
    world.drive(&results(AttemptEnd::Reported), 2);
    assert_eq!(world.status(), RunStatus::Blocked);
    let message = Some("Like this.".to_owned());
    let cause = Cause::Continue { message };
    world.control(ControlFact::Started { cause, seen: None, on_limit: None });
    world.take_over();
    lose(&mut world, None);
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::Message });
}

#[test]
fn a_session_is_let_off_once_and_only_for_what_nobody_heard() {
    let crash = Step::StartAttempt { prompt: PromptKind::AfterCrash };
    let mut world = remembered(9);
    world.end_attempt(AttemptEnd::Reported);
    lose(&mut world, None);
    lose(&mut world, None);
    assert_eq!((world.spent(), world.step()), (2, crash.clone()), "the second one counts");

    let mut world = remembered(9);
    lose(&mut world, Some(7));
    assert_eq!((world.spent(), world.step()), (1, crash.clone()), "somebody answered");

    let mut world = remembered(9);
    world.set(world.worker(), 0, TaskStatus::InProgress);
    lose(&mut world, None);
    assert_eq!((world.spent(), world.step()), (1, crash), "something was done");
}

#[test]
fn a_lost_conversation_is_no_crash_in_a_row() {
    let crashed = || AttemptEnd::Crashed { detail: "exit code 3".into() };
    let mut world = remembered(9);
    world.end_attempt(crashed());
    lose(&mut world, None);
    world.attempt(crashed());
    assert_eq!(world.step(), Step::StartAttempt { prompt: PromptKind::AfterCrash });
}

#[test]
fn git_is_looked_at_when_a_session_begins_and_when_it_ends() {
    let head = |commit: &str| GitHead { commit: Some(commit.into()), branch: Some("main".into()) };
    let mut world = World::started(&Sample::default());
    world.driver(DriverFact::WorkspaceSeen { head: Some(head("aa")) });
    world.attempt(AttemptEnd::Reported);
    world.driver(DriverFact::WorkspaceSeen { head: Some(head("bb")) });
    let session = world.manifest.session().unwrap();
    assert_eq!((session.git_before.clone(), session.git_after.clone()), (Some(head("aa")), Some(head("bb"))));
}

#[test]
fn events_of_turns_are_cut_at_characters_and_read_back() {
    let long = "ü".repeat(5000);
    let at = Timestamp::from_millis(1_700_000_000_000);
    let events = [
        TurnEvent::Session { id: long.clone(), model: Some(long.clone()) },
        TurnEvent::TextDelta { text: long.clone() },
        TurnEvent::Message { text: long.clone() },
        TurnEvent::Thinking { text: long.clone() },
        TurnEvent::ToolStarted { id: long.clone(), name: long.clone(), summary: long.clone() },
        TurnEvent::ToolFinished { id: long.clone(), is_error: true, summary: long.clone() },
        TurnEvent::Plan { items: vec![PlanItem { text: long.clone(), status: long.clone() }; 1000] },
        TurnEvent::Usage { usage: Usage { output_tokens: Some(3), ..Usage::default() } },
        TurnEvent::Limit { reset_at: Some(at), detail: long.clone() },
        TurnEvent::Permission { tool: long.clone(), detail: long.clone() },
        TurnEvent::Notice { text: long.clone() },
        TurnEvent::Error { text: long },
    ];
    for (seq, event) in (1..).zip(events) {
        let is_kept = event.is_kept();
        assert_eq!(is_kept, !matches!(event, TurnEvent::TextDelta { .. }));
        let record = TurnRecord { seq, at, event: event.cut(100) };
        let line = serde_json::to_string(&record).unwrap();
        assert!(line.len() < 25_000, "{} bytes", line.len());
        assert!(!line.contains('\u{FFFD}'));
        assert_eq!(serde_json::from_str::<TurnRecord>(&line).unwrap(), record);
        assert_eq!(record.event.clone().cut(100), record.event, "what fits stays as it is");
    }
}

#[test]
fn words_for_a_run_that_was_interrupted_while_it_waited_are_said_at_once() {
    let mut world = started_with(LimitPolicy::Wait);
    world.attempt(limited(&world, 3_600_000));
    let Step::Wait(wait) = world.step() else { panic!("the run should wait") };
    world.driver(DriverFact::WaitStarted { wait });
    let cause = Cause::Continue { message: Some("there is credit again".into()) };
    world.control(ControlFact::Started { cause: cause.clone(), seen: None, on_limit: None });
    world.take_over();
    assert_eq!(world.step(), Step::OpenSession(cause));
}

#[test]
fn what_is_limited_and_not_told_twice_ends_the_run_and_words_let_it_go_on() {
    let untold = |policy: OnUnmeasured| {
        let mut world = World::new(&Sample { max_attempts: 21, ..Sample::default() });
        let hard = Amount { cost_micro_usd: Some(1_000_000), ..Amount::default() };
        world.manifest.spec.budget = BudgetSpec { hard, on_unmeasured: policy, ..BudgetSpec::default() };
        world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
        world.take_over();
        world.carry_out(&results(AttemptEnd::Reported));
        end_with(&mut world, |told| told.usage = Usage::default());
        assert_eq!(reached(&world.manifest, world.now), None, "one may be killed before it tells");
        end_with(&mut world, |told| told.usage = Usage::default());
        world
    };
    assert_eq!(reached(&untold(OnUnmeasured::Allow).manifest, Timestamp::from_millis(0)), None);
    let mut world = untold(OnUnmeasured::Refuse);
    assert_eq!(reached(&world.manifest, world.now), Some(BudgetKind::CostUsd));
    world.carry_out(&results(AttemptEnd::Reported));
    let over = Outcome::Blocked { tasks: Vec::new(), over: Some(BudgetKind::CostUsd), by: None };
    assert_eq!(world.manifest.state.phase, Phase::Ended { outcome: over });
    let cause = Cause::Continue { message: None };
    world.control(ControlFact::Started { cause, seen: None, on_limit: None });
    world.take_over();
    world.carry_out(&results(AttemptEnd::Reported));
    assert_eq!(reached(&world.manifest, world.now), None, "somebody has seen it");
}
