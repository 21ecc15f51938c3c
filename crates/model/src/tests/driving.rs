//! A simulated driver: every step it is told to carry out is accepted, and every run comes to an end.

use crate::manifest::Urgency;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::attempt::AttemptEnd;
use crate::fact::{Author, ControlFact, Fact, TaskFact};
use crate::manifest::QueuedMessage;
use crate::phase::{Cause, Outcome, Phase, Stage};
use crate::spec::LimitPolicy;
use crate::step::Step;
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::life;
use super::sample::{Op, Sample, end, ops, samples, task_id};
use super::world::{Results, World, random_results, results};

fn complete_all(world: &mut World, author: Author) {
    let tasks: Vec<_> = world.manifest.state.final_tasks.keys().cloned().collect();
    for id in tasks {
        let fact = TaskFact::Set { id, status: Some(TaskStatus::Completed), notes: None };
        world.must(&Fact::Task { author, fact });
    }
}

/// What may happen in a run's life besides its own steps. Whether it is possible now is not asked.
fn disturb(world: &mut World, op: Op) {
    let status = match op.a % 8 {
        0 => TaskStatus::Pending,
        1 => TaskStatus::InProgress,
        2 => TaskStatus::Blocked,
        _ => TaskStatus::Completed,
    };
    let set = TaskFact::Set { id: task_id(usize::from(op.b % 7)), status: Some(status), notes: None };
    let add =
        TaskFact::Added { id: task_id(usize::from(op.b % 9)), title: "More".into(), body: String::new() };
    let worker = world.live().map(Author::Worker);
    if let (0 | 1, Some(author)) = (op.kind % 12, worker) {
        complete_all(world, author);
        return;
    }
    let fact = match (op.kind % 12, worker) {
        (0..=4, Some(author)) => Fact::Task { author, fact: set },
        (5, Some(author)) => Fact::Task { author, fact: add },
        (0..=4, None) => return,
        (5 | 6, _) => Fact::Task { author: Author::Person, fact: set },
        (7, _) => Fact::Task { author: Author::Person, fact: add },
        (8, _) => {
            let id = format!("m{}", op.b);
            let message =
                QueuedMessage { id, text: "and this".into(), queued_at: world.now, from_run_id: None };
            Fact::Control(ControlFact::MessageQueued { message })
        }
        (9, _) => {
            let message = op.b.is_multiple_of(2).then(|| "go on".to_owned());
            Fact::Control(ControlFact::Started {
                cause: Cause::Continue { message },
                seen: None,
                on_limit: [None, Some(LimitPolicy::Wait), Some(LimitPolicy::Stop)][usize::from(op.a) % 3],
            })
        }
        (10, _) if op.a < 30 => {
            Fact::Control(ControlFact::AbortRequested { by: "x".into(), urgency: Urgency::Graceful })
        }
        (11, _) if op.a >= 128 => {
            let op = Op { kind: op.b, a: op.a, b: op.a.rotate_left(3), tick: 0 };
            Fact::Control(life::fact(&world.manifest, op, world.now))
        }
        (_, _) => {
            if matches!(world.manifest.state.phase, Phase::Initialized) && !world.manifest.spec.is_passive() {
                let started = ControlFact::Started { cause: Cause::First, seen: None, on_limit: None };
                if world.tell(&Fact::Control(started)).is_err() {
                    return;
                }
            }
            if matches!(world.manifest.state.phase, Phase::Active { .. }) {
                world.take_over();
            }
            return;
        }
    };
    // A refusal is fine: the wish did not fit.
    let _ = world.tell(&fact);
}

/// A life up to some point: steps with random results, disturbances in between.
fn live(sample: &Sample, ops: &[Op]) -> World {
    live_watched(sample, ops, |_| {})
}

fn live_watched(sample: &Sample, ops: &[Op], mut look: impl FnMut(&World)) -> World {
    let mut world = World::new(sample);
    if !sample.passive {
        world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
        world.take_over();
    }
    for op in ops {
        world.now = Timestamp::from_millis(world.now.as_millis() + i64::from(op.tick));
        if op.kind % 5 < 3 {
            world.carry_out(&random_results(op.a, op.b, world.now));
        } else {
            disturb(&mut world, Op { kind: op.kind / 5, ..*op });
        }
        look(&world);
    }
    world
}

/// The most steps to the end from any state, if `more` attempts can come besides those of the open session, of one
/// with words that wait to be said, and of one with the messages that are queued.
fn bound(sample: &Sample, more: usize) -> usize {
    (3 * sample.max_attempts as usize + 1 + more) * sample.steps_per_attempt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_idle_worker_that_reports_comes_to_an_end(sample in samples(), ops in ops(80)) {
        let mut world = live(&sample, &ops);
        let active = matches!(world.manifest.state.phase, Phase::Active { .. });
        world.drive(&results(AttemptEnd::Reported), bound(&sample, 0));
        prop_assert!(world.is_over() || !active);
    }

    #[test]
    fn a_worker_that_does_its_tasks_comes_to_success(sample in samples(), ops in ops(60)) {
        let mut world = live(&sample, &ops);
        if !matches!(world.manifest.state.phase, Phase::Active { .. }) {
            return Ok(());
        }
        // New words open a session, whatever the one before had come to.
        let cause = Cause::Continue { message: Some("do them all".into()) };
        world.control(ControlFact::Started { cause, seen: None, on_limit: None });
        for _ in 0..bound(&sample, 0) {
            if world.live().is_some() && world.watching == world.live() {
                let author = world.worker();
                complete_all(&mut world, author);
            }
            if !world.carry_out(&results(AttemptEnd::Reported)) {
                break;
            }
        }
        prop_assert_eq!(world.manifest.outcome(), Some(&Outcome::Success));
    }

    #[test]
    fn finite_misfortune_comes_to_an_end(
        sample in samples(),
        ops in ops(60),
        misfortune in vec((any::<u8>(), any::<u8>()), 0..30),
    ) {
        let mut world = live(&sample, &ops);
        let active = matches!(world.manifest.state.phase, Phase::Active { .. });
        let most = bound(&sample, misfortune.len());
        let mut steps = 0;
        for (a, b) in misfortune {
            loop {
                let random = random_results(a, b, world.now);
                let ends = matches!(world.step(), Step::Watch(_) | Step::Recover(_));
                if !world.carry_out(&random) {
                    break;
                }
                steps += 1;
                if ends {
                    break;
                }
                prop_assert!(steps <= most);
            }
        }
        steps += world.drive(&results(AttemptEnd::Reported), most);
        prop_assert!(steps <= most);
        prop_assert!(world.is_over() || !active);
    }

    /// The same end again and again, checks and hooks that never pass: the run gives up. (A limit is waited for, see below.)
    #[test]
    fn endless_misfortune_comes_to_an_end(
        sample in samples(),
        ops in ops(60),
        row in prop::sample::select(vec![vec![0], vec![1, 2], vec![3], vec![4], vec![3, 4], vec![5, 6], vec![10],
            vec![11], vec![12], vec![13]]),
        checks_pass: bool,
        hooks_pass: bool,
    ) {
        let mut world = live(&sample, &ops);
        let active = matches!(world.manifest.state.phase, Phase::Active { .. });
        let mut ends = row.iter().cycle();
        let mut steps = 0;
        // 11 failures to reach the backend are the longest way a session has to its end without costs.
        let most = 3 * bound(&sample, 11);
        loop {
            let end = match world.step() {
                Step::Watch(_) => end(*ends.next().unwrap(), world.now),
                _ => AttemptEnd::Reported,
            };
            if !world.carry_out(&Results { end, hooks_pass, checks_pass }) {
                break;
            }
            steps += 1;
            prop_assert!(steps <= most, "{:?}", world.step());
        }
        prop_assert!(world.is_over() || !active);
    }

    /// Nothing but limits: every try comes after a pause, whatever else is going on, and the run never gives up.
    #[test]
    fn endless_limits_are_waited_for(sample in samples(), ops in ops(60), kind in 7..10u8, checks_pass: bool) {
        let mut world = live(&sample, &ops);
        if world.manifest.state.abort_request.is_some() {
            return Ok(());
        }
        let mut tries = Vec::new();
        for _ in 0..60 {
            if let Step::Watch(_) = world.step() {
                tries.push((world.manifest.state.sessions.len(), world.now));
            }
            let end = end(kind, world.now);
            if !world.carry_out(&Results { end, hooks_pass: true, checks_pass }) {
                break;
            }
        }
        for pair in tries.windows(2) {
            let [(session, before), (next, after)] = *pair else { continue };
            let pause = after.since(before).as_millis();
            prop_assert!(pause >= 7_500 || session != next, "tried again after {pause} ms");
        }
    }

    #[test]
    fn an_abort_is_the_next_decision(sample in samples(), ops in ops(60), random in any::<(u8, u8)>()) {
        let mut world = live(&sample, &ops);
        if !matches!(world.manifest.state.phase, Phase::Active { .. }) {
            return Ok(());
        }
        world.abort();
        if world.live().is_some() {
            world.carry_out(&random_results(random.0, random.1, world.now));
        }
        // An end that was forced on it before stays what it is.
        let expected = match world.manifest.stage() {
            Some(Stage::Closing {
                outcome: outcome @ (Outcome::Failed { .. } | Outcome::Blocked { by: Some(_), .. }),
                ..
            }) => outcome.clone(),
            _ => Outcome::Aborted,
        };
        world.drive(&results(AttemptEnd::Reported), sample.finish + 3);
        prop_assert_eq!(world.manifest.outcome(), Some(&expected));
    }

    /// A driver that dies at any point leaves a run that the next one goes on with, in the same session.
    #[test]
    fn an_interruption_costs_nothing(sample in samples(), ops in ops(60)) {
        let mut world = live(&sample, &ops);
        if !matches!(world.manifest.state.phase, Phase::Active { .. }) {
            return Ok(());
        }
        let sessions = world.manifest.state.sessions.clone();
        world.take_over();
        if world.live().is_some() {
            world.carry_out(&results(AttemptEnd::Reported));
            prop_assert_eq!(&world.manifest.state.attempt_records.last().unwrap().end, &AttemptEnd::Interrupted);
        }
        prop_assert_eq!(&world.manifest.state.sessions, &sessions);
    }
}

#[test]
fn lives_reach_every_stage_and_every_outcome() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let sample = samples().new_tree(&mut runner).unwrap().current();
        let ops = ops(80).new_tree(&mut runner).unwrap().current();
        live_watched(&sample, &ops, |world| {
            let phase = serde_json::to_value(&world.manifest.state.phase).unwrap();
            for part in ["stage", "outcome"] {
                if let Some(name) = phase[part]["name"].as_str() {
                    seen.insert(name.to_owned());
                }
            }
        });
    }
    // Waits are served as soon as they begin, so no life stops in one.
    let all = [
        "aborted",
        "attempting",
        "blocked",
        "closing",
        "deciding",
        "exhausted",
        "failed",
        "judging",
        "preparing",
        "success",
        "verifying",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), all);
}
