//! What becomes of a run when the command that started it goes away.

use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, World};

/// An agent that says which run it works on and goes on when it is told to.
fn held(world: &World) -> (Fifo, Fifo) {
    world.work(&["one"]);
    world.agent("fake", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    (world.fifo("ready"), world.fifo("go"))
}

#[test]
fn a_job_that_is_killed_leaves_no_agent_behind() {
    let world = World::new();
    let (ready, _go) = held(&world);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    let (driver, worker) = (world.driver_pid(&run), world.wait_worker(&run, 0));
    front.signal(Signal::KILL);
    assert_eq!(front.wait().signal, Some(Signal::KILL.as_raw()));
    world.wait_gone(driver);
    assert!(!world.is_alive(worker));
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.ends().as_str(), manifest.spent()),
        ("aborted", "aborted", vec![0])
    );
    let by = world.events_of(&run, "run.abort_requested");
    assert_eq!(by[0]["by"], "the command that started the run was killed");
    world.assert_nothing_left();
}

#[test]
fn a_run_goes_on_without_its_starter_if_it_was_told_to() {
    let world = World::new();
    let (ready, go) = held(&world);
    let front = world.fake(&["--on-orphan", "continue"]).spawn();
    let run = ready.line();
    front.signal(Signal::KILL);
    front.wait();
    world.wait_manifest(&run, "word of the lost starter", |_| {
        !world.events_of(&run, "run.starter_lost").is_empty()
    });
    assert_eq!(world.status(&run)["effectiveStatus"], "running");
    go.release();
    finishes_alone(&world, &run, "the command that started the run was killed; the run goes on");
}

#[test]
fn a_terminal_that_goes_away_leaves_the_run_going() {
    let world = World::new();
    let (ready, go) = held(&world);
    let front = world.command(&["run", "--agent", "fake", "--assignment", "work"]).spawn();
    let run = ready.line();
    front.signal(Signal::HUP);
    front.wait().expect_code(129);
    world.wait_manifest(&run, "word of the lost terminal", |_| {
        !world.events_of(&run, "run.starter_lost").is_empty()
    });
    go.release();
    finishes_alone(&world, &run, "the terminal went away; the run goes on");
}

#[test]
fn a_run_started_at_a_terminal_outlives_its_starter() {
    let world = World::new();
    let (ready, go) = held(&world);
    let front = world.command(&["run", "--agent", "fake", "--assignment", "work"]).at_terminal(80, 24);
    let run = ready.line();
    world.signal(front.pid(), Signal::KILL);
    assert_eq!(front.wait().0, None);
    world.wait_manifest(&run, "word of the lost starter", |_| {
        !world.events_of(&run, "run.starter_lost").is_empty()
    });
    go.release();
    finishes_alone(&world, &run, "the command that started the run was killed; the run goes on");
}

/// Waits for a run that nobody holds any more to end well, and looks at its audit.
fn finishes_alone(world: &World, run: &str, why: &str) {
    let manifest = world.wait_ended(run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    world.ok(&["run", "audit", run]).expect_stdout(why);
    world.assert_nothing_left();
}

#[test]
fn attach_watches_a_detached_run_and_exits_with_its_code() {
    let world = World::new();
    let (ready, go) = held(&world);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 0 started");
    let json = world.command(&["run", "attach", &run, "--output-format", "json"]).spawn();
    go.release();
    let attached = attached.wait().expect_code(0);
    attached
        .expect_stdout("task one: pending -> completed")
        .expect_stdout(": success (1 of 1 tasks completed");
    let json = json.wait().expect_code(0).json();
    assert_eq!((&json["effectiveStatus"], &json["exitCode"]), (&"success".into(), &0.into()));
    // What is over is shown, with the same code.
    world.ok(&["run", "attach", &run]).expect_stdout(": success (");
    world.assert_nothing_left();
}

#[test]
fn attach_tells_how_a_run_failed() {
    let world = World::new();
    let (ready, go) = held(&world);
    let script =
        "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\nset_task one --status blocked --notes 'no paper'";
    world.agent("fake", script);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    ready.line();
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 0 started");
    go.release();
    attached.wait().expect_code(2).expect_stdout("no paper");
    assert_eq!(world.run(&["run", "attach", &run]).code, Some(2));
    world.assert_nothing_left();
}

#[test]
fn leaving_attach_leaves_the_run_going() {
    let world = World::new();
    let (ready, go) = held(&world);
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    ready.line();
    let attached = world.command(&["run", "attach", &run]).spawn();
    attached.wait_for_stdout("attempt 0 started");
    attached.signal(Signal::INT);
    attached.wait().expect_code(130);
    assert_eq!(world.status(&run)["effectiveStatus"], "running");
    go.release();
    assert_eq!(world.wait_ended(&run).outcome(), "success");
    world.assert_nothing_left();
}
