//! Parents, groups, and how deep runs may be nested.

use crate::harness::World;

const PASSIVE: [&str; 4] = ["--backend", "passive", "--assignment", "work"];

fn world() -> World {
    let world = World::new();
    world.work(&["one"]);
    world
}

fn init(world: &World, more: &[&str]) -> String {
    world.init(&[&PASSIVE[..], more].concat())
}

#[test]
fn a_group_comes_from_the_flag_then_the_environment_then_the_parent_then_the_run() {
    let world = world();
    let parent = init(&world, &["--group-id", "release:1/a"]);
    let group = |more: &[&str], inherited: Option<&str>| {
        let args = [&["init"], &PASSIVE[..], more, &["--output-format", "json"]].concat();
        let command = world.command(&args);
        let command = match inherited {
            Some(group) => command.env("AGENT_RUNNER_RUN_GROUP_ID", group),
            None => command,
        };
        let detail = command.run().expect_code(0).json();
        let is_own = detail["runGroupId"] == detail["runId"];
        if is_own { "its own".to_owned() } else { detail["runGroupId"].as_str().unwrap().to_owned() }
    };
    let child = ["--parent-run", &parent];
    assert_eq!(group(&[], None), "its own");
    assert_eq!(group(&child, None), "release:1/a");
    assert_eq!(group(&child, Some("night")), "night");
    assert_eq!(group(&["--group-id", "day"], Some("night")), "day");
    assert_eq!(group(&["--parent-run", &parent, "--group-id", "day"], Some("night")), "day");
    assert_eq!(group(&["--parent-run", &parent, "--no-inherit-run-group"], Some("night")), "its own");
}

#[test]
fn parents_and_groups_that_cannot_be_are_refused() {
    let world = world();
    let refused = |more: &[&str], words: &str| {
        let args = [&["init"], &PASSIVE[..], more].concat();
        world.run(&args).expect_code(3).expect_stderr(words);
    };
    refused(&["--parent-run", "nobody"], "the parent run nobody does not exist");
    refused(&["--parent-run", "no body"], "the parent run's id is not one");
    refused(&["--group-id", "with space"], "a group id has 1 to 128 letters");
    refused(&["--group-id", "g", "--no-inherit-run-group"], "cannot be used with");
    let args = [&["init"], &PASSIVE[..]].concat();
    let command = world.command(&args).env("AGENT_RUNNER_PARENT_RUN_ID", "gone");
    command.run().expect_code(3).expect_stderr("unset AGENT_RUNNER_PARENT_RUN_ID");
    assert!(world.runs().is_empty(), "a refused run leaves nothing behind");
}

#[test]
fn runs_are_nested_only_so_deep() {
    let world = world();
    let parent = init(&world, &[]);
    let child = init(&world, &["--parent-run", &parent]);
    assert_eq!(world.status(&child)["callDepth"], 1, "known from the parent, whatever the environment says");
    let create = |depth: &str, most: &str| {
        let args = [&["init"], &PASSIVE[..], &["--output-format", "json"]].concat();
        let command = world.command(&args).env("AGENT_RUNNER_CALL_DEPTH", depth);
        command.env("AGENT_RUNNER_MAX_CALL_DEPTH", most).run()
    };
    assert_eq!(create("7", "").expect_code(0).json()["callDepth"], 7);
    create("8", "").expect_code(3).expect_stderr("nested in 8 others, and 8 is the limit");
    create("2", "2").expect_code(3).expect_stderr("AGENT_RUNNER_MAX_CALL_DEPTH");
    create("0", "0").expect_code(3);
    create("two", "").expect_code(3).expect_stderr("AGENT_RUNNER_CALL_DEPTH is not a whole number");
    create("0", "-1").expect_code(3).expect_stderr("AGENT_RUNNER_MAX_CALL_DEPTH is not a whole number");
    let args = [&["init"], &PASSIVE[..], &["--parent-run", &child]].concat();
    let command = world.command(&args).env("AGENT_RUNNER_MAX_CALL_DEPTH", "2");
    command.run().expect_code(3).expect_stderr("nested in 2 others");
}

#[test]
fn agents_that_start_themselves_come_to_an_end() {
    let world = world();
    world.agent(
        "fake",
        r#"env | grep -E '^AGENT_RUNNER_(RUN_ID|PARENT_RUN_ID|RUN_GROUP_ID|CWD|CALL_DEPTH|MAX_CALL_DEPTH)=' | sort >> "$W/told"
           "$AGENT_RUNNER_CMD" run --agent fake --assignment work > "$W/out-$AGENT_RUNNER_CALL_DEPTH" 2> "$W/err-$AGENT_RUNNER_CALL_DEPTH"
           echo $? >> "$W/codes"
           complete one"#,
    );
    let top = world.fake(&[]).env("AGENT_RUNNER_MAX_CALL_DEPTH", "3").run().expect_code(0).run_id();
    assert_eq!(world.runs().len(), 3);
    assert_eq!(world.lines("codes"), ["3", "0", "0"], "the third may not start a fourth");
    assert!(world.read("err-3").contains("nested in 3 others, and 3 is the limit"));
    let told = world.lines("told");
    let first: Vec<&str> = told[..6].iter().map(String::as_str).collect();
    let cwd = std::fs::canonicalize(world.repo()).unwrap();
    assert_eq!(
        first,
        [
            "AGENT_RUNNER_CALL_DEPTH=1",
            &format!("AGENT_RUNNER_CWD={}", cwd.display()),
            "AGENT_RUNNER_MAX_CALL_DEPTH=3",
            &format!("AGENT_RUNNER_PARENT_RUN_ID={top}"),
            &format!("AGENT_RUNNER_RUN_GROUP_ID={top}"),
            &format!("AGENT_RUNNER_RUN_ID={top}"),
        ]
    );
    assert!(told.contains(&"AGENT_RUNNER_CALL_DEPTH=3".to_owned()));
    let groups = world.ok(&["list", "runs", "--group-id", &top, "--output-format", "json"]).json();
    assert_eq!(groups["runs"].as_array().unwrap().len(), 3);
    world.assert_nothing_left();
}
