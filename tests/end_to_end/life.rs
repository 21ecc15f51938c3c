//! A run's life outside of its work: reset, put away, deleted, named, noted, pinned, grouped.

use serde_json::{Value, json};

use crate::harness::{Manifest as _, World};

/// A run that has ended well, with one task `one`.
fn ended(world: &World) -> String {
    world.work(&["one"]);
    world.agent("fake", "complete one");
    world.fake(&[]).run().expect_code(0).run_id()
}

fn listed(world: &World, more: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["list", "runs", "--output-format", "json"].iter().chain(more).copied().collect();
    let runs = world.ok(&args).json()["runs"].clone();
    runs.as_array().unwrap().iter().map(|run| run["runId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_that_is_reset_is_what_it_was_when_it_was_created() {
    let world = World::new();
    let run = ended(&world);
    world.ok(&["run", "set-name", &run, "kept"]);
    world.ok(&["run", "set-note", &run, "kept too"]);
    world.ok(&["run", "pin", &run]);
    let before = world.manifest(&run);
    let reset = world.ok(&["run", "reset", &run]).expect_stdout(&format!("Reset run {run}"));
    reset.expect_stdout(&format!("agent-runner run ready {run}"));
    let manifest = world.manifest(&run);
    let state = &manifest["state"];
    assert_eq!((manifest.phase(), manifest.tasks().as_str()), ("initialized", "one=pending"));
    assert_eq!((&state["sessions"], &state["attemptRecords"]), (&json!([]), &json!([])));
    assert_eq!(
        (&state["name"], &state["note"], &state["pinned"]),
        (&json!("kept"), &json!("kept too"), &json!(true))
    );
    assert_eq!(state["nextFence"], before["state"]["nextFence"], "a fence is never used twice");
    assert_eq!(manifest["spec"], before["spec"]);
    assert_eq!(world.events_of(&run, "run.reset").len(), 1);
    assert_eq!(world.events_of(&run, "run.finished").len(), 1, "the history is kept");
    // Once more changes nothing.
    world.ok(&["run", "reset", &run]);
    assert_eq!(world.manifest(&run), manifest);
    world.ok(&["run", "ready", &run]);
    world.ok(&["run", "--resume-run", &run]);
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.fences(), manifest.prompts().as_str()),
        ("success", vec![2], "brief")
    );
    world.assert_nothing_left();
}

#[test]
fn what_was_done_before_a_reset_is_history() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", "echo words of attempt $FENCE; complete one two");
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let page = world.ok(&["run", "report", &run]);
    assert!(page.stdout.contains("attempt 0"), "{page}");
    world.ok(&["run", "reset", &run]);
    let page = world.ok(&["run", "report", &run]);
    assert!(
        !page.stdout.contains("attempt 0"),
        "no task was changed in an attempt that is forgotten: {page}"
    );
    world.ok(&["run", "timeline", &run, "--attempt", "0"]).expect_stdout("words of attempt 1");
    let refused = world.run(&["run", "timeline", &run, "--attempt", "1"]).expect_code(3);
    refused.expect_stderr("there is no attempt 1; no attempt was started since the reset after attempt 0");
    world.ok(&["run", "ready", &run]);
    world.ok(&["run", "--resume-run", &run]);
    world.ok(&["run", "timeline", &run, "--attempt", "0"]).expect_stdout("words of attempt 1");
    world.ok(&["run", "timeline", &run, "--attempt", "1"]).expect_stdout("words of attempt 2");
    world.ok(&["run", "report", &run]).expect_stdout("attempt 1");
}

#[test]
fn a_run_that_is_put_away_is_out_of_sight_and_left_alone() {
    let world = World::new();
    let run = ended(&world);
    let back = format!("agent-runner run unarchive {run}");
    world.ok(&["run", "archive", &run]).expect_stdout(&back);
    assert_eq!(listed(&world, &[]), Vec::<String>::new());
    assert_eq!(listed(&world, &["--include-archived"]), std::slice::from_ref(&run));
    let can = world.status(&run)["capabilities"].clone();
    let possible = |name: &str| can[name].as_bool().unwrap();
    assert!(possible("canUnarchive") && possible("canDelete"), "{can}");
    for name in ["canArchive", "canReady", "canResume", "canReset", "canAbort", "canReconfigure"] {
        assert!(!possible(name), "{name}: {can}");
    }
    assert_eq!(
        (&can["reconfigureReason"], &can["abortReason"]),
        (&json!("archived"), &json!("already_terminal"))
    );
    let before = world.manifest(&run);
    for refused in [
        &["run", "--resume-run", &run, "go on"][..],
        &["run", "ready", &run],
        &["run", "reset", &run],
        &["run", "queue-message", &run, "hello"],
        &["task", "add", &run, "--title", "More"],
        &["task", "set", &run, "one", "--status", "pending"],
        &["task", "append-notes", &run, "one", "--text", "more"],
    ] {
        world.run(refused).expect_code(3).expect_stderr("run unarchive");
    }
    assert_eq!(world.manifest(&run), before);
    // What people say about it may still change.
    world.ok(&["run", "set-note", &run, "done with"]);
    world.ok(&["run", "archive", &run]);
    world.ok(&["run", "unarchive", &run]).expect_stdout(&format!("Unarchived run {run}"));
    world.ok(&["run", "unarchive", &run]);
    assert_eq!(listed(&world, &[]), std::slice::from_ref(&run));
    assert_eq!(world.events_of(&run, "run.archived").len(), 1);
    assert_eq!(world.events_of(&run, "run.unarchived").len(), 1);
    world.ok(&["run", "--resume-run", &run, "go on"]);
}

#[test]
fn only_an_archived_run_is_deleted() {
    let world = World::new();
    let run = ended(&world);
    let refused = world.run(&["run", "delete", &run]).expect_code(3);
    refused.expect_stderr("it is not archived").expect_stderr(&format!("agent-runner run archive {run}"));
    world.ok(&["run", "archive", &run]);
    let deleted = world.ok(&["run", "delete", &run, "--output-format", "json"]).json();
    assert_eq!((&deleted["runId"], &deleted["effectiveStatus"]), (&json!(run), &json!("success")));
    assert_eq!(world.runs().len(), 0);
    world.run(&["run", "delete", &run]).expect_code(3).expect_stderr(&run);
    world.run(&["run", "status", &run]).expect_code(3);
}

#[test]
fn a_running_run_is_neither_reset_nor_put_away() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "echo $RUN > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    for verb in [&["reset"][..], &["archive"], &["unarchive"], &["delete"], &["clear-group"]] {
        let args: Vec<&str> = ["run"].iter().chain(verb).chain(&[run.as_str()]).copied().collect();
        let refused = world.run(&args).expect_code(3).expect_stderr("it is running");
        refused.expect_stderr(&format!("agent-runner run abort {run}"));
    }
    world.run(&["run", "set-group", &run, "other"]).expect_code(3).expect_stderr("run abort");
    // What is only said about it can be said at any time.
    world.ok(&["run", "set-name", &run, "busy"]);
    world.ok(&["run", "pin", &run]);
    let can = world.status(&run)["capabilities"].clone();
    assert_eq!(
        (&can["canAbort"], &can["canArchive"], &can["canReset"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!((&can["abortReason"], &can["reconfigureReason"]), (&Value::Null, &json!("not_initialized")));
    go.release();
    let ended = front.wait().expect_code(0).json();
    assert_eq!((&ended["name"], &ended["pinned"]), (&json!("busy"), &json!(true)));
    world.assert_nothing_left();
}

#[test]
fn names_notes_and_pins_are_set_and_cleared() {
    let world = World::new();
    let run = ended(&world);
    let json = |args: &[&str]| {
        let args: Vec<&str> =
            ["run"].iter().chain(args).chain(&["--output-format", "json"]).copied().collect();
        world.ok(&args).json()
    };
    assert_eq!(json(&["set-name", &run, " My run "])["name"], "My run");
    world.ok(&["run", "set-name", &run, "Other"]).expect_stdout(&format!("Named run {run}: Other"));
    world.ok(&["run", "set-name", &run, "--clear"]).expect_stdout("Cleared the name");
    assert_eq!(world.status(&run)["name"], Value::Null);
    world.run(&["run", "set-name", &run]).expect_code(3);
    world.run(&["run", "set-name", &run, "x", "--clear"]).expect_code(3);
    world.run(&["run", "set-name", &run, "two\nlines"]).expect_code(3).expect_stderr("one line");
    world.run(&["run", "set-name", &run, &"x".repeat(201)]).expect_code(3).expect_stderr("200");

    let set = world.ok(&["run", "set-note", &run, "# Secret *note*"]);
    assert_eq!(set.stdout, format!("Set the note of run {run}.\n"));
    assert_eq!(world.status(&run)["note"], "# Secret *note*");
    world.ok(&["run", "set-note", &run, " \n "]).expect_stdout("Cleared the note");
    assert_eq!(world.status(&run)["note"], Value::Null);
    let read = world.command(&["run", "set-note", &run, "-"]).stdin("from\nstdin\n").run().expect_code(0);
    assert!(!read.stdout.contains("stdin"), "{read}");
    assert_eq!(world.status(&run)["note"], "from\nstdin");
    assert_eq!(json(&["clear-note", &run])["note"], Value::Null);
    let long = "x".repeat(64 * 1024 + 1);
    world.run(&["run", "set-note", &run, &long]).expect_code(3).expect_stderr("65536");

    assert_eq!(json(&["pin", &run])["pinned"], true);
    let count = world.events_of(&run, "run.metadata_changed").len();
    world.ok(&["run", "pin", &run]).expect_stdout(&format!("Pinned run {run}"));
    assert_eq!(
        world.events_of(&run, "run.metadata_changed").len(),
        count,
        "nothing changed, nothing to tell"
    );
    assert_eq!(json(&["unpin", &run])["pinned"], false);
    world.run(&["run", "pin", "nobody"]).expect_code(3).expect_stderr("nobody");
}

#[test]
fn a_run_joins_a_group_and_leaves_it() {
    let world = World::new();
    let run = ended(&world);
    world
        .ok(&["run", "set-group", &run, "feature-7"])
        .expect_stdout(&format!("Run {run} belongs to group feature-7"));
    assert_eq!(listed(&world, &["--group-id", "feature-7"]), std::slice::from_ref(&run));
    world.run(&["run", "set-group", &run, "has space"]).expect_code(3).expect_stderr("a group id");
    world.ok(&["run", "clear-group", &run]).expect_stdout("stands alone");
    assert_eq!(world.status(&run)["runGroupId"], json!(run));
}

#[test]
fn only_a_passive_run_is_told_its_conversation() {
    let world = World::new();
    let active = ended(&world);
    let refused = world.run(&["run", "set-backend-session", &active, "abc"]).expect_code(3);
    refused.expect_stderr("only of a passive run").expect_stderr("hint:");
    world.run(&["run", "clear-backend-session", &active]).expect_code(3);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    world.ok(&["run", "set-backend-session", &run, "abc"]).expect_stdout("abc");
    assert_eq!(world.status(&run)["backendSessionId"], "abc");
    world
        .run(&["run", "set-backend-session", &run, " "])
        .expect_code(3)
        .expect_stderr("clear-backend-session");
    // It is shown on one line, and may become an argument.
    let before = world.manifest(&run);
    for id in ["two\nlines", "esc\u{1b}[2J", "--flag", &"x".repeat(257), &"x".repeat(100_000)] {
        let refused = world.run(&["run", "set-backend-session", &run, "--", id]).expect_code(3);
        refused.expect_stderr("one line of at most 256 characters");
    }
    assert_eq!(world.manifest(&run), before);
    world.ok(&["run", "set-backend-session", &run, &"x".repeat(256)]);
    world.ok(&["run", "clear-backend-session", &run]).expect_stdout("Cleared");
    assert_eq!(world.status(&run)["backendSessionId"], Value::Null);
    let refused = world.run(&["run", "queue-message", &run, "hello"]).expect_code(3);
    refused.expect_stderr("a passive run has no worker");
}

#[test]
fn a_deletion_and_a_change_at_once_leave_the_run_whole_or_gone() {
    let world = World::new();
    world.work(&["one"]);
    let (mut deleted, mut kept) = (0, 0);
    for round in 0..12 {
        let run = world.init(&["--backend", "passive", "--assignment", "work"]);
        world.ok(&["run", "archive", &run]);
        let mut verbs = ["delete", "unarchive"];
        if round % 2 == 1 {
            verbs.reverse();
        }
        let racing = verbs.map(|verb| (verb, world.command(&["run", verb, &run]).spawn()));
        let codes = racing.map(|(verb, racing)| (verb, racing.wait().code));
        let code = |verb| codes.iter().find(|(name, _)| *name == verb).unwrap().1;
        if code("delete") == Some(0) {
            deleted += 1;
            world.run(&["run", "status", &run]).expect_code(3);
        } else {
            kept += 1;
            assert_eq!((code("delete"), code("unarchive")), (Some(3), Some(0)));
            assert_eq!(world.status(&run)["archivedAt"], Value::Null, "{}", world.everything_known());
        }
    }
    assert_eq!(deleted + kept, 12);
}

#[test]
fn of_a_reset_and_a_resume_at_once_both_are_whole() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    for _ in 0..6 {
        let run = world.fake(&[]).run().expect_code(0).run_id();
        let resume = world.command(&["run", "--resume-run", &run, "once more"]).spawn();
        let reset = world.command(&["run", "reset", &run]).spawn();
        let (resumed, reset) = (resume.wait(), reset.wait());
        let manifest = world.manifest(&run);
        let sessions = manifest["state"]["sessions"].as_array().unwrap().len();
        match (resumed.code, reset.code) {
            // The reset came first, or after everything else.
            (Some(3) | Some(0), Some(0)) => assert_eq!((manifest.phase(), sessions), ("initialized", 0)),
            (Some(0), Some(3)) => assert_eq!((manifest.outcome(), sessions), ("success", 2)),
            _ => panic!("{resumed}\n{reset}"),
        }
    }
    world.assert_nothing_left();
}
