//! What answers mean for a run that is about to end, has no attempts left, or is changed by the answer itself.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::{Language, parrot, parrot_when};

/// A world whose parrot answers that in a phase, and whose agent does this.
fn scene(phase: &str, answer: &Value, agent: &str) -> World {
    let world = World::new();
    world.parrot(Language::Shell);
    world.says("answer", answer);
    world.hooked(json!({ phase: [parrot("answer"), parrot("after")] }), &["one", "two"]);
    world.agent("fake", agent);
    world
}

#[test]
fn insisting_without_an_attempt_left_exhausts_the_run() {
    let again = json!({"action": "reinvoke", "followUpPrompt": "AGAIN"});
    for (phase, retries, attempts) in
        [("afterAttempt", "0", 1), ("afterExit", "0", 1), ("afterAttempt", "2", 3), ("afterExit", "1", 2)]
    {
        let world = scene(phase, &again, "complete one two");
        let run = world.fake(&["--max-retries", retries]).run().expect_code(1).run_id();
        let manifest = world.manifest(&run);
        assert_eq!((manifest.outcome(), manifest.fences().len()), ("exhausted", attempts), "{phase}");
        let why = world.ok(&["run", "status", &run]);
        why.expect_stdout(&format!("hook {phase}:0:parrot objects: AGAIN"));
        // Somebody may give it more.
        world.says("answer", &json!({"action": "continue"}));
        world.ok(&["run", "--resume-run", &run, "Go", "on"]);
        world.assert_nothing_left();
    }
}

#[test]
fn a_bad_end_stays_what_it_is_whatever_a_hook_thinks_of_it() {
    for (agent, code, outcome) in
        [("exit 0", 1, "exhausted"), ("set_task one --status blocked", 2, "blocked")]
    {
        for answer in [
            json!({"action": "reinvoke", "followUpPrompt": "AGAIN"}),
            json!({"action": "block", "reason": "NO"}),
            json!({"action": "continue", "mutate": {"note": "seen"}}),
        ] {
            let world = scene("afterExit", &answer, agent);
            let run = world.fake(&["--max-retries", "0"]).run().expect_code(code).run_id();
            let manifest = world.manifest(&run);
            assert_eq!((manifest.outcome(), manifest.fences().len()), (outcome, 1), "{answer}");
            let word = answer["action"].as_str().unwrap();
            let expected = [format!("afterExit:0:parrot {word}"), "afterExit:1:parrot continue".to_owned()];
            assert_eq!(world.outcomes(&run), expected);
            assert_eq!(world.told("after")[0]["outcome"]["status"], outcome);
            world.assert_nothing_left();
        }
    }
}

#[test]
fn a_hook_at_the_end_that_opens_a_task_again_sends_the_worker_back() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.says(
        "open",
        &json!({"action": "continue", "mutate": {
        "patchTasks": [{"taskId": "two", "status": "pending", "notesAppend": "once more"}]}}),
    );
    let first = json!({"attemptIndexInSession": 0});
    world.hooked(json!({"afterExit": [parrot_when("open", first), parrot("after")]}), &["one", "two"]);
    world.agent("fake", "complete one two");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.ends().as_str(), manifest.notes("two")), ("reported reported", "once more"));
    assert_eq!(manifest.tasks(), "one=completed two=completed");
    world.assert_nothing_left();
}

#[test]
fn a_hook_that_completes_or_blocks_tasks_decides_with_that() {
    let patch = |status: &str| json!({"action": "continue", "mutate": {"patchTasks": [{"taskId": "two", "status": status}]}});
    for (status, code, outcome) in [("completed", 0, "success"), ("blocked", 2, "blocked")] {
        let world = scene("afterAttempt", &patch(status), "complete one");
        let run = world.fake(&[]).run().expect_code(code).run_id();
        assert_eq!((world.manifest(&run).outcome(), world.manifest(&run).fences().len()), (outcome, 1));
        world.assert_nothing_left();
    }
}

#[test]
fn a_hook_can_send_the_next_attempt_to_another_backend() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.says("shell", &json!({"action": "continue", "mutate": {"run": {"backend": "shell"}}}));
    let second = json!({"attemptIndexInSession": 1});
    world.assigned(json!({
        "hooks": {"beforeAttempt": [parrot_when("shell", second)]},
        "tasks": [{"id": "one", "title": "Do one", "body": "```sh\necho by the shell\n```\n"}],
    }));
    world.agent("fake", "exit 0");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!(
        (&manifest["spec"]["backend"], manifest.ends().as_str()),
        (&json!("shell"), "reported reported")
    );
    assert!(manifest.notes("one").contains("by the shell"), "{}", manifest.notes("one"));
    world.ok(&["run", "reset", &run]);
    let manifest = world.manifest(&run);
    assert_eq!(manifest["spec"]["backend"], "command");
    // The same way again, with what the agent says of its own backend.
    world.ok(&["run", "ready", &run]);
    world.ok(&["run", "--resume-run", &run]);
    world.assert_nothing_left();
}

#[test]
fn the_status_of_a_passive_run_follows_what_a_hook_does_to_its_tasks() {
    let world = World::new();
    world.parrot(Language::Shell);
    world.hooked(json!({"taskTransition": [parrot("judge")]}), &["one", "two"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let patch = |status: &str| {
        let tasks = ["one", "two"].map(|id| json!({"taskId": id, "status": status}));
        json!({"accept": false, "reason": "MINE", "mutate": {"patchTasks": tasks}})
    };
    for (status, phase, outcome) in [("completed", "ended", "success"), ("pending", "initialized", "")] {
        world.says("judge", &patch(status));
        world.run(&["task", "append-notes", &run, "one", "--text", "x"]).expect_code(3).expect_stderr("MINE");
        let manifest = world.manifest(&run);
        assert_eq!((manifest.phase(), manifest.outcome()), (phase, outcome), "{status}");
    }
    world.assert_nothing_left();
}
