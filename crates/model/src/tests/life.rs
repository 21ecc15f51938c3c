//! Facts of a run's life outside of its execution: random ones for the tests of everything, and the laws of each.

use proptest::prelude::*;

use crate::apply::{Applied, apply};
use crate::attachment::{
    Attachment, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, MAX_ATTACHMENTS_BYTES, check_attachment_name,
};
use crate::attempt::EndClass;
use crate::budget::{
    Amount, BudgetKind, BudgetState, OnUnmeasured, Reservation, ceilings, exceeded, life_use, own_ceilings,
    reached, remaining, share, to_share,
};
use crate::event::EventBody;
use crate::fact::{Author, ControlFact, Fact, TaskFact};
use crate::ids::RunId;
use crate::manifest::{Dependency, Manifest, RunState};
use crate::phase::{Cause, Phase};
use crate::task::{Task, TaskStatus};
use crate::time::Timestamp;

use super::sample::{Op, Sample, ops, samples, task_id};
use super::world::{World, random_results};

const MIB: u64 = 1024 * 1024;

fn child(b: u8) -> RunId {
    RunId::parse(&format!("child-{}", b % 4)).unwrap()
}

fn group(b: u8) -> String {
    ["team", "other", "quiet-otter-42", "not one"][usize::from(b) % 4].to_owned()
}

fn dependency(manifest: &Manifest, b: u8) -> Dependency {
    match b % 5 {
        0 => Dependency::Run { run_id: manifest.spec.run_id.clone() },
        1 => Dependency::Group { group_id: manifest.state.run_group_id.clone() },
        2 | 3 => Dependency::Run { run_id: child(b / 5) },
        _ => Dependency::Group { group_id: group(b / 5) },
    }
}

/// An amount that mostly says nothing about most kinds.
fn amount(a: u8, b: u8) -> Amount {
    BudgetKind::ALL.into_iter().zip(0u32..).fold(Amount::default(), |sum, (kind, at)| {
        let value = u64::from(b) * [0, 1, 7, 900][usize::from(a >> 6)];
        sum.with(kind, (a >> at & 1 == 1).then_some(value))
    })
}

fn attachment(a: u8, b: u8, now: Timestamp) -> Attachment {
    let name = ["notes.txt", "ein Bild.png", "..", "a/b", " "][usize::from(a) % 5].to_owned();
    Attachment {
        id: format!("att-{}", b % 16),
        relative_path: format!("attachments/att-{}/{name}", b % 16),
        name,
        mime_type: "text/plain".into(),
        size: [0, 5, 12, 24, 25, 26][usize::from(b) % 6] * MIB + u64::from(a & 1),
        sha256: "0".repeat(64),
        added_at: now,
    }
}

/// One of these facts, by numbers. Most are possible at some time, some never.
pub(super) fn fact(manifest: &Manifest, op: Op, now: Timestamp) -> ControlFact {
    let Op { kind, a, b, .. } = op;
    match kind % 20 {
        0 => ControlFact::Reset,
        1 => {
            let mut spec = manifest.spec.clone();
            spec.brief = format!("Do it, variant {b}.");
            for task in &mut spec.tasks {
                task.title = format!("Task {b}");
            }
            let revision = manifest.revision + u64::from(a.is_multiple_of(4));
            ControlFact::Respecified {
                revision,
                spec: Box::new(spec),
                changed: vec!["where".into()],
                anew: a % 8 == 3,
            }
        }
        2 => ControlFact::Archived,
        3 => ControlFact::Unarchived,
        4 => ControlFact::Named {
            name: [None, Some("a name".into()), Some("two\nlines".into())][usize::from(b) % 3].clone(),
        },
        5 => ControlFact::Noted { note: b.is_multiple_of(2).then(|| format!("note {}", b % 8)) },
        6 => ControlFact::Pinned { pinned: b.is_multiple_of(2) },
        7 => ControlFact::Grouped { group_id: group(b) },
        8 => ControlFact::BackendSessionSet { id: b.is_multiple_of(2).then(|| "thread".into()) },
        9 | 10 => ControlFact::DependencyAdded { dependency: dependency(manifest, b) },
        11 => ControlFact::DependencyRemoved { dependency: dependency(manifest, b) },
        12 => ControlFact::DependenciesCleared,
        13 => ControlFact::AttachmentAdded { attachment: attachment(a, b, now) },
        14 => ControlFact::AttachmentRemoved { id: format!("att-{}", b % 16) },
        15 => ControlFact::MessageRemoved { id: format!("m{}", b % 4) },
        16 => {
            let notice = format!("{}/{}", child(b), a % 3);
            ControlFact::ChildEnded { notice, child: child(b), text: "it has ended".into() }
        }
        17 if a.is_multiple_of(4) => ControlFact::TellParent { tell: b.is_multiple_of(2) },
        17 => ControlFact::NoticeDelivered { notice: format!("quiet-otter-42/{}", b % 3) },
        18 if a.is_multiple_of(2) => {
            let base = if a.is_multiple_of(4) { amount(b, a / 9) } else { Amount::default() };
            let is_active = matches!(manifest.state.phase, Phase::Active { .. }) != (b % 16 == 0);
            ControlFact::BudgetReserved { child: child(b), amount: amount(a, b), base, is_active }
        }
        18 if a % 4 == 1 => {
            ControlFact::BudgetSettled { child: child(b), used: amount(a, b), open: a % 8 == 5 }
        }
        18 => {
            let by = [(BudgetKind::Tokens, child(b))].into_iter().collect();
            ControlFact::BudgetGranted { amount: amount(a, b), by }
        }
        19 if a.is_multiple_of(4) => ControlFact::SnapshotTaken {
            name: format!("refs/agent-runner/quiet-otter-42/{b}"),
            commit: "c".repeat(40),
            files: u64::from(a % 5),
        },
        _ => ControlFact::Extended { by: amount(a, b) },
    }
}

/// The state with the time of the last change taken out.
fn timeless(state: &RunState) -> RunState {
    RunState { updated_at: Timestamp::from_millis(0), ..state.clone() }
}

/// What holds once one of these facts was accepted.
pub(super) fn accepted(before: &Manifest, fact: &ControlFact, applied: &Applied, now: Timestamp) {
    let after = &applied.manifest;
    only_its_own_fields(before, fact, after);
    match fact {
        ControlFact::Reset => reset(before, applied, now),
        ControlFact::Respecified { revision, spec, anew, .. } => {
            if *anew {
                begins_anew(before, after, now);
            }
            assert_eq!(*revision, before.revision, "made from what was there");
            assert_eq!(before.state.phase, Phase::Initialized);
            assert_eq!(after.spec, **spec);
            let made: Vec<Task> = spec.tasks.iter().cloned().map(Task::new).collect();
            assert_eq!(after.state.final_tasks.values().cloned().collect::<Vec<_>>(), made);
            let created: Vec<Task> = before.spec.tasks.iter().cloned().map(Task::new).collect();
            assert_eq!(
                before.state.final_tasks.values().cloned().collect::<Vec<_>>(),
                created,
                "nobody's changes are lost"
            );
        }
        ControlFact::Archived | ControlFact::Grouped { .. } => {
            assert!(!matches!(before.state.phase, Phase::Active { .. }));
        }
        ControlFact::DependencyAdded { .. }
        | ControlFact::DependencyRemoved { .. }
        | ControlFact::DependenciesCleared => assert_eq!(before.state.phase, Phase::Initialized),
        ControlFact::ChildEnded { notice, child, .. } => child_ended(before, notice, child, applied),
        ControlFact::BudgetReserved { child, amount, base, is_active } => {
            assert_eq!(*is_active, matches!(before.state.phase, Phase::Active { .. }));
            assert_eq!(
                after.state.budget.children.get(child),
                Some(&Reservation { amount: *amount, base: *base, settled: false })
            );
            reserved(before, child, *amount, after, now);
        }
        ControlFact::BudgetSettled { child, used, open } => {
            let was = before.state.budget.children.get(child);
            match after.state.budget.children.get(child) {
                Some(kept) => {
                    assert_eq!((kept.amount, kept.settled), (*used, !*open));
                    assert_eq!(Some(kept.base), was.map(|was| was.base), "what does not count stays so");
                }
                None => assert!(was.is_none()),
            }
        }
        ControlFact::BudgetGranted { amount, by } => {
            assert!(!matches!(before.state.phase, Phase::Active { .. }));
            assert_eq!((after.state.budget.granted, &after.state.budget.granted_by), (*amount, by));
        }
        ControlFact::Extended { by } => {
            let (was, is) = (own_ceilings(before), own_ceilings(after));
            for kind in BudgetKind::ALL {
                let more = was.get(kind).map(|was| was.saturating_add(by.get(kind).unwrap_or(0)));
                assert_eq!(is.get(kind), more);
            }
        }
        _ => {}
    }
    if repeats_change_nothing(fact)
        && let Ok(again) = apply(after, &Fact::Control(fact.clone()), now)
    {
        assert_eq!(again.manifest.state, after.state, "{fact:?} a second time");
        assert!(again.events.is_empty(), "{fact:?} a second time is told");
    }
}

fn repeats_change_nothing(fact: &ControlFact) -> bool {
    match fact {
        // Whoever says these again means more; and a spec is made from a revision, which the store counts.
        ControlFact::Extended { .. } | ControlFact::Respecified { .. } => false,
        // Each is a commit of its own.
        ControlFact::SnapshotTaken { .. } => false,
        ControlFact::BudgetReserved { .. } => true,
        ControlFact::Started { .. }
        | ControlFact::AbortRequested { .. }
        | ControlFact::PreparationStarted
        | ControlFact::TransitionHookEnded { .. } => false,
        ControlFact::Readied
        | ControlFact::MessageQueued { .. }
        | ControlFact::MessageRemoved { .. }
        | ControlFact::Reset
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
        | ControlFact::AttachmentRemoved { .. }
        | ControlFact::ChildEnded { .. }
        | ControlFact::NoticeDelivered { .. }
        | ControlFact::TellParent { .. }
        | ControlFact::BudgetGranted { .. }
        | ControlFact::BudgetSettled { .. } => true,
    }
}

/// A fact about one thing changes that thing.
fn only_its_own_fields(before: &Manifest, fact: &ControlFact, after: &Manifest) {
    let (was, mut is) = (&before.state, after.state.clone());
    match fact {
        ControlFact::Named { .. } => is.name.clone_from(&was.name),
        ControlFact::Noted { .. } => is.note.clone_from(&was.note),
        ControlFact::Pinned { .. } => is.pinned = was.pinned,
        ControlFact::Grouped { .. } => is.run_group_id.clone_from(&was.run_group_id),
        ControlFact::Archived | ControlFact::Unarchived => is.archived_at = was.archived_at,
        ControlFact::BackendSessionSet { .. } => is.backend_session_id.clone_from(&was.backend_session_id),
        ControlFact::DependencyAdded { .. }
        | ControlFact::DependencyRemoved { .. }
        | ControlFact::DependenciesCleared => is.dependencies.clone_from(&was.dependencies),
        ControlFact::AttachmentAdded { .. } | ControlFact::AttachmentRemoved { .. } => {
            is.attachments.clone_from(&was.attachments);
        }
        ControlFact::MessageRemoved { .. } => {
            is.queued_resume_messages.clone_from(&was.queued_resume_messages);
        }
        ControlFact::ChildEnded { .. } => {
            is.queued_resume_messages.clone_from(&was.queued_resume_messages);
            is.heard.clone_from(&was.heard);
        }
        ControlFact::TellParent { .. } => is.tell_parent = was.tell_parent,
        ControlFact::NoticeDelivered { .. } => is.parent_notice.clone_from(&was.parent_notice),
        ControlFact::BudgetReserved { .. }
        | ControlFact::BudgetSettled { .. }
        | ControlFact::BudgetGranted { .. }
        | ControlFact::Extended { .. } => {
            is.budget.clone_from(&was.budget);
        }
        // It is in the history only.
        ControlFact::SnapshotTaken { .. } => {}
        ControlFact::Respecified { anew: false, .. } => is.final_tasks.clone_from(&was.final_tasks),
        ControlFact::Reset
        | ControlFact::Respecified { anew: true, .. }
        | ControlFact::Readied
        | ControlFact::PreparationStarted
        | ControlFact::TransitionHookEnded { .. }
        | ControlFact::Started { .. }
        | ControlFact::AbortRequested { .. }
        | ControlFact::MessageQueued { .. } => return,
    }
    assert_eq!(timeless(&is), timeless(was), "{fact:?}");
}

/// Everything that was executed is forgotten; numbers that others may remember are not used again; what people decided
/// stays.
fn reset(before: &Manifest, applied: &Applied, now: Timestamp) {
    let as_frozen = before.state.frozen_config.is_none();
    assert!(!as_frozen || before.spec == applied.manifest.spec, "the spec is untouched");
    begins_anew(before, &applied.manifest, now);
    match applied.events.as_slice() {
        [] => assert_eq!(timeless(&before.state), timeless(&applied.manifest.state)),
        [EventBody::RunReset {}] => {}
        other => panic!("{other:?}"),
    }
}

/// A run is what its spec makes of it, but for what people decided about it and what others remember of it.
fn begins_anew(before: &Manifest, after: &Manifest, now: Timestamp) {
    let was = &before.state;
    assert!(!matches!(was.phase, Phase::Active { .. }));
    let (fresh, _) = Manifest::new(after.spec.clone(), was.name.clone());
    let expected = RunState {
        // Decided by people.
        note: was.note.clone(),
        pinned: was.pinned,
        run_group_id: was.run_group_id.clone(),
        dependencies: was.dependencies.clone(),
        schedule: was.schedule.clone(),
        attachments: was.attachments.clone(),
        // Remembered by others: workers, drivers, callers, children.
        next_fence: was.next_fence,
        epoch: was.epoch,
        first_attempt_number: before.next_attempt_number(),
        recent_requests: was.recent_requests.clone(),
        heard: was.heard.clone(),
        budget: after.state.budget.clone(),
        ..fresh.state
    };
    assert_eq!(timeless(&after.state), timeless(&expected));
    let (old, new) = (&was.budget, &after.state.budget);
    let expected =
        BudgetState { before: new.before, children: new.children.clone(), ..BudgetState::default() };
    assert_eq!(*new, expected, "its own ceilings start anew");
    for (child, entry) in &old.children {
        assert_eq!(new.children.get(child), (!entry.settled).then_some(entry), "those at work keep theirs");
    }
    let life = |manifest: &Manifest| life_use(manifest, now).shared();
    assert_eq!(life(before), life(after), "nothing that was used is forgotten above it");
}

fn child_ended(before: &Manifest, notice: &str, child: &RunId, applied: &Applied) {
    let (was, is) = (&before.state, &applied.manifest.state);
    assert!(is.heard.contains(notice));
    let told = is.queued_resume_messages.len() - was.queued_resume_messages.len();
    let listens = !before.spec.is_passive() && was.archived_at.is_none();
    assert_eq!(told, usize::from(listens && !was.heard.contains(notice)), "told once, if it listens");
    if told == 1 {
        assert_eq!(is.queued_resume_messages.last().unwrap().from_run_id.as_ref(), Some(child));
    }
}

/// Whatever is promised is there.
fn reserved(before: &Manifest, child: &RunId, amount: Amount, after: &Manifest, now: Timestamp) {
    let counted = |manifest: &Manifest| {
        manifest.state.budget.children.get(child).map(Reservation::counted).unwrap_or_default()
    };
    let left = to_share(before, now);
    let (was, is) = (counted(before), counted(after));
    for kind in BudgetKind::ALL.into_iter().filter(|kind| left.get(*kind).is_some()) {
        assert!(amount.get(kind).is_some(), "a share without an end of {}", kind.as_str());
        let more = is.get(kind).unwrap_or(0).saturating_sub(was.get(kind).unwrap_or(0));
        assert!(Some(more) <= left.get(kind), "{}: {more} more of {left:?}", kind.as_str());
    }
}

/// Whether the last two attempts of the session that got anywhere have not said what they cost, although that matters.
fn is_in_the_dark(manifest: &Manifest) -> bool {
    let got_somewhere = |class: EndClass| {
        use EndClass::{Crashed, Interrupted, OverBudget, ProtocolError, Reported, TimedOut};
        [Reported, TimedOut, Crashed, ProtocolError, OverBudget, Interrupted].contains(&class)
    };
    let session = manifest.state.sessions.len().checked_sub(1);
    let costs: Vec<Option<u64>> = manifest
        .state
        .attempt_records
        .iter()
        .filter(|record| Some(record.session_index as usize) == session && got_somewhere(record.end.class()))
        .map(|record| record.usage.cost_micro_usd)
        .collect();
    let matters = ceilings(manifest).cost_micro_usd.is_some()
        && manifest.spec.budget.on_unmeasured == OnUnmeasured::Refuse;
    matters && costs.ends_with(&[None, None])
}

/// What holds in every state.
pub(super) fn always(manifest: &Manifest, now: Timestamp) {
    let state = &manifest.state;
    assert!(
        state.archived_at.is_none() || !matches!(state.phase, Phase::Active { .. }),
        "archived and active"
    );
    for (at, dependency) in state.dependencies.iter().enumerate() {
        assert!(!state.dependencies[..at].contains(dependency), "a dependency twice");
        assert_ne!(*dependency, Dependency::Run { run_id: manifest.spec.run_id.clone() });
        assert_ne!(*dependency, Dependency::Group { group_id: state.run_group_id.clone() });
    }
    let attachments = &state.attachments;
    assert!(attachments.len() <= MAX_ATTACHMENTS);
    assert!(attachments.iter().all(|one| one.size <= MAX_ATTACHMENT_BYTES));
    assert!(attachments.iter().map(|one| one.size).sum::<u64>() <= MAX_ATTACHMENTS_BYTES);
    for (at, one) in attachments.iter().enumerate() {
        assert!(attachments[..at].iter().all(|other| other.id != one.id), "an attachment twice");
        assert_eq!(check_attachment_name(&one.name), Ok(()));
    }
    let (ceilings, left) = (ceilings(manifest), remaining(manifest, now));
    for kind in BudgetKind::ALL {
        assert_eq!(ceilings.get(kind).is_some(), left.get(kind).is_some());
        assert!(left.get(kind) <= ceilings.get(kind), "more is left than there ever was");
    }
    let used_up = BudgetKind::ALL.into_iter().any(|kind| left.get(kind) == Some(0));
    assert_eq!(reached(manifest, now).is_some(), used_up || is_in_the_dark(manifest));
    assert!(exceeded(manifest, now).is_none() || used_up, "nobody is stopped below a ceiling");
    let is_active = matches!(state.phase, Phase::Active { .. });
    assert_eq!(state.budget.active_since.is_some(), is_active, "time counts while it is active");
}

/// A sample with ceilings.
fn limited(sample: &Sample, a: u8, b: u8) -> World {
    let mut world = World::new(sample);
    world.manifest.spec.budget.hard = amount(a, b);
    world
}

/// A life with these facts among its steps.
fn live(world: &mut World, ops: &[Op]) {
    for op in ops {
        world.now = Timestamp::from_millis(world.now.as_millis() + i64::from(op.tick));
        match op.kind % 4 {
            0 | 1 => {
                let fact = fact(&world.manifest, Op { kind: op.kind / 4, ..*op }, world.now);
                let _ = world.tell(&Fact::Control(fact));
            }
            2 if matches!(world.manifest.state.phase, Phase::Initialized | Phase::Ready) => {
                let started = ControlFact::Started { cause: Cause::First, seen: None, on_limit: None };
                if world.tell(&Fact::Control(started)).is_ok() {
                    world.take_over();
                }
            }
            2 => {
                let id = task_id(usize::from(op.b % 3));
                let status = if op.a.is_multiple_of(3) { TaskStatus::Blocked } else { TaskStatus::Completed };
                let set = TaskFact::Set { id, status: Some(status), notes: None };
                let _ = world.tell(&Fact::Task { author: Author::Person, fact: set });
            }
            _ => {
                world.carry_out(&random_results(op.a, op.b, world.now));
            }
        }
        // As the store does.
        world.manifest.revision += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// The laws are in `accepted` and `always`, which see every fact of this life.
    #[test]
    fn a_life_with_ceilings_keeps_the_laws(sample in samples(), a: u8, b: u8, ops in ops(120)) {
        let mut world = limited(&sample, a, b);
        live(&mut world, &ops);
        prop_assert!(world.manifest.revision == ops.len() as u64);
    }

    /// No attempt number and no fence comes twice in a life, however often it is begun anew.
    #[test]
    fn numbers_that_others_remember_are_never_used_again(sample in samples(), ops in ops(150)) {
        let mut world = World::new(&sample);
        let mut attempts = std::collections::BTreeSet::new();
        let mut fences = std::collections::BTreeSet::new();
        let mut running = None;
        for (at, op) in ops.iter().enumerate() {
            let reset = Op { kind: 0, ..*op };
            live(&mut world, std::slice::from_ref(if at % 7 == 6 { &reset } else { op }));
            let live = world.manifest.live_attempt().cloned();
            if let Some(attempt) = live.filter(|attempt| running != Some(attempt.fence)) {
                prop_assert!(attempts.insert(attempt.attempt_number), "attempt {} again", attempt.attempt_number);
                prop_assert!(fences.insert(attempt.fence), "fence {} again", attempt.fence);
                running = Some(attempt.fence);
            }
        }
    }

    /// What is shared out never exceeds what is left, and is never nothing.
    #[test]
    fn a_share_is_a_part_of_what_is_left(left in any::<(u8, u8)>(), asked in any::<(u8, u8)>()) {
        let (left, asked) = (amount(left.0, left.1), amount(asked.0, asked.1));
        match share(&left, &asked) {
            Ok(share) => for kind in BudgetKind::ALL {
                let limited = kind.is_shared_out() && left.get(kind).is_some();
                prop_assert_eq!(share.get(kind).is_some(), limited);
                if let (Some(share), Some(left)) = (share.get(kind), left.get(kind)) {
                    prop_assert!(share > 0 && share <= left);
                    prop_assert!(asked.get(kind).is_none_or(|asked| asked == share), "all of it or nothing");
                }
            },
            Err(kind) => {
                let left = left.get(kind).expect("only what is limited can fall short");
                prop_assert!(asked.get(kind).map_or(left == 0, |asked| asked == 0 || asked > left));
            }
        }
    }
}

#[test]
fn lives_meet_every_kind_of_fact_accepted_and_refused() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..150u8 {
        let sample = samples().new_tree(&mut runner).unwrap().current();
        let mut world = limited(&sample, round, round.wrapping_mul(7));
        for op in ops(120).new_tree(&mut runner).unwrap().current() {
            let fact = fact(&world.manifest, op, world.now);
            let words = format!("{fact:?}");
            let name = words.split([' ', '{']).next().unwrap().to_owned();
            let changes = apply(&world.manifest, &Fact::Control(fact), world.now)
                .map(|applied| applied.manifest != world.manifest);
            seen.insert((name, format!("{changes:?}").split('(').next().unwrap().to_owned()));
            live(&mut world, &[op]);
        }
    }
    // What never fails: it only tells, or sets what can always be set.
    let never_refused = ["BudgetSettled", "ChildEnded", "Noted", "NoticeDelivered", "Pinned"];
    let names = [
        "Archived",
        "AttachmentAdded",
        "AttachmentRemoved",
        "BackendSessionSet",
        "BudgetReserved",
        "BudgetSettled",
        "ChildEnded",
        "DependenciesCleared",
        "DependencyAdded",
        "DependencyRemoved",
        "Extended",
        "Grouped",
        "MessageRemoved",
        "Named",
        "NoticeDelivered",
        "Noted",
        "Pinned",
        "Reset",
        "Respecified",
        "Unarchived",
    ];
    for name in names {
        // A message is only removed where one was queued, which other tests do.
        let accepted = name == "MessageRemoved" || seen.contains(&(name.to_owned(), "Ok".to_owned()));
        assert!(accepted, "{name} was never accepted");
        let refused = seen.contains(&(name.to_owned(), "Err".to_owned()));
        assert_eq!(refused, !never_refused.contains(&name), "{name}");
    }
}

/// A person's own task, or one that was taken out, is a change of the list, although no task was changed.
#[test]
fn a_list_that_a_person_changed_is_not_made_anew() {
    let sample = Sample { tasks: 2, ..Sample::default() };
    let person = |fact| Fact::Task { author: Author::Person, fact };
    let mut world = World::new(&sample);
    world.must(&person(TaskFact::Deleted { id: task_id(1) }));
    world.must(&person(TaskFact::Added { id: task_id(5), title: "Mine".into(), body: String::new() }));
    let spec = Box::new(world.manifest.spec.clone());
    let respecified = ControlFact::Respecified {
        revision: world.manifest.revision,
        spec,
        changed: Vec::new(),
        anew: false,
    };
    assert!(apply(&world.manifest, &Fact::Control(respecified), world.now).is_err());
}

/// A run that is begun anew ends anew: its parent hears of that end too.
#[test]
fn each_end_has_a_notice_of_its_own() {
    let mut world = World::new(&Sample { tasks: 0, ..Sample::default() });
    world.manifest.spec.parent_run_id = Some(child(0));
    world.manifest.spec.notify_parent = true;
    let mut notices = std::collections::BTreeSet::new();
    for round in 0..4 {
        let cause =
            if round % 2 == 0 { Cause::First } else { Cause::Continue { message: Some("more".into()) } };
        world.control(ControlFact::Started { cause, seen: None, on_limit: None });
        world.take_over();
        world.drive(&super::world::results(crate::attempt::AttemptEnd::Reported), 20);
        let notice = world.manifest.state.parent_notice.clone().expect("the parent is told");
        assert!(notices.insert(notice.id.clone()), "{} again in round {round}", notice.id);
        if round % 2 == 1 {
            world.control(ControlFact::Reset);
        }
    }
}

/// Whatever becomes of the ceiling meanwhile, a worker that is stopped again and again is not started for ever.
#[test]
fn attempts_over_budget_are_retries() {
    let mut world = World::new(&Sample { tasks: 1, ..Sample::default() });
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    world.take_over();
    let over = crate::attempt::AttemptEnd::OverBudget { over: BudgetKind::Tokens };
    world.drive(&super::world::results(over), 200);
    let most = world.manifest.spec.max_attempts_per_session;
    assert_eq!(world.manifest.state.attempt_records.len(), usize::try_from(most).unwrap());
    assert_eq!(world.manifest.outcome(), Some(&crate::phase::Outcome::Exhausted));
}

/// A child that was given all that is left stops nobody; the first bit more does.
#[test]
fn what_is_set_aside_stops_an_attempt_only_above_the_ceiling() {
    let mut world = World::new(&Sample { tasks: 1, ..Sample::default() });
    world.manifest.spec.budget.hard.tokens = Some(100);
    world.control(ControlFact::Started { cause: Cause::First, seen: None, on_limit: None });
    let reserved = |tokens: u64| ControlFact::BudgetReserved {
        child: child(0),
        amount: Amount { tokens: Some(tokens), ..Amount::default() },
        base: Amount::default(),
        is_active: true,
    };
    world.control(reserved(100));
    assert_eq!(exceeded(&world.manifest, world.now), None);
    assert_eq!(reached(&world.manifest, world.now), Some(BudgetKind::Tokens), "no attempt begins");
    let more = Fact::Control(reserved(101));
    assert!(apply(&world.manifest, &more, world.now).is_err());
    let used = Amount { tokens: Some(101), ..Amount::default() };
    world.control(ControlFact::BudgetSettled { child: child(0), used, open: false });
    assert_eq!(exceeded(&world.manifest, world.now), Some(BudgetKind::Tokens));
}
