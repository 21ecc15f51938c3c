//! Parents are told when detached runs that they started have ended: once, and not before it is so.

use crate::harness::{Manifest as _, World};

/// A world with an agent `inner` that goes on when it is told to.
fn world() -> World {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "echo $RUN > \"$W/ready\"\nread x < \"$W/go\"\ncomplete one");
    world
}

/// An outer agent that starts `inner` in its first attempt.
fn outer(world: &World, flags: &str, then: &str) {
    let script = format!(
        "if [ $FENCE = 1 ]; then\n\
         \"$AGENT_RUNNER_CMD\" run --agent inner --assignment work --detach {flags} > \"$W/started\" || exit 90\n\
         {then}\nfi\ncomplete one"
    );
    world.agent("fake", &script);
}

fn sessions(world: &World, run: &str) -> Vec<String> {
    let manifest = world.manifest(run);
    let sessions = manifest["state"]["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["cause"]["kind"].as_str().unwrap().to_owned()).collect()
}

fn told(world: &World, run: &str) -> usize {
    world.events_of(run, "run.child_ended").len()
}

fn wait_delivered(world: &World, child: &str) {
    world.wait_manifest(child, "whose parent was told", |manifest| {
        manifest["state"]["parentNotice"]["delivered"] == true
    });
}

#[test]
fn a_parent_that_has_ended_goes_on_when_its_child_has_ended() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    outer(&world, "", "");
    let parent = world.fake(&[]).run().expect_code(0).run_id();
    let child = ready.line();
    assert_eq!(sessions(&world, &parent), ["first"]);
    go.release();
    wait_delivered(&world, &child);
    let manifest = world.wait_manifest(&parent, "in its second session, ended", |manifest| {
        manifest.phase() == "ended" && manifest["state"]["sessions"].as_array().unwrap().len() == 2
    });
    assert_eq!((manifest.outcome(), manifest.prompts().as_str()), ("success", "brief message"));
    assert_eq!(sessions(&world, &parent), ["first", "queued"]);
    let words = format!("Run {child}, which you started, has ended: success, 1 of 1 tasks completed.");
    assert!(world.read("prompt-2").contains(&words), "{}", world.read("prompt-2"));
    assert_eq!((told(&world, &parent), world.events_of(&child, "run.parent_notified").len()), (1, 1));
    // Nobody tells it again.
    world.ok(&["recover"]).expect_stdout("Nothing to recover.");
    assert_eq!(told(&world, &parent), 1);
    world.assert_nothing_left();
}

#[test]
fn a_parent_at_work_hears_of_it_before_it_ends() {
    let world = world();
    let (ready, go, hold) = (world.fifo("ready"), world.fifo("go"), world.fifo("hold"));
    outer(&world, "", "read x < \"$W/hold\"");
    let parent = world.fake(&[]).spawn();
    let child = ready.line();
    go.release();
    wait_delivered(&world, &child);
    hold.release();
    let parent = parent.wait().expect_code(0).run_id();
    assert_eq!(sessions(&world, &parent), ["first", "queued"]);
    assert_eq!(world.events_of(&parent, "run.finished").len(), 1, "it did not end in between");
    assert_eq!(world.events_of(&parent, "run.driver_started").len(), 1);
    assert!(world.read("prompt-2").contains(&format!("Run {child}, which you started")));
    world.assert_nothing_left();
}

#[test]
fn a_parent_that_is_not_to_be_told_is_not() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    outer(&world, "--no-notify-parent-on-complete", "");
    let parent = world.fake(&[]).run().expect_code(0).run_id();
    let child = ready.line();
    go.release();
    world.wait_ended(&child);
    world.assert_nothing_left();
    assert_eq!((told(&world, &parent), sessions(&world, &parent).len()), (0, 1));
    assert_eq!(world.manifest(&child)["state"]["parentNotice"], serde_json::Value::Null);
    world
        .run(&["run", "--agent", "inner", "--no-notify-parent-on-complete"])
        .expect_code(3)
        .expect_stderr("--detach");
}

#[test]
fn an_aborted_parent_stays_aborted_and_keeps_the_words() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    let _hold = world.fifo("hold");
    outer(&world, "", "read x < \"$W/hold\"");
    let running = world.fake(&[]).spawn();
    let child = ready.line();
    let parent = world.status(&child)["parentRunId"].as_str().unwrap().to_owned();
    world.ok(&["run", "abort", &parent]);
    running.wait().expect_code(130);
    go.release();
    wait_delivered(&world, &child);
    let detail = world.status(&parent);
    assert_eq!(detail["status"], "aborted");
    assert_eq!(detail["queuedResumeMessages"][0]["fromRunId"], child.as_str());
    world.ok(&["run", "--resume-run", &parent, "go on"]);
    let manifest = world.manifest(&parent);
    assert_eq!(manifest["state"]["queuedResumeMessages"], serde_json::Value::Array(Vec::new()));
    assert_eq!(sessions(&world, &parent), ["first", "continue", "queued"]);
    world.assert_nothing_left();
}

#[test]
fn a_passive_parent_only_knows() {
    let world = world();
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    let parent = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["run", "--agent", "inner", "--assignment", "work", "--detach", "--parent-run", &parent]);
    let child = ready.line();
    go.release();
    wait_delivered(&world, &child);
    assert_eq!(told(&world, &parent), 1);
    assert_eq!(world.status(&parent)["queuedResumeMessages"], serde_json::Value::Array(Vec::new()));
    world.assert_nothing_left();
}

#[test]
fn who_aborts_an_interrupted_child_tells_its_parent() {
    let world = world();
    let ready = world.fifo("ready");
    let _go = world.fifo("go");
    outer(&world, "", "");
    let parent = world.fake(&[]).run().expect_code(0).run_id();
    let child = ready.line();
    world.signal(world.driver_pid(&child), rustix::process::Signal::KILL);
    world.ok(&["run", "abort", &child]);
    world.wait_manifest(&parent, "in its second session, ended", |manifest| {
        manifest.phase() == "ended" && manifest["state"]["sessions"].as_array().unwrap().len() == 2
    });
    assert!(world.read("prompt-2").contains("has ended: aborted, 0 of 1 tasks completed"));
    world.assert_nothing_left();
}

#[test]
fn whoever_starts_a_run_decides_whether_its_parent_is_told() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let parent = world.fake(&[]).run().expect_code(0).run_id();
    let child = world.init_ready(&["--agent", "fake", "--assignment", "work", "--parent-run", &parent]);
    let resume = |more: &[&str]| {
        world.ok(&["task", "set", &parent, "one", "--status", "completed"]);
        world.ok(&[&["run", "--resume-run", &child], more].concat());
        world.wait_ended(&child);
        world.assert_nothing_left();
        told(&world, &parent)
    };
    assert_eq!(resume(&[]), 0, "who waits for it sees its end");
    assert_eq!(resume(&["Once more.", "--detach"]), 1);
    assert_eq!(resume(&["Once more.", "--detach", "--no-notify-parent-on-complete"]), 1);
    assert_eq!(resume(&["Once more."]), 1);
    assert_eq!(sessions(&world, &parent), ["first", "queued"]);
    // One that is ready is started in the background by `run --resume-run` too.
    world.ok(&["run", "reset", &child]);
    world.ok(&["run", "ready", &child]);
    assert_eq!(resume(&["--detach"]), 2);
}
