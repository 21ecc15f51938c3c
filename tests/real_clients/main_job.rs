//! The main job: two tasks, a model that lies about one of them, a nudge in the same conversation, and success.

use serde_json::json;

use crate::harness::{Manifest as _, World};
use crate::model_server::{Gate, Script};
use crate::stage::{Stage, complete};

fn liar() -> Script {
    Script::new("liar")
        .think("The first one is easy.")
        .say("I begin with the first task.")
        .shell(&complete("one"))
        .say("Both tasks are completed.")
        .end()
        .say("I had forgotten the second one.")
        .shell(&complete("two"))
        .say("Now it is done too.")
        .end()
}

#[test]
fn a_model_that_lies_is_nudged_in_the_same_conversation_and_finishes() {
    let stage = Stage::new(World::new(), [liar()]);
    let ended = stage.run("liar", &["--name", "Two things"]).run().expect_code(0);
    let run = ended.run_id();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed two=completed"));
    assert_eq!((manifest.ends().as_str(), manifest.prompts().as_str()), ("reported reported", "brief nudge"));
    assert_eq!(manifest.spent(), [2]);
    stage.assert_one_conversation(&run, 2);

    let turns = stage.model.turns("liar");
    assert_eq!(turns.len(), 4, "{turns:#?}");
    let brief = turns[0].said();
    assert!(
        brief.contains("You do what the test says.") && brief.contains("agent-runner task list"),
        "{brief}"
    );
    let nudge = turns[2].said();
    assert!(nudge.contains("1 of 2 tasks are still open") && nudge.contains("- `two` Do two"), "{nudge}");
    // The client, and not only its id, remembers what was said before.
    let sent = stage.last_sent("liar");
    assert!(
        sent.contains("Both tasks are completed.") && sent.contains("You do what the test says."),
        "{sent}"
    );
    assert!(stage.model.is_over("liar"));
    stage.world.assert_nothing_left();
}

#[test]
fn usage_and_cost_are_those_of_each_attempt() {
    let stage = Stage::new(World::new(), [liar()]);
    let run = stage.run("liar", &[]).run().expect_code(0).run_id();
    let status = stage.world.status(&run);
    // The model reports the same for each of four requests, and the client counts its cost over the conversation.
    for attempt in 0..2 {
        let usage = &status["attempts"][attempt]["usage"];
        assert_eq!((&usage["inputTokens"], &usage["outputTokens"]), (&2000.into(), &100.into()), "{usage}");
        assert_eq!(usage["cacheReadTokens"], 400, "{usage}");
    }
    let cost = |of: &serde_json::Value| of["costMicroUsd"].as_u64().unwrap();
    let (first, second) = (cost(&status["attempts"][0]["usage"]), cost(&status["attempts"][1]["usage"]));
    assert!(first > 0 && first == second, "{first} {second}");
    assert_eq!(cost(&status["usage"]), first + second);
    assert_eq!(
        (&status["usage"]["inputTokens"], &status["usage"]["unmeasuredAttempts"]),
        (&4000.into(), &0.into())
    );
}

#[test]
fn the_timeline_tells_what_the_worker_said_and_did() {
    let stage = Stage::new(World::new(), [liar()]);
    let run = stage.run("liar", &[]).run().expect_code(0).run_id();
    let messages = stage.did_of(&run, 0, "message");
    let texts: Vec<&str> = messages.iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["I begin with the first task.", "Both tasks are completed."]);
    assert_eq!(stage.did_of(&run, 0, "thinking")[0]["text"], "The first one is easy.");
    let (started, finished) = (stage.did_of(&run, 0, "toolStarted"), stage.did_of(&run, 0, "toolFinished"));
    assert_eq!((started.len(), finished.len()), (1, 1));
    assert_eq!((&started[0]["name"], &started[0]["id"]), (&"Bash".into(), &finished[0]["id"]));
    assert!(started[0]["summary"].as_str().unwrap().contains("task set"), "{}", started[0]);
    assert_eq!(finished[0]["isError"], false, "{}", finished[0]);
    let shown = stage.world.ok(&["run", "timeline", &run]);
    shown.expect_stdout("Both tasks are completed.").expect_stdout("I had forgotten the second one.");
}

#[test]
fn model_and_effort_reach_the_client() {
    let stage = Stage::new(World::new(), [liar()]);
    let run = stage.run("liar", &["--model", "haiku", "--effort", "low"]).run().expect_code(0).run_id();
    let asked = stage.model.turns("liar")[0].body["model"].as_str().unwrap().to_owned();
    assert!(asked.contains("haiku"), "{asked}");
    let named = stage.did_of(&run, 0, "session")[0]["model"].as_str().unwrap_or("none").to_owned();
    assert_eq!(named, asked);
}

#[test]
fn work_in_the_background_belongs_to_the_turn_that_started_it() {
    let world = World::new();
    let (go, gate) = (world.fifo("go"), Gate::new());
    // The model has ended its turn long before the command that it left in the background reports.
    let command = format!("read word < {}; sleep 1; {}", go.path.display(), complete("two"));
    let script = Script::new("x")
        .shell(&complete("one"))
        .call("Bash", json!({"command": command, "run_in_background": true}))
        .say("The rest goes on in the background.")
        .hold(&gate)
        .end()
        .say("That has ended too.")
        .end();
    let stage = Stage::new(world, [script]);
    let front = stage.run("x", &[]).spawn();
    gate.wait_until_reached();
    gate.open();
    go.release();
    let run = front.wait().expect_code(0).run_id();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    assert_eq!(manifest.tasks(), "one=completed two=completed");
    let messages = stage.did_of(&run, 0, "message");
    let texts: Vec<&str> = messages.iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["The rest goes on in the background.", "That has ended too."]);
    let usage = &stage.world.status(&run)["usage"];
    assert_eq!(usage["inputTokens"], 4000, "all four requests count: {usage}");
    stage.world.assert_nothing_left();
}
