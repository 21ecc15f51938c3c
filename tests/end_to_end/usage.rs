//! Mistakes of the caller: exit code 3, what is wrong, and what to do. Never 2, which is a blocked run.

use crate::harness::World;

#[test]
fn mistakes_end_with_3_and_a_hint() {
    let world = World::new();
    let run = world.init(&["--backend", "passive", "--assignment", "test"]);
    let before = world.manifest(&run);
    let checklist = world.write("repo/list.md", "- [ ] one\n");
    let checklist = checklist.to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["run", "--bogus"], "unexpected argument '--bogus'"),
        (&["bogus"], "unrecognized subcommand 'bogus'"),
        (&[], "Usage: "),
        (&["task"], "Usage: "),
        (&["run"], "hint: name an agent with --agent"),
        (&["run", "--agent", "tset", "--assignment", "test"], "did you mean test?"),
        (&["run", "--agent", "nobody", "--assignment", "test"], "hint: looked at "),
        (&["run", "--agent", "test", "--assignment", "tests"], "did you mean test?"),
        (&["run", "--agent", "../test", "--assignment", "test"], "error: "),
        (&["run", "--agent", "a/../b", "--assignment", "test"], "error: "),
        (&["run", "--agent", "test"], "hint: name an --assignment or a --checklist"),
        (&["run", "--backend", "nope", "--assignment", "test"], "there are claude, command, passive, shell"),
        (
            &["run", "--agent", "test", "--assignment", "test", "--checklist", checklist],
            "cannot be used with",
        ),
        (
            &["run", "--agent", "test", "--assignment", "test", "hello", "--message-file", checklist],
            "cannot be used with",
        ),
        (
            &["run", "--agent", "test", "--assignment", "test", "--message-file", "missing"],
            "cannot open missing",
        ),
        (&["run", "--agent", "test", "--checklist", "missing.md"], "missing.md"),
        (&["run", "--agent", "test", "--assignment", "test", "--max-retries", "21"], "'21'"),
        (&["run", "--agent", "test", "--assignment", "test", "--timeout-sec", "0"], "'0'"),
        (&["run", "--agent", "test", "--assignment", "test", "--effort", "huge"], "possible values"),
        (&["run", "--agent", "test", "--assignment", "test", "--cwd", "missing"], "hint: create it"),
        (&["run", "--agent", "test", "--assignment", "test", "--add-task", ""], "title must not be empty"),
        (&["run", "--agent", "test", "--assignment", "test", "--output-format", "xml"], "possible values"),
        (&["run", "statsu", &run], "did you mean `agent-runner run status`?"),
        (&["run", "staus", &run], "did you mean `agent-runner run status`?"),
        (&["run", "stats", &run], "did you mean `agent-runner run status`?"),
        (&["run", "attch", &run], "did you mean `agent-runner run attach`?"),
        (&["run", "repot", &run], "did you mean `agent-runner run report`?"),
        (&["run", "--detach", "status"], "did you mean `agent-runner run status`?"),
        (&["run", ""], "the message is empty"),
        (&["run", "write a report"], "hint: name an agent with --agent"),
        (&["run", "timeline", &run, "--attempt", "7"], "there is no attempt 7; no attempt was started yet"),
        (&["init", "--agent", "test", "--assignment", "test", "--name", ""], "the display name is empty"),
        (&["init", "--agent", "test", "--assignment", "test", "--model", " "], "the model's name is empty"),
        (&["init", "--agent", "test", "--assignment", "test", "--group-id", "a b"], "this is \"a b\""),
        (&["init", "--agent", "test", "--assignment", "test", "--group-id", ""], "a group id has 1 to 128"),
        (
            &["init", "--agent", "test", "--assignment", "test", "--parent-run", "nope"],
            "the parent run nope does not exist",
        ),
        (&["run", "status", "nosuchrun"], "hint: `agent-runner list runs --global`"),
        (&["run", "status", "../../etc"], "hint: "),
        (&["run", "status", &run, "--field", "nope"], "hint: the fields are "),
        (&["run", "audit", &run, "--limit", "0"], "'0'"),
        (&["run", "--resume-run", "nosuchrun"], "not found"),
        (&["run", "abort", "nosuchrun"], "not found"),
        (&["run", "attach", "nosuchrun"], "not found"),
        (&["recover", "nosuchrun"], "not found"),
        (&["task", "set", &run, "date"], "hint: give --status, --notes, or both"),
        (&["task", "set", &run, "nope", "--status", "completed"], "hint: its tasks are: date, pwd"),
        (&["task", "set", &run, "no such id", "--status", "completed"], "hint: "),
        (
            &["task", "set", &run, "date", "--status", "done"],
            "possible values: pending, in_progress, completed, blocked",
        ),
        (&["task", "edit", &run, "date"], "hint: give --title, --body, or both"),
        (&["task", "add", &run, "--title", "two\nlines"], "single line"),
        (&["task", "add", &run], "--title"),
        (&["list", "nothing"], "unrecognized subcommand"),
        (&["list", "runs", "--global", "--repo", "x"], "cannot be used with"),
        (&["show", "agent", "tset"], "did you mean test?"),
        (
            &["run", "--agent", "test", "--assignment", "test", "--take-over"],
            "--take-over is for --resume-run",
        ),
    ];
    for (args, says) in cases {
        let refused = world.run(args).expect_code(3).expect_stderr(says);
        assert_eq!(refused.stdout, "", "{refused}");
    }
    assert_eq!(world.manifest(&run), before);
    assert_eq!(world.runs().len(), 1, "no run was created");
    world.assert_nothing_left();
}

#[test]
fn help_and_version_are_answers() {
    let world = World::new();
    let version = world.ok(&["--version"]);
    assert!(version.stdout.starts_with("agent-runner ") && version.stderr.is_empty(), "{version}");
    for args in [vec!["--help"], vec!["run", "--help"], vec!["task", "set", "--help"], vec!["-h"]] {
        world.ok(&args).expect_stdout("Usage: ");
    }
}

#[test]
fn an_environment_that_makes_no_sense_is_named() {
    let world = World::new();
    let grace = world.command(&["status"]).env("AGENT_RUNNER_STOP_GRACE_SEC", "soon").run();
    grace.expect_code(3).expect_stderr("AGENT_RUNNER_STOP_GRACE_SEC").expect_stderr("hint: ");
    let homeless = world.command(&["status"]).env_remove("HOME").env_remove("AGENT_RUNNER_STATE_DIR").run();
    homeless.expect_code(3).expect_stderr("hint: set AGENT_RUNNER_STATE_DIR to a directory");
    let run = world.init(&["--backend", "passive", "--assignment", "test"]);
    let fence = world.command(&["task", "set", &run, "date", "--status", "completed"]);
    let fence = fence.env("AGENT_RUNNER_RUN_ID", &run).env("AGENT_RUNNER_ATTEMPT_FENCE", "first").run();
    fence.expect_code(3).expect_stderr("AGENT_RUNNER_ATTEMPT_FENCE is not a number");
}

#[test]
fn places_come_from_the_environment_and_fall_back_to_the_home() {
    let world = World::new();
    let places = |command: crate::harness::Command<'_>| {
        let status = command.run().expect_code(0).json();
        let place = |name: &str| status[name].as_str().unwrap().to_owned();
        (place("configDir"), place("stateDir"))
    };
    let ask = || world.command(&["status", "--output-format", "json"]);
    let path = |relative: &str| world.path(relative).display().to_string();
    assert_eq!(places(ask()), (path("config"), path("state")));
    let unset = || ask().env_remove("AGENT_RUNNER_STATE_DIR").env("AGENT_RUNNER_CONFIG_DIR", "");
    assert_eq!(places(unset()), (path("home/.config/agent-runner"), path("home/.local/state/agent-runner")));
    let xdg = unset().env("XDG_STATE_HOME", path("xdg")).env("XDG_CONFIG_HOME", "relative/is/ignored");
    assert_eq!(places(xdg), (path("home/.config/agent-runner"), path("xdg/agent-runner")));
}
