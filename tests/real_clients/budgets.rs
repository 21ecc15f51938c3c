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
