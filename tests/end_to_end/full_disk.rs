//! A disk that refuses to take a commit: said, never acknowledged, and gone on from once there is space.

use crate::harness::{Manifest as _, World};

const ERROR: &str = "AGENT_RUNNER_FAILPOINT_ERROR";

#[test]
fn a_report_that_cannot_be_written_is_refused_and_changes_nothing() {
    let world = World::new();
    let run = world.init(&["--backend", "passive", "--assignment", "test"]);
    let before = world.manifest(&run);
    for point in ["guarded", "torn", "appended", "tmp_written"] {
        let set = world.command(&["task", "set", &run, "date", "--status", "completed"]);
        let refused = set.env(ERROR, format!("task:store.commit.{point}")).run().expect_code(4);
        let refused = refused.expect_stderr("error: ").expect_stderr("hint: ");
        assert!(refused.stderr.contains("No space left on device") && refused.stdout.is_empty(), "{refused}");
        assert_eq!(world.manifest(&run), before, "after {point}");
        assert_eq!(world.events(&run).len(), 1);
    }
    world.ok(&["task", "set", &run, "date", "--status", "completed"]);
    let cursors: Vec<u64> =
        world.events(&run).iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
    assert_eq!(cursors, [1, 2]);
}

#[test]
fn a_run_that_cannot_be_created_leaves_nothing_to_trip_over() {
    let world = World::new();
    for point in ["wrote_seeds", "wrote_log", "wrote_tmp"] {
        let run = world.command(&["run", "--agent", "test", "--assignment", "test"]);
        let refused = run.env(ERROR, format!("command:store.create.{point}")).run().expect_code(4);
        refused.expect_stderr("No space left on device").expect_stderr("hint: ");
        let listed = world.ok(&["list", "runs", "--global", "--output-format", "json"]).json();
        assert_eq!(listed["runs"], serde_json::json!([]), "after {point}");
    }
    world.run(&["run", "--agent", "test", "--assignment", "test"]).expect_code(0);
    world.assert_nothing_left();
}

#[test]
fn a_driver_that_cannot_write_stops_its_worker_and_says_so() {
    // The first commit starts the attempt, the second records its worker.
    for commit in 1..=2 {
        let world = World::new();
        world.work(&["one"]);
        world.agent("fake", "[ -e \"$W/space\" ] || exec sleep 1000; complete one");
        let ended = world.fake(&[]).env(ERROR, format!("driver:store.commit.guarded#{commit}")).run();
        let ended = ended.expect_code(4);
        let run = ended.run_id();
        world.assert_nothing_left();
        let manifest = world.manifest(&run);
        assert_eq!((manifest.phase(), manifest.outcome()), ("ended", "failed"), "commit {commit}: {ended}");
        let failure = &manifest["state"]["phase"]["outcome"]["failure"];
        assert_eq!(failure["kind"], "internal");
        assert!(failure["detail"].as_str().unwrap().contains("No space left on device"), "{failure}");
        assert!(failure["hint"].as_str().unwrap().contains("free some space"), "{failure}");
        assert_eq!(manifest.tasks(), "one=pending");

        world.write("space", "");
        world.run(&["run", "--resume-run", &run]).expect_code(0);
        let manifest = world.manifest(&run);
        assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("success", "one=completed"));
        world.assert_nothing_left();
    }
}

#[test]
fn a_good_end_is_recorded_as_soon_as_the_disk_takes_it() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    // The third commit records the end of the attempt and of the run.
    let run = world.fake(&[]).env(ERROR, "driver:store.commit.guarded#3").run().expect_code(0).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    let log = std::fs::read_to_string(world.run_dir(&run).join("driver.log")).unwrap();
    assert!(log.contains("No space left on device"), "the driver said so: {log}");
    world.assert_nothing_left();
}

/// A worker whose first event meets a full disk. What else it does comes after that; `$D` is the run's directory.
fn without_room_for_events(world: &World, script: &str) -> String {
    world.work(&["one"]);
    let script = format!(
        "D=$(dirname \"$(find \"$W/state\" -path \"*$RUN/run.json\")\")\nL=\"$D/attempts/00.events.jsonl\"\n\
         ln -s /dev/full \"$L\"; echo lost; until grep -q 'is incomplete' \"$D/driver.log\"; do :; done\n{script}\n\
         complete one"
    );
    world.agent("fake", &script);
    world.fake(&[]).run().expect_code(0).run_id()
}

#[test]
fn a_gap_among_the_events_is_told_once_the_disk_takes_them_again() {
    let world = World::new();
    let run = without_room_for_events(&world, "rm \"$L\"; echo kept");
    let log = world.run_dir(&run).join("attempts/00.events.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let (note, kept) = (log.find("events are missing here"), log.find("\"kept\""));
    assert!(note.is_some() && note < kept && !log.contains("\"lost\""), "{log}");
    assert!(log.contains("No space left on device"), "{log}");
    let timeline = world.ok(&["run", "timeline", &run, "--output-format", "json"]).json();
    assert_eq!(timeline["warnings"].as_array().unwrap().len(), 1, "{timeline}");
    world.assert_nothing_left();
}

#[test]
fn events_that_were_lost_to_the_end_are_missed_by_whoever_looks() {
    let world = World::new();
    let run = without_room_for_events(&world, "");
    // Whoever reads that file never gets to its end.
    std::fs::remove_file(world.run_dir(&run).join("attempts/00.events.jsonl")).unwrap();
    for command in ["timeline", "report"] {
        let seen = world.ok(&["run", command, &run, "--output-format", "json"]).json();
        let warnings = seen["warnings"].to_string();
        assert!(warnings.contains("events of attempt 0 are missing"), "{command}: {seen}");
        assert!(warnings.contains("No space left on device"), "{command}: {seen}");
    }
    world.assert_nothing_left();
}

#[test]
fn a_worker_whose_disk_is_full_reports_through_the_driver() {
    let world = World::new();
    world.work(&["one"]);
    let script = format!(
        "export {ERROR}=task:store.commit.appended\nset_task one --status completed; echo $? > \"$W/code\""
    );
    world.agent("fake", &script);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.lines("code"), ["0"]);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"));
    world.assert_nothing_left();
}

#[test]
fn a_worker_whose_report_is_refused_everywhere_is_asked_again() {
    let world = World::new();
    world.work(&["one"]);
    // The driver's second commit with an event is the one that it makes for its worker.
    let script = format!(
        "[ $FENCE = 1 ] && export {ERROR}=task:store.commit.appended\n\
         set_task one --status completed; echo \"$FENCE $?\" >> \"$W/codes\""
    );
    world.agent("fake", &script);
    let run = world.fake(&[]).env(ERROR, "driver:store.commit.appended#2").run().expect_code(0).run_id();
    assert_eq!(world.lines("codes"), ["1 4", "2 0"]);
    assert!(world.read("reports").contains("No space left on device"), "{}", world.read("reports"));
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported reported"));
    world.assert_nothing_left();
}
