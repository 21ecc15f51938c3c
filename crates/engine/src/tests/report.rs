//! What a run's history and its workers' events are boiled down to.

use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadReport;
use agent_runner_api::view::RunReport;
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_model::phase::WaitReason;
use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_model::{RunId, Timestamp};
use agent_runner_store::RunStore as _;

use super::drive::limited;
use super::world::{World, turn};

async fn report(world: &World, run_id: &RunId) -> RunReport {
    world.engine.call(ReadReport { run: run_id.to_string(), with_dependents: true }).await.unwrap()
}

async fn keep(world: &World, run_id: &RunId, bytes: &[u8]) {
    world.engine.store.append_blob(run_id, "attempts/00.events.jsonl", bytes).await.unwrap();
}

async fn keep_event(world: &World, run_id: &RunId, event: TurnEvent) {
    let record = TurnRecord { seq: 1, at: Timestamp::from_millis(0), event };
    let mut line = serde_json::to_vec(&record).unwrap();
    line.push(b'\n');
    keep(world, run_id, &line).await;
}

fn message(text: &str) -> TurnEvent {
    TurnEvent::Message { text: text.to_owned() }
}

fn finished(is_error: bool) -> TurnEvent {
    TurnEvent::ToolFinished { id: "1".to_owned(), is_error, summary: "ok".to_owned() }
}

#[tokio::test]
async fn a_workers_events_are_boiled_down() {
    let world = World::new(vec![turn("echo early words", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    world.drive(&run_id).await.unwrap();
    let early = report(&world, &run_id).await;
    assert_eq!(early.digests[0].last_words.as_deref(), Some("early words"));

    let started =
        TurnEvent::ToolStarted { id: "1".to_owned(), name: "Bash".to_owned(), summary: "ls".to_owned() };
    for event in [started.clone(), finished(true), started, finished(false), message("one"), message("two")] {
        keep_event(&world, &run_id, event).await;
    }
    keep_event(&world, &run_id, TurnEvent::Notice { text: "by the way".to_owned() }).await;
    keep_event(&world, &run_id, message("three")).await;
    for number in 0..25 {
        let detail = format!("no {number} {}", "x".repeat(5000));
        keep_event(&world, &run_id, TurnEvent::Permission { tool: "Bash".to_owned(), detail }).await;
        keep_event(&world, &run_id, TurnEvent::Error { text: format!("error {number}") }).await;
    }
    keep(
        &world,
        &run_id,
        b"{\"seq\":9,\"at\":\"2026-01-01T00:00:00Z\",\"type\":\"ofANewerVersion\"}\nno JSON\n{\"cut",
    )
    .await;
    let report = report(&world, &run_id).await;
    assert_eq!((report.digests.len(), report.warnings.len()), (1, 0));
    let digest = &report.digests[0];
    assert_eq!(digest.last_words.as_deref(), Some("one\ntwo\nthree"), "from the last tool on");
    assert_eq!((digest.tool_calls, digest.failed_tool_calls), (2, 1));
    assert_eq!((digest.refusals.len(), digest.more_refusals), (20, 5));
    assert_eq!((digest.errors.len(), digest.more_errors), (20, 5));
    assert!(digest.refusals[0].detail.starts_with("no 0 ") && digest.refusals[0].detail.len() < 1100);
    assert_eq!(digest.errors[19].text, "error 19");
}

#[tokio::test]
async fn long_last_words_keep_their_end() {
    let world = World::new(vec![turn("seq 1 5000", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    world.drive(&run_id).await.unwrap();
    let report = report(&world, &run_id).await;
    let words = report.digests[0].last_words.as_deref().unwrap();
    assert!(words.len() <= 8 * 1024 && words.ends_with("\n4999\n5000"), "{} bytes", words.len());
}

#[tokio::test]
async fn waits_are_told_with_their_ends() {
    let world =
        World::new(vec![limited("used up", Duration::from_millis(40)), turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&[], 0).await;
    world.drive(&run_id).await.unwrap();
    let report = report(&world, &run_id).await;
    assert_eq!(report.waits.len(), 1);
    let wait = &report.waits[0];
    assert_eq!((wait.wait.why, wait.wait.detail.as_str()), (WaitReason::Limit, "used up"));
    assert!(wait.ended_at.unwrap() >= wait.wait.until.unwrap() && wait.ended_at.unwrap() > wait.started_at);
    assert!(report.incidents.is_empty(), "{:?}", report.incidents);
}
