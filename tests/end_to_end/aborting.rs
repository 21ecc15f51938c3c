//! Ending a running run: from another process, by Ctrl-C, by TERM, and when the driver cannot be talked to.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, World};

/// An agent that says which run it works on and hangs; `stubborn` ones ignore TERM.
fn hanging(world: &World, stubborn: bool) -> Fifo {
    world.work(&["one", "two"]);
    let ready = world.fifo("ready");
    let trap = if stubborn { "trap '' TERM INT HUP" } else { "" };
    world.agent(
        "fake",
        &format!(
            "{trap}\ncomplete one\nsleep 1000 &\necho $RUN > \"$W/ready\"\nwait; sleep 1000; sleep 1000"
        ),
    );
    ready
}

fn assert_aborted(world: &World, run: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "aborted"));
    assert_eq!(
        (manifest.ends().as_str(), manifest.fences(), manifest.spent()),
        ("aborted", vec![1], vec![0])
    );
    assert_eq!(manifest.tasks(), "one=completed two=pending", "what was reported stays");
    assert_eq!(world.events_of(run, "run.abort_requested").len(), 1);
    let status = world.status(run);
    assert_eq!((&status["effectiveStatus"], &status["exitCode"]), (&"aborted".into(), &130.into()));
    world.assert_nothing_left();
}

#[test]
fn abort_from_another_process_ends_a_foreground_run_with_130() {
    let world = World::new();
    let ready = hanging(&world, false);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    let abort = world.ok(&["run", "abort", &run]).expect_stdout(": aborted (1 of 2 tasks completed");
    assert!(!abort.stdout.contains("run attach"), "{abort}");
    let front = front.wait().expect_code(130);
    assert_eq!(front.json()["effectiveStatus"], "aborted");
    assert_aborted(&world, &run);
    world.run(&["run", "abort", &run]).expect_code(3).expect_stderr("is not running: it is aborted");
}

#[test]
fn abort_ends_a_detached_run() {
    let world = World::new();
    let ready = hanging(&world, false);
    let started = world.fake(&["--detach"]).run().expect_code(0);
    assert_eq!(started.json()["effectiveStatus"], "running");
    assert_eq!(ready.line(), started.run_id());
    let aborted = world.ok(&["run", "abort", &started.run_id(), "--output-format", "json"]);
    assert_eq!(
        (&aborted.json()["effectiveStatus"], &aborted.json()["isLive"]),
        (&"aborted".into(), &false.into())
    );
    assert_aborted(&world, &started.run_id());
}

#[test]
fn abort_now_does_not_wait_for_a_stubborn_worker() {
    let world = World::new();
    let ready = hanging(&world, true);
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "600").run().run_id();
    assert_eq!(ready.line(), run);
    world.ok(&["run", "abort", "--now", &run]);
    assert_aborted(&world, &run);
    assert_eq!(world.manifest(&run).attempt(0)["signal"], Signal::KILL.as_raw());
}

#[test]
fn ctrl_c_ends_the_run_and_gives_the_worker_time_to_leave() {
    let world = World::new();
    world.work(&["one", "two"]);
    let ready = world.fifo("ready");
    world.agent(
        "fake",
        "trap 'echo left > \"$W/left\"; exit 0' TERM\ncomplete one\necho $RUN > \"$W/ready\"\nwhile :; do sleep 1000 & wait; done",
    );
    let front = world.command(&["run", "--agent", "fake", "--assignment", "work"]).spawn();
    let run = ready.line();
    front.signal(Signal::INT);
    front.wait().expect_code(130).expect_stdout("stopping the worker; once more ends it at once");
    assert_eq!(world.lines("left"), ["left"]);
    assert_aborted(&world, &run);
}

#[test]
fn ctrl_c_twice_ends_even_a_stubborn_worker_at_once() {
    let world = World::new();
    let ready = hanging(&world, true);
    let front = world.command(&["run", "--agent", "fake", "--assignment", "work"]);
    let front = front.env("AGENT_RUNNER_STOP_GRACE_SEC", "600").spawn();
    let run = ready.line();
    front.signal(Signal::INT);
    front.wait_for_stdout("once more ends it at once");
    world.wait_manifest(&run, "an abort request", |manifest| manifest["state"]["abortRequest"].is_object());
    front.signal(Signal::INT);
    let ended = front.wait().expect_code(130).expect_stdout("ending the worker at once");
    assert!(ended.elapsed < Duration::from_secs(60), "{ended}");
    assert_aborted(&world, &run);
    assert_eq!(world.manifest(&run).attempt(0)["signal"], Signal::KILL.as_raw());
}

#[test]
fn term_of_the_front_ends_the_run() {
    let world = World::new();
    let ready = hanging(&world, false);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    front.signal(Signal::TERM);
    front.wait().expect_code(130);
    assert_aborted(&world, &run);
}

#[test]
fn abort_works_when_the_driver_cannot_be_talked_to() {
    let world = World::new();
    let ready = hanging(&world, false);
    let run = world.fake(&["--detach"]).run().run_id();
    assert_eq!(ready.line(), run);
    let sockets: Vec<_> =
        std::fs::read_dir(world.path("rt/agent-runner")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    std::fs::remove_file(&sockets[0]).unwrap();
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    assert_aborted(&world, &run);
}

#[test]
fn a_run_whose_driver_died_is_aborted_and_cleared_up() {
    let world = World::new();
    let ready = hanging(&world, true);
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").run().run_id();
    assert_eq!(ready.line(), run);
    let (driver, worker) = (world.driver_pid(&run), world.wait_worker(&run, 0));
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    assert_eq!(world.status(&run)["effectiveStatus"], "interrupted");
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    assert!(!world.is_alive(worker));
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.ends().as_str(), manifest.spent()),
        ("aborted", "interrupted", vec![0])
    );
    world.assert_nothing_left();
}

#[test]
fn an_aborted_run_can_be_resumed() {
    let world = World::new();
    let ready = hanging(&world, false);
    let run = world.fake(&["--detach"]).run().run_id();
    ready.line();
    world.ok(&["run", "abort", &run]);
    world.agent("fake", "complete two");
    world.script("fake", "complete two");
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.ends().as_str(), manifest.spent()),
        ("success", "aborted reported", vec![0, 1])
    );
    world.assert_nothing_left();
}

#[test]
fn a_run_that_is_not_running_is_not_aborted() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    world.run(&["run", "abort", &run]).expect_code(3).expect_stderr("is not running: it is initialized");
    world.run(&["run", "attach", &run]).expect_code(0);
    assert_eq!(world.manifest(&run).phase(), "initialized");
}
