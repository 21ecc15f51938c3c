//! What can be done here with a run that came from there.

use serde_json::{Value, json};

use super::original::{copied, import, imported};
use crate::harness::{Manifest as _, World};

/// A client that notes which conversation it is to go on with and what it is told, and ends its tasks.
fn client(world: &World, task: &str) -> String {
    let root = world.root().display();
    let text = format!(
        r#"#!/bin/sh
W='{root}'
id=begun-anew
last=
for word in "$@"; do [ "$last" = --resume ] && id=$word; last=$word; done
echo "$id" >> "$W/conversations"
cat >> "$W/told"
agent-runner task set "$AGENT_RUNNER_RUN_ID" {task} --status completed > /dev/null
echo '{{"type":"system","subtype":"init","session_id":"'$id'","model":"m"}}'
echo '{{"type":"result","subtype":"success","is_error":false,"session_id":"'$id'","result":"done","num_turns":1,"total_cost_usd":1.5,"usage":{{"input_tokens":1,"output_tokens":1}}}}'
"#
    );
    let path = world.write("bin/client", text);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_run_that_was_cut_off_goes_on_in_its_conversation() {
    let world = World::new();
    imported(&world);
    // Nobody starts it unasked.
    world.ok(&["recover", "--resume"]).expect_stdout("Nothing to recover.");
    assert_eq!(world.status("a2f8gu")["status"], "error");
    assert_eq!(world.status("a2f8gu")["failure"]["kind"], "interrupted");
    let client = client(&world, "join");
    let resumed =
        world.command(&["run", "--resume-run", "a2f8gu"]).env("AGENT_RUNNER_CLAUDE_BIN", &client).run();
    resumed.expect_code(0);
    assert_eq!(world.lines("conversations"), ["sess-parent"]);
    // The messages that waited there are what it goes on with.
    let told = world.read("told");
    assert!(
        told.contains("Child b7q5ve has ended: success.") && told.contains("Änderungen prüfen"),
        "{told}"
    );
    let here = world.status("a2f8gu");
    assert_eq!(
        (&here["status"], &here["attempts"][2]["attemptNumber"], &here["attempts"][2]["sessionIndex"]),
        (&json!("success"), &json!(3), &json!(2))
    );
    assert_eq!(here["queuedResumeMessages"], json!([]));
    // The history goes on where it was.
    let events = world.events("a2f8gu");
    let cursors: Vec<u64> = events.iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
    assert!(cursors.windows(2).all(|pair| pair[0] < pair[1]), "{cursors:?}");
    world.assert_nothing_left();
}

#[test]
fn a_scheduled_run_is_started_by_hand_only() {
    let world = World::new();
    imported(&world);
    assert_eq!(world.status("d4z6kh")["scheduleState"], "due");
    assert_eq!(world.status("d4z6kh")["status"], "ready");
    let client = client(&world, "ship");
    let started =
        world.command(&["run", "--resume-run", "w4j8sb"]).env("AGENT_RUNNER_CLAUDE_BIN", &client).run();
    started.expect_code(0);
    assert_eq!(
        (&world.status("w4j8sb")["status"], world.lines("conversations")),
        (&json!("success"), vec!["begun-anew".to_owned()])
    );
    assert!(world.read("told").contains("# Your work"), "the brief of there is what its worker is told");
    // Its dependencies were looked at: one whose upstream is gone does not start.
    world.run(&["run", "--resume-run", "x8n4ra", "Again"]).expect_code(3);
    world.assert_nothing_left();
}

#[test]
fn a_reset_goes_back_to_the_seed() {
    let world = World::new();
    imported(&world);
    world.ok(&["run", "reset", "k3v9xa"]);
    let here = world.status("k3v9xa");
    assert_eq!(
        (&here["status"], &here["model"], &here["backendSessionId"]),
        (&json!("initialized"), &json!("haiku"), &Value::Null)
    );
    assert_eq!((&here["hookState"], &here["attempts"]), (&json!({"seen": {"count": 1}}), &json!([])));
    assert_eq!(world.manifest("k3v9xa").tasks(), "cart=pending docs/changelog=pending tax:de=pending");
    assert_eq!(
        (&here["name"], &here["message"]),
        (&json!("Checkout müssen wir 🛒"), &json!("Mind the taxes."))
    );
    assert_eq!(world.manifest("k3v9xa")["state"]["attachments"].as_array().unwrap().len(), 2);
    // Numbers go on: the logs of before stay readable.
    assert_eq!(world.manifest("k3v9xa")["state"]["firstAttemptNumber"], 4);
    world.ok(&["run", "timeline", "k3v9xa", "--attempt", "3"]).expect_stdout("Everything is done");
    // What it was made from did not come with it.
    let refused = world.run(&["run", "reconfigure", "k3v9xa", "Other words"]).expect_code(3);
    refused.expect_stderr("it came from the TypeScript agent-runner");
    assert_eq!(world.status("k3v9xa")["capabilities"]["reconfigureReason"], "imported");
}

#[test]
fn a_run_that_needs_a_container_is_not_started_outside_of_it() {
    let world = World::new();
    imported(&world);
    world.ok(&["run", "ready", "c3s9yj"]);
    assert_eq!(world.status("c3s9yj")["capabilities"]["canResume"], false);
    world.run(&["run", "--resume-run", "c3s9yj"]).expect_code(3).expect_stderr("in a container");
    assert_eq!(world.status("c3s9yj")["executionEnvironment"]["container"], "builder-1");
    world.ok(&["run", "status", "c3s9yj"]).expect_stdout("Container:");
}

#[test]
fn tasks_of_a_passive_run_are_gone_on_with() {
    let world = World::new();
    imported(&world);
    world.ok(&["task", "append-notes", "p9c6mz", "call", "--text", "And on Tuesday."]);
    let notes =
        world.ok(&["task", "show", "p9c6mz", "call", "--output-format", "json"]).json()["task"]["notes"]
            .clone();
    assert_eq!(notes, "Tried on Monday.\nAnd on Tuesday.");
    world.ok(&["task", "set", "p9c6mz", "call", "--status", "completed"]);
    world.ok(&["task", "set", "p9c6mz", "file", "--status", "completed"]);
    assert_eq!(world.status("p9c6mz")["status"], "success");
    // A hook whose file is not here objects rather than being passed over.
    world.run(&["task", "set", "k3v9xa", "cart", "--status", "completed"]);
    world.ok(&["run", "reset", "k3v9xa"]);
    world
        .run(&["task", "set", "k3v9xa", "cart", "--status", "completed"])
        .expect_code(4)
        .expect_stderr("gate.mjs");
    // Archived is archived.
    world
        .run(&["task", "set", "r7d3kf", "one", "--status", "completed"])
        .expect_code(3)
        .expect_stderr("archived");
}

#[test]
fn a_hook_that_can_be_run_here_is_run() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let script = "#!/bin/sh\ncat > \"$AGENT_RUNNER_CWD/asked\"\nif [ -e \"$AGENT_RUNNER_CWD/ok\" ]; then echo '{\"accept\": true}'\n\
                  else echo '{\"accept\": false, \"reason\": \"not yet\"}'; fi\n";
    let gate = world.write("gate.sh", script);
    let manifest = top.join("runs/webshop/k3v9xa/run.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let there = "/srv/ada/src/webshop/assignments/checkout/gate.mjs";
    assert!(text.contains(there));
    std::fs::write(&manifest, text.replace(there, &gate.display().to_string())).unwrap();
    import(&world, &[&top.join("runs/webshop/k3v9xa").display().to_string()], 0);
    world.ok(&["run", "reset", "k3v9xa"]);
    let set = ["task", "set", "k3v9xa", "cart", "--status", "completed"];
    world.run(&set).expect_code(3).expect_stderr("not yet");
    let asked: Value = serde_json::from_str(&world.read("repo/asked")).unwrap();
    assert_eq!(
        (&asked["config"], &asked["transition"]["taskId"]),
        (&json!({"strict": true}), &json!("cart"))
    );
    assert_eq!(asked["state"], json!({"seen": {"count": 1}}), "what hooks remember came along");
    world.write("repo/ok", "");
    world.ok(&set);
    // It is asked about that task only.
    std::fs::remove_file(world.path("repo/asked")).unwrap();
    world.ok(&["task", "set", "k3v9xa", "tax:de", "--status", "completed"]);
    assert!(!world.path("repo/asked").exists());
}
