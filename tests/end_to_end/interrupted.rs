//! Drivers that die or are told to leave: nothing is lost, nothing stays, no retry is spent.

use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, World};

/// An agent that hangs in its first attempt, and works in the ones after it.
fn hangs_first(world: &World) -> Fifo {
    world.work(&["one", "two"]);
    let ready = world.fifo("ready");
    world.agent(
        "fake",
        r#"if [ $FENCE = 1 ]; then
             complete one
             setsid sleep 1000 &
             echo $RUN > "$W/ready"
             exec sleep 1000
           fi
           complete two"#,
    );
    ready
}

/// Starts a detached run, kills its driver, and returns the run.
fn interrupted(world: &World) -> String {
    let ready = hangs_first(world);
    let run = world.fake(&["--detach"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").run().run_id();
    assert_eq!(ready.line(), run);
    world.wait_worker(&run, 0);
    let driver = world.driver_pid(&run);
    world.signal(driver, Signal::KILL);
    world.wait_gone(driver);
    let status = world.status(&run);
    assert_eq!((&status["effectiveStatus"], &status["status"]), (&"interrupted".into(), &"running".into()));
    assert_eq!((&status["isLive"], &status["capabilities"]["canResume"]), (&false.into(), &true.into()));
    run
}

fn assert_went_on(world: &World, run: &str) {
    let manifest = world.manifest(run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "interrupted reported"));
    assert_eq!((manifest.fences(), manifest.spent()), (vec![1, 2], vec![1]), "no retry was spent");
    assert_eq!(manifest.prompts(), "brief afterInterrupt");
    assert_eq!(manifest.tasks(), "one=completed two=completed");
    let prompt = world.read("prompt-2");
    assert!(prompt.contains("cut off in the middle") && prompt.contains("- `two`"), "{prompt}");
    assert!(!prompt.contains("- `one`"), "{prompt}");
    world.assert_nothing_left();
}

#[test]
fn a_run_whose_driver_was_killed_is_resumed_without_cost() {
    let world = World::new();
    let run = interrupted(&world);
    world.run(&["run", "attach", &run]).expect_code(4).expect_stdout(&format!("run --resume-run {run}"));
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_went_on(&world, &run);
}

#[test]
fn a_foreground_command_says_that_its_driver_died() {
    let world = World::new();
    let ready = hangs_first(&world);
    let front = world.command(&["run", "--agent", "fake", "--assignment", "work"]).spawn();
    let run = ready.line();
    world.wait_worker(&run, 0);
    world.signal(world.driver_pid(&run), Signal::KILL);
    let ended = front.wait().expect_code(4).expect_stdout(": interrupted (1 of 2 tasks completed");
    ended.expect_stdout(&format!("Next: agent-runner run --resume-run {run}"));
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_went_on(&world, &run);
}

#[test]
fn a_driver_told_to_leave_ends_its_worker_and_the_run_can_go_on() {
    let world = World::new();
    let ready = hangs_first(&world);
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    world.wait_worker(&run, 0);
    world.signal(world.driver_pid(&run), Signal::TERM);
    let ended = front.wait().expect_code(4);
    assert_eq!(ended.json()["effectiveStatus"], "interrupted");
    world.assert_nothing_left();
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.phase(), manifest.ends().as_str(), manifest.spent()),
        ("active", "interrupted", vec![0])
    );
    assert_eq!(world.events_of(&run, "run.driver_left").len(), 1);
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_went_on(&world, &run);
}

#[test]
fn recover_shows_and_clears_up_what_a_dead_driver_left() {
    let world = World::new();
    let run = interrupted(&world);
    let left = world.processes().len();
    assert!(left >= 2, "{:?}", world.processes());
    let before = world.manifest(&run);

    let shown =
        world.ok(&["recover", "--dry-run"]).expect_stdout(&format!("{run}  would be recovered, interrupted"));
    assert!(shown.stdout.contains("would end sleep ("), "{shown}");
    assert_eq!((world.manifest(&run), world.processes().len()), (before, left));

    let recovered = world.ok(&["recover", "--output-format", "json"]).json();
    assert_eq!(recovered["runs"][0]["runId"], run);
    assert_eq!(recovered["runs"][0]["action"], "recovered");
    assert_eq!(recovered["runs"][0]["leftovers"].as_array().unwrap().len(), 2);
    world.assert_nothing_left();
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.phase(), manifest.ends().as_str(), manifest.spent()),
        ("active", "interrupted", vec![0])
    );
    assert_eq!(manifest.attempt(0)["leftovers"], 2);
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_went_on(&world, &run);
    world.ok(&["recover"]).expect_stdout("Nothing to recover.");
}

#[test]
fn recover_resume_goes_on_in_the_background() {
    let world = World::new();
    let run = interrupted(&world);
    world.ok(&["recover", &run, "--resume"]).expect_stdout(&format!("{run}  recovered and resumed"));
    world.wait_ended(&run);
    assert_went_on(&world, &run);
}

#[test]
fn recover_leaves_a_run_alone_that_is_being_driven() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    world.ok(&["recover"]).expect_stdout("Nothing to recover.");
    world.ok(&["recover", &run, "--resume"]);
    go.release();
    front.wait().expect_code(0);
    assert_eq!(world.manifest(&run).fences(), [1]);
    world.assert_nothing_left();
}

#[test]
fn a_run_resumed_with_words_after_an_interruption_hears_them() {
    let world = World::new();
    let run = interrupted(&world);
    world.run(&["run", "--resume-run", &run, "Mind the step"]).expect_code(0);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "interrupted reported"));
    assert_eq!(manifest.spent(), [0, 1], "words open a session");
    assert!(world.read("prompt-2").contains("Mind the step"), "{}", world.read("prompt-2"));
    world.assert_nothing_left();
}
