//! Somebody is told that a run has ended: once, with the truth, and without any influence on the run.

use crate::harness::World;

const TELL: &str = r#"printf '%s|%s|%s|%s|%s\n' "$AGENT_RUNNER_RUN_ID" "$AGENT_RUNNER_RUN_STATUS" "$AGENT_RUNNER_RUN_EXIT_CODE" "$AGENT_RUNNER_RUN_NAME" "$AGENT_RUNNER_RUN_SUMMARY" >> told"#;

fn told(world: &World) -> Vec<String> {
    world.lines("repo/told")
}

#[test]
fn a_command_is_told_how_the_run_ended() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent(
        "fake",
        "complete one; [ $FENCE = 1 ] && set_task two --status blocked --notes why || complete two",
    );
    let run = world.fake(&["--notify", TELL, "--name", "night shift"]).run().expect_code(2).run_id();
    assert_eq!(
        told(&world),
        [format!(
            "{run}|blocked|2|night shift|night shift ({run}): blocked, 1 of 2 tasks completed: two blocked"
        )]
    );
    // An end of its own, and told again.
    world.ok(&["task", "set", &run, "two", "--status", "pending"]);
    world.ok(&["run", "--resume-run", &run, "go on"]);
    assert_eq!(told(&world).len(), 2);
    assert!(told(&world)[1].contains("|success|0|"), "{:?}", told(&world));
}

#[test]
fn whoever_is_told_can_go_on_with_the_run_at_once() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 1 ] && exit 0; complete one");
    let again = r#"[ "$AGENT_RUNNER_RUN_STATUS" = success ] || "$AGENT_RUNNER_CMD" run --resume-run "$AGENT_RUNNER_RUN_ID" >> told 2>&1; echo "$AGENT_RUNNER_RUN_STATUS" >> told"#;
    let run = world.fake(&["--notify", again, "--max-retries", "0"]).run().expect_code(1).run_id();
    world.assert_nothing_left();
    assert_eq!(world.status(&run)["status"], "success", "{:?}", told(&world));
}

#[test]
fn a_notification_that_fails_changes_nothing() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    for line in ["echo trouble >&2; exit 3", "kill -9 $$", "no-such-program", "exec sleep 1000 &"] {
        let run = world.fake(&["--notify", line]).run().expect_code(0).run_id();
        world.assert_nothing_left();
        assert_eq!(world.status(&run)["status"], "success", "{line}");
        let log = std::fs::read_to_string(world.run_dir(&run).join("driver.log")).unwrap_or_default();
        assert_eq!(log.contains("notification"), !line.ends_with('&'), "{line}: {log}");
    }
}

#[test]
fn a_desktop_without_the_program_for_it_is_no_trouble() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let told = world.write("bin/notify-send", "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$0.told\"\n");
    std::fs::set_permissions(&told, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let noted = || {
        let args = ["run", "--agent", "fake", "--assignment", "work", "--notify", "desktop"];
        // Only what this test has put there is in the path.
        let started = world.command(&args).env("PATH", world.path("bin").into_os_string()).run();
        started.stderr.contains("note: notify-send is not in PATH")
    };
    assert!(!noted(), "the program is there");
    let run = world.fake(&["--notify", "desktop", "--name=-rf <b>"]).run().expect_code(0).run_id();
    let words = world.lines("bin/notify-send.told");
    assert_eq!(
        words,
        ["--app-name=agent-runner", "--", &format!("-rf <b> ({run})"), "success, 1 of 1 tasks completed"]
    );
    std::fs::remove_file(told).unwrap();
    assert!(noted(), "nobody can be told");
    let run = world.fake(&["--notify", "desktop"]).run().expect_code(0).run_id();
    let log = std::fs::read_to_string(world.run_dir(&run).join("driver.log")).unwrap();
    assert!(log.contains("nobody was told") && log.contains("notify-send"), "{log}");
}

#[test]
fn nobody_is_told_by_a_passive_run_or_for_nothing() {
    let world = World::new();
    world.work(&["one"]);
    world
        .run(&["init", "--backend", "passive", "--assignment", "work", "--notify", "true"])
        .expect_code(3)
        .expect_stderr("has no driver that could tell anybody");
    world
        .run(&["init", "--backend", "passive", "--assignment", "work", "--notify", " "])
        .expect_code(3)
        .expect_stderr("--notify is empty");
    world.run(&["run", "--resume-run", "x", "--notify", "true"]).expect_code(3);
}

#[test]
fn whoever_is_told_of_a_nested_run_is_nobodys_worker() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let report = r#""$AGENT_RUNNER_CMD" task append-notes "$AGENT_RUNNER_RUN_ID" one --text "told by hand" >> told 2>&1; env | grep -E 'FENCE|SOCKET|CONNECT' >> told"#;
    let run = world
        .fake(&["--notify", report])
        .env("AGENT_RUNNER_ATTEMPT_FENCE", "7")
        .env("AGENT_RUNNER_DRIVER_SOCKET", "/nowhere")
        .env("AGENT_RUNNER_CONNECT", "ws://127.0.0.1:1")
        .env("AGENT_RUNNER_RUN_ID", "outer")
        .run()
        .expect_code(0)
        .run_id();
    let left: Vec<String> = told(&world).into_iter().filter(|line| line.contains("AGENT_RUNNER_")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(
        world.status(&run)["tasks"][0]["notes"].as_str().unwrap().contains("told by hand"),
        "{:?}",
        told(&world)
    );
}
