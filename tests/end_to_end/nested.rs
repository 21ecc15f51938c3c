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
        r#""$AGENT_RUNNER_CMD" run --agent inner --assignment work --detach > "$W/started" || exit 90
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
