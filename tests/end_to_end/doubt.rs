//! Where a command must not take more upon itself than it can know or was asked for: runs nobody here can see, signals
//! it was shielded from, input it still waits for, request ids that mean something else.

use std::fs::OpenOptions;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

/// A run whose driver died and, as far as its record tells, was on another machine.
fn driven_elsewhere(world: &World) -> String {
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world
        .agent("fake", "if [ $FENCE = 1 ]; then echo $RUN > \"$W/ready\"; exec sleep 1000; fi; complete one");
    let run = world.fake(&["--detach"]).run().run_id();
    assert_eq!(ready.line(), run);
    for pid in [world.driver_pid(&run), world.wait_worker(&run, 0)] {
        world.signal(pid, Signal::KILL);
        world.wait_gone(pid);
    }
    let path = world.run_dir(&run).join("owner.lock");
    let mut holder: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    holder["host"] = json!("elsewhere");
    holder["bootId"] = json!("00000000-0000-4000-8000-000000000000");
    std::fs::write(&path, holder.to_string()).unwrap();
    run
}

#[test]
fn a_run_nobody_here_can_see_is_neither_a_success_nor_ended() {
    let world = World::new();
    let run = driven_elsewhere(&world);
    let status = world.status(&run);
    assert_eq!((&status["lease"], &status["isLive"]), (&json!("unknown"), &json!(false)));
    world.run(&["run", "attach", &run]).expect_code(4).expect_stdout("--take-over");
    world.run(&["run", "--resume-run", &run]).expect_code(3).expect_stderr("--take-over");
    let recovery = world.ok(&["recover", "--output-format", "json"]).json();
    assert_eq!(recovery["runs"][0]["action"], "leftAlone");
    assert_eq!(recovery["runs"][0]["status"], status["effectiveStatus"], "one run, one status");
    world.run(&["run", "--resume-run", &run, "--take-over"]).expect_code(0);
    assert_eq!(world.manifest(&run).outcome(), "success");
    world.assert_nothing_left();
}

#[test]
fn an_abort_that_cannot_reach_the_driver_says_so_and_is_found_later() {
    let world = World::new();
    let run = driven_elsewhere(&world);
    world.run(&["run", "abort", &run]).expect_code(4).expect_stderr("has not ended").expect_stderr("recover");
    assert_eq!(world.manifest(&run).phase(), "active");
    world.ok(&["recover", &run, "--take-over"]);
    assert_eq!(world.manifest(&run).outcome(), "aborted", "the request was on record");
    world.assert_nothing_left();
}

#[test]
fn a_command_that_waits_for_its_input_can_be_ended() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let words = world.path("words");
    mknodat(CWD, &words, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let front = world.fake(&["--message-file", words.to_str().unwrap()]).spawn();
    // Opening waits until the command reads.
    let _writer = OpenOptions::new().write(true).open(&words).unwrap();
    front.signal(Signal::TERM);
    assert_eq!(front.wait().signal, Some(Signal::TERM.as_raw()));
    assert!(world.runs().is_empty(), "there is no run to speak of");
}

#[test]
fn a_signal_the_caller_ignores_stays_ignored() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    let shield = ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"];
    let front = world.fake(&[]).through(&shield).spawn();
    let run = ready.line();
    for signal in [Signal::HUP, Signal::INT] {
        front.signal(signal);
    }
    go.release();
    front.wait().expect_code(0);
    assert_eq!(world.manifest(&run).outcome(), "success");
    world.assert_nothing_left();
}

#[test]
fn a_request_id_means_one_thing() {
    let world = World::new();
    world.work(&["one", "two"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let append = |task: &str, text: &str| {
        world.run(&["task", "append-notes", &run, task, "--text", text, "--request-id", "r"])
    };
    append("one", "a").expect_code(0);
    append("one", "a").expect_code(0);
    append("two", "a").expect_code(3).expect_stderr("used for something else");
    let tasks = world.ok(&["task", "list", &run, "--output-format", "json"]).json();
    assert_eq!((&tasks["tasks"][0]["notes"], &tasks["tasks"][1]["notes"]), (&json!("a"), &json!("")));

    let add = || {
        let args = ["task", "add", &run, "--title", "More", "--request-id", "x", "--output-format", "json"];
        world.run(&args)
    };
    let id = add().expect_code(0).json()["task"]["id"].as_str().unwrap().to_owned();
    assert_eq!(add().expect_code(0).json()["task"]["id"], id.as_str());
    world.ok(&["task", "delete", &run, &id]);
    add().expect_code(3).expect_stderr("has been deleted since");
}
