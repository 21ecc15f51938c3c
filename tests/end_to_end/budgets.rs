//! Ceilings from outside: flags, refusals, ends, extensions.

use crate::harness::{Manifest as _, World};

#[test]
fn a_run_ends_blocked_at_its_ceiling_and_goes_on_when_it_is_raised() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] || complete one");
    let ended = world.fake(&["--budget", "attempts=1"]).run().expect_code(2);
    let run = ended.run_id();
    assert_eq!(
        (&ended.json()["budget"]["over"], &ended.json()["status"]),
        (&"attempts".into(), &"blocked".into())
    );
    let next = format!("run extend {run} --attempts N --resume");
    world.ok(&["run", "status", &run]).expect_stdout("Budget").expect_stdout(&next);
    let report = world.ok(&["run", "report", &run]);
    report.expect_stdout("the ceiling of attempts is reached").expect_stdout("| Left of it | 0 attempts |");
    world.run(&["run", "--resume-run", &run]).expect_code(3).expect_stderr("ceiling of `attempts`");
    world
        .run(&["run", "extend", &run, "--tokens", "5"])
        .expect_code(3)
        .expect_stderr("no ceiling of `tokens`");
    world.run(&["run", "extend", &run]).expect_code(3).expect_stderr("has to add something");
    world.ok(&["run", "extend", &run, "--attempts", "1", "--resume"]);
    world.wait_ended(&run);
    assert_eq!(world.status(&run)["status"], "success");
    world.assert_nothing_left();
}

#[test]
fn a_worker_is_stopped_when_its_time_is_up() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "while :; do sleep 1000; done");
    let args = ["run", "--agent", "fake", "--assignment", "work", "--budget", "wallClock=1"];
    let ended =
        world.command(&args).run().expect_code(2).expect_stdout("Why: the ceiling of `wallClock` is reached");
    let run = world.only_run();
    ended.expect_stdout(&format!("run extend {run} --wall-clock SEC --resume"));
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("blocked", "overBudget"));
    world.assert_nothing_left();
}

#[test]
fn ceilings_that_mean_nothing_are_refused() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let refused = |budget: &str, words: &str| {
        world.fake(&["--budget", budget]).run().expect_code(3).expect_stderr(words);
    };
    refused("tokens", "there is no =");
    refused("coffee=3", "there is no such kind");
    refused("attempts=-1", "not a whole number");
    refused("attempts=0", "nothing could be done");
    refused("costUsd=1,50", "is no amount of dollars");
    refused("tokens=1000", "does not measure `tokens`");
    assert!(world.runs().is_empty());
}

#[test]
fn a_child_gets_a_share_and_too_much_is_refused() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "complete one");
    world.agent(
        "fake",
        r#"for want in 9 2; do
             "$AGENT_RUNNER_CMD" run --agent inner --assignment work --budget attempts=$want > "$W/out-$want" 2> "$W/err-$want"
             echo $? >> "$W/codes"
           done
           complete one"#,
    );
    let outer = world.fake(&["--budget", "attempts=6"]).run().expect_code(0).run_id();
    assert_eq!(world.lines("codes"), ["3", "0"]);
    assert!(world.read("err-9").contains("5 of `attempts` are left"), "{}", world.read("err-9"));
    let budget = &world.status(&outer)["budget"];
    assert_eq!((&budget["reserved"]["attempts"], &budget["remaining"]["attempts"]), (&1.into(), &4.into()));
    assert_eq!(world.events_of(&outer, "run.budget_settled").len(), 1);
    world.assert_nothing_left();
}
