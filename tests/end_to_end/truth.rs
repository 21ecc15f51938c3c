//! How a run ends when its worker reports, forgets, blocks or claims too much.

use crate::harness::{Manifest as _, World};

#[test]
fn a_worker_that_claims_success_but_sets_nothing_exhausts_the_run() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", "echo 'All tasks are completed.'");
    let run = world.fake(&["--max-retries", "2"]).run().expect_code(1).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "exhausted"));
    assert_eq!(manifest.ends(), "reported reported reported");
    assert_eq!(manifest.prompts(), "brief nudge nudge");
    assert_eq!(manifest.fences(), [1, 2, 3]);
    assert_eq!(manifest.spent(), [3]);
    assert_eq!(manifest.tasks(), "one=pending two=pending");
    for number in 0..3 {
        let record = manifest.attempt(number);
        assert_eq!((record["exitCode"].as_i64(), record["leftovers"].as_i64()), (Some(0), Some(0)));
        assert_eq!(record["outputTail"], "All tasks are completed.");
    }
    let brief = world.read("prompt-1");
    assert!(brief.contains("You are the fake agent fake.") && brief.contains("The work of this test."));
    assert!(brief.contains(&format!("agent-runner task list {run}")), "{brief}");
    assert!(!brief.contains("still open"), "{brief}");
    for nudge in ["prompt-2", "prompt-3"] {
        let nudge = world.read(nudge);
        assert!(nudge.contains("2 of 2 tasks are still open"), "{nudge}");
        assert!(nudge.contains("- `one` Do one (pending: nothing was reported for it)"), "{nudge}");
        assert!(nudge.contains("- `two` Do two (pending: nothing was reported for it)"), "{nudge}");
    }
    world.assert_nothing_left();
}

#[test]
fn a_worker_that_needs_two_nudges_succeeds() {
    let world = World::new();
    world.work(&["one", "two", "three"]);
    world.agent(
        "fake",
        r#"case $FENCE in
           1) complete one ;;
           2) set_task two --status in_progress --notes "half of it" ;;
           3) complete two three ;;
           esac"#,
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "success"));
    assert_eq!(manifest.ends(), "reported reported reported");
    assert_eq!((manifest.fences(), manifest.spent()), (vec![1, 2, 3], vec![3]));
    assert_eq!(manifest.tasks(), "one=completed three=completed two=completed");
    assert_eq!(manifest.notes("two"), "half of it");
    let second = world.read("prompt-2");
    assert!(second.contains("2 of 3 tasks are still open") && !second.contains("- `one`"), "{second}");
    let third = world.read("prompt-3");
    assert!(third.contains("- `two` Do two (in progress: it was begun, but neither completed nor blocked)"));
    assert!(third.contains("newest note: half of it"), "{third}");
    assert!(third.contains("- `three` Do three (pending: nothing was reported for it)"), "{third}");
    world.assert_nothing_left();
}

#[test]
fn a_blocked_task_ends_the_run_with_its_notes() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", r#"complete one; set_task two --status blocked --notes "needs the key of the safe""#);
    let ended = world.command(&["run", "--agent", "fake", "--assignment", "work"]).run().expect_code(2);
    let run = world.only_run();
    let ended =
        ended.expect_stdout("needs the key of the safe").expect_stdout(": blocked (1 of 2 tasks completed");
    let ended = ended.expect_stdout(&format!("Next: agent-runner run --resume-run {run} \"how to go on\""));
    assert_eq!(ended.stderr, "");
    let manifest = world.manifest(&run);
    assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "blocked"));
    assert_eq!(manifest["state"]["phase"]["outcome"]["tasks"], serde_json::json!(["two"]));
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("reported", vec![1]));
    assert_eq!(manifest.notes("two"), "needs the key of the safe");
    world.assert_nothing_left();
}

#[test]
fn the_tasks_decide_not_the_exit_code_of_the_worker() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one; exit 3");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "crashed"));
    assert_eq!(manifest.attempt(0)["exitCode"], 3);
    assert_eq!(manifest.tasks(), "one=completed");
    world.assert_nothing_left();
}

#[test]
fn without_tasks_the_end_of_the_turn_decides() {
    let world = World::new();
    world.agent("fake", "[ -e \"$W/broken\" ] && exit 9; echo hello");
    let chat = ["run", "--agent", "fake", "Say", "hello", "--output-format", "json"];
    let run = world.run(&chat).expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    let prompt = world.read("prompt-1");
    assert!(prompt.contains("# Message\n\nSay hello"), "{prompt}");
    assert!(!prompt.contains("How to report"), "there is nothing to report: {prompt}");

    world.write("broken", "");
    let failed = world.run(&chat).expect_code(4);
    let manifest = world.manifest(&failed.run_id());
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("failed", "crashed crashed crashed"));
    assert_eq!(failed.json()["failure"]["kind"], "crashing");
    let last = world.run(&[&chat[..], &["--max-retries", "0"]].concat()).expect_code(4);
    assert_eq!(world.manifest(&last.run_id()).ends(), "crashed");
    world.assert_nothing_left();
}
