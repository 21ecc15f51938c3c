//! Runs that begin in a conversation of their backend that is there already.

use serde_json::{Value, json};

use crate::harness::{Command, Manifest as _, World};

/// A client that notes what it is started with, and says what one turn of the conversation it was given cost so far.
fn client(world: &World) -> String {
    let root = world.root().display();
    let text = format!(
        r#"#!/bin/sh
W='{root}'
id=begun-anew
last=
for word in "$@"; do [ "$last" = --resume ] && id=$word; last=$word; done
echo "$id" >> "$W/conversations"
cat > "$W/told"
turns=$(wc -l < "$W/conversations")
echo '{{"type":"system","subtype":"init","session_id":"'$id'","model":"m"}}'
echo '{{"type":"result","subtype":"success","is_error":false,"session_id":"'$id'","result":"done","num_turns":1,"total_cost_usd":'$turns'.5,"usage":{{"input_tokens":1,"output_tokens":1}}}}'
"#
    );
    let path = world.write("bin/client", text);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn command<'a>(world: &'a World, client: &str, args: &[&str]) -> Command<'a> {
    world.command(args).env("AGENT_RUNNER_CLAUDE_BIN", client)
}

fn costs(manifest: &Value) -> Vec<Value> {
    let records = manifest["state"]["attemptRecords"].as_array().unwrap();
    records.iter().map(|record| record["usage"]["costMicroUsd"].clone()).collect()
}

#[test]
fn a_run_begins_in_the_conversation_it_is_given() {
    let world = World::new();
    let client = client(&world);
    let args = ["run", "--backend", "claude", "--backend-session-id", "conv-1", "Say hello"];
    let run =
        command(&world, &client, &args).arg("--output-format").arg("json").run().expect_code(0).run_id();
    assert_eq!(world.lines("conversations"), ["conv-1"]);
    assert!(world.read("told").contains("Say hello"), "the whole brief is said there");
    let manifest = world.manifest(&run);
    assert_eq!(manifest["spec"]["backendSessionId"], "conv-1");
    assert_eq!(costs(&manifest), [Value::Null], "what it cost before is not ours");
    command(&world, &client, &["run", "--resume-run", &run, "And goodbye"]).run().expect_code(0);
    assert_eq!(costs(&world.manifest(&run)), [Value::Null, json!(1_000_000)]);
    // What it was created with is what it is reset to.
    world.ok(&["run", "reset", &run]);
    assert_eq!(world.status(&run)["backendSessionId"], "conv-1");
    world.ok(&["run", "ready", &run]);
    command(&world, &client, &["run", "--resume-run", &run]).run().expect_code(0);
    assert_eq!(world.lines("conversations"), ["conv-1", "conv-1", "conv-1"]);
    assert_eq!(world.manifest(&run).outcome(), "success");
    // Without one it begins anew.
    command(&world, &client, &["run", "--backend", "claude", "Say hello"]).run().expect_code(0);
    assert_eq!(world.lines("conversations").last().unwrap(), "begun-anew");
    world.assert_nothing_left();
}

#[test]
fn a_run_that_is_made_anew_can_be_given_another_one() {
    let world = World::new();
    let run = world.init(&["--backend", "claude", "--backend-session-id", "conv-1", "Say hello"]);
    let again = |more: &[&str]| {
        world.ok(&[&["init", "--run-id", &run, "--backend", "claude"], more, &["Say hello"]].concat());
        world.status(&run)["backendSessionId"].clone()
    };
    assert_eq!(again(&["--backend-session-id", "conv-2"]), "conv-2");
    assert_eq!(again(&[]), Value::Null);
    let passive = ["--backend", "passive", "--add-task", "One"];
    let run = world.init(&[&passive[..], &["--backend-session-id", "thread 7"]].concat());
    assert_eq!(world.status(&run)["backendSessionId"], "thread 7");
    // What somebody has told it by hand is not taken back by what says nothing about it.
    world.ok(&["run", "set-backend-session", &run, "thread 8"]);
    world.ok(&["run", "reconfigure", &run, "Other words"]);
    assert_eq!(world.status(&run)["backendSessionId"], "thread 8");
}

#[test]
fn what_cannot_begin_in_a_conversation_refuses_one() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let long = "x".repeat(257);
    for (how, id, why) in [
        (&["--agent", "fake", "--assignment", "work"][..], "abc", "cannot begin in a conversation"),
        (&["--backend", "shell", "--assignment", "work"], "abc", "cannot begin in a conversation"),
        (&["--backend", "claude", "--assignment", "work"], "no such/id", "is no session id of backend"),
        (&["--backend", "claude", "--assignment", "work"], "--print", "one line of at most 256 characters"),
        (
            &["--backend", "passive", "--assignment", "work"],
            "two\nlines",
            "one line of at most 256 characters",
        ),
        (
            &["--backend", "passive", "--assignment", "work"],
            "esc\u{1b}[2J",
            "one line of at most 256 characters",
        ),
        (&["--backend", "passive", "--assignment", "work"], " ", "one line of at most 256 characters"),
        (&["--backend", "passive", "--assignment", "work"], &long, "one line of at most 256 characters"),
    ] {
        for verb in ["init", "run"] {
            let id = format!("--backend-session-id={id}");
            let refused = world.run(&[&[verb], how, &[id.as_str()]].concat()).expect_code(3);
            refused.expect_stderr(why);
        }
    }
    assert_eq!(world.runs().len(), 0);
}
