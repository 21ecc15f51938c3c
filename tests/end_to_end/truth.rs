//! How a run ends when its worker reports, forgets, blocks or claims too much.

use serde_json::json;

use crate::harness::World;

const WORK: [&str; 6] = ["run", "--agent", "fake", "--assignment", "work", "--output-format"];

/// The arguments of a run of the fake agent on the test's work.
fn run_with<'a>(format: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    WORK.into_iter().chain([format]).chain(more.iter().copied()).collect()
}

#[test]
fn a_worker_that_claims_success_but_sets_nothing_exhausts_the_run() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", "echo 'All tasks are completed.'");
    let ended = world.run(&run_with("json", &["--max-retries", "2"])).expect_code(1);
    let run = ended.run_id();
    let manifest = world.manifest(&run);
    assert_eq!(manifest["state"]["phase"], json!({"name": "ended", "outcome": {"name": "exhausted"}}));
    let records = manifest["state"]["attemptRecords"].as_array().unwrap();
    let fences: Vec<u64> = records.iter().map(|record| record["fence"].as_u64().unwrap()).collect();
    assert_eq!(fences, [1, 2, 3]);
    for record in records {
        assert_eq!(record["end"], json!({"kind": "reported"}));
        assert_eq!(record["exitCode"], 0);
        assert_eq!(record["leftovers"], 0);
    }
    assert_eq!(manifest["state"]["sessions"][0]["attemptsSpent"], 3);
    for task in ["one", "two"] {
        assert_eq!(manifest["state"]["finalTasks"][task]["status"], "pending");
        assert_eq!(manifest["state"]["finalTasks"][task]["notes"], "");
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
