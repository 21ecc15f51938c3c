//! Whoever changes tasks meets the hooks: the embedded worker, tasks that come with a resume, repeated commands, and
//! several at once.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{Language, parrot, parrot_when};

#[test]
fn the_embedded_worker_notes_what_a_hook_objects_to_and_goes_on() {
    let world = World::new();
    world.hook(
        "gate",
        r#"cat > "$W/ignored"; echo asked >> "$W/asked"
[ "$(wc -l < "$W/asked")" -gt 1 ] || echo '{"accept": false, "reason": "not at the first time"}'"#,
    );
    world.parrot(Language::Shell);
    let block = |words: &str| format!("```sh\necho {words}\n```\n");
    world.assigned(json!({
        "hooks": {"taskTransition": [
            {"name": "gate", "when": {"taskId": "one", "toStatus": "completed"}},
            parrot_when("noted", json!({"source": "task-append-notes"})),
        ]},
        "tasks": [
            {"id": "one", "title": "Do one", "body": block("first")},
            {"id": "two", "title": "Do two", "body": block("second")},
        ],
    }));
    let args = ["run", "--backend", "shell", "--assignment", "work", "--output-format", "json"];
    let run = world.ok(&args).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported reported"));
    assert!(manifest.notes("one").contains("not at the first time"), "{}", manifest.notes("one"));
    assert_eq!(manifest.notes("one").matches("Block 1 of 1").count(), 1, "what has passed is not run again");
    // Both blocks, and the objection.
    assert_eq!(world.told("noted").len(), 3);
    world.assert_nothing_left();
}

#[test]
fn tasks_that_come_with_a_resume_are_put_before_the_hooks() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.hooked(json!({"taskTransition": [parrot_when("added", json!({"source": "task-add"}))]}), &["one"]);
    let everything = r#"for id in $("$AGENT_RUNNER_CMD" task list "$RUN" --output-format json | tr '{,' '\n\n' | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p'); do complete $id; done"#;
    world.agent("fake", everything);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    world.says("added", &json!({"accept": false, "reason": "ENOUGH"}));
    let more = ["run", "--resume-run", &run, "--add-task", "Do more"];
    world.run(&more).expect_code(3).expect_stderr("ENOUGH");
    assert_eq!(
        (world.manifest(&run).phase(), world.manifest(&run).tasks().as_str()),
        ("ended", "one=completed")
    );
    world.says("added", &json!({"accept": true}));
    world.ok(&more);
    assert_eq!(world.manifest(&run).tasks().matches("completed").count(), 2);
    world.assert_nothing_left();
}

#[test]
fn a_command_that_is_repeated_counts_once_whatever_hooks_think_of_it() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.hooked(json!({"taskTransition": [parrot("asked")]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let add = || world.run(&["task", "add", &run, "--title", "More", "--request-id", "r-1"]);
    world.says("asked", &json!({"accept": false, "reason": "NO"}));
    add().expect_code(3).expect_stderr("NO");
    world.says("asked", &json!({"accept": true}));
    add().expect_code(0);
    world.says("asked", &json!({"accept": false, "reason": "NO"}));
    // What has landed has landed.
    add().expect_code(0);
    assert_eq!(world.manifest(&run).tasks().split(' ').count(), 2);
    world.assert_nothing_left();
}

#[test]
fn changes_at_the_same_time_are_each_judged_as_the_task_is_by_then() {
    let world = World::new();
    // The first one is held until the second has landed.
    let (here, go) = (world.fifo("here"), world.fifo("go"));
    world.hook(
        "slow",
        r#"context=$(cat)
from=$(printf '%s' "$context" | sed -n 's/.*"from":{[^}]*"status":"\([a-z_]*\)".*/\1/p')
to=$(printf '%s' "$context" | sed -n 's/.*"to":{[^}]*"status":"\([a-z_]*\)".*/\1/p')
echo "$from $to" >> "$W/asked"
if [ "$from $to" = "pending completed" ]; then echo here > "$W/here"; read line < "$W/go"; fi"#,
    );
    world.hooked(json!({"taskTransition": [{"name": "slow"}]}), &["one", "two"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let first =
        world.command(&["task", "set", &run, "one", "--status", "completed", "--notes", "mine"]).spawn();
    assert_eq!(here.line(), "here");
    // Nobody waits for a hook: no lock is held.
    world.ok(&["task", "set", &run, "one", "--status", "blocked", "--notes", "theirs"]);
    world.ok(&["task", "append-notes", &run, "two", "--text", "meanwhile"]);
    go.release();
    first.wait().expect_code(0);
    assert_eq!(
        world.lines("asked"),
        ["pending completed", "pending blocked", "pending pending", "blocked completed"]
    );
    let manifest = world.manifest(&run);
    assert_eq!((manifest.tasks().as_str(), manifest.notes("one")), ("one=completed two=pending", "mine"));
    assert_eq!(manifest.notes("two"), "meanwhile");
    world.assert_nothing_left();
}

#[test]
fn what_is_changed_while_a_hook_runs_is_there_when_it_has_ended() {
    for phase in ["prepare", "beforeAttempt", "afterAttempt", "afterExit"] {
        let world = World::new();
        let (here, go) = (world.fifo("here"), world.fifo("go"));
        let patch = json!({"action": "continue", "mutate": {
            "state": {"mine": 1}, "patchTasks": [{"taskId": "two", "notesAppend": "by the hook"}]}});
        world.hook(
            "slow",
            &format!("cat > \"$W/ignored\"; echo here > \"$W/here\"; read line < \"$W/go\"; echo '{patch}'"),
        );
        world.hooked(json!({ phase: [{"name": "slow"}] }), &["one", "two"]);
        world.agent("fake", "complete one two");
        let front = world.fake(&[]).spawn();
        assert_eq!(here.line(), "here");
        let run = world.only_run();
        world.ok(&["task", "append-notes", &run, "two", "--text", "by somebody"]);
        world.ok(&["run", "set-note", &run, "a note"]);
        go.release();
        front.wait().expect_code(0);
        let manifest = world.manifest(&run);
        assert_eq!(
            (manifest.outcome(), manifest.notes("two")),
            ("success", "by somebody\nby the hook"),
            "{phase}"
        );
        assert_eq!(
            (&manifest["state"]["note"], &manifest["state"]["hookState"]["mine"]),
            (&json!("a note"), &json!(1))
        );
        world.assert_nothing_left();
    }
}

#[test]
fn a_bundled_hook_is_found_by_its_name_and_gives_way_to_ones_own() {
    let world = World::new();
    world.assigned(json!({
        "vars": {"worktree_slug": {"type": "string"}, "worktree_base_ref": {"type": "string"}},
        "hooks": {"prepare": [{"name": "derive-worktree-vars"}]},
        "tasks": [{"id": "one", "title": "Do one"}],
    }));
    let init = || {
        let vars = ["--var", "worktree_slug=fast", "--var", "worktree_base_ref=main"];
        world.init(&[&["--backend", "passive", "--assignment", "work"], &vars[..]].concat())
    };
    let first = world.manifest(&init());
    let expected = format!("{}-fast", world.repo().display());
    assert_eq!(first["spec"]["runtimeVars"]["worktree_path"]["value"], Value::from(expected));
    assert!(first["spec"]["hooks"][0]["resolvedPath"].as_str().unwrap().starts_with("bundled:"));
    world.hook("derive-worktree-vars", r#"echo '{"action": "continue", "mutate": {"note": "my own"}}'"#);
    assert_eq!(world.manifest(&init())["state"]["note"], "my own");
    world.assert_nothing_left();
}
