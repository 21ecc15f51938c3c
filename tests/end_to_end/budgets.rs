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
    refused("tokens=1000", "--budget onUnmeasured=allow");
    refused("attempts=9007199254740992", "the most there can be");
    refused("soft=0", "no percentage");
    refused("soft=101", "no percentage");
    refused("onUnmeasured=maybe", "allow or refuse");
    world
        .fake(&["--budget", "soft=50", "--budget", "soft=60"])
        .run()
        .expect_code(3)
        .expect_stderr("said twice");
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

#[test]
fn what_is_not_measured_may_be_allowed_and_the_soft_mark_is_told() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 3 ] && complete one; true");
    let flags = [
        "--budget",
        "tokens=5",
        "--budget",
        "onUnmeasured=allow",
        "--budget",
        "attempts=4",
        "--budget",
        "soft=50",
    ];
    let run = world.fake(&flags).run().expect_code(0).run_id();
    assert_eq!(world.status(&run)["budget"]["softPercent"], 50);
    let prompt = |number: u32| world.read(format!("prompt-{number}"));
    assert!(!prompt(2).contains("nearly used up"), "{}", prompt(2));
    assert!(prompt(3).contains("what is left: 1 attempt after this one"), "{}", prompt(3));
    world.assert_nothing_left();
}

#[test]
fn time_is_what_a_run_is_active_and_more_of_it_reaches_a_worker_at_work() {
    let world = World::new();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    // Longer than the ceiling it begins with.
    world.agent("fake", "echo $RUN > \"$W/ready\"; sleep 5; complete one");
    let running = world.fake(&["--budget", "wallClock=4"]).spawn();
    let run = ready.line();
    world.ok(&["run", "extend", &run, "--wall-clock", "600"]);
    let refused = world.run(&["run", "extend", &run, "--wall-clock", "600", "--resume"]).expect_code(3);
    refused.expect_stderr("is running").expect_stderr("nothing was raised");
    assert_eq!(world.status(&run)["budget"]["ceilings"]["wallClockSec"], 604);
    running.wait().expect_code(0);
    assert_eq!(world.manifest(&run).ends(), "reported");
    world.assert_nothing_left();
}

#[test]
fn a_child_has_no_more_time_than_its_parent() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "while :; do sleep 1000; done");
    world.agent(
        "fake",
        r#""$AGENT_RUNNER_CMD" run --agent inner --assignment work --detach > "$W/started"; complete one"#,
    );
    let outer = world.fake(&["--budget", "wallClock=2"]).run().expect_code(0).run_id();
    let inner = other(&world, &outer);
    let ended = world.wait_ended(&inner);
    assert_eq!((ended.outcome(), ended.ends().as_str()), ("blocked", "overBudget"));
    assert_eq!(world.status(&inner)["budget"]["grantedBy"]["wallClock"], outer.as_str());
    world.ok(&["run", "status", &inner]).expect_stdout(&format!("run extend {outer} --wall-clock SEC"));
}

#[test]
fn an_extension_that_needs_words_takes_them_and_raises_nothing_without() {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        "if [ $FENCE = 1 ]; then set_task one --status blocked --notes why; else complete one; fi",
    );
    let run = world.fake(&["--budget", "attempts=1"]).run().expect_code(2).run_id();
    let extend = |words: &[&str]| {
        let args = ["run", "extend", &run, "--attempts", "1", "--resume"];
        world.run(&[&args[..], words].concat())
    };
    let refused = extend(&[]).expect_code(3).expect_stderr("needs a message");
    refused.expect_stderr("nothing was raised").expect_stderr("--resume \"how to go on\"");
    assert_eq!(world.status(&run)["budget"]["ceilings"]["attempts"], 1);
    world.run(&["run", "extend", &run, "--attempts", "1", "words"]).expect_code(3).expect_stderr("--resume");
    extend(&["here", "you", "are"]).expect_code(0);
    world.wait_ended(&run);
    assert_eq!(world.status(&run)["status"], "success");
    assert!(world.read("prompt-2").contains("here you are"));
    world.ok(&["run", "archive", &run]);
    world.run(&["run", "extend", &run, "--attempts", "1"]).expect_code(3).expect_stderr("run unarchive");
    assert_eq!(world.status(&run)["budget"]["ceilings"]["attempts"], 2);
}

#[test]
fn a_share_that_is_used_up_says_whose_budget_it_is() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "true");
    world.agent(
        "fake",
        r#""$AGENT_RUNNER_CMD" run --agent inner --assignment work --max-retries 9 > "$W/started"; complete one"#,
    );
    let outer = world.fake(&["--budget", "attempts=5"]).run().expect_code(0).run_id();
    let inner = other(&world, &outer);
    assert_eq!(world.status(&inner)["budget"]["grantedBy"]["attempts"], outer.as_str());
    let shown = world.ok(&["run", "status", &inner]).expect_stdout(&format!("run --resume-run {inner}"));
    shown.expect_stdout(&format!("run extend {outer} --attempts N"));
    let refused = world.run(&["run", "extend", &inner, "--attempts", "2"]).expect_code(3);
    refused
        .expect_stderr("no ceiling of `attempts`")
        .expect_stderr(&format!("run extend {outer} --attempts N"));
    // Half of two that are left is one, and half of one is one.
    for left in [1, 0] {
        world.run(&["run", "--resume-run", &inner]).expect_code(2);
        assert_eq!(world.status(&outer)["budget"]["remaining"]["attempts"], left);
    }
    let refused =
        world.run(&["run", "--resume-run", &inner]).expect_code(3).expect_stderr("0 of `attempts` are left");
    refused.expect_stderr(&format!("run extend {outer} --attempts N"));
}

/// The run that is not this one.
fn other(world: &World, run: &str) -> String {
    let runs = world.runs();
    let names = runs.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    let others: Vec<&str> = names.filter(|name| *name != run).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    others[0].to_owned()
}

/// A child of a run with four attempts, killed at a point on its way, as its front or its driver.
fn killed(role: &str, point: &str) -> (World, String, String) {
    let world = World::new();
    world.work(&["one"]);
    world.agent("inner", "complete one");
    world.agent("fake", "true");
    let outer = world.fake(&["--budget", "attempts=4", "--max-retries", "0"]).run().expect_code(1).run_id();
    let args =
        ["run", "--agent", "inner", "--assignment", "work", "--parent-run", &outer, "--budget", "attempts=3"];
    let fatal = format!("{role}:{point}");
    let front = world.command(&args).env("AGENT_RUNNER_FAILPOINT", &fatal).run();
    assert_eq!(front.signal.is_some(), role == "command", "{front}");
    let inner = other(&world, &outer);
    if role == "driver" {
        world.wait_ended(&inner);
        world.wait_gone(world.driver_pid(&inner));
    }
    let held = world.manifest(&outer)["state"]["budget"]["children"][&inner].clone();
    assert_eq!(
        (&held["amount"]["attempts"], &held["settled"]),
        (&3.into(), &false.into()),
        "not killed there"
    );
    (world, outer, inner)
}

fn left(world: &World, outer: &str) -> u64 {
    world.status(outer)["budget"]["remaining"]["attempts"].as_u64().unwrap()
}

#[test]
fn chaos_budgets_killed_between_what_is_set_aside_and_the_start() {
    let (world, outer, inner) = killed("command", "budget.reserved");
    assert_eq!((world.status(&inner)["status"].as_str(), left(&world, &outer)), (Some("initialized"), 0));
    world.ok(&["recover", "--dry-run"]).expect_stdout(&outer);
    assert_eq!(left(&world, &outer), 0, "only said");
    world.ok(&["recover"]).expect_stdout(&outer);
    assert_eq!(left(&world, &outer), 3);
    world.ok(&["recover"]).expect_stdout("Nothing to recover.");
    // Whoever starts it gets it.
    world.ok(&["run", "ready", &inner]);
    world.run(&["run", "--resume-run", &inner]).expect_code(0);
    assert_eq!(left(&world, &outer), 2);

    // The next child does not wait for anybody to recover.
    let (world, outer, _) = killed("command", "budget.reserved");
    let args =
        ["run", "--agent", "inner", "--assignment", "work", "--parent-run", &outer, "--budget", "attempts=3"];
    world.run(&args).expect_code(0);
    assert_eq!(left(&world, &outer), 2);
    world.assert_nothing_left();
}

#[test]
fn chaos_budgets_killed_before_what_was_used_is_settled() {
    let (world, outer, _) = killed("driver", "budget.unsettled");
    assert_eq!(left(&world, &outer), 0);
    // The run whose budget it is goes on by itself.
    world.run(&["run", "--resume-run", &outer]).expect_code(1);
    assert_eq!(left(&world, &outer), 1);
    let (world, outer, _) = killed("driver", "budget.unsettled");
    world.ok(&["recover"]).expect_stdout(&outer);
    assert_eq!(left(&world, &outer), 2);
    world.ok(&["recover"]).expect_stdout("Nothing to recover.");
    world.assert_nothing_left();
}

#[test]
fn whoever_extends_and_goes_on_has_done_both_whoever_drives() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] || complete one");
    for _ in 0..5 {
        let run = world.fake(&["--budget", "attempts=1"]).run().expect_code(2).run_id();
        let extend = || world.command(&["run", "extend", &run, "--attempts", "1", "--resume"]).spawn();
        let callers = [extend(), extend(), extend()];
        let mut raised = 1;
        for caller in callers {
            let ended = caller.wait();
            match ended.code {
                Some(0) => raised += 1,
                // It came when the run was at work, or done.
                Some(3) => {}
                _ => panic!("{ended}"),
            }
        }
        world.wait_ended(&run);
        let status = world.status(&run);
        assert_eq!(
            (&status["budget"]["ceilings"]["attempts"], &status["status"]),
            (&raised.into(), &"success".into())
        );
        assert!(raised > 1, "nobody got through");
    }
    world.assert_nothing_left();
}

#[test]
fn a_run_in_the_middle_that_is_deleted_leaves_those_below_it_limited() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "true");
    let top = world.init(&["--backend", "passive", "--assignment", "work", "--budget", "attempts=3"]);
    let child_of = |parent: &str| {
        world.init_ready(&[
            "--agent",
            "fake",
            "--assignment",
            "work",
            "--parent-run",
            parent,
            "--max-retries",
            "9",
        ])
    };
    let middle = child_of(&top);
    let low = child_of(&middle);
    world.ok(&["run", "archive", &middle]);
    world.ok(&["run", "delete", &middle]);
    let ended = world.run(&["run", "--resume-run", &low]).expect_code(2);
    ended.expect_stdout(&format!("run extend {top} --attempts N"));
    assert_eq!(
        world.manifest(&low)["state"]["attemptRecords"].as_array().unwrap().len(),
        1,
        "half of what is left"
    );
    world.run(&["run", "--resume-run", &low]).expect_code(2);
    world.run(&["run", "--resume-run", &low]).expect_code(2);
    world.run(&["run", "--resume-run", &low]).expect_code(3).expect_stderr(&top);
    assert_eq!(world.manifest(&low)["state"]["attemptRecords"].as_array().unwrap().len(), 3);
    world.assert_nothing_left();
}
