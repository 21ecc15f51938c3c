//! Runs that find another one in their directory.

use std::time::Duration;

use agent_runner_api::operations::{CreateRun, Start};
use agent_runner_api::{ErrorCode, Handle as _};
use agent_runner_model::RunId;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::phase::{FailureKind, Outcome, Stage, WaitReason};
use agent_runner_model::spec::{BusyPolicy, OrphanPolicy};
use agent_runner_store::{Changes as _, Entry, FilePlace, Member, RunStore as _};

use super::world::{World, turn};

/// Somebody who works in the world's directory and cannot be heard leaving.
async fn stranger(world: &World) -> FilePlace {
    let name = RunId::parse("stranger").unwrap();
    let member = Member { run_id: name.clone(), tree: name, may_write: true, shares: false, alone: false };
    let root = std::fs::canonicalize(world.path()).unwrap();
    match world.engine.store.enter_workspace(&root, &member, &[]).await.unwrap() {
        Entry::Entered(place) => place,
        other => panic!("{other:?}"),
    }
}

fn request(world: &World, on_busy: BusyPolicy, start: Start) -> CreateRun {
    let mut request = world.request(&[], 0);
    request.on_busy = Some(on_busy);
    request.start = start;
    request
}

const NOW: Start = Start::Now { on_orphan: OrphanPolicy::Abort };

#[tokio::test]
async fn who_is_not_to_wait_and_finds_out_late_ends_as_busy() {
    let world = World::new(vec![turn("true", AttemptEnd::Reported)]);
    let created = world.engine.call(request(&world, BusyPolicy::Fail, NOW)).await.unwrap();
    let run_id = created.summary.run_id;
    let place = stranger(&world).await;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    let Some(Outcome::Failed { failure }) = manifest.outcome() else { panic!("{:?}", manifest.outcome()) };
    assert_eq!(failure.kind, FailureKind::Busy);
    assert!(failure.detail.contains("run stranger works in"), "{}", failure.detail);
    assert_eq!((manifest.state.attempt_records.len(), world.turns_left()), (0, 1), "no worker was started");

    let refused = world.engine.call(request(&world, BusyPolicy::Fail, NOW)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Busy);
    let later = request(&world, BusyPolicy::Fail, Start::Later);
    world.engine.call(later).await.expect("preparing a run needs no directory");
    drop(place);
}

#[tokio::test]
async fn one_who_cannot_be_heard_leaving_is_waited_for_all_the_same() {
    let world = World::new(vec![turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    let place = stranger(&world).await;
    let driving = world.drive(&run_id);
    let leaving = async {
        let mut changes = world.engine.store.changes(&run_id).await.unwrap();
        loop {
            if let Some(Stage::Waiting { wait }) = world.manifest(&run_id).await.stage() {
                assert_eq!((wait.why, wait.until), (WaitReason::Admission, None));
                break;
            }
            changes.next().await;
        }
        drop(place);
    };
    let both = async { tokio::join!(driving, leaving) };
    let (driven, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    driven.unwrap();
    assert_eq!(world.manifest(&run_id).await.outcome(), Some(&Outcome::Success));
}

#[tokio::test]
async fn the_directory_is_kept_through_pauses_and_left_at_the_end() {
    let pause = Duration::from_millis(300);
    let world = World::new(vec![super::drive::limited("soon", pause), turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    let look = || async {
        let name = RunId::parse("stranger").unwrap();
        let member =
            Member { run_id: name.clone(), tree: name, may_write: true, shares: false, alone: false };
        let root = std::fs::canonicalize(world.path()).unwrap();
        world.engine.store.look_into_workspace(&root, &member).await.unwrap().len()
    };
    let looking = async {
        let mut changes = world.engine.store.changes(&run_id).await.unwrap();
        while !matches!(world.manifest(&run_id).await.stage(), Some(Stage::Waiting { .. })) {
            changes.next().await;
        }
        look().await
    };
    let (driven, during) = tokio::join!(world.drive(&run_id), looking);
    driven.unwrap();
    assert_eq!((during, look().await), (1, 0), "others in the way while it waits, and after its end");
}
