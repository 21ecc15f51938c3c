//! Ceilings: kept to while an attempt runs, shared out among children, raised.

use agent_runner_api::operations::{CreateRun, ExtendBudget, ResumeRun};
use agent_runner_api::{ErrorCode, Handle as _};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::budget::{Amount, BudgetKind, ceilings, given_out, spent};
use agent_runner_model::phase::{Outcome, Phase};
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::{Manifest, RunId};

use super::world::{World, turn};

pub(super) fn tokens(count: u64) -> Amount {
    Amount { tokens: Some(count), ..Amount::default() }
}

pub(super) fn limited(world: &World, budget: Amount) -> CreateRun {
    CreateRun { budget, ..world.request(&["one"], 3) }
}

pub(super) fn extension(run_id: &RunId, by: Amount) -> ExtendBudget {
    ExtendBudget { run: run_id.to_string(), by, resume: false, message: None }
}

pub(super) fn over(manifest: &Manifest) -> Option<BudgetKind> {
    match manifest.outcome() {
        Some(Outcome::Blocked { over, .. }) => *over,
        other => panic!("not blocked: {other:?}"),
    }
}

pub(super) async fn resume(world: &World, run_id: &RunId) -> Result<(), agent_runner_api::ApiError> {
    let request = ResumeRun {
        run: run_id.to_string(),
        message: None,
        add_tasks: Vec::new(),
        on_limit: None,
        on_orphan: OrphanPolicy::Continue,
        take_over: false,
        tell_parent: None,
    };
    world.engine.call(request).await.map(|_| ())
}

#[tokio::test]
async fn a_worker_is_stopped_at_the_ceiling_and_goes_on_when_it_is_raised() {
    let world = World::new(vec![
        turn("echo tokens=50; echo tokens=120; exec sleep 1000", AttemptEnd::Reported),
        turn("true", AttemptEnd::Reported),
    ]);
    let run_id = world.engine.call(limited(&world, tokens(100))).await.unwrap().summary.run_id;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(over(&manifest), Some(BudgetKind::Tokens));
    let record = &manifest.state.attempt_records[0];
    assert_eq!(record.end, AttemptEnd::OverBudget { over: BudgetKind::Tokens });
    assert_eq!(record.usage.output_tokens, Some(120), "measured as far as it got");
    assert_eq!(manifest.session().unwrap().attempts_spent, 1, "nothing is begun again for nothing");

    let refused = resume(&world, &run_id).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert!(refused.message.contains("ceiling of `tokens`"), "{refused}");
    let wrong = extension(&run_id, Amount { turns: Some(3), ..Amount::default() });
    assert_eq!(world.engine.call(wrong).await.unwrap_err().code, ErrorCode::NotAllowed);
    let detail = world.engine.call(extension(&run_id, tokens(45))).await.unwrap();
    assert_eq!(detail.budget.unwrap().remaining.tokens, Some(25));
    resume(&world, &run_id).await.unwrap();
    world.drive(&run_id).await.unwrap();
    let prompts = world.prompts.lock().unwrap().clone();
    assert!(!prompts[0].contains("nearly used up"));
    assert!(prompts[1].contains("what is left: 25 tokens"), "{}", prompts[1]);
}

#[tokio::test]
async fn attempts_and_time_are_ceilings_of_every_backend() {
    let reported = || turn("true", AttemptEnd::Reported);
    let world = World::new(vec![reported(), reported(), reported()]);
    let two = Amount { attempts: Some(2), ..Amount::default() };
    let run_id = world.engine.call(limited(&world, two)).await.unwrap().summary.run_id;
    world.drive(&run_id).await.unwrap();
    assert_eq!(over(&world.manifest(&run_id).await), Some(BudgetKind::Attempts));
    assert_eq!(world.turns_left(), 1);

    let world = World::new(vec![turn("exec sleep 1000", AttemptEnd::Reported)]);
    let second = Amount { wall_clock_sec: Some(1), ..Amount::default() };
    let run_id = world.engine.call(limited(&world, second)).await.unwrap().summary.run_id;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(over(&manifest), Some(BudgetKind::WallClock));
    let end = &manifest.state.attempt_records[0].end;
    assert_eq!(*end, AttemptEnd::OverBudget { over: BudgetKind::WallClock });
}

#[tokio::test]
async fn what_the_backend_does_not_measure_is_refused_as_a_ceiling() {
    let world = World::new(Vec::new());
    let turns = Amount { turns: Some(5), ..Amount::default() };
    let refused = world.engine.call(limited(&world, turns)).await.unwrap_err();
    assert!(refused.message.contains("does not measure `turns`"), "{refused}");
}

/// A run that is under way with this ceiling.
pub(super) async fn parent(world: &World, budget: Amount) -> RunId {
    world.engine.call(limited(world, budget)).await.unwrap().summary.run_id
}

pub(super) fn child(world: &World, parent: &RunId, budget: Amount) -> CreateRun {
    CreateRun { parent_run_id: Some(parent.to_string()), ..limited(world, budget) }
}

#[tokio::test]
async fn children_take_their_share_and_give_back_what_they_did_not_use() {
    let world = World::new(vec![turn(
        "echo tokens=30",
        AttemptEnd::Misconfigured {
            what: agent_runner_model::attempt::Misconfiguration::Configuration,
            detail: "enough".to_owned(),
        },
    )]);
    let outer = parent(&world, tokens(100)).await;
    let asking = world.engine.call(child(&world, &outer, tokens(60))).await.unwrap();
    let first = asking.summary.run_id;
    let half = world.engine.call(child(&world, &outer, Amount::default())).await.unwrap();
    assert_eq!(half.budget.unwrap().ceilings.tokens, Some(20), "half of what is left");
    let refused = world.engine.call(child(&world, &outer, tokens(50))).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    assert!(refused.message.contains("20 of `tokens` are left"), "{refused}");
    let all = world.engine.everything().await.unwrap();
    assert_eq!(all.len(), 3, "a run that is refused leaves nothing behind");

    world.drive(&first).await.unwrap();
    assert!(matches!(world.manifest(&first).await.state.phase, Phase::Ended { .. }));
    let account = world.manifest(&outer).await;
    let settled = account.state.budget.children[&first];
    assert_eq!((settled.amount.tokens, settled.settled), (Some(30), true));
    assert_eq!(given_out(&account).tokens, Some(50));
    // It goes on: what it used stays used, and it gets its share of the rest.
    resume(&world, &first).await.unwrap();
    let again = world.manifest(&first).await;
    assert_eq!(ceilings(&again).tokens, Some(60));
    assert_eq!(given_out(&world.manifest(&outer).await).tokens, Some(80));
}

fn within(account: &Manifest) {
    let now = account.state.updated_at;
    let used = spent(account, now).plus(given_out(account));
    assert!(used.tokens.unwrap() <= ceilings(account).tokens.unwrap(), "{:?}", account.state.budget);
}

#[test]
fn parallel_children_never_take_more_than_there_is() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::new(Vec::new());
    let outer = runtime().block_on(parent(&world, tokens(1000)));
    let taken = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (world, outer, taken) = (&world, &outer, &taken);
            scope.spawn(move || {
                runtime().block_on(async {
                    let mut lot = 0x9e37_79b9_u64.wrapping_mul(thread + 1);
                    for _ in 0..12 {
                        lot = lot
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        let budget =
                            if lot >> 62 == 0 { Amount::default() } else { tokens(1 + (lot >> 33) % 400) };
                        let created = world.engine.call(child(world, outer, budget)).await;
                        within(&world.manifest(outer).await);
                        let Ok(created) = created else { continue };
                        taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        if (lot >> 20).is_multiple_of(3) {
                            continue;
                        }
                        // It ends without having used anything, as an interrupted run that is aborted does.
                        let abort = agent_runner_api::operations::AbortRun {
                            run: created.summary.run_id.to_string(),
                            at_once: true,
                            by: "a test".to_owned(),
                        };
                        world.engine.call(abort).await.unwrap();
                        within(&world.manifest(outer).await);
                    }
                });
            });
        }
    });
    assert!(taken.into_inner() > 8, "nearly everything was refused");
    let account = runtime().block_on(world.manifest(&outer));
    within(&account);
    // What is set aside is what those have that are still at work.
    let all = runtime().block_on(world.engine.everything()).unwrap();
    let held: u64 = all
        .iter()
        .filter(|run| run.spec.run_id != outer && matches!(run.state.phase, Phase::Active { .. }))
        .map(|run| run.state.budget.granted.tokens.unwrap())
        .sum();
    assert_eq!(given_out(&account).tokens.unwrap_or(0), held);
}
