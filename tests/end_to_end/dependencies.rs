//! Runs that wait for other runs.

use serde_json::Value;

use crate::harness::{Manifest as _, World};

fn world() -> World {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    world
}

fn passive(world: &World, more: &[&str]) -> String {
    world.init(&[&["--backend", "passive", "--assignment", "work"], more].concat())
}

fn fake(world: &World, more: &[&str]) -> String {
    world.init(&[&["--agent", "fake", "--assignment", "work"], more].concat())
}

fn complete(world: &World, run: &str) {
    world.ok(&["task", "set", run, "one", "--status", "completed"]);
}

fn state(detail: &Value) -> (u64, u64, bool) {
    let state = &detail["dependencyState"];
    (
        state["satisfied"].as_u64().unwrap(),
        state["total"].as_u64().unwrap(),
        state["ready"].as_bool().unwrap(),
    )
}

#[test]
fn dependencies_are_added_shown_and_taken_back() {
    let world = world();
    let (first, second) = (passive(&world, &["--name", "First"]), passive(&world, &["--group-id", "g"]));
    let run = fake(&world, &[]);
    assert_eq!(state(&world.status(&run)), (0, 0, true));
    world
        .ok(&["run", "add-dep", &run, "--run", &first])
        .expect_stdout("[ ] run ")
        .expect_stdout("(First): initialized");
    world.ok(&["run", "add-dep", &run, "--group", "g"]).expect_stdout("[ ] group g: 0 of 1 are success");
    world.ok(&["run", "add-dep", &run, "--group", "nobody"]).expect_stdout("it has no runs");
    complete(&world, &first);
    let detail = world.status(&run);
    assert_eq!(state(&detail), (1, 3, false));
    assert_eq!(detail["dependencies"][0]["type"], "run");
    assert_eq!(detail["dependencies"][0]["runId"], first.as_str());
    assert_eq!(detail["dependencies"][0]["effectiveStatus"], "success");
    assert_eq!(detail["dependencies"][1]["unsatisfied"], 1);
    assert_eq!(
        (&detail["dependencies"][2]["missing"], &detail["dependencies"][2]["total"]),
        (&true.into(), &0.into())
    );
    let upstream = world.status(&first);
    assert_eq!(upstream["dependents"][0]["runId"], run.as_str());
    assert_eq!(
        (&upstream["dependents"][0]["via"], &upstream["dependents"][0]["satisfied"]),
        (&"run".into(), &true.into())
    );
    assert_eq!(world.status(&second)["dependents"][0]["dependencyGroupId"], "g");
    let list = world.ok(&["list", "runs", "--output-format", "json"]).json();
    let listed =
        list["runs"].as_array().unwrap().iter().find(|listed| listed["runId"] == run.as_str()).unwrap();
    assert_eq!(state(listed), (1, 3, false));
    world
        .ok(&["run", "status", &run])
        .expect_stdout("1 of 3 dependencies are success")
        .expect_stdout("group nobody");
    world.ok(&["run", "remove-dep", &run, "--group", "nobody"]);
    assert_eq!(state(&world.status(&run)), (1, 2, false));
    world.ok(&["run", "clear-deps", &run]).expect_stdout("depends on nothing");
    let kinds = world.events_of(&run, "run.dependencies_changed");
    assert_eq!(kinds.len(), 5);
}

#[test]
fn what_cannot_be_depended_on_is_refused() {
    let world = world();
    let (a, b, c) = (passive(&world, &[]), passive(&world, &["--group-id", "g"]), passive(&world, &[]));
    let refused = |args: &[&str], words: &str| {
        world.run(&[&["run"], args].concat()).expect_code(3).expect_stderr(words);
    };
    refused(&["add-dep", &a, "--run", &a], "cannot depend on itself");
    refused(&["add-dep", &b, "--group", "g"], "own group");
    refused(&["add-dep", &a, "--run", "nobody"], "nobody");
    refused(&["add-dep", &a, "--run", &b, "--group", "g"], "cannot be used with");
    refused(&["add-dep", &a], "required");
    world.ok(&["run", "add-dep", &a, "--run", &b]);
    refused(&["add-dep", &a, "--run", &b], "has it already");
    world.ok(&["run", "add-dep", &c, "--run", &a]);
    refused(&["add-dep", &b, "--run", &c], "would wait for itself");
    refused(&["remove-dep", &b, "--run", &c], "removing the dependency is not possible");
    refused(&["clear-deps", &b], "clearing the dependencies is not possible");
    complete(&world, &a);
    refused(&["add-dep", &a, "--run", &c], "only possible while the run is initialized");
    assert_eq!(world.manifest(&b)["state"]["dependencies"], Value::Array(Vec::new()));
}

#[test]
fn two_that_make_each_other_wait_at_once_do_not_both_succeed() {
    let world = world();
    for _ in 0..5 {
        let (a, b) = (passive(&world, &[]), passive(&world, &[]));
        let first = world.command(&["run", "add-dep", &a, "--run", &b]).spawn();
        let second = world.command(&["run", "add-dep", &b, "--run", &a]).spawn();
        let codes = [first.wait().code, second.wait().code];
        assert!(codes == [Some(0), Some(3)] || codes == [Some(3), Some(0)], "{codes:?}");
    }
}

#[test]
fn a_run_is_not_started_before_what_it_depends_on_is_success() {
    let world = world();
    let upstream = passive(&world, &[]);
    let run = fake(&world, &[]);
    world.ok(&["run", "add-dep", &run, "--run", &upstream]);
    world.ok(&["run", "ready", &run]);
    let refused = world.run(&["run", "--resume-run", &run]).expect_code(3);
    let words = format!("run {run} cannot start yet: it depends on run {upstream} (initialized)");
    refused.expect_stderr(&words);
    assert_eq!(world.status(&run)["status"], "ready");
    complete(&world, &upstream);
    world.ok(&["run", "--resume-run", &run]);
    assert_eq!(world.status(&run)["status"], "success");
    world.assert_nothing_left();
}

#[test]
fn a_new_run_that_cannot_wait_for_what_it_is_to_wait_for_leaves_nothing() {
    let world = world();
    let upstream = passive(&world, &[]);
    world.ok(&["run", "add-dep", &upstream, "--group", "g"]);
    let args = ["run", "--agent", "fake", "--assignment", "work", "--group-id", "g", "--after", &upstream];
    world.run(&args).expect_code(3).expect_stderr("would wait for itself");
    let args = ["run", "--agent", "fake", "--assignment", "work", "--after", "nobody"];
    world.run(&args).expect_code(3).expect_stderr("nobody");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn a_run_that_waits_says_so_and_goes_on_by_itself() {
    let world = world();
    let upstream = passive(&world, &[]);
    let args = [
        "run",
        "--agent",
        "fake",
        "--assignment",
        "work",
        "--after",
        &upstream,
        "--detach",
        "--output-format",
        "json",
    ];
    let run = world.ok(&args).run_id();
    let waits = |manifest: &Value| manifest["state"]["phase"]["stage"]["wait"]["why"] == "dependencies";
    world.wait_manifest(&run, "a wait for another run", waits);
    world.ok(&["run", "status", &run]).expect_stdout(&format!("run {upstream} (initialized)"));
    // Its driver may die meanwhile: the wait is on record.
    let driver = world.driver_pid(&run);
    world.signal(driver, rustix::process::Signal::KILL);
    world.wait_gone(driver);
    let resumed = world.command(&["run", "--resume-run", &run, "--output-format", "json"]).spawn();
    world.wait_manifest(&run, "another driver", |manifest| {
        manifest["state"]["driver"]["pid"].as_i64() != Some(driver.into())
    });
    complete(&world, &upstream);
    assert_eq!(resumed.wait().expect_code(0).json()["status"], "success");
    world.assert_nothing_left();
}

#[test]
fn a_run_goes_on_waiting_for_one_that_ended_badly_until_that_is_resumed_and_succeeds() {
    let world = world();
    world.agent("bad", "[ -e \"$W/good\" ] || { set_task one --status blocked; exit 0; }\ncomplete one");
    let upstream = world.run(&["run", "--agent", "bad", "--assignment", "work", "--output-format", "json"]);
    let upstream = upstream.expect_code(2).run_id();
    let args = [
        "run",
        "--agent",
        "fake",
        "--assignment",
        "work",
        "--after",
        &upstream,
        "--detach",
        "--output-format",
        "json",
    ];
    let run = world.ok(&args).run_id();
    world.wait_manifest(&run, "a wait that says why", |manifest| {
        let detail = manifest["state"]["phase"]["stage"]["wait"]["detail"].as_str().unwrap_or_default();
        detail.contains("(blocked; it has to be resumed)")
    });
    world.write("good", "");
    world.ok(&["run", "--resume-run", &upstream, "now it can be done"]);
    let ended = world.wait_ended(&run);
    assert_eq!(ended["state"]["phase"]["outcome"]["name"], "success");
    world.assert_nothing_left();
}

#[test]
fn a_worker_does_not_wait_for_what_waits_for_its_own_run() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "complete one");
    world.agent(
        "fake",
        r#"after() { "$AGENT_RUNNER_CMD" run --agent inner --assignment work --after "$AGENT_RUNNER_RUN_ID" "$@"; }
           after > /dev/null 2> "$W/refused"; echo $? > "$W/code"
           after --detach --no-notify-parent-on-complete > /dev/null && complete one"#,
    );
    let parent = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.read("code"), "3\n");
    assert!(world.read("refused").contains("start it with --detach"), "{}", world.read("refused"));
    let tree = world.ok(&["run", "tree", &parent, "--output-format", "json"]).json();
    let child = tree["root"]["children"][0]["runId"].as_str().unwrap().to_owned();
    assert_eq!(world.wait_ended(&child).outcome(), "success");
    world.assert_nothing_left();
}
