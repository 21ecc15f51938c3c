//! The driver is killed while the client works: the run goes on in the same conversation, and no retry is spent.

use rustix::process::Signal;

use crate::harness::{Manifest as _, World};
use crate::model_server::{Gate, Script};
use crate::stage::{Login, Stage, complete};

fn kill_driver(stage: &Stage, run: &str) {
    let driver = stage.world.driver_pid(run);
    stage.world.signal(driver, Signal::KILL);
    stage.world.wait_gone(driver);
    assert_eq!(stage.world.status(run)["effectiveStatus"], "interrupted");
}

fn assert_went_on(stage: &Stage, run: &str, script: &str) {
    let manifest = stage.world.manifest(run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "interrupted reported"));
    assert_eq!((manifest.prompts().as_str(), manifest.spent()), ("brief afterInterrupt", vec![1]));
    assert_eq!(manifest.tasks(), "one=completed two=completed");
    stage.assert_one_conversation(run, 2);
    let sent = stage.last_sent(script);
    assert!(sent.contains("I begin.") && sent.contains("cut off in the middle"), "{sent}");
    assert!(stage.model.is_over(script));
    stage.world.assert_nothing_left();
}

#[test]
fn a_run_whose_driver_is_killed_while_the_model_speaks_goes_on() {
    let gate = Gate::new();
    let script = Script::new("x")
        .say("I begin.")
        .shell(&complete("one"))
        .say("Now I think about the second one.")
        .hold(&gate)
        .say("Never said.")
        .end()
        .shell(&complete("two"))
        .say("Done.")
        .end();
    let stage = Stage::new(World::new(), [script]);
    let run = stage.run("x", &["--detach"]).run().expect_code(0).run_id();
    gate.wait_until_reached();
    kill_driver(&stage, &run);
    let left = stage.world.processes();
    assert!(!left.is_empty(), "the client outlives the driver until somebody clears up");
    stage.command("x", Login::Key, &["run", "--resume-run", &run]).run().expect_code(0);
    assert_went_on(&stage, &run, "x");
}

#[test]
fn a_run_whose_driver_is_killed_while_a_tool_runs_is_recovered_and_goes_on() {
    let world = World::new();
    let ready = world.fifo("ready");
    let tool = format!("echo \"$AGENT_RUNNER_RUN_ID\" > {}; sleep 600", ready.path.display());
    let script = Script::new("x")
        .say("I begin.")
        .shell(&complete("one"))
        .shell(&tool)
        .say("Never said.")
        .end()
        .shell(&complete("two"))
        .say("Done.")
        .end();
    let stage = Stage::new(world, [script]);
    let run = stage.run("x", &["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    kill_driver(&stage, &run);
    let shown = stage.world.ok(&["recover", "--dry-run"]);
    for word in [&run, "would end", "claude (", "bash ("] {
        assert!(shown.stdout.contains(word), "{word}: {shown}");
    }
    let recovered = stage.command("x", Login::Key, &["recover", &run, "--resume"]);
    recovered.run().expect_code(0).expect_stdout(&format!("{run}  recovered and resumed"));
    stage.world.wait_ended(&run);
    assert_went_on(&stage, &run, "x");
}
