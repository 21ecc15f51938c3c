//! `run wait` and `run tree`: runs that somebody else started.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::World;

/// Agents that end in each way, without retries.
fn endings(world: &World) {
    world.work(&["one"]);
    world.agent("good", "complete one");
    world.agent("stuck", "set_task one --status blocked");
    world.agent("lazy", "exit 0");
    world.agent_argv("broken", &["/nowhere/at-all"]);
}

fn detached(world: &World, agent: &str) -> String {
    let args = ["run", "--agent", agent, "--assignment", "work", "--max-retries", "0", "--detach"];
    world.command(&args).arg("--output-format").arg("json").run().expect_code(0).run_id()
}

fn status_of<'a>(waited: &'a Value, run: &str) -> &'a Value {
    waited["runs"].as_array().unwrap().iter().find(|entry| entry["runId"] == *run).unwrap()
}

#[test]
fn the_worst_outcome_is_the_code() {
    let world = World::new();
    endings(&world);
    let runs: Vec<(&str, String)> =
        ["good", "stuck", "lazy", "broken"].map(|agent| (agent, detached(&world, agent))).into();
    let run = |agent: &str| runs.iter().find(|(name, _)| *name == agent).unwrap().1.as_str();
    for (agents, code) in [
        (&["good"][..], 0),
        (&["good", "good"], 0),
        (&["good", "lazy"], 1),
        (&["lazy", "stuck", "good"], 2),
        (&["good", "stuck", "lazy", "broken"], 4),
    ] {
        let mut args = vec!["run", "wait", "--output-format", "json"];
        args.extend(agents.iter().map(|agent| run(agent)));
        let waited = world.run(&args).expect_code(code).json();
        assert_eq!((&waited["exitCode"], &waited["timedOut"]), (&json!(code), &json!(false)));
        assert!(waited["runs"].as_array().unwrap().iter().all(|run| run["over"] == true));
    }
    let text = world.run(&["run", "wait", run("stuck"), run("good")]).expect_code(2);
    text.expect_stdout(&format!("Run {}: blocked (0 of 1 tasks completed)", run("stuck")));
    world.run(&["run", "wait", run("good"), "nobody"]).expect_code(3).expect_stderr("nobody");
    world.run(&["run", "wait"]).expect_code(3);
    world.assert_nothing_left();
}

#[test]
fn it_waits_for_runs_that_go_on_and_for_those_that_were_not_started() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("good", "echo $RUN > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let slow = detached(&world, "good");
    assert_eq!(ready.line(), slow);
    let later = world.init(&["--agent", "good", "--assignment", "work"]);
    let passive = world.init(&["--backend", "passive", "--assignment", "work"]);
    let all = world.command(&["run", "wait", &slow, &later, &passive]).spawn();
    let any = world.command(&["run", "wait", "--any", "--output-format", "json", &later, &slow]).spawn();
    let late = world.run(&["run", "wait", "--timeout-sec", "0", "--output-format", "json", &slow]);
    let late = late.expect_code(124).json();
    assert_eq!((&late["timedOut"], &late["runs"][0]["over"]), (&json!(true), &json!(false)));
    world.run(&["run", "wait", "--timeout-sec", "0", &slow]).expect_code(124).expect_stderr(&slow);
    go.release();
    let any = any.wait().expect_code(0).json();
    assert_eq!(
        (&status_of(&any, &slow)["over"], &status_of(&any, &later)["over"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(status_of(&any, &later)["exitCode"], Value::Null);
    all.wait_for_stdout(&format!("Run {slow}: success"));
    world.ok(&["run", "ready", &later]);
    let front = world.command(&["run", "--resume-run", &later]).spawn();
    assert_eq!(ready.line(), later);
    go.release();
    front.wait().expect_code(0);
    all.wait_for_stdout(&format!("Run {later}: success"));
    world.ok(&["task", "set", &passive, "one", "--status", "completed"]);
    let all = all.wait().expect_code(0);
    let all = all.expect_stderr(&format!("run {later} is initialized: waiting until somebody starts it"));
    all.expect_stderr(&format!("run {passive} is passive")).expect_stdout(&format!("Run {passive}: success"));
    world.assert_nothing_left();
}

#[test]
fn a_run_whose_driver_is_gone_is_not_waited_for_forever() {
    let world = World::new();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world.agent("good", "[ $FENCE = 1 ] && { echo $RUN > \"$W/ready\"; exec sleep 600; }; complete one");
    let run = detached(&world, "good");
    assert_eq!(ready.line(), run);
    let wait = world.command(&["run", "wait", &run]).spawn();
    let (driver, worker) = (world.driver_pid(&run), world.worker_pid(&run));
    world.signal(driver, Signal::KILL);
    let ended = wait.wait().expect_code(4);
    ended.expect_stdout(&format!("Run {run}: interrupted")).expect_stdout("run --resume-run");
    let _ = worker;
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    world.ok(&["run", "wait", &run]);
    world.assert_nothing_left();
}

#[test]
fn a_run_that_is_deleted_is_not_waited_for() {
    let world = World::new();
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let wait = world.command(&["run", "wait", &run]).timeout(Duration::from_secs(20)).spawn();
    world.ok(&["run", "archive", &run]);
    world.ok(&["run", "delete", &run]);
    wait.wait().expect_code(3).expect_stderr(&run);
}

#[test]
fn a_run_that_is_gone_is_no_reason_to_let_go_of_others() {
    let world = World::new();
    endings(&world);
    let run = || world.init(&["--backend", "passive", "--assignment", "work"]);
    let complete = |run: &str| world.ok(&["task", "set", run, "one", "--status", "completed"]);
    let delete = |run: &str| {
        world.ok(&["run", "archive", run]);
        world.ok(&["run", "delete", run]);
    };
    // It was gone before, and it goes meanwhile.
    for before in [true, false] {
        let (live, gone) = (run(), run());
        if before {
            delete(&gone);
        }
        let json = world.command(&["run", "wait", &live, &gone, "--output-format", "json"]).spawn();
        let text = world.command(&["run", "wait", &gone, &live]).spawn();
        let any = world.command(&["run", "wait", "--any", &gone, &live]).spawn();
        let late = ["run", "wait", "--timeout-sec", "0", "--output-format", "json", &live, &gone];
        let late = world.run(&late).expect_code(124).json();
        assert_eq!((&late["runs"][0]["over"], &late["runs"][0]["exitCode"]), (&json!(false), &Value::Null));
        if !before {
            delete(&gone);
        }
        text.wait_for_stdout(&format!("Run {gone}: not found"));
        complete(&live);
        let waited = json.wait().expect_code(3).expect_stderr("error: ").json();
        assert_eq!((&waited["exitCode"], &waited["timedOut"]), (&json!(3), &json!(false)));
        let (first, second) = (&waited["runs"][0], &waited["runs"][1]);
        assert_eq!(
            (&first["runId"], &first["over"], &first["exitCode"]),
            (&json!(live), &json!(true), &json!(0))
        );
        assert_eq!((&second["runId"], &second["over"]), (&json!(gone), &json!(false)));
        assert_eq!((&second["exitCode"], &second["error"]["code"]), (&json!(3), &json!("not_found")));
        let text = text.wait().expect_code(3).expect_stderr(&gone);
        text.expect_stdout(&format!("Run {live}: success"));
        // One that has ended is what was waited for.
        any.wait().expect_code(0).expect_stdout(&format!("Run {live}: success"));
    }
    let gone = run();
    delete(&gone);
    world.run(&["run", "wait", "--any", &gone]).expect_code(3).expect_stdout("not found");
    // A run that failed is worse than one that is gone, everything else is not.
    let (broken, stuck) = (detached(&world, "broken"), detached(&world, "stuck"));
    world.run(&["run", "wait", &gone, &broken]).expect_code(4);
    world.run(&["run", "wait", &gone, &stuck]).expect_code(3);
    // What cannot be a run is a mistake, and is said before anything is waited for.
    let live = run();
    world.run(&["run", "wait", &live, "not/a/run"]).expect_code(3).expect_stderr("not/a/run");
    world.assert_nothing_left();
}

#[test]
fn any_of_them_may_be_one_whose_driver_is_gone() {
    let world = World::new();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world.agent("good", "[ $FENCE = 1 ] && { echo $RUN > \"$W/ready\"; exec sleep 600; }; complete one");
    let run = detached(&world, "good");
    assert_eq!(ready.line(), run);
    let other = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.signal(world.driver_pid(&run), Signal::KILL);
    let waited = world.run(&["run", "wait", "--any", "--output-format", "json", &other, &run]);
    let waited = waited.expect_code(4).json();
    assert_eq!(status_of(&waited, &run)["effectiveStatus"], json!("interrupted"));
    assert_eq!(status_of(&waited, &other)["over"], json!(false));
    world.ok(&["run", "abort", &run]);
    world.run(&["run", "wait", "--any", &other, &run]).expect_code(130);
    world.assert_nothing_left();
}

#[test]
fn nobody_can_start_what_is_put_away() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("good", "complete one");
    let run = world.init(&["--agent", "good", "--assignment", "work"]);
    world.ok(&["run", "archive", &run]);
    let late = world.run(&["run", "wait", &run, "--timeout-sec", "0"]).expect_code(124);
    let late = late.expect_stderr(&format!("`agent-runner run unarchive {run}` takes it back out"));
    assert!(!late.stderr.contains("until somebody starts it"), "{late}");
}

#[test]
fn a_tree_shows_who_started_whom() {
    let world = World::new();
    world.work(&["one"]);
    let child = |parent: &str, name: &str| {
        world.init(&["--backend", "passive", "--assignment", "work", "--parent-run", parent, "--name", name])
    };
    let root = world.init(&["--backend", "passive", "--assignment", "work", "--name", &"r".repeat(100)]);
    let middle = child(&root, "middle");
    let other = child(&root, "other");
    let (first, second) = (child(&middle, "first"), child(&middle, "second"));
    world.ok(&["task", "set", &second, "one", "--status", "completed"]);
    let tree = world.ok(&["run", "tree", &middle, "--output-format", "json"]).json();
    assert_eq!((&tree["runId"], &tree["root"]["runId"]), (&json!(middle), &json!(root)));
    assert_eq!(tree["root"]["children"].as_array().unwrap().len(), 1, "parents up, children below: {tree}");
    let node = &tree["root"]["children"][0];
    let below: Vec<&Value> = node["children"].as_array().unwrap().iter().map(|node| &node["runId"]).collect();
    assert_eq!((&node["runId"], below), (&json!(middle), vec![&json!(first), &json!(second)]));
    let node = &node["children"][1];
    assert_eq!((&node["effectiveStatus"], &node["tasksCompleted"]), (&json!("success"), &json!(1)));
    let whole = world.ok(&["run", "tree", &root, "--output-format", "json"]).json();
    assert_eq!(whole["root"]["children"].as_array().unwrap().len(), 2);
    assert_eq!(whole["root"]["children"][1]["runId"], json!(other));
    let text = world.ok(&["run", "tree", &first]);
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 40), "{}", text.stdout);
    text.expect_stdout(&format!("- {root} initialized 0/1\n"))
        .expect_stdout(&format!("\n  - {middle} initialized 0/1\n"))
        .expect_stdout(&format!("\n    > {first} initialized 0/1\n"));
    // Somebody in the middle is gone: what is left is shown.
    world.ok(&["run", "archive", &root]);
    world.ok(&["run", "tree", &middle]).expect_stdout("(archived)");
    world.ok(&["run", "delete", &root]);
    let tree = world.ok(&["run", "tree", &first, "--output-format", "json"]).json();
    assert_eq!((&tree["missingParentRunId"], &tree["root"]["runId"]), (&json!(root), &json!(middle)));
    world.run(&["run", "tree", "nobody"]).expect_code(3).expect_stderr("nobody");
}
