//! What goes wrong between the client and its model, and what the run makes of it.

use std::time::Duration;

use crate::harness::{Manifest as _, World};
use crate::model_server::{Refusal, Script};
use crate::stage::{Login, Stage, complete};

#[test]
fn a_stream_that_is_cut_is_survived() {
    let script = Script::new("x")
        .shell(&complete("one"))
        .say("A long speech that nobody will ever hear to its end, because the line breaks in it.")
        .cut()
        .say("Once more.")
        .shell(&complete("two"))
        .say("Done.")
        .end();
    let stage = Stage::new(World::new(), [script]);
    let run = stage.run("x", &[]).run().expect_code(0).run_id();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    assert_eq!(manifest.spent(), [1]);
    let messages = stage.did_of(&run, 0, "message");
    let texts: Vec<&str> = messages.iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert!(texts.ends_with(&["Once more.", "Done."]), "{texts:?}");
    assert!(stage.model.is_over("x"));
    stage.world.assert_nothing_left();
}

#[test]
fn a_refused_key_ends_the_run_at_once_and_says_what_to_do() {
    let script = Script::new("x").refuse(Refusal::new(401, "invalid x-api-key").for_ever());
    let stage = Stage::new(World::new(), [script]);
    let ended = stage.command("x", Login::Key, &["run", "--agent", "real", "--assignment", "work"]).run();
    let ended = ended.expect_code(4);
    assert!(ended.elapsed < Duration::from_secs(20), "{ended}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("ANTHROPIC_API_KEY") && said.contains("claude"), "{ended}");
    let manifest = stage.world.manifest(&stage.world.only_run());
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("failed", "misconfigured"));
    // The client tries a few times more, because some refusals pass.
    assert!(stage.model.turns("x").len() <= 5, "{}", stage.model.turns("x").len());
    stage.world.assert_nothing_left();
}

#[test]
fn a_client_without_a_login_ends_the_run_at_once() {
    let stage = Stage::new(World::new(), [Script::new("x")]);
    let ended = stage.run("x", &[]).env_remove("ANTHROPIC_API_KEY").run().expect_code(4);
    assert!(ended.elapsed < Duration::from_secs(20), "{ended}");
    assert_eq!(stage.world.manifest(&ended.run_id()).ends(), "misconfigured");
    assert!(stage.model.turns("x").is_empty());
}

#[test]
fn a_model_there_is_not_ends_the_run_at_once() {
    let script = Script::new("x").refuse(Refusal::new(404, "model: claude-nope-9").for_ever());
    let stage = Stage::new(World::new(), [script]);
    let ended = stage.run("x", &["--model", "claude-nope-9"]).run().expect_code(4);
    let manifest = stage.world.manifest(&ended.run_id());
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("failed", "misconfigured"));
    assert!(manifest.attempt(0)["end"].to_string().contains("claude-nope-9"), "{}", manifest.attempt(0));
}
