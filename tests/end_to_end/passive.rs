//! Passive runs: people and tools do the work, the program keeps the list.

use crate::harness::{Manifest as _, World};

fn init(world: &World) -> String {
    world.init(&["--backend", "passive", "--assignment", "test"])
}

fn set(world: &World, run: &str, task: &str, status: &str) {
    let args = ["task", "set", run, task, "--status", status];
    let set = world.command(&args).cwd(world.root()).run();
    set.expect_code(0).expect_stdout(&format!("updated {task} (status={status})"));
}

#[test]
fn the_status_of_a_passive_run_follows_its_tasks() {
    let world = World::new();
    let run = init(&world);
    let status = |expected: &str, code: Option<u64>| {
        let status = world.status(&run);
        assert_eq!(status["status"], expected);
        assert_eq!(status["effectiveStatus"], expected);
        assert_eq!(status["exitCode"].as_u64(), code, "{status}");
    };
    status("initialized", None);
    set(&world, &run, "date", "completed");
    status("initialized", None);
    set(&world, &run, "pwd", "completed");
    status("success", Some(0));
    assert_eq!(world.manifest(&run).outcome(), "success");
    set(&world, &run, "pwd", "pending");
    status("initialized", None);
    assert_eq!(world.manifest(&run).phase(), "initialized");
    set(&world, &run, "pwd", "blocked");
    status("blocked", Some(2));
    set(&world, &run, "pwd", "completed");
    status("success", Some(0));

    let kinds: Vec<String> =
        world.events(&run).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "run.finished").count(), 3, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "run.reopened").count(), 1, "{kinds:?}");
    let audit = world.ok(&["run", "audit", &run]);
    let audit =
        audit.expect_stdout("task pwd: blocked -> completed").expect_stdout("opened again: a task is open");
    assert_eq!(audit.stdout.lines().count(), kinds.len());
    let newest = world.ok(&["run", "audit", &run, "--limit", "1", "--output-format", "json"]).json();
    assert_eq!(newest["events"].as_array().unwrap().len(), 1);
    assert_eq!(newest["events"][0]["type"], "run.finished");
    world.assert_nothing_left();
}

#[test]
fn a_passive_run_has_a_brief_that_says_how_to_report() {
    let world = World::new();
    let run = init(&world);
    let brief = world.ok(&["run", "brief", &run]);
    brief.expect_stdout(&format!("agent-runner task set {run} <task-id> --status completed"));
    let shown = world.ok(&["init", "--backend", "passive", "--assignment", "test"]);
    shown.expect_stdout("backend passive").expect_stdout("Next: agent-runner run brief");
}

#[test]
fn run_stops_after_creating_a_passive_run_and_it_cannot_be_resumed() {
    let world = World::new();
    let run = world
        .ok(&["run", "--backend", "passive", "--assignment", "test", "--output-format", "json"])
        .run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), manifest.ends().as_str()), ("initialized", ""));
    for args in [
        vec!["run", "ready", &run],
        vec!["run", "--resume-run", &run],
        vec!["run", "--resume-run", &run, "on"],
    ] {
        world.run(&args).expect_code(3).expect_stderr("a passive run is driven through the task commands");
    }
    world.run(&["run", "abort", &run]).expect_code(3);
    assert_eq!(world.manifest(&run), manifest);
    world.assert_nothing_left();
}

#[test]
fn the_list_of_a_passive_run_can_be_edited() {
    let world = World::new();
    let run = init(&world);
    let added = world.ok(&[
        "task",
        "add",
        &run,
        "--title",
        "-o is a title too",
        "--body",
        "-",
        "--output-format",
        "json",
    ]);
    let id = added.json()["task"]["id"].as_str().unwrap().to_owned();
    world.ok(&["task", "edit", &run, &id, "--title", "Better"]).expect_stdout("edited");
    world.command(&["task", "set", &run, &id, "--notes", "-"]).stdin("two\nlines\n").run().expect_code(0);
    world.ok(&["task", "append-notes", &run, &id, "--text", "and a third"]);
    let task = world.ok(&["task", "show", &run, &id, "--output-format", "json"]).json();
    assert_eq!((&task["task"]["title"], &task["task"]["status"]), (&"Better".into(), &"pending".into()));
    assert_eq!(world.manifest(&run).notes(&id), "two\nlines\nand a third");
    let list = world.ok(&["task", "list", &run]);
    list.expect_stdout("Better").expect_stdout("0 of 3 tasks completed");
    world.ok(&["task", "delete", &run, &id]);
    set(&world, &run, "date", "completed");
    world.run(&["task", "delete", &run, "date"]).expect_code(3).expect_stderr("error: ");
    world.run(&["task", "edit", &run, "date", "--title", "x"]).expect_code(3).expect_stderr("error: ");
    assert_eq!(world.manifest(&run).tasks(), "date=completed pwd=pending");
}
