//! Hooks that somebody wants to end: Ctrl-C, `run abort`, and a driver that is told to leave.

use rustix::process::Signal;

use crate::harness::{Fifo, Manifest as _, Running, World};

use super::kills::{AROUND, assert_whole, scene, start};

/// A run whose hook of that phase hangs, with a child in another session.
fn hanging<'a>(world: &'a World, here: &Fifo, phase: &str) -> (Running<'a>, String) {
    world.write("hang", phase);
    let front = start(world).spawn();
    assert_eq!(here.line(), phase);
    (front, world.only_run())
}

fn assert_aborted(world: &World, run: &str) {
    assert_eq!((world.manifest(run).phase(), world.manifest(run).outcome()), ("ended", "aborted"));
    world.assert_nothing_left();
}

#[test]
fn ctrl_c_while_a_run_is_prepared_aborts_it() {
    for word in ["init", "run"] {
        let world = scene();
        world.write("hang", "prepare");
        let here = world.fifo("here");
        let args = [word, "--agent", "fake", "--assignment", "work", "--output-format", "json"];
        let front = world.command(&args).env("AGENT_RUNNER_STOP_GRACE_SEC", "1").spawn();
        assert_eq!(here.line(), "prepare");
        let run = world.only_run();
        front.signal(Signal::INT);
        front.wait().expect_code(130);
        assert_aborted(&world, &run);
        // It can be gone on with, and is prepared then.
        world.ok(&["run", "--resume-run", &run]);
        if word == "run" {
            assert_whole(&world, &run, word);
        } else {
            assert_eq!(world.manifest(&run)["state"]["hookState"]["prepare"], 1);
            world.assert_nothing_left();
        }
    }
}

#[test]
fn ctrl_c_during_a_hook_around_an_attempt_aborts_the_run() {
    for phase in ["beforeAttempt", "afterAttempt"] {
        let world = scene();
        let here = world.fifo("here");
        let (front, run) = hanging(&world, &here, phase);
        front.signal(Signal::INT);
        front.wait().expect_code(130);
        assert_aborted(&world, &run);
        assert!(!world.outcomes(&run).iter().any(|line| line.starts_with(phase)), "it decided nothing");
    }
}

#[test]
fn ctrl_c_during_a_transition_hook_leaves_the_task_as_it_was() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = scene();
        let run = world.init(&["--backend", "passive", "--assignment", "work"]);
        world.write("hang", "taskTransition");
        let here = world.fifo("here");
        let set = world.command(&["task", "set", &run, "one", "--status", "completed"]).spawn();
        assert_eq!(here.line(), "taskTransition");
        set.signal(signal);
        let ended = set.wait();
        assert!(ended.code != Some(0), "{ended}");
        assert_eq!(world.manifest(&run).tasks(), "one=pending");
        world.assert_nothing_left();
        assert!(ended.stderr.contains("the task is as it was"), "{ended}");
        world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    }
}

#[test]
fn an_abort_ends_the_hook_that_runs() {
    for phase in ["prepare", "beforeAttempt", "afterAttempt"] {
        let world = scene();
        let here = world.fifo("here");
        let (front, run) = hanging(&world, &here, phase);
        world.ok(&["run", "abort", &run]);
        front.wait().expect_code(130);
        assert_aborted(&world, &run);
        let requests = world.events_of(&run, "run.abort_requested").len();
        assert_eq!(requests, 1, "{phase}");
        // The hooks at its end have their turn once a session was opened.
        let ended = world.lines("ran").iter().filter(|line| *line == "afterExit").count();
        assert_eq!(ended, usize::from(phase != "prepare"), "{phase}");
    }
}

#[test]
fn an_abort_at_once_does_not_wait_for_a_hook_at_the_end() {
    let world = scene();
    let here = world.fifo("here");
    let (front, run) = hanging(&world, &here, "afterExit");
    world.ok(&["run", "abort", &run, "--now"]);
    front.wait();
    assert_eq!(world.manifest(&run).phase(), "ended");
    world.assert_nothing_left();
}

#[test]
fn a_driver_that_is_told_to_leave_ends_its_hook_and_the_next_one_runs_it_again() {
    for phase in AROUND {
        let world = scene();
        let here = world.fifo("here");
        let (front, run) = hanging(&world, &here, phase);
        world.signal(world.driver_pid(&run), Signal::TERM);
        front.wait().expect_code(4);
        world.assert_nothing_left();
        assert_eq!(world.status(&run)["effectiveStatus"], "interrupted", "{phase}");
        assert!(!world.outcomes(&run).iter().any(|line| line.starts_with(phase)), "it decided nothing");
        world.ok(&["run", "--resume-run", &run]);
        assert_whole(&world, &run, phase);
    }
}
