//! Random facts against random runs: current, stale and invented ones, mixed with the steps of a driver.

use crate::manifest::Urgency;
use proptest::prelude::*;

use crate::apply::{apply, apply_all};
use crate::attempt::ProcessRef;
use crate::fact::{Author, ControlFact, DriverFact, Fact, TaskFact};
use crate::hook::{HookPhase, HookVerdict};
use crate::ids::{Epoch, Fence};
use crate::manifest::{Manifest, QueuedMessage};
use crate::phase::{Cause, Failure, FailureKind, HookRef, Outcome, PromptKind, Wait, WaitReason};
use crate::step::needs_lease;
use crate::task::TaskStatus;
use crate::time::Timestamp;

use super::life;
use super::sample::{Op, driver, end, ops, report, samples, task_id};
use super::world::{World, hook_ended, random_results};

/// A fence: mostly the newest, sometimes an older one or one that was never given.
fn fence(manifest: &Manifest, b: u8) -> Fence {
    let next = manifest.state.next_fence.0;
    match b % 8 {
        0 => Fence(next),
        1 => Fence(next.saturating_sub(2)),
        2 => Fence(0),
        _ => Fence(next.saturating_sub(1)),
    }
}

fn cause(a: u8) -> Cause {
    match a % 9 {
        0 => Cause::First,
        1 => Cause::Continue { message: None },
        2 | 3 => Cause::Continue { message: Some("go on".into()) },
        4 => Cause::Queued { messages: vec!["m1".into()] },
        5 => Cause::Reinvoked { run_id: "child".into() },
        6 => Cause::Fired,
        7 => Cause::Rejected { task_id: task_id(0) },
        _ => Cause::Fallback,
    }
}

fn outcome(a: u8) -> Outcome {
    match a % 5 {
        0 => Outcome::Success,
        1 => Outcome::Blocked { tasks: vec![task_id(0)], over: None, by: None },
        2 => Outcome::Exhausted,
        3 => Outcome::Failed {
            failure: Failure { kind: FailureKind::Internal, detail: "full disk".into(), hint: "x".into() },
        },
        _ => Outcome::Aborted,
    }
}

fn hook(a: u8) -> HookRef {
    let phase = match a % 3 {
        0 => HookPhase::BeforeAttempt,
        1 => HookPhase::AfterAttempt,
        _ => HookPhase::AfterExit,
    };
    HookRef { phase, index: u32::from(a / 3 % 4) }
}

fn verdict(a: u8) -> HookVerdict {
    match a % 4 {
        0 => HookVerdict::Reinvoke { prompt: "words".into() },
        1 => HookVerdict::Block { reason: "words".into() },
        2 => HookVerdict::Skipped,
        _ => HookVerdict::Failed { detail: "words".into() },
    }
}

fn prompt(a: u8) -> PromptKind {
    if a.is_multiple_of(2) { PromptKind::Nudge } else { PromptKind::Brief }
}

fn driver_fact(manifest: &Manifest, op: Op, now: Timestamp) -> DriverFact {
    let Op { a, b, .. } = op;
    let detail = "words".to_owned();
    match a % 16 {
        0 => DriverFact::Took { driver: driver(u32::from(b)) },
        1 => DriverFact::Left { why: detail },
        2 => DriverFact::StarterLost { detail },
        3 => DriverFact::SessionOpened { cause: cause(b), environment: vec!["HOME".into()] },
        4 => hook_ended(hook(b), HookVerdict::Continue),
        5 => hook_ended(hook(b), verdict(b)),
        6 => DriverFact::AttemptStarting { marker: "m".into(), prompt: prompt(b) },
        7 => DriverFact::AttemptSpawned {
            fence: fence(manifest, b),
            process: ProcessRef {
                pid: 3,
                pgid: 3,
                start_time: 5,
                boot_id: "b".into(),
                pid_namespace: "p".into(),
            },
        },
        8 => DriverFact::BackendSession { id: format!("thread-{}", b % 2) },
        9 | 10 => DriverFact::AttemptEnded { fence: fence(manifest, b), report: report(end(b, now)) },
        11 => DriverFact::CheckPassed { check: u32::from(b % 4) },
        12 => DriverFact::CheckFailed { check: u32::from(b % 4), detail },
        13 => DriverFact::WaitStarted {
            wait: Wait {
                until: b.is_multiple_of(2).then_some(now),
                until_changed: true,
                why: WaitReason::Approval,
                detail,
            },
        },
        14 => DriverFact::WaitEnded,
        _ => DriverFact::Finished { outcome: outcome(b) },
    }
}

fn task_fact(manifest: &Manifest, op: Op) -> TaskFact {
    let known = manifest.state.final_tasks.get_index(usize::from(op.b % 8));
    let id = known.map_or_else(|| task_id(usize::from(op.b % 8)), |(id, _)| id.clone());
    match op.a % 14 {
        0 => TaskFact::NotesAppended { id, text: "a note".into() },
        1 => TaskFact::BlockPassed { id, block: u32::from(op.b % 3), note: "block passed".into() },
        2 => {
            TaskFact::Added { id: task_id(usize::from(op.b % 10)), title: "More".into(), body: "- x".into() }
        }
        3 => TaskFact::Edited { id, title: Some("Else".into()), body: Some("other".into()) },
        4 => TaskFact::Deleted { id },
        5 => TaskFact::Set { id, status: None, notes: Some("notes".into()) },
        6 => TaskFact::Set { id, status: Some(TaskStatus::Blocked), notes: None },
        7 => TaskFact::Set { id, status: Some(TaskStatus::Pending), notes: None },
        8 => TaskFact::Set { id, status: Some(TaskStatus::InProgress), notes: Some("at it".into()) },
        9 => TaskFact::Added { id, title: " \t".into(), body: String::new() },
        _ => TaskFact::Set { id, status: Some(TaskStatus::Completed), notes: None },
    }
}

fn control_fact(manifest: &Manifest, op: Op, now: Timestamp) -> ControlFact {
    match op.a % 8 {
        3 | 4 => life::fact(manifest, Op { kind: op.b, a: op.a / 8, b: op.b.rotate_left(3), tick: 0 }, now),
        0 => ControlFact::Readied,
        1 => ControlFact::AbortRequested { by: "somebody".into(), urgency: Urgency::Graceful },
        2 => {
            let id = format!("m{}", op.b % 4);
            ControlFact::MessageQueued {
                message: QueuedMessage { id, text: "and this".into(), queued_at: now, from_run_id: None },
            }
        }
        _ => ControlFact::Started { cause: cause(op.b), seen: None, on_limit: None },
    }
}

/// Makes an operation a fact of this moment. Nothing when there is nothing to carry out.
pub(super) fn fact(world: &World, op: Op) -> Option<Fact> {
    let manifest = &world.manifest;
    let epoch = manifest.state.epoch;
    Some(match op.kind % 16 {
        0..=6 => {
            let results = random_results(op.a, op.b, world.now);
            Fact::Driver { epoch, fact: world.outcome_of_step(&results)? }
        }
        7 | 8 => Fact::Driver { epoch, fact: driver_fact(manifest, op, world.now) },
        9 => {
            let epoch = match op.b % 4 {
                0 => Epoch(epoch.0.saturating_sub(1)),
                1 => Epoch(epoch.0 + 2),
                _ => Epoch(epoch.0 + 1),
            };
            let took = DriverFact::Took { driver: driver(8) };
            let fact = if op.a < 200 { took } else { driver_fact(manifest, op, world.now) };
            Fact::Driver { epoch, fact }
        }
        10 | 11 => Fact::Task { author: Author::Person, fact: task_fact(manifest, op) },
        12..=14 => {
            let fence = if op.a < 240 { fence(manifest, 7) } else { fence(manifest, op.b) };
            Fact::Task { author: Author::Worker(fence), fact: task_fact(manifest, op) }
        }
        _ => Fact::Control(control_fact(manifest, op, world.now)),
    })
}

fn tell(world: &mut World, fact: &Fact) {
    if world.tell(fact).is_ok() {
        world.watching = match fact {
            Fact::Driver { fact: DriverFact::AttemptStarting { .. }, .. } => world.live(),
            Fact::Driver { fact: DriverFact::Took { .. }, .. } => None,
            Fact::Driver { .. }
            | Fact::Task { .. }
            | Fact::Judged { .. }
            | Fact::Control(_)
            | Fact::Once { .. } => world.watching,
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_after_any_facts(sample in samples(), ops in ops(120)) {
        let mut world = World::new(&sample);
        for op in ops {
            world.now = Timestamp::from_millis(world.now.as_millis() + i64::from(op.tick));
            if let Some(fact) = fact(&world, op) {
                tell(&mut world, &fact);
            }
        }
    }

    /// A driver asks, something happens, and only then the driver reports: what it reports may be refused, but
    /// never makes the run say something that is not true.
    #[test]
    fn invariants_hold_when_reports_come_late(sample in samples(), ops in ops(120)) {
        let mut world = World::new(&sample);
        let _ = world.tell(&Fact::Control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None }));
        let mut held: Option<Fact> = None;
        for op in ops {
            let Some(fact) = fact(&world, op) else { continue };
            match (&fact, held.take()) {
                (Fact::Driver { .. }, None) => held = Some(fact),
                (_, late) => {
                    tell(&mut world, &fact);
                    if let Some(late) = late {
                        tell(&mut world, &late);
                    }
                }
            }
        }
    }

    /// Several facts at once are all or nothing, and the same as one by one.
    #[test]
    fn several_facts_are_one_change(sample in samples(), ops in ops(30), cut in 0..30usize) {
        let mut world = World::new(&sample);
        let mut history = Vec::new();
        let mut events = Vec::new();
        let mut refused = None;
        for op in ops {
            let Some(fact) = fact(&world, op) else { continue };
            match world.tell(&fact) {
                Ok(more) => {
                    history.push(fact);
                    events.extend(more);
                }
                Err(refusal) => refused = Some((history.len(), fact, refusal)),
            }
        }
        let whole = apply_all(&sample.manifest(), &history, world.now).unwrap();
        prop_assert_eq!(&whole.manifest.state.phase, &world.manifest.state.phase);
        prop_assert_eq!(whole.events, events);
        if let Some((at, fact, refusal)) = refused {
            let mut with = history[..at].to_vec();
            with.push(fact);
            with.extend(history.iter().skip(at).take(cut).cloned());
            prop_assert_eq!(apply_all(&sample.manifest(), &with, world.now), Err(refusal));
        }
    }

    #[test]
    fn telling_something_again_is_harmless(sample in samples(), ops in ops(60)) {
        let mut world = World::new(&sample);
        for op in ops {
            let Some(fact) = fact(&world, op) else { continue };
            tell(&mut world, &fact);
            let again = matches!(
                &fact,
                Fact::Task { fact: TaskFact::Set { .. }, .. }
                    | Fact::Control(
                        ControlFact::Readied
                            | ControlFact::AbortRequested { .. }
                            | ControlFact::MessageQueued { .. }
                    )
            );
            if let Ok(applied) = apply(&world.manifest, &fact, world.now)
                && again
            {
                // A repeated command may be accepted; it must not add anything to what is known.
                let twice = apply(&applied.manifest, &fact, world.now).unwrap();
                prop_assert_eq!(&twice.manifest, &applied.manifest);
                prop_assert!(twice.events.is_empty());
            }
        }
    }
}

#[test]
fn only_drivers_need_the_lease() {
    let fact = DriverFact::WaitEnded;
    assert!(needs_lease(&Fact::Driver { epoch: Epoch(1), fact }));
    assert!(!needs_lease(&Fact::Control(ControlFact::Readied)));
    let fact = TaskFact::Deleted { id: task_id(0) };
    assert!(!needs_lease(&Fact::Task { author: Author::Worker(Fence(1)), fact }));
}
