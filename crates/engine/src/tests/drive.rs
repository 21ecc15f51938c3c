//! What becomes of a run, end by end.

use std::sync::Arc;
use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{AbortRun, SetTask, TaskAuthor};
use agent_runner_model::attempt::{AttemptEnd, EndClass, Misconfiguration};
use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::manifest::{Departure, Urgency};
use agent_runner_model::phase::{FailureKind, Outcome, Phase, PromptKind, Stage, WaitReason};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{Manifest, RunId};
use agent_runner_store::{RunStore as _, Takeover};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use super::world::{Turn, World, turn};
use crate::driver::{DriveError, Signal, drive};
use crate::talk::{Request, ask};

pub(super) fn limited(detail: &str, after: Duration) -> Turn {
    let detail = detail.to_owned();
    Turn {
        script: "true".to_owned(),
        end: Box::new(move |now| AttemptEnd::Limited {
            reset_at: Some(now.plus(after)),
            detail: detail.clone(),
        }),
    }
}

async fn complete_all(world: &World, run_id: &RunId) {
    let manifest = world.manifest(run_id).await;
    for task in manifest.state.final_tasks.keys() {
        let request = SetTask {
            run: run_id.to_string(),
            task: task.clone(),
            author: TaskAuthor::Person,
            status: Some(TaskStatus::Completed),
            notes: None,
        };
        world.engine.call(request).await.unwrap();
    }
}

fn failure_kind(manifest: &Manifest) -> FailureKind {
    match manifest.outcome() {
        Some(Outcome::Failed { failure }) => failure.kind,
        other => panic!("not failed: {other:?}"),
    }
}

fn classes(manifest: &Manifest) -> Vec<EndClass> {
    manifest.state.attempt_records.iter().map(|record| record.end.class()).collect()
}

#[tokio::test]
async fn a_limit_is_waited_out_and_costs_no_retry() {
    let world = World::new(vec![
        limited("five hours are used up", Duration::from_millis(60)),
        limited("and again", Duration::from_millis(60)),
        turn("true", AttemptEnd::Reported),
    ]);
    let run_id = world.create(&[], 0).await;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(manifest.outcome(), Some(&Outcome::Success));
    assert_eq!(classes(&manifest), [EndClass::Limited, EndClass::Limited, EndClass::Reported]);
    assert_eq!(manifest.session().unwrap().attempts_spent, 1);
    let records = &manifest.state.attempt_records;
    for pair in records.windows(2) {
        let AttemptEnd::Limited { reset_at: Some(reset_at), .. } = &pair[0].end else { continue };
        assert!(pair[1].started_at >= *reset_at, "the next attempt came before the limit was lifted");
        assert_eq!(pair[1].prompt, PromptKind::Brief, "the same words again");
    }
}

#[tokio::test]
async fn a_worker_that_renames_its_conversation_all_the_time_costs_few_commits() {
    // Each name waits until the one before has been read.
    let script = "D=$(dirname \"$(find \"$AGENT_RUNNER_STATE_DIR\" -name run.json)\")
         for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo session=s$i; echo read-$i
         until grep -q \"read-$i\\\"\" \"$D/attempts/00.events.jsonl\"; do :; done; done";
    let world = World::new(vec![turn(script, AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(manifest.state.backend_session_id.as_deref(), Some("s12"), "the last one counts");
    let tail = world.engine.store.tail(&run_id, 0, None).await.unwrap();
    let named = |event: &&EventRecord| matches!(event.body(), Some(EventBody::BackendSessionUpdated { .. }));
    assert_eq!(tail.events.iter().filter(named).count(), 6);
}

#[tokio::test]
async fn a_wait_is_on_record_and_can_be_aborted() {
    let world = World::new(vec![turn("true", AttemptEnd::Overloaded { detail: "busy".to_owned() })]);
    let run_id = world.create(&["one"], 3).await;
    let (mut ports, _signals) = World::ports();
    let (wake, written) = rustix::pipe::pipe().unwrap();
    ports.wake = Some(written);
    let driving = drive(Arc::clone(&world.engine), World::drive_request(&run_id), ports);
    let watching = async {
        let mut wake = pipe::Receiver::from_owned_fd(wake).unwrap();
        loop {
            let mut bytes = [0u8; 16];
            assert!(wake.read(&mut bytes).await.unwrap() > 0, "the driver left");
            let manifest = world.manifest(&run_id).await;
            if let Some(Stage::Waiting { wait }) = manifest.stage() {
                break (manifest.state.updated_at, wait.clone());
            }
        }
    };
    let aborting = async {
        let (now, wait) = watching.await;
        assert_eq!(wait.why, WaitReason::Backoff);
        let pause = wait.until.unwrap().since(now);
        assert!(pause > Duration::from_secs(7) && pause <= Duration::from_secs(10), "{pause:?}");
        let request = Request::Abort { urgency: Urgency::Graceful, by: "a test".to_owned() };
        ask(&world.engine.socket(&run_id), &request).await.unwrap();
    };
    let (driven, ()) = tokio::join!(driving, aborting);
    driven.unwrap();
    assert_eq!(world.manifest(&run_id).await.outcome(), Some(&Outcome::Aborted));
}

#[tokio::test]
async fn a_driver_that_comes_later_serves_the_rest_of_a_wait() {
    let world =
        World::new(vec![limited("soon", Duration::from_millis(700)), turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    let (ports, signals) = World::ports();
    let driving = drive(Arc::clone(&world.engine), World::drive_request(&run_id), ports);
    let leaving = async {
        let mut changes = world.engine.store.changes(&run_id).await.unwrap();
        while !matches!(world.manifest(&run_id).await.stage(), Some(Stage::Waiting { .. })) {
            agent_runner_store::Changes::next(&mut changes).await;
        }
        signals.send(Signal::Terminate).await.unwrap();
    };
    let (driven, ()) = tokio::join!(driving, leaving);
    driven.unwrap();
    let left = world.manifest(&run_id).await;
    let Some(Stage::Waiting { wait }) = left.stage() else { panic!("{:?}", left.state.phase) };
    assert_eq!(left.state.driver.as_ref().unwrap().departure, Departure::Left);

    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(manifest.outcome(), Some(&Outcome::Success));
    assert!(manifest.state.attempt_records[1].started_at >= wait.until.unwrap());
}

#[tokio::test]
async fn a_set_up_that_cannot_work_fails_at_once() {
    for (what, kind) in [
        (Misconfiguration::Authentication, FailureKind::Authentication),
        (Misconfiguration::Configuration, FailureKind::Configuration),
    ] {
        let end = AttemptEnd::Misconfigured { what, detail: "no".to_owned() };
        let world = World::new(vec![turn("true", end)]);
        let run_id = world.create(&["one"], 3).await;
        world.drive(&run_id).await.unwrap();
        let manifest = world.manifest(&run_id).await;
        assert_eq!(failure_kind(&manifest), kind);
        assert_eq!(manifest.session().unwrap().attempts_spent, 0);
    }
}

#[tokio::test]
async fn the_same_failure_three_times_without_progress_ends_the_run() {
    let crash = || turn("true", AttemptEnd::Crashed { detail: "boom".to_owned() });
    let world = World::new(vec![crash(), crash(), crash(), crash()]);
    let run_id = world.create(&["one"], 10).await;
    world.drive(&run_id).await.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(failure_kind(&manifest), FailureKind::Crashing);
    assert_eq!(manifest.state.attempt_records.len(), 3);
    assert_eq!(world.turns_left(), 1);
}

#[tokio::test]
async fn the_backends_session_is_recorded_while_the_turn_goes_on() {
    let world = World::new(vec![]);
    let seen = world.path().join("seen");
    rustix::fs::mkfifoat(rustix::fs::CWD, &seen, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let world = {
        let script = format!("echo session=abc-7; read -r word < '{}'", seen.display());
        let mut next = World::new(vec![turn(&script, AttemptEnd::Reported)]);
        // The pipe lives in the first world's directory.
        std::mem::swap(&mut next.directory, &mut { world }.directory);
        next
    };
    let state = world.engine.config().state_dir.clone();
    let run_id = world.create(&[], 0).await;
    let driving = world.drive(&run_id);
    let looking = async {
        let mut changes = world.engine.store.changes(&run_id).await.unwrap();
        while world.manifest(&run_id).await.state.backend_session_id.is_none() {
            agent_runner_store::Changes::next(&mut changes).await;
        }
        let manifest = world.manifest(&run_id).await;
        assert!(matches!(manifest.stage(), Some(Stage::Attempting { .. })), "the turn is still going on");
        std::fs::write(&seen, "go\n").unwrap();
    };
    let (driven, ()) = tokio::join!(driving, looking);
    driven.unwrap();
    let manifest = world.manifest(&run_id).await;
    assert_eq!(manifest.state.backend_session_id.as_deref(), Some("abc-7"));
    assert_eq!(manifest.outcome(), Some(&Outcome::Success));
    drop(state);
}

#[tokio::test]
async fn tasks_decide_whatever_the_worker_says() {
    let crash = turn("true", AttemptEnd::Crashed { detail: "at the very end".to_owned() });
    let world = World::new(vec![crash]);
    let run_id = world.create(&["one", "two"], 0).await;
    complete_all(&world, &run_id).await;
    world.drive(&run_id).await.unwrap();
    assert_eq!(world.manifest(&run_id).await.outcome(), Some(&Outcome::Success));
}

#[tokio::test]
async fn two_drivers_cannot_drive_one_run() {
    let world = World::new(vec![turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    let owner = world.engine.store.acquire_owner(&run_id, Duration::ZERO, Takeover::Never).await.unwrap();
    assert!(matches!(world.drive(&run_id).await, Err(DriveError::Acquire { .. })));
    drop(owner);
    world.drive(&run_id).await.unwrap();
    assert!(matches!(world.manifest(&run_id).await.state.phase, Phase::Ended { .. }));
}

#[tokio::test]
async fn a_run_nobody_drives_is_aborted_on_the_spot() {
    let world = World::new(vec![]);
    let run_id = world.create(&["one"], 0).await;
    let request = AbortRun { run: run_id.to_string(), at_once: false, by: "a test".to_owned() };
    let detail = world.engine.call(request).await.unwrap();
    assert_eq!(detail.exit_code, Some(130));
    assert_eq!(world.manifest(&run_id).await.outcome(), Some(&Outcome::Aborted));
}
