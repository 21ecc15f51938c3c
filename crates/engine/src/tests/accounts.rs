//! The accounts of a tree of runs: what is really used never exceeds a ceiling, and what accounts say is true, whoever
//! dies on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use agent_runner_api::operations::{
    AbortRun, ArchiveRun, CreateRun, DeleteRun, ExtendBudget, RecoverRuns, ResetRun, ResumeRun, Start,
};
use agent_runner_api::view::RecoveryAction;
use agent_runner_api::{ErrorCode, Handle as _};
use agent_runner_model::attempt::{AttemptEnd, Misconfiguration};
use agent_runner_model::budget::{Amount, BudgetKind, ceilings, given_out, life_use, spent, to_share};
use agent_runner_model::event::EventBody;
use agent_runner_model::manifest::Urgency;
use agent_runner_model::phase::{Cause, Phase};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{ControlFact, Fact, Manifest, RunId, Timestamp};
use agent_runner_store::{RunStore as _, Takeover};

use super::budgets::{child, extension, limited, over, parent, resume, tokens};
use super::world::{Turn, World, turn};
use crate::driver::settle;
use crate::shares::Occasion;

fn attempts(count: u64) -> Amount {
    Amount { attempts: Some(count), ..Amount::default() }
}

fn seconds(count: u64) -> Amount {
    Amount { wall_clock_sec: Some(count), ..Amount::default() }
}

fn later(request: CreateRun) -> CreateRun {
    CreateRun { start: Start::Later, ..request }
}

/// An end after which nothing is tried again.
fn enough() -> AttemptEnd {
    AttemptEnd::Misconfigured { what: Misconfiguration::Configuration, detail: "enough".to_owned() }
}

async fn made(world: &World, request: CreateRun) -> RunId {
    world.engine.call(request).await.unwrap().summary.run_id
}

async fn abort(world: &World, run_id: &RunId) -> bool {
    let request = AbortRun { run: run_id.to_string(), at_once: true, by: "a test".to_owned() };
    world.engine.call(request).await.is_ok()
}

fn recover() -> RecoverRuns {
    RecoverRuns { run: None, resume: false, dry_run: false, take_over: false }
}

/// A driver that dies right after the end of its run.
async fn end_unsettled(world: &World, run_id: &RunId) {
    let wanted = ControlFact::AbortRequested { by: "a test".to_owned(), urgency: Urgency::AtOnce };
    let now = world.manifest(run_id).await.state.updated_at;
    let _ = world.engine.store.commit(run_id, &[Fact::Control(wanted)], now).await;
    let _ = settle(&world.engine, run_id, Takeover::Never).await;
}

/// A starter that dies between what it sets aside and the start.
async fn reserve_and_die(world: &World, run_id: &RunId) {
    let turn = world.engine.store.hold_graph().await.unwrap();
    let run = world.manifest(run_id).await;
    if !matches!(run.state.phase, Phase::Active { .. }) {
        let above = world.engine.above(&run.spec.ancestors()).await.unwrap();
        let left = above.iter().map(|one| to_share(one, one.state.updated_at));
        let left = left.fold(Amount::default(), Amount::least);
        let share = left.map(|_, left| Some(left? / 2));
        let _ = world.engine.set_aside(&run, &above, &share).await;
    }
    drop(turn);
}

#[tokio::test]
async fn a_refused_start_sets_nothing_aside() {
    let world = World::new(Vec::new());
    let outer = parent(&world, attempts(4)).await;
    let initialized = made(&world, later(child(&world, &outer, attempts(4)))).await;
    let refused = resume(&world, &initialized).await.unwrap_err();
    assert!(refused.message.contains("approve it with"), "{refused}");
    assert!(given_out(&world.manifest(&outer).await).shared().is_empty());
    // Nor does one that is refused because it was put away at the last moment.
    let ready = world.manifest(&initialized).await;
    world
        .engine
        .store
        .commit(&initialized, &[Fact::Control(ControlFact::Readied)], ready.state.updated_at)
        .await
        .unwrap();
    world.engine.call(ArchiveRun { run: initialized.to_string() }).await.unwrap();
    assert_eq!(resume(&world, &initialized).await.unwrap_err().code, ErrorCode::NotAllowed);
    world.engine.call(DeleteRun { run: initialized.to_string() }).await.unwrap();
    assert!(given_out(&world.manifest(&outer).await).shared().is_empty(), "nothing ran, so nothing was used");
    made(&world, child(&world, &outer, attempts(4))).await;
}

#[tokio::test]
async fn what_a_dead_starter_set_aside_is_there_for_whoever_comes_next() {
    let world = World::new(vec![turn("true", enough())]);
    let outer = parent(&world, attempts(4)).await;
    let leaked = made(&world, later(child(&world, &outer, attempts(4)))).await;
    reserve_and_die(&world, &leaked).await;
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(2));
    // Another child.
    let other = made(&world, child(&world, &outer, attempts(4))).await;
    assert!(abort(&world, &other).await);
    // `recover`, also when there is nothing else to do.
    reserve_and_die(&world, &leaked).await;
    let dry = RecoverRuns { dry_run: true, ..recover() };
    let would = world.engine.call(dry).await.unwrap().runs;
    assert!(would.iter().any(|run| run.run_id == outer && run.action == RecoveryAction::WouldRecover));
    let done = world.engine.call(recover()).await.unwrap().runs;
    assert!(
        done.iter().any(|run| run.run_id == outer && run.action == RecoveryAction::SettledBudget),
        "{done:?}"
    );
    assert!(given_out(&world.manifest(&outer).await).shared().is_empty());
    assert_eq!(
        world
            .engine
            .call(recover())
            .await
            .unwrap()
            .runs
            .iter()
            .filter(|run| run.action == RecoveryAction::SettledBudget)
            .count(),
        0
    );
    // The owner itself, at work: what is set aside for nobody is no reached ceiling.
    let turn_taken = world.engine.store.hold_graph().await.unwrap();
    let fact = ControlFact::BudgetReserved {
        child: leaked.clone(),
        amount: attempts(4),
        base: Amount::default(),
        is_active: true,
    };
    let now = world.manifest(&outer).await.state.updated_at;
    world.engine.store.commit(&outer, &[Fact::Control(fact)], now).await.unwrap();
    drop(turn_taken);
    world.drive(&outer).await.unwrap();
    assert_eq!(world.turns_left(), 0, "it worked");
    assert!(given_out(&world.manifest(&outer).await).shared().is_empty());
}

#[tokio::test]
async fn a_parent_goes_on_although_nobody_settled_its_child() {
    let world = World::new(vec![turn("true", enough()), turn("true", enough()), turn("true", enough())]);
    let outer = parent(&world, attempts(3)).await;
    world.drive(&outer).await.unwrap();
    let inner = made(&world, child(&world, &outer, attempts(2))).await;
    end_unsettled(&world, &inner).await;
    assert_eq!(
        given_out(&world.manifest(&outer).await).attempts,
        Some(2),
        "the driver died before it settled"
    );
    resume(&world, &outer).await.unwrap();
    assert!(given_out(&world.manifest(&outer).await).shared().is_empty());
}

#[tokio::test]
async fn a_run_in_the_middle_that_never_started_does_not_cut_the_chain() {
    let world = World::new((0..9).map(|_| turn("true", AttemptEnd::Reported)).collect());
    let outer = parent(&world, attempts(3)).await;
    let middle = made(&world, later(child(&world, &outer, attempts(100)))).await;
    let request = CreateRun { max_retries: Some(8), ..child(&world, &middle, Amount::default()) };
    let inner = made(&world, CreateRun { budget: attempts(2), ..request.clone() }).await;
    world.drive(&inner).await.unwrap();
    assert_eq!(over(&world.manifest(&inner).await), Some(BudgetKind::Attempts));
    assert_eq!(world.turns_left(), 7, "as many as the outermost run had");
    let (outer_account, middle_account) = (world.manifest(&outer).await, world.manifest(&middle).await);
    assert_eq!(given_out(&outer_account).attempts, Some(2), "counted at the top");
    assert_eq!(given_out(&middle_account).attempts, Some(2), "and on the way");
    let refused = world.engine.call(CreateRun { budget: attempts(2), ..request }).await.unwrap_err();
    assert!(refused.message.contains(&format!("run {outer} above it, 1 of `attempts`")), "{refused}");
    assert!(refused.hint.unwrap().contains(&format!("run extend {outer} --attempts N")));
}

#[tokio::test]
async fn a_child_of_an_ended_run_takes_from_whoever_is_above_that() {
    let world = World::new(vec![turn("true", enough())]);
    let outer = parent(&world, attempts(10)).await;
    let middle = made(&world, child(&world, &outer, attempts(8))).await;
    world.drive(&middle).await.unwrap();
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(1));
    let inner = made(&world, child(&world, &middle, attempts(6))).await;
    assert_eq!(
        given_out(&world.manifest(&outer).await).attempts,
        Some(7),
        "what it gave back is not shared out twice"
    );
    assert_eq!(
        world.engine.call(child(&world, &outer, attempts(4))).await.unwrap_err().code,
        ErrorCode::NotAllowed
    );
    assert!(abort(&world, &inner).await);
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(1));
}

#[tokio::test]
async fn a_run_whose_parent_was_deleted_gives_back_to_whoever_is_above_that() {
    let world = World::new(vec![turn("true", enough()), turn("true", enough())]);
    let outer = parent(&world, attempts(10)).await;
    let middle = made(&world, later(child(&world, &outer, attempts(8)))).await;
    let inner = made(&world, child(&world, &middle, Amount::default())).await;
    world.drive(&inner).await.unwrap();
    world.engine.call(ArchiveRun { run: middle.to_string() }).await.unwrap();
    world.engine.call(DeleteRun { run: middle.to_string() }).await.unwrap();
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(1));
    resume(&world, &inner).await.unwrap();
    assert!(given_out(&world.manifest(&outer).await).attempts > Some(2));
    world.drive(&inner).await.unwrap();
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(2), "what it did not use is back");
}

#[tokio::test]
async fn a_child_gets_no_more_time_than_those_above_it_have() {
    let world = World::new(vec![turn("exec sleep 1000", AttemptEnd::Reported)]);
    let outer = parent(&world, seconds(2)).await;
    let inner = made(&world, child(&world, &outer, Amount::default())).await;
    assert!(ceilings(&world.manifest(&inner).await).wall_clock_sec.unwrap() <= 2);
    world.drive(&inner).await.unwrap();
    let manifest = world.manifest(&inner).await;
    assert_eq!(over(&manifest), Some(BudgetKind::WallClock));
    // Its parent is still active, and its time is up too by now.
    let refused = world.engine.call(child(&world, &outer, Amount::default())).await.unwrap_err();
    assert!(refused.message.contains("`wallClock`"), "{refused}");
}

#[tokio::test]
async fn time_counts_while_a_run_is_active_and_not_after_its_end() {
    let world = World::new(vec![turn("true", enough()), turn("true", enough())]);
    let run_id = parent(&world, seconds(1000)).await;
    world.drive(&run_id).await.unwrap();
    let ended = world.manifest(&run_id).await;
    let much_later = Timestamp::from_millis(ended.state.updated_at.as_millis() + 86_400_000);
    assert!(spent(&ended, much_later).wall_clock_sec < Some(60));
    resume(&world, &run_id).await.unwrap();
    let active = world.manifest(&run_id).await;
    let started = active.state.budget.active_since.unwrap();
    let later = Timestamp::from_millis(started.as_millis() + 500_000);
    assert!(spent(&active, later).wall_clock_sec >= Some(500), "waits and interruptions count");
}

#[tokio::test]
async fn a_run_that_waits_ends_when_its_time_is_up() {
    let until = |now: Timestamp| AttemptEnd::Limited {
        reset_at: Some(now.plus(Duration::from_secs(3600))),
        detail: "later".to_owned(),
    };
    let world = World::new(vec![Turn { script: "true".to_owned(), end: Box::new(until) }]);
    let run_id = parent(&world, seconds(1)).await;
    world.drive(&run_id).await.unwrap();
    assert_eq!(over(&world.manifest(&run_id).await), Some(BudgetKind::WallClock));
}

#[tokio::test]
async fn a_run_that_has_ended_starts_only_with_a_new_share() {
    let world = World::new(vec![turn("true", enough())]);
    let outer = parent(&world, attempts(3)).await;
    let inner = made(&world, child(&world, &outer, attempts(3))).await;
    let seen = world.manifest(&inner).await;
    world.drive(&inner).await.unwrap();
    let other = made(&world, child(&world, &outer, attempts(2))).await;
    // Somebody who looked while it was interrupted goes on with it now.
    let cause = Cause::Continue { message: Some("go on".to_owned()) };
    let started = Fact::Control(ControlFact::Started { cause, seen: Some(seen.state.epoch), on_limit: None });
    let refused =
        world.engine.start(&seen, std::slice::from_ref(&started), Occasion::GoesOn).await.unwrap_err();
    assert!(refused.message.contains("0 of `attempts` are left"), "{refused}");
    assert!(abort(&world, &other).await);
    world.engine.start(&seen, &[started], Occasion::GoesOn).await.unwrap();
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(3));
}

#[tokio::test]
async fn a_reset_begins_its_own_ceilings_anew_and_stays_counted_above() {
    let world = World::new((0..9).map(|_| turn("true", AttemptEnd::Reported)).collect());
    let outer = parent(&world, attempts(10)).await;
    let inner = made(&world, child(&world, &outer, attempts(2))).await;
    let below = made(&world, child(&world, &inner, Amount::default())).await;
    assert!(abort(&world, &below).await);
    world.drive(&inner).await.unwrap();
    world.engine.call(extension(&inner, attempts(5))).await.unwrap();
    for round in 1..=3 {
        let reset = world.engine.call(ResetRun { run: inner.to_string(), workspace: false }).await.unwrap();
        assert_eq!(reset.budget.unwrap().remaining.attempts, Some(2), "as when it was created");
        assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(2 * round));
        let started = ControlFact::Readied;
        let now = world.manifest(&inner).await.state.updated_at;
        world.engine.store.commit(&inner, &[Fact::Control(started)], now).await.unwrap();
        resume(&world, &inner).await.unwrap();
        world.drive(&inner).await.unwrap();
    }
    assert_eq!(given_out(&world.manifest(&outer).await).attempts, Some(8));
}

#[tokio::test]
async fn a_child_that_takes_all_that_is_left_does_not_stop_its_parent() {
    let world = World::new(vec![turn("echo tokens=40; read x < go; echo tokens=41", enough())]);
    let outer = parent(&world, tokens(100)).await;
    let go = world.path().join("go");
    let made_fifo = std::process::Command::new("mkfifo").arg(&go).status().unwrap();
    assert!(made_fifo.success());
    let mut driving = Box::pin(world.drive(&outer));
    let measured = async {
        loop {
            let manifest = world.manifest(&outer).await;
            if spent(&manifest, manifest.state.updated_at).tokens == Some(40) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        ended = &mut driving => panic!("it ended: {ended:?}"),
        () = measured => {}
    }
    let inner = made(&world, child(&world, &outer, tokens(60))).await;
    assert!(abort(&world, &inner).await);
    let release = tokio::task::spawn_blocking(move || std::fs::write(go, "x\n"));
    driving.await.unwrap();
    release.await.unwrap().unwrap();
    let record = &world.manifest(&outer).await.state.attempt_records[0];
    assert_eq!(record.end, enough(), "it was not stopped while its child had all the rest");
}

#[tokio::test]
async fn a_run_without_retries_ends_at_its_ceiling_and_not_exhausted() {
    let stopped = || turn("echo tokens=100; exec sleep 1000", AttemptEnd::Reported);
    let world = World::new(vec![stopped(), stopped(), stopped()]);
    let run_id = made(&world, CreateRun { max_retries: Some(0), ..limited(&world, tokens(50)) }).await;
    world.drive(&run_id).await.unwrap();
    assert_eq!(over(&world.manifest(&run_id).await), Some(BudgetKind::Tokens));
    assert_eq!(world.turns_left(), 2);
}

#[tokio::test]
async fn an_extension_and_the_start_are_one() {
    let world = World::new(vec![turn("true", enough())]);
    let run_id = parent(&world, attempts(1)).await;
    let go_on = |message: Option<&str>| ExtendBudget {
        resume: true,
        message: message.map(str::to_owned),
        ..extension(&run_id, attempts(3))
    };
    world.drive(&run_id).await.unwrap();
    // Nothing is raised for a run that has been put away.
    world.engine.call(ArchiveRun { run: run_id.to_string() }).await.unwrap();
    assert_eq!(world.engine.call(go_on(None)).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(ceilings(&world.manifest(&run_id).await).attempts, Some(1));
    let back = agent_runner_api::operations::UnarchiveRun { run: run_id.to_string() };
    world.engine.call(back).await.unwrap();
    let resumed = world.engine.call(go_on(Some("try again"))).await.unwrap();
    assert_eq!(resumed.budget.unwrap().ceilings.attempts, Some(4));
    let wordless = ExtendBudget { message: Some("lost".to_owned()), ..extension(&run_id, attempts(3)) };
    assert_eq!(world.engine.call(wordless).await.unwrap_err().code, ErrorCode::Invalid);
    // What readers of JSON would round is no ceiling.
    let huge = extension(&run_id, attempts(1 << 53));
    assert_eq!(world.engine.call(huge).await.unwrap_err().code, ErrorCode::Invalid);
}

#[test]
fn extensions_of_two_at_once_both_count() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::new(Vec::new());
    let run_id = runtime().block_on(parent(&world, attempts(1)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (world, run_id) = (&world, &run_id);
            scope.spawn(move || {
                for _ in 0..8 {
                    runtime().block_on(world.engine.call(extension(run_id, attempts(1)))).unwrap();
                }
            });
        }
    });
    assert_eq!(ceilings(&runtime().block_on(world.manifest(&run_id))).attempts, Some(33));
}

/// A number for each question.
struct Lot(u64);

impl Lot {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }
}

const TOKENS: u64 = 1000;
const ATTEMPTS: u64 = 30;
/// What a worker uses at one stroke.
const STROKE: u64 = 30;

/// One thing that somebody does to the family of `outer`.
async fn act(world: &World, outer: &RunId, lot: &mut Lot) -> usize {
    let all = world.engine.everything().await.unwrap();
    // One that is being made may be refused, and is gone then.
    let is_made = |run: &&Manifest| run.state.phase != Phase::Initialized || run.state.name.is_some();
    let all: Vec<Manifest> = all.iter().filter(is_made).cloned().collect();
    let any = all[lot.below(all.len())].spec.run_id.clone();
    let inner = Some(any.clone()).filter(|any| any != outer);
    let what = lot.below(12);
    match (what, inner) {
        (0..=2, _) => {
            let asked = match lot.below(3) {
                0 => Amount::default(),
                1 => attempts(1 + u64::try_from(lot.below(6)).unwrap()),
                _ => tokens(1 + u64::try_from(lot.below(200)).unwrap()),
            };
            let request = child(world, &any, asked);
            let request = match lot.below(4) {
                0 => CreateRun { name: Some("later".to_owned()), ..later(request) },
                _ => request,
            };
            let _ = world.engine.call(request).await;
        }
        (3..=5, _) => {
            let is_active = |run: &&Manifest| matches!(run.state.phase, Phase::Active { .. });
            let active: Vec<&Manifest> =
                all.iter().filter(is_active).filter(|run| run.spec.run_id != *outer).collect();
            let Some(run) = (!active.is_empty()).then(|| active[lot.below(active.len())]) else {
                return what;
            };
            let run = run.spec.run_id.clone();
            // Its driver may die at any moment.
            let moment = Duration::from_millis(u64::try_from(lot.below(120)).unwrap());
            let _ = tokio::time::timeout(moment, world.drive(&run)).await;
        }
        (6..=7, Some(run)) => {
            let message = (lot.below(2) == 0).then(|| "go on".to_owned());
            let request = ResumeRun {
                run: run.to_string(),
                message,
                add_tasks: Vec::new(),
                on_limit: None,
                on_orphan: OrphanPolicy::Continue,
                take_over: false,
                tell_parent: None,
            };
            let _ = world.engine.call(request).await;
        }
        (8, Some(run)) => {
            abort(world, &run).await;
        }
        (9, Some(run)) => end_unsettled(world, &run).await,
        (10, Some(run)) => reserve_and_die(world, &run).await,
        (11, Some(run)) => {
            let _ = world.engine.call(ResetRun { run: run.to_string(), workspace: false }).await;
            let _ = world.engine.call(agent_runner_api::operations::ReadyRun { run: run.to_string() }).await;
        }
        (_, _) => {
            let _ = world.engine.call(recover()).await;
        }
    }
    what
}

/// At every turn each account covers what those below may use, and no account is above its ceiling.
async fn look(world: &World, what: usize) {
    let turn = world.engine.store.hold_graph().await.unwrap();
    let every = world.engine.everything().await.unwrap();
    let all: BTreeMap<RunId, Manifest> =
        every.into_iter().map(|run| (run.spec.run_id.clone(), run)).collect();
    drop(turn);
    for run in all.values() {
        let now = run.state.updated_at;
        let used = spent(run, now).plus(given_out(run));
        let top = run.spec.parent_run_id.is_none();
        assert!(!top || used.attempts.unwrap() <= ATTEMPTS, "after {what}: {:?}", run.state.budget);
        let Some(parent) = run.spec.parent_run_id.as_ref().and_then(|parent| all.get(parent)) else {
            continue;
        };
        let is_active = matches!(run.state.phase, Phase::Active { .. });
        let entry = parent.state.budget.children.get(&run.spec.run_id);
        let needs = if is_active { run.state.budget.granted } else { life_use(run, now) };
        let known = entry.map(|entry| entry.amount).unwrap_or_default();
        let is_covered = needs.attempts.unwrap_or(0) <= known.attempts.unwrap_or(0);
        assert!(
            is_covered || entry.is_none() && !is_active,
            "after {what}: {needs:?} of {:?} {:?}\n\n {:?} {:?}",
            run.state.phase,
            run.state.budget,
            parent.state.phase,
            parent.state.budget
        );
    }
}

/// What a run and those below it really used, and may still use.
fn truth(all: &BTreeMap<RunId, Manifest>, run: &Manifest, kind: BudgetKind) -> u64 {
    if matches!(run.state.phase, Phase::Active { .. }) && run.spec.parent_run_id.is_some() {
        return run.state.budget.granted.get(kind).unwrap();
    }
    let own = spent(run, run.state.updated_at).plus(run.state.budget.before).get(kind).unwrap_or(0);
    let children = run.state.budget.children.iter();
    // What came before an account was opened is in what the run used before its reset.
    let counted = children.map(|(id, entry)| {
        let real = all.get(id).map_or(0, |child| truth(all, child, kind));
        real - entry.base.get(kind).unwrap_or(0)
    });
    own + counted.sum::<u64>()
}

#[test]
fn whoever_dies_no_ceiling_is_passed_and_accounts_are_true() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for seed in 1..=4_u64 {
        let used = || turn(&format!("echo x >> starts; echo tokens={STROKE}"), AttemptEnd::Reported);
        let last = || turn(&format!("echo x >> starts; echo tokens={STROKE}; exec sleep 0.02"), enough());
        let turns = (0..400).map(|at| if at % 3 == 0 { used() } else { last() }).collect();
        let world = World::new(turns);
        let budget = Amount { tokens: Some(TOKENS), attempts: Some(ATTEMPTS), ..Amount::default() };
        let outer = runtime().block_on(parent(&world, budget));
        std::thread::scope(|scope| {
            for thread in 0..3_u64 {
                let (world, outer) = (&world, &outer);
                scope.spawn(move || {
                    let mut lot = Lot(seed * 1000 + thread);
                    runtime().block_on(async {
                        for _ in 0..80 {
                            let what = act(world, outer, &mut lot).await;
                            look(world, what).await;
                        }
                    });
                });
            }
        });
        runtime().block_on(check(&world, &outer, seed));
    }
}

async fn check(world: &World, outer: &RunId, seed: u64) {
    let starts = std::fs::read_to_string(world.path().join("starts")).unwrap_or_default().lines().count();
    assert!(starts as u64 <= ATTEMPTS, "seed {seed}: {starts} workers were started");
    assert!(starts > 10, "seed {seed}: only {starts} workers were started");
    world.engine.call(recover()).await.unwrap();
    let every = world.engine.everything().await.unwrap();
    let all: BTreeMap<RunId, Manifest> =
        every.into_iter().map(|run| (run.spec.run_id.clone(), run)).collect();
    let mut past = 0;
    for run in all.values() {
        let account = &run.state.budget;
        for (child, entry) in &account.children {
            for kind in [BudgetKind::Tokens, BudgetKind::Attempts] {
                // What was refused at the last moment is gone, and has used nothing.
                let real = all.get(child).map_or(0, |child| truth(&all, child, kind));
                let said = entry.amount.get(kind).unwrap();
                assert_eq!(said, real, "seed {seed}: {} of {child} in {}", kind.as_str(), run.spec.run_id);
            }
        }
        let life = life_use(run, run.state.updated_at);
        if run.spec.parent_run_id.is_some() {
            past += life.tokens.unwrap().saturating_sub(account.granted.tokens.unwrap_or(u64::MAX));
        }
    }
    // Everybody ends; then all that was used is counted at the top, and no more.
    for run in all.keys().filter(|run| *run != outer) {
        abort(world, run).await;
    }
    world.engine.call(recover()).await.unwrap();
    let every = world.engine.everything().await.unwrap();
    let used = history(world, &every).await;
    let top = world.manifest(outer).await;
    assert!(!top.state.budget.has_open_entries(), "seed {seed}: {:?}", top.state.budget);
    for kind in [BudgetKind::Attempts, BudgetKind::Tokens] {
        let given = given_out(&top).get(kind).unwrap_or(0);
        assert_eq!(given, used.get(kind).unwrap(), "seed {seed}: {}", kind.as_str());
    }
    assert!(used.attempts.unwrap() <= ATTEMPTS, "seed {seed}");
    assert!(used.tokens.unwrap() <= TOKENS + past + STROKE * 3, "seed {seed}");
}

/// What runs have used by their histories, which no reset makes anew.
async fn history(world: &World, runs: &[Manifest]) -> Amount {
    let (mut attempts, mut tokens) = (0, 0);
    for run in runs {
        let tail = world.engine.store.tail(&run.spec.run_id, 0, None).await.unwrap();
        for event in tail.events {
            match event.body() {
                Some(EventBody::AttemptStarted { .. }) => attempts += 1,
                Some(EventBody::AttemptRecorded { usage, .. }) => tokens += usage.output_tokens.unwrap_or(0),
                _ => {}
            }
        }
    }
    Amount { attempts: Some(attempts), tokens: Some(tokens), ..Amount::default() }
}
