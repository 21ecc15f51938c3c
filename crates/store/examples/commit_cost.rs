//! Measures a commit: `cargo run --release -p agent-runner-store --example commit_cost -- <directory> [commits]`.
//! The directory is filled with a state directory, which is removed afterwards.

use std::error::Error;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use agent_runner_model::event::EventBody;
use agent_runner_model::{Author, Fact, Manifest, RunId, TaskFact, TaskId, Timestamp};
use agent_runner_store::{FileOptions, FileStore, NewRun, RunQuery, RunStore, Seeds, syncs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let place = PathBuf::from(args.next().ok_or("which directory?")?).join("commit-cost-state");
    let commits: u32 = args.next().map_or(Ok(500), |text| text.parse())?;
    let store = FileStore::new(place.clone(), FileOptions::default());
    let id = RunId::parse("measured")?;
    let start = Instant::now();
    ready(store.create(five_tasks()?, Timestamp::from_millis(0)))?;
    println!("create   {:>8.0?}", start.elapsed());

    let before = syncs();
    let mut costs = Vec::new();
    for number in 0..commits {
        let task = TaskId::parse(&format!("task-{}", number % 5))?;
        let notes = Some(format!("note {number}"));
        let fact =
            Fact::Task { author: Author::Person, fact: TaskFact::Set { id: task, status: None, notes } };
        let start = Instant::now();
        ready(store.commit(&id, &[fact], Timestamp::from_millis(i64::from(number))))?;
        costs.push(start.elapsed());
    }
    report("commit", costs);
    println!("syncs per commit {}", (syncs() - before) / u64::from(commits));
    report("snapshot", repeat(commits, || ready(store.snapshot(&id)).map(drop))?);
    let last = ready(store.snapshot(&id))?.last_cursor;
    report("tail", repeat(commits, || ready(store.tail(&id, last - 1, None)).map(drop))?);
    report("query", repeat(commits, || ready(store.query(&RunQuery::default())).map(drop))?);
    std::fs::remove_dir_all(place)?;
    Ok(())
}

fn repeat<E>(times: u32, mut what: impl FnMut() -> Result<(), E>) -> Result<Vec<Duration>, E> {
    let timed = |_| {
        let start = Instant::now();
        what().map(|()| start.elapsed())
    };
    (0..times).map(timed).collect()
}

fn report(name: &str, mut costs: Vec<Duration>) {
    costs.sort();
    let at = |percent: usize| costs.get(costs.len() * percent / 100).copied().unwrap_or_default();
    println!("{name:<8} median {:>7.0?}  p95 {:>7.0?}", at(50), at(95));
}

/// The result of a future that never waits.
fn ready<T, E: Error + 'static>(future: impl Future<Output = Result<T, E>>) -> Result<T, Box<dyn Error>> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result?),
        Poll::Pending => Err("a file store waited".into()),
    }
}

fn five_tasks() -> Result<NewRun, Box<dyn Error>> {
    let task = |number: u32| serde_json::json!({ "id": format!("task-{number}"), "title": format!("Task {number}"), "body": "Do it.\n".repeat(30) });
    let spec = serde_json::json!({
        "runId": "measured", "repo": "unknown", "cwd": "/", "backend": "claude", "model": null, "effort": null,
        "agent": { "name": "coder", "sourcePath": null, "instructions": "You write code.\n".repeat(60) },
        "assignment": null, "unrestricted": false, "timeoutSec": 3600, "maxAttemptsPerSession": 4, "stopGraceSec": 5,
        "lockedFields": [], "message": null, "brief": "Work through the list.\n".repeat(80), "callerInstructions": null,
        "tasks": (0..5).map(task).collect::<Vec<_>>(), "command": "agent-runner",
        "createdAt": "2026-01-01T00:00:00Z", "parentRunId": null, "runGroupId": "measured",
    });
    let (manifest, events): (Manifest, Vec<EventBody>) = Manifest::new(serde_json::from_value(spec)?, None);
    Ok(NewRun { manifest, events, seeds: Seeds { agent: Some("# Agent\n".repeat(50)), assignment: None } })
}
