//! Hooks that change the run themselves, by `agent-runner task …`: in every phase, and around changes of tasks.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

use super::scene::HOOK;

#[test]
fn hooks_of_every_phase_can_call_the_task_commands() {
    let world = World::new();
    world.hook(
        "caller",
        r#"cat > "$W/ignored"
phase=$AGENT_RUNNER_HOOK_PHASE
[ $phase = taskTransition ] && task=two || task=one
"$AGENT_RUNNER_CMD" task append-notes "$AGENT_RUNNER_RUN_ID" $task --text "by $phase" >&2 || exit 9"#,
    );
    let phases = ["prepare", "beforeAttempt", "afterAttempt", "afterExit"];
    let mut hooks: serde_json::Map<String, Value> =
        phases.iter().map(|phase| ((*phase).to_owned(), json!([{"name": "caller"}]))).collect();
    hooks.insert(
        "taskTransition".to_owned(),
        json!([{"name": "caller", "when": {"toStatus": "completed", "taskId": "one", "source": "task-set"}}]),
    );
    world.hooked(Value::Object(hooks), &["one", "two"]);
    world.agent("fake", "complete one two");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    for phase in phases {
        assert!(manifest.notes("one").contains(&format!("by {phase}")), "{phase}: {}", manifest.notes("one"));
    }
    assert_eq!((manifest.notes("two"), manifest.outcome()), ("by taskTransition", "success"));
    assert_eq!(world.events_of(&run, HOOK).len(), 5);
    world.assert_nothing_left();
}

#[test]
fn a_rejected_change_is_rolled_back_and_what_the_hook_did_is_kept() {
    let world = World::new();
    world.hook(
        "judge",
        r#"cat > "$W/ignored"
"$AGENT_RUNNER_CMD" task set "$AGENT_RUNNER_RUN_ID" two --status in_progress --notes "by the judge" >&2 || exit 9
echo '{"accept": false, "reason": "NO PROOF", "mutate": {"state": {"seen": true}, "note": "judged",
  "patchTasks": [{"taskId": "three", "status": "blocked", "notesAppend": "patched"}]}}'"#,
    );
    world.hooked(
        json!({"taskTransition": [{"name": "judge", "when": {"taskId": "one"}}]}),
        &["one", "two", "three"],
    );
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let change = ["task", "set", &run, "one", "--status", "completed", "--notes", "all done"];
    world.run(&change).expect_code(3).expect_stderr("NO PROOF");
    let manifest = world.manifest(&run);
    assert_eq!(manifest.tasks(), "one=pending three=blocked two=in_progress");
    assert_eq!(
        (manifest.notes("one"), manifest.notes("two"), manifest.notes("three")),
        ("", "by the judge", "patched")
    );
    assert_eq!(
        (&manifest["state"]["note"], &manifest["state"]["hookState"]["seen"]),
        (&json!("judged"), &json!(true))
    );
    let kinds: Vec<Value> = world.events(&run).iter().map(|event| event["type"].clone()).collect();
    assert!(kinds.contains(&json!("task.updated")), "{kinds:?}");
    assert_eq!(world.outcomes(&run), ["taskTransition:0:judge rejected"]);
    world.assert_nothing_left();
}

#[test]
fn a_hook_that_changes_the_task_it_judges_is_asked_again_about_the_task_as_it_is() {
    let world = World::new();
    world.hook(
        "eager",
        r#"cat >> "$W/asked"; echo >> "$W/asked"
"$AGENT_RUNNER_CMD" task set "$AGENT_RUNNER_RUN_ID" one --status in_progress >&2 || exit 9
"$AGENT_RUNNER_CMD" task append-notes "$AGENT_RUNNER_RUN_ID" one --text more >&2 || exit 9"#,
    );
    world.hooked(json!({"taskTransition": [{"name": "eager"}]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    let asked: Vec<Value> =
        world.lines("asked").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let from: Vec<&str> =
        asked.iter().map(|context| context["transition"]["from"]["status"].as_str().unwrap()).collect();
    assert_eq!(from, ["pending", "in_progress"], "its own changes are not put before it");
    let manifest = world.manifest(&run);
    assert_eq!((manifest.tasks().as_str(), manifest.notes("one")), ("one=completed", "more\nmore"));
    world.assert_nothing_left();
}

#[test]
fn a_hook_whose_patch_changes_the_task_it_judges_is_asked_again() {
    let world = World::new();
    let patch = r#"{"accept": true, "mutate": {"patchTasks": [{"taskId": "one", "status": "blocked"}]}}"#;
    world.hook("patcher", &format!("cat > \"$W/ignored\"; echo asked >> \"$W/asked\"; echo '{patch}'"));
    world.hooked(json!({"taskTransition": [{"name": "patcher"}]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    assert_eq!((world.manifest(&run).tasks().as_str(), world.lines("asked").len()), ("one=completed", 2));
    world.assert_nothing_left();
}

#[test]
fn a_hook_that_never_lets_its_task_rest_does_not_hold_anybody_up_for_ever() {
    let world = World::new();
    world.hook(
        "restless",
        r#"cat > "$W/ignored"; echo asked >> "$W/asked"
[ $(($(wc -l < "$W/asked") % 2)) = 1 ] && status=in_progress || status=blocked
"$AGENT_RUNNER_CMD" task set "$AGENT_RUNNER_RUN_ID" one --status $status >&2 || exit 9"#,
    );
    world.hooked(json!({"taskTransition": [{"name": "restless"}]}), &["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let set = world.run(&["task", "set", &run, "one", "--status", "completed"]);
    assert!(matches!(set.code, Some(3 | 4)), "{set}");
    assert!((2..100).contains(&world.lines("asked").len()), "{}", world.lines("asked").len());
    assert_ne!(world.manifest(&run).tasks(), "one=completed");
    world.assert_nothing_left();
}

#[test]
fn hooks_that_call_each_other_come_to_an_end() {
    let world = World::new();
    let other = |task: &str| {
        format!(
            r#"cat > "$W/ignored"; echo {task} >> "$W/asked"
"$AGENT_RUNNER_CMD" task append-notes "$AGENT_RUNNER_RUN_ID" {task} --text "seen" >&2 || exit 9"#
        )
    };
    world.hook("one", &other("two"));
    world.hook("two", &other("one"));
    world.hooked(
        json!({"taskTransition": [
            {"name": "one", "when": {"taskId": "one"}},
            {"name": "two", "when": {"taskId": "two"}},
        ]}),
        &["one", "two"],
    );
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    assert_eq!(world.lines("asked"), ["two", "one"]);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.notes("one"), manifest.notes("two")), ("seen", "seen"));
    world.assert_nothing_left();
}

#[test]
fn a_worker_is_told_why_its_report_was_rejected_and_can_do_better() {
    let world = World::new();
    world.hook(
        "gate",
        r#"cat > "$W/ignored"
[ -e "$W/proof" ] || { echo '{"accept": false, "reason": "write the proof first"}'; exit 0; }"#,
    );
    world.hooked(json!({"taskTransition": [{"name": "gate", "when": {"toStatus": "completed"}}]}), &["one"]);
    world.agent("fake", "set_task one --status completed || touch \"$W/proof\"; complete one");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert!(world.read("reports").contains("write the proof first"));
    assert_eq!(world.outcomes(&run), ["taskTransition:0:gate rejected", "taskTransition:0:gate accepted"]);
    world.assert_nothing_left();
}

#[test]
fn what_a_hook_knows_of_where_it_is() {
    let world = World::new();
    world.hook("env", r#"cat > "$W/ignored"; env > "$W/env-$AGENT_RUNNER_HOOK_PHASE""#);
    world.hooked(json!({"beforeAttempt": [{"name": "env"}], "taskTransition": [{"name": "env"}]}), &["one"]);
    world.agent("fake", "complete one");
    let run = world.fake(&[]).env("MINE", "kept").run().expect_code(0).run_id();
    for (phase, is_worker) in [("beforeAttempt", false), ("taskTransition", true)] {
        let env = world.lines(format!("env-{phase}"));
        let has = |name: &str| env.iter().any(|line| line.starts_with(&format!("{name}=")));
        assert!(env.contains(&format!("AGENT_RUNNER_RUN_ID={run}")) && env.contains(&"MINE=kept".to_owned()));
        assert!(has("AGENT_RUNNER_CMD") && has("AGENT_RUNNER_STATE_DIR"), "{env:?}");
        assert_eq!(has("AGENT_RUNNER_ATTEMPT_FENCE"), is_worker, "{phase}: {env:?}");
    }
    world.assert_nothing_left();
}
