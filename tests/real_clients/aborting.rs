//! A run that is aborted leaves nothing behind, wherever its worker was.

use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, World};
use crate::model_server::{Gate, Script};
use crate::stage::{Login, Stage, complete};

/// A model whose tool takes very long, and has started something that has left its session.
fn busy() -> (Stage, Fifo) {
    let world = World::new();
    let ready = world.fifo("ready");
    let path = ready.path.display();
    let tool = format!("setsid sleep 600 & echo \"$AGENT_RUNNER_RUN_ID\" > {path}; sleep 600");
    let script =
        Script::new("busy").shell(&complete("one")).shell(&tool).say("Never.").end().say("I am back.");
    (Stage::new(world, [script]), ready)
}

fn assert_aborted(stage: &Stage, run: &str) {
    stage.world.assert_nothing_left();
    let manifest = stage.world.manifest(run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("aborted", "aborted"));
    assert_eq!((manifest.tasks().as_str(), manifest.spent()), ("one=completed two=pending", vec![0]));
}

#[test]
fn abort_in_the_middle_of_a_tool_leaves_no_process() {
    let (stage, ready) = busy();
    let front = stage.run("busy", &[]).spawn();
    let run = ready.line();
    let sleeping =
        stage.world.processes().iter().filter(|process| process.command.contains("sleep 600")).count();
    assert!(sleeping >= 2, "{:?}", stage.world.processes());
    stage.world.ok(&["run", "abort", &run]).expect_stdout(": aborted (1 of 2 tasks completed");
    front.wait().expect_code(130);
    assert_aborted(&stage, &run);
}

#[test]
fn ctrl_c_in_the_middle_of_a_tool_leaves_no_process() {
    let (stage, ready) = busy();
    let front = stage.run("busy", &[]).spawn();
    let run = ready.line();
    front.signal(Signal::INT);
    front.wait().expect_code(130);
    assert_aborted(&stage, &run);
}

#[test]
fn an_aborted_run_goes_on_in_the_same_conversation() {
    let (stage, ready) = busy();
    let run = stage.run("busy", &["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    stage.world.ok(&["run", "abort", "--now", &run]);
    assert_aborted(&stage, &run);
    let resumed =
        stage.command("busy", Login::Key, &["run", "--resume-run", &run, "--output-format", "json"]);
    // The model reports nothing more, so the session's retries are spent.
    let resumed = resumed.run().expect_code(1);
    assert_eq!(resumed.json()["effectiveStatus"], "exhausted");
    stage.assert_one_conversation(&run, 2);
    assert_eq!(stage.did_of(&run, 1, "message")[0]["text"], "I am back.");
    stage.world.assert_nothing_left();
}

#[test]
fn abort_while_the_model_speaks_leaves_no_process() {
    let gate = Gate::new();
    let script = Script::new("x").shell(&complete("one")).say("I think about it.").hold(&gate).say("Never.");
    let stage = Stage::new(World::new(), [script]);
    let run = stage.run("x", &["--detach"]).run().expect_code(0).run_id();
    gate.wait_until_reached();
    stage.world.ok(&["run", "abort", &run]);
    assert_aborted(&stage, &run);
}
