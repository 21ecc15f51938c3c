//! The moments before a driver is up: stop signals that come early, drivers that cannot start, and directories that are
//! named from where the command was called.

use std::fs::File;

use rustix::process::Signal;

use crate::harness::{Fifo, Finished, Manifest as _, World};

const TRACE: &str = "AGENT_RUNNER_FAILPOINT_TRACE";

/// An agent that never ends by itself.
fn endless(world: &World) {
    world.work(&["one"]);
    world.agent("fake", "echo begun >> \"$W/begun\"\nwhile :; do sleep 1000 & wait; done");
}

fn assert_aborted(world: &World, run: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "aborted"), "{}", world.everything_known());
    world.assert_nothing_left();
}

/// Waits for a process to come by a point, and returns its id.
fn passes(trace: &Fifo, role: &str, point: &str) -> i32 {
    loop {
        let line = trace.line();
        let mut words = line.split(' ');
        let (by, pid, at) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        if (by, at) == (role, point) {
            return pid.parse().unwrap();
        }
    }
}

/// A run whose command is sent a signal while its driver cannot be up yet, and how the command ended.
fn signalled_early(world: &World, signal: Signal, more: &[&str]) -> (String, Finished, Fifo) {
    endless(world);
    // Processes that go on need somebody who keeps it open.
    let trace = world.fifo("trace");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    // Nobody can drive the run until this lets go.
    let path = world.run_dir(&run).join("owner.lock");
    let lease = File::options().create(true).truncate(false).write(true).open(path).unwrap();
    lease.lock().unwrap();
    let args: Vec<&str> = ["run", "--resume-run", &run].iter().chain(more).copied().collect();
    let front = world.command(&args).env(TRACE, &trace.path).spawn();
    let driver = passes(&trace, "driver", "driver.started");
    world.signal(driver, Signal::STOP);
    front.signal(signal);
    lease.unlock().unwrap();
    world.signal(driver, Signal::CONT);
    (run, front.wait(), trace)
}

#[test]
fn a_signal_before_the_driver_is_up_ends_the_run() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new();
        let (run, ended, _trace) = signalled_early(&world, signal, &[]);
        ended.expect_code(130);
        assert_aborted(&world, &run);
    }
}

#[test]
fn a_hang_up_before_the_driver_is_up_means_what_it_means_later() {
    let world = World::new();
    let (run, ended, _trace) = signalled_early(&world, Signal::HUP, &[]);
    ended.expect_code(129);
    world.wait_worker(&run, 0);
    world.wait_manifest(&run, "word of the lost terminal", |_| {
        !world.events_of(&run, "run.starter_lost").is_empty()
    });
    assert_eq!(world.status(&run)["effectiveStatus"], "running");
    world.ok(&["run", "abort", &run]);
    assert_aborted(&world, &run);

    let world = World::new();
    let (run, ended, _trace) = signalled_early(&world, Signal::HUP, &["--on-orphan", "abort"]);
    ended.expect_code(129);
    world.wait_ended(&run);
    assert_aborted(&world, &run);
}

#[test]
fn a_signal_at_every_moment_of_a_start_ends_the_run() {
    let world = World::new();
    endless(&world);
    let mut moment = 1;
    loop {
        let trace = world.fifo(&format!("trace-{moment}"));
        let front = world.fake(&[]).env(TRACE, &trace.path).spawn();
        // Two processes come by at the same time: which of them is first is not the same every time.
        let points: Vec<String> = (0..moment).map(|_| trace.line()).collect();
        let at = points.last().unwrap();
        front.signal(Signal::INT);
        let ended = front.wait();
        let ended = if ended.code == Some(130) { ended } else { panic!("at {moment}, {at}: {ended}") };
        assert_eq!(ended.json()["effectiveStatus"], "aborted", "at {moment}, {at}: {ended}");
        assert_aborted(&world, &ended.run_id());
        assert_eq!(world.runs().len(), moment);
        if points.iter().any(|point| point.ends_with("driver.spawn_committed")) {
            break;
        }
        moment += 1;
    }
    assert!(moment > 20, "there should be more moments than {moment}");
}

#[test]
fn a_signal_right_after_the_spawn_ends_the_run_or_the_command_without_one() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new();
        endless(&world);
        for round in 0..15 {
            let front = world.fake(&[]).spawn();
            front.signal(signal);
            let ended = front.wait();
            if ended.signal == Some(signal.as_raw()) {
                // It had not begun yet.
                continue;
            }
            assert_eq!(ended.code, Some(130), "round {round}: {ended}");
            assert_aborted(&world, &ended.run_id());
        }
        for run in world.runs() {
            assert_aborted(&world, run.file_name().unwrap().to_str().unwrap());
        }
    }
}

#[test]
fn a_hang_up_aborts_a_run_that_is_not_to_outlive_its_command() {
    let world = World::new();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    // The worker needs a moment to leave, and is given it although its command is gone at once.
    let leaving = world.fifo("leaving");
    let go = world.fifo("go");
    world.agent(
        "fake",
        "trap 'echo asked > \"$W/leaving\"; read x < \"$W/go\"; echo left > \"$W/left\"; exit 0' TERM\n\
         echo $RUN > \"$W/ready\"\nwhile :; do sleep 1000 & wait; done",
    );
    let front = world.fake(&["--on-orphan", "abort"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "60").spawn();
    let run = ready.line();
    world.wait_worker(&run, 0);
    front.signal(Signal::HUP);
    front.wait().expect_code(129);
    assert_eq!(leaving.line(), "asked");
    go.release();
    let manifest = world.wait_ended(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("aborted", "aborted"));
    assert_eq!(world.lines("left"), ["left"], "the worker was not given time to leave");
    world.assert_nothing_left();
}

#[test]
fn why_a_driver_could_not_start_is_said() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    let lock = world.run_dir(&run).join("owner.lock");
    let _ = std::fs::remove_file(&lock);
    std::fs::create_dir(&lock).unwrap();
    for more in [&[][..], &["--detach"]] {
        let args: Vec<&str> = ["run", "--resume-run", &run].iter().chain(more).copied().collect();
        // The first one finds out by its driver, the second one before it has one.
        let failed = world.run(&args).expect_code(4).expect_stderr("error: ").expect_stderr("caused by: ");
        assert!(failed.stderr.contains(lock.to_str().unwrap()), "{failed}");
        assert!(failed.stderr.contains("directory"), "{failed}");
        for line in failed.stderr.lines() {
            let words = line.trim_start_matches("caused by: ");
            assert!(!words.starts_with("error:") || words == line, "{failed}");
            assert!(
                line.matches("caused by: ").count() <= 1 && !line.contains("caused by: hint"),
                "{failed}"
            );
        }
    }
    std::fs::remove_dir(&lock).unwrap();
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_eq!(world.manifest(&run).outcome(), "success");
    world.assert_nothing_left();
}

#[test]
fn a_driver_that_finds_the_disk_full_is_quoted() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let error = "driver:store.owner.locked";
    let failed = world.fake(&[]).env("AGENT_RUNNER_FAILPOINT_ERROR", error).run().expect_code(4);
    let failed = failed.expect_stderr("error: the driver ended before it began");
    failed.expect_stderr("caused by: ").expect_stderr("No space left on device").expect_stderr("hint: ");
    let run = world.only_run();
    world.run(&["run", "--resume-run", &run]).expect_code(0);
}

#[test]
fn directories_may_be_named_from_where_the_command_is_called() {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        "complete one || exit 1\n\"$AGENT_RUNNER_CMD\" show agent fake > \"$W/shown\" 2>&1 || exit 1",
    );
    let deep = world.path("deep/down");
    std::fs::create_dir_all(&deep).unwrap();
    let repo = world.repo();
    let command = |args: &[&str]| {
        let command = world.command(args).cwd(&deep).env("AGENT_RUNNER_STATE_DIR", "../../relative/state");
        command.env("AGENT_RUNNER_CONFIG_DIR", "../../config")
    };
    let new = ["run", "--agent", "fake", "--assignment", "work", "--cwd", repo.to_str().unwrap()];
    let started: [&[&str]; 2] = [&["--output-format", "json"], &["--output-format", "json", "--detach"]];
    for more in started {
        let args: Vec<&str> = new.iter().chain(more).copied().collect();
        let run = command(&args).run().expect_code(0).run_id();
        let watched = command(&["run", "attach", &run]).spawn();
        watched.wait().expect_code(0).expect_stdout("success");
        assert!(world.read("shown").contains("You are the fake agent fake."), "{}", world.read("shown"));
        std::fs::remove_file(world.path("shown")).unwrap();
    }
    assert!(world.path("relative/state/runs").is_dir());
    assert_eq!(world.runs(), Vec::<std::path::PathBuf>::new(), "nothing lies elsewhere");
    world.assert_nothing_left();
}
