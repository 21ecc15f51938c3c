//! Ceilings of what the client measures: told of when they are near, kept to in the middle of a turn, raised.

use crate::harness::{Manifest as _, World};
use crate::model_server::Script;
use crate::stage::{Login, Stage, complete};

/// The model reports 1,250 tokens with each answer, read from caches or not. The third is the one too many, and the tool it
/// calls never ends.
fn spender() -> Script {
    Script::new("spender")
        .say("I begin.")
        .shell(&complete("one"))
        .say("That is all for now.")
        .end()
        .say("This takes a while.")
        .shell("while :; do sleep 1000; done")
        .say("Never said.")
        .end()
        .shell(&complete("two"))
        .say("Done.")
        .end()
}

/// Three answers where two are allowed; the third begins a tool that must not be waited for.
fn talker() -> Script {
    Script::new("talker")
        .say("First.")
        .shell(&complete("one"))
        .say("Second.")
        .shell("true")
        .say("Third.")
        .shell("while :; do sleep 1000; done")
        .say("Never said.")
        .end()
        .shell(&complete("two"))
        .say("Done.")
        .end()
}

#[test]
fn answers_are_counted_as_they_begin_and_the_one_too_many_is_stopped() {
    let stage = Stage::new(World::new(), [talker()]);
    stage.run("talker", &["--budget", "turns=2"]).run().expect_code(2);
    let run = stage.world.only_run();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("blocked", "overBudget"));
    let status = stage.world.status(&run);
    assert_eq!(
        (&status["budget"]["over"], &status["usage"]["turns"]),
        (&"turns".into(), &3.into()),
        "{status}"
    );
    let counted: Vec<_> = stage.did_of(&run, 0, "usage");
    let mut counted: Vec<_> = counted.iter().map(|event| event["usage"]["turns"].as_u64().unwrap()).collect();
    counted.dedup();
    assert_eq!(counted, [1, 2, 3], "one after the other, while it worked");
    stage.world.assert_nothing_left();

    let raise = ["run", "extend", &run, "--turns", "9", "--resume"];
    stage.command("talker", Login::Key, &raise).run().expect_code(0);
    let manifest = stage.world.wait_ended(&run);
    assert_eq!(manifest.outcome(), "success");
    let records = manifest["state"]["attemptRecords"].as_array().unwrap().clone();
    let of_attempts: u64 = records.iter().map(|record| record["usage"]["turns"].as_u64().unwrap()).sum();
    assert_eq!(stage.world.status(&run)["usage"]["turns"], of_attempts);
    assert!(of_attempts > 3, "{records:#?}");
    stage.world.assert_nothing_left();
}

#[test]
fn tokens_are_counted_while_the_client_works_and_their_ceiling_can_be_raised() {
    let stage = Stage::new(World::new(), [spender()]);
    let ended = stage.run("spender", &["--budget", "tokens=3000"]).run();
    let run = stage.world.only_run();
    let turns = stage.model.turns("spender");
    // Of the 3,000, 2,500 are used when it is told to go on: more than four fifths.
    let nudge = turns[2].said();
    assert!(nudge.contains("budget is nearly used up; what is left: 500 tokens"), "{nudge}");
    ended.expect_code(2);
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("blocked", "reported overBudget"));
    assert_eq!(stage.world.status(&run)["budget"]["over"], "tokens");
    let next = format!("run extend {run} --tokens N --resume");
    stage.world.ok(&["run", "status", &run]).expect_stdout(&next);
    stage.world.assert_nothing_left();

    stage
        .command("spender", Login::Key, &["run", "extend", &run, "--tokens", "9000", "--resume"])
        .run()
        .expect_code(0);
    let manifest = stage.world.wait_ended(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported overBudget reported"));
    stage.assert_one_conversation(&run, 3);
    stage.world.assert_nothing_left();
}
