//! Hooks over a run's life: prepared once, taken back by a reset, and what passive runs have of them.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{Language, parrot};

/// How often each phase had its turn: prepare, beforeAttempt, afterExit.
fn turns(world: &World) -> [usize; 3] {
    ["prepare", "beforeAttempt", "afterExit"].map(|phase| world.told(phase).len())
}

fn scene() -> World {
    let world = World::new();
    world.parrot(Language::Shell);
    let found = json!({"vars": {"slug": "found"}, "state": {"by": "prepare"}, "run": {"timeoutSec": 77},
        "patchTasks": [{"taskId": "two", "status": "completed", "notesReplace": "done before"}]});
    world.says("prepare", &json!({"action": "continue", "mutate": found}));
    world.says(
        "beforeAttempt",
        &json!({"action": "continue", "mutate": {
        "state": {"by": "beforeAttempt"}, "run": {"timeoutSec": 99}}}),
    );
    world.assigned(json!({
        "vars": {"slug": {"type": "string", "required": true, "requiredAt": "prepare"}},
        "hooks": {
            "prepare": [parrot("prepare")],
            "beforeAttempt": [parrot("beforeAttempt")],
            "afterExit": [parrot("afterExit")],
        },
        "tasks": [{"id": "one", "title": "Do one", "body": "On {{slug}}"}, {"id": "two", "title": "Do two"}],
    }));
    world.agent("fake", "complete one");
    world
}

fn remembered(manifest: &Value) -> (&Value, &Value) {
    (&manifest["state"]["hookState"]["by"], &manifest["spec"]["timeoutSec"])
}

#[test]
fn a_run_is_prepared_once_and_reset_to_what_that_found() {
    let world = scene();
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    let first = world.manifest(&run);
    assert_eq!((first.phase(), turns(&world)), ("initialized", [1, 0, 0]));
    assert_eq!(remembered(&first), (&json!("prepare"), &json!(77)));
    assert_eq!((first.tasks().as_str(), first.notes("two")), ("one=pending two=completed", "done before"));
    world.ok(&["task", "show", &run, "one"]).expect_stdout("On found");
    assert_eq!(world.events_of(&run, "run.prepared").len(), 1);
    world.assert_nothing_left();

    world.ok(&["run", "ready", &run]);
    world.ok(&["run", "--resume-run", &run]);
    let worked = world.manifest(&run);
    assert_eq!((worked.outcome(), turns(&world)), ("success", [1, 1, 1]));
    assert_eq!(remembered(&worked), (&json!("beforeAttempt"), &json!(99)));
    world.ok(&["run", "--resume-run", &run, "And", "again"]);
    assert_eq!(turns(&world), [1, 2, 2], "going on is not beginning");

    world.ok(&["run", "reset", &run]);
    let reset = world.manifest(&run);
    assert_eq!(remembered(&reset), (&json!("prepare"), &json!(77)));
    assert_eq!((reset.tasks().as_str(), reset.notes("two")), ("one=pending two=completed", "done before"));
    assert_eq!(reset["spec"], first["spec"]);
    world.ok(&["run", "ready", &run]);
    world.ok(&["run", "--resume-run", &run]);
    assert_eq!(turns(&world), [1, 3, 3]);
    world.assert_nothing_left();
}

#[test]
fn a_run_that_starts_at_once_is_prepared_by_the_driver_that_works_it() {
    let world = scene();
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(turns(&world), [1, 1, 1]);
    assert_eq!(world.events_of(&run, "run.driver_started").len(), 1);
    assert_eq!(world.manifest(&run)["state"]["finalTasks"]["one"]["body"], "On found");
    world.ok(&["run", "--resume-run", &run, "Again"]);
    assert_eq!(turns(&world), [1, 2, 2]);
    world.assert_nothing_left();
}

#[test]
fn a_run_that_is_made_anew_is_prepared_anew() {
    let world = scene();
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    world.ok(&["init", "--agent", "fake", "--assignment", "work", "--run-id", &run]);
    let again = world.manifest(&run);
    assert_eq!((again.phase(), turns(&world)), ("initialized", [2, 0, 0]));
    assert_eq!(remembered(&again), (&json!("prepare"), &json!(77)));
    world.assert_nothing_left();
}

#[test]
fn a_run_that_still_lacks_what_its_hooks_were_to_find_does_not_start() {
    let world = scene();
    world.says("prepare", &json!({"action": "continue"}));
    let run = world.fake(&[]).run().expect_code(4).run_id();
    let detail = world.manifest(&run)["state"]["phase"]["outcome"]["failure"]["detail"].clone();
    assert!(detail.as_str().unwrap().contains("`slug` still has no value"), "{detail}");
    // Once the hook is mended, the same run goes on.
    world.says("prepare", &json!({"action": "continue", "mutate": {"vars": {"slug": "late"}}}));
    world.agent("fake", "complete one two");
    world.ok(&["run", "--resume-run", &run]);
    assert_eq!(world.manifest(&run).outcome(), "success");
    assert_eq!(world.manifest(&run)["spec"]["runtimeVars"]["slug"]["value"], "late");
    world.assert_nothing_left();
}

#[test]
fn passive_runs_are_prepared_and_guarded_but_have_no_attempts() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.says("prepare", &json!({"action": "continue", "mutate": {"note": "prepared", "state": {"n": 1}}}));
    world.says("guard", &json!({"accept": false, "reason": "NOT YET"}));
    let mut guard = parrot("guard");
    guard["when"] = json!({"toStatus": "completed", "taskId": "one"});
    let idle = ["beforeAttempt", "afterAttempt", "afterExit"];
    let mut hooks = json!({"prepare": [parrot("prepare")], "taskTransition": [guard, parrot("seen")]});
    for phase in idle {
        hooks[phase] = json!([parrot(phase)]);
    }
    world.hooked(hooks, &["one", "two"]);
    for word in ["init", "run"] {
        let args = [word, "--backend", "passive", "--assignment", "work", "--output-format", "json"];
        let run = world.ok(&args).run_id();
        let manifest = world.manifest(&run);
        assert_eq!(
            (manifest.phase(), &manifest["state"]["note"]),
            ("initialized", &json!("prepared")),
            "{word}"
        );
        let set = |task: &str| world.run(&["task", "set", &run, task, "--status", "completed"]);
        set("one").expect_code(3).expect_stderr("NOT YET");
        set("two").expect_code(0);
        assert_eq!(world.manifest(&run).tasks(), "one=pending two=completed");
        world.says("guard", &json!({"accept": true}));
        set("one").expect_code(0);
        assert_eq!(world.manifest(&run).outcome(), "success");
        world.says("guard", &json!({"accept": false, "reason": "NOT YET"}));
    }
    assert_eq!(world.told("seen").len(), 4);
    for phase in idle {
        assert!(world.told(phase).is_empty(), "{phase}");
    }
    world.assert_nothing_left();
}

#[test]
fn a_passive_run_that_is_prepared_can_be_worked_and_ends_after_that() {
    let world = World::new();
    let (here, go) = (world.fifo("here"), world.fifo("go"));
    let note = json!({"action": "continue", "mutate": {"note": "prepared"}});
    world.hook(
        "slow",
        &format!("cat > \"$W/ignored\"; echo here > \"$W/here\"; read line < \"$W/go\"; echo '{note}'"),
    );
    world.hooked(json!({"prepare": [{"name": "slow"}]}), &["one"]);
    let front = world.command(&["init", "--backend", "passive", "--assignment", "work"]).spawn();
    assert_eq!(here.line(), "here");
    let run = world.only_run();
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    assert_eq!(world.manifest(&run).phase(), "active");
    go.release();
    front.wait();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), &manifest["state"]["note"]), ("success", &json!("prepared")));
    world.assert_nothing_left();
}
