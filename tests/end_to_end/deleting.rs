//! Deletions that are killed half-way: the run is gone, and whoever comes next takes away what is left of it.

use serde_json::json;

use crate::harness::World;

/// A run whose deletion was killed once it was out of sight, and the directory of what is left.
fn half_deleted(world: &World) -> (String, std::path::PathBuf) {
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work", "--name", "Half"]);
    let dir = world.run_dir(&run);
    world.ok(&["run", "archive", &run]);
    let killed = world.command(&["run", "delete", &run]);
    let killed = killed.env("AGENT_RUNNER_FAILPOINT", "command:store.delete.moved").run();
    assert_eq!(killed.signal, Some(9), "{killed}");
    let left = dir.with_file_name(format!(".deleted-{run}"));
    assert!(left.join("run.json").is_file() && !dir.exists());
    (run, left)
}

#[test]
fn the_same_command_again_finishes_it() {
    let world = World::new();
    let (run, left) = half_deleted(&world);
    world.run(&["run", "status", &run]).expect_code(3).expect_stderr("not found");
    assert!(left.exists());
    let deleted = world.ok(&["run", "delete", &run, "--output-format", "json"]).json();
    assert_eq!((&deleted["runId"], &deleted["name"]), (&json!(run), &json!("Half")));
    assert!(!left.exists());
    world.run(&["run", "delete", &run]).expect_code(3).expect_stderr("not found");
}

#[test]
fn whoever_lists_or_recovers_finishes_it() {
    for finisher in [&["list", "runs"][..], &["list", "runs", "--global"], &["recover"]] {
        let world = World::new();
        let (run, left) = half_deleted(&world);
        let ended = world.ok(finisher);
        assert!(!ended.stdout.contains(&run), "{ended}");
        assert!(!left.exists(), "{finisher:?}");
        world.run(&["run", "delete", &run]).expect_code(3).expect_stderr("not found");
    }
}

#[test]
fn another_deletion_finishes_its_own_and_those_who_are_at_it_are_left_alone() {
    let world = World::new();
    let (run, left) = half_deleted(&world);
    let deletions = [0, 1, 2].map(|_| world.command(&["run", "delete", &run]).spawn());
    let mut codes = deletions.map(|deletion| deletion.wait().code);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3), Some(3)], "one of them finishes it, the others find nothing");
    assert!(!left.exists());
}
