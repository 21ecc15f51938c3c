//! Runs in each state, and what two callers have left of one.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Manifest as _, Running, World};

/// A world whose agent `fake` does what the file `first` says in the first attempt, and completes everything later.
pub fn world() -> World {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        "if [ $FENCE = 1 ] && [ -f \"$W/first\" ]; then . \"$W/first\"; exit 0; fi\ncomplete one",
    );
    world
}

/// Runs of a test work in one directory, and are in nobody's way.
const NEW: [&str; 10] = [
    "--agent",
    "fake",
    "--assignment",
    "work",
    "--on-busy",
    "share",
    "--max-retries",
    "0",
    "--budget",
    "attempts=9",
];

pub fn init(world: &World) -> String {
    world.init(&NEW)
}

pub fn ready(world: &World) -> String {
    world.init_ready(&NEW)
}

/// A run that ended as its worker's first attempt had it.
fn ended(world: &World, first: &str, code: i32) -> String {
    world.write("first", first);
    let args = [&["run"], &NEW[..], &["--output-format", "json"]].concat();
    let run = world.run(&args).expect_code(code).run_id();
    std::fs::remove_file(world.path("first")).unwrap();
    run
}

pub fn success(world: &World) -> String {
    ended(world, "complete one", 0)
}

pub fn blocked(world: &World) -> String {
    ended(world, "set_task one --status blocked", 2)
}

pub fn exhausted(world: &World) -> String {
    ended(world, "true", 1)
}

/// A worker that stays in its first attempt.
pub fn running(world: &World) -> String {
    let at_work = world.fifo("at-work");
    world.write("first", "echo $RUN > \"$W/at-work\"; exec sleep 600");
    let args = [&["run"], &NEW[..], &["--detach", "--output-format", "json"]].concat();
    let run = world.ok(&args).run_id();
    assert_eq!(at_work.line(), run);
    world.wait_worker(&run, 0);
    std::fs::remove_file(world.path("first")).unwrap();
    std::fs::remove_file(world.path("at-work")).unwrap();
    run
}

pub fn interrupted(world: &World) -> String {
    let run = running(world);
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    run
}

pub fn aborted(world: &World) -> String {
    let run = running(world);
    world.ok(&["run", "abort", &run]);
    run
}

pub fn archived(world: &World) -> String {
    let run = exhausted(world);
    world.ok(&["run", "archive", &run]);
    run
}

pub fn archived_ready(world: &World) -> String {
    let run = ready(world);
    world.ok(&["run", "archive", &run]);
    run
}

pub fn passive(world: &World) -> String {
    world.init(&["--backend", "passive", "--assignment", "work"])
}

/// What is left of a run, without what differs from one run to the next. Its history is part of it.
pub fn essence(world: &World, run: &str) -> Value {
    if !world.runs().iter().any(|path| path.ends_with(run)) {
        return json!("gone");
    }
    let manifest = world.manifest(run);
    let state = &manifest["state"];
    let each = |list: &Value, field: &str| -> Vec<Value> {
        list.as_array().into_iter().flatten().map(|entry| entry[field].clone()).collect()
    };
    let essence = json!({
        "phase": manifest.phase(),
        "outcome": manifest.outcome(),
        "tasks": manifest.tasks(),
        "archived": state["archivedAt"].is_string(),
        "name": state["name"],
        "note": state["note"],
        "pinned": state["pinned"],
        "group": state["runGroupId"],
        "dependencies": state["dependencies"],
        "session": state["backendSessionId"],
        "waiting": each(&state["queuedResumeMessages"], "text"),
        "attachments": each(&state["attachments"], "name"),
        "ceiling": manifest["spec"]["budget"]["attempts"],
        "raisedBy": state["budget"]["extended"]["attempts"],
        "message": manifest["spec"]["message"],
        "sessions": state["sessions"].as_array().map(Vec::len),
        "events": each(&Value::Array(world.events(run)), "type"),
    });
    serde_json::from_str(&essence.to_string().replace(run, "SELF")).unwrap()
}

/// Returns when each of these commands waits for a lock, or has ended.
pub fn wait_blocked(commands: &[&Running<'_>]) {
    let is_over = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_none_or(|rest| rest.trim_start().starts_with(['Z', 'X']) || rest.is_empty())
    };
    let is_blocked = |pid: i32| {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks
            .lines()
            .any(|line| line.contains("->") && line.split_whitespace().any(|word| word == pid.to_string()))
    };
    let started = std::time::Instant::now();
    while !commands.iter().all(|command| is_blocked(command.pid()) || is_over(command.pid())) {
        assert!(started.elapsed() < crate::harness::PATIENCE, "they wait for something else");
        std::thread::yield_now();
    }
}
