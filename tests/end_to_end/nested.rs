//! Runs started by the worker of another run.

use crate::harness::{Manifest as _, World};

/// A world with an agent `inner` that says which run it works on and goes on when it is told to.
fn world() -> World {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    world
}

#[test]
fn a_detached_run_started_by_a_worker_outlives_its_attempt() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent(
        "fake",
        // Told of the inner run's end, it goes on once more; and does not start another one then.
        r#"[ -e "$W/started" ] || "$AGENT_RUNNER_CMD" run --agent inner --assignment work --detach > "$W/started" || exit 90
           complete one"#,
    );
    let outer = world.fake(&[]).spawn();
    let inner = ready.line();
    let outer = outer.wait().expect_code(0).run_id();
    assert_eq!(world.manifest(&outer).attempt(0)["leftovers"], 0, "a run is nothing that was left behind");
    let status = world.status(&inner);
    assert_eq!(status["effectiveStatus"], "running");
    assert_eq!(
        (&status["parentRunId"], &status["runGroupId"]),
        (&outer.as_str().into(), &outer.as_str().into())
    );
    go.release();
    let manifest = world.wait_ended(&inner);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    let group = world.ok(&["list", "runs", "--group-id", &outer, "--output-format", "json"]).json();
    assert_eq!(group["runs"].as_array().unwrap().len(), 2);
    world.assert_nothing_left();
}

#[test]
fn a_run_that_a_worker_waits_for_ends_with_it() {
    let world = world();
    let (ready, _go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", r#"exec "$AGENT_RUNNER_CMD" run --agent inner --assignment work"#);
    let outer = world.fake(&[]).spawn();
    let inner = ready.line();
    let parent = world.status(&inner)["parentRunId"].as_str().unwrap().to_owned();
    world.ok(&["run", "abort", &parent]);
    outer.wait().expect_code(130);
    world.wait_ended(&inner);
    assert_eq!((world.manifest(&parent).outcome(), world.manifest(&inner).outcome()), ("aborted", "aborted"));
    world.assert_nothing_left();
}

#[test]
fn a_worker_reports_for_its_own_run_as_a_worker_and_for_others_as_a_person() {
    let world = World::new();
    world.work(&["one"]);
    let other = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.agent(
        "fake",
        &format!("complete one; \"$AGENT_RUNNER_CMD\" task set {other} one --status completed"),
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.events_of(&run, "task.updated")[0]["fence"], 1);
    assert_eq!(world.manifest(&other).outcome(), "success");
    assert_eq!(world.events_of(&other, "task.updated")[0]["fence"], serde_json::Value::Null);
    world.assert_nothing_left();
}

/// A planner has an implementer, who has a reviewer. Each sees its own through: it goes on with it when it broke off.
const PLANNER: &str = r#"
"$AGENT_RUNNER_CMD" run --agent implementer --assignment work && code=0 || code=$?
while [ $code != 0 ]; do
  "$AGENT_RUNNER_CMD" run --resume-run "$(cat "$W/implementer")" && code=0 || code=$?
done
complete one"#;
const IMPLEMENTER: &str = r#"
echo $RUN > "$W/implementer"
if [ -e "$W/reviewer" ]; then
  # The review that was broken off may still be ending.
  until "$AGENT_RUNNER_CMD" run --resume-run "$(cat "$W/reviewer")" "Go on."; do [ $? = 3 ] || exit 91; done
else
  "$AGENT_RUNNER_CMD" run --agent reviewer --assignment work || exit 92
fi
complete one"#;
const REVIEWER: &str = r#"
echo $RUN > "$W/reviewer"
echo $RUN > "$W/ready"
read x < "$W/go"
complete one"#;

#[test]
fn a_tree_of_runs_whose_middle_is_killed_becomes_whole_again() {
    let world = World::new();
    world.work(&["one"]);
    for (name, script) in [("planner", PLANNER), ("implementer", IMPLEMENTER), ("reviewer", REVIEWER)] {
        world.agent(name, script);
    }
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    let outer = world
        .command(&["run", "--agent", "planner", "--assignment", "work", "--output-format", "json"])
        .env("AGENT_RUNNER_STOP_GRACE_SEC", "1")
        .spawn();
    let reviewer = ready.line();
    let implementer = world.read("implementer").trim().to_owned();
    let planner = world.status(&implementer)["parentRunId"].as_str().unwrap().to_owned();
    let (driver, worker) = (world.driver_pid(&implementer), world.wait_worker(&implementer, 0));
    world.signal(driver, rustix::process::Signal::KILL);
    world.signal(worker, rustix::process::Signal::KILL);

    assert_eq!(ready.line(), reviewer, "the same review is gone on with");
    assert_eq!(world.status(&planner)["effectiveStatus"], "running");
    go.release();
    let code = outer.wait().expect_code(0);
    assert_eq!(code.run_id(), planner);
    for (run, parent, depth, ends) in [
        (&planner, None, 0, "reported"),
        (&implementer, Some(&planner), 1, "interrupted reported"),
        (&reviewer, Some(&implementer), 2, "aborted reported"),
    ] {
        let manifest = world.manifest(run);
        assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", ends), "{run}");
        assert_eq!(manifest["spec"]["parentRunId"].as_str(), parent.map(String::as_str), "{run}");
        assert_eq!(
            (&manifest["spec"]["callDepth"], &manifest["state"]["runGroupId"]),
            (&depth.into(), &planner.as_str().into())
        );
    }
    let tree = world.ok(&["run", "tree", &reviewer, "--output-format", "json"]).json();
    let mut place = &tree["root"];
    for run in [&planner, &implementer, &reviewer] {
        assert_eq!(
            (&place["runId"], &place["effectiveStatus"]),
            (&run.as_str().into(), &"success".into()),
            "{tree}"
        );
        let children = place["children"].as_array().unwrap();
        assert_eq!(children.len(), usize::from(*run != reviewer), "{tree}");
        place = &place["children"][0];
    }
    assert_eq!(world.runs().len(), 3, "nothing was made twice");
    world.assert_nothing_left();
}
