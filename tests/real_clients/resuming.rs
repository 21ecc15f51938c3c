//! A run that has ended goes on in the conversation it had.

use crate::harness::{Manifest as _, World};
use crate::model_server::Script;
use crate::stage::{Login, Stage, complete};

#[test]
fn a_resumed_run_goes_on_in_the_same_conversation() {
    let script = Script::new("x")
        .shell(&format!("{} && {}", complete("one"), complete("two")))
        .say("The secret word is plover.")
        .end()
        .say("I remember: plover.")
        .end();
    let stage = Stage::new(World::new(), [script]);
    let run = stage.run("x", &[]).run().expect_code(0).run_id();
    let args = ["run", "--resume-run", &run, "What was the word?", "--output-format", "json"];
    stage.command("x", Login::Key, &args).run().expect_code(0);
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported reported"));
    assert_eq!(manifest.spent(), [1, 1], "words open a session");
    stage.assert_one_conversation(&run, 2);
    assert!(stage.last_sent("x").contains("The secret word is plover."));
    let asked = stage.model.turns("x").last().unwrap().said();
    assert!(asked.contains("What was the word?"), "{asked}");
    assert!(stage.model.is_over("x"));
    stage.world.assert_nothing_left();
}

#[test]
fn a_conversation_the_client_has_lost_is_begun_anew() {
    let script = Script::new("x")
        .shell(&complete("one"))
        .say("Half of it.")
        .end()
        .say("Still half of it.")
        .end()
        .shell(&complete("two"))
        .say("All.");
    let stage = Stage::new(World::new(), [script]);
    let run = stage.run("x", &["--max-retries", "1"]).run().expect_code(1).run_id();
    let before = stage.world.status(&run)["backendSessionId"].as_str().unwrap().to_owned();
    std::fs::remove_dir_all(stage.world.path("home/.claude")).unwrap();
    stage.command("x", Login::Key, &["run", "--resume-run", &run]).run().expect_code(0);
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed two=completed"));
    let after = stage.world.status(&run)["backendSessionId"].as_str().unwrap().to_owned();
    assert_ne!(before, after);
    // Whoever starts anew is told everything again.
    let told = stage.model.turns("x").last().unwrap().body["messages"].to_string();
    assert!(told.contains("You do what the test says.") && !told.contains("Half of it."), "{told}");
    stage.world.assert_nothing_left();
}
