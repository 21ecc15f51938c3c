//! Workers that cannot be started, ask to be tried later, and the ways a prompt reaches them.

use serde_json::json;

use crate::harness::{Manifest as _, World};

#[test]
fn a_missing_program_is_an_error_at_once_with_a_hint() {
    let world = World::new();
    world.work(&["one"]);
    world.agent_argv("fake", &["no-such-agent-program", "--prompt"]);
    misconfigured(&world, "binaryMissing", "no-such-agent-program");
}

#[test]
fn a_program_that_cannot_be_executed_is_an_error_at_once() {
    let world = World::new();
    world.work(&["one"]);
    let path = world.write("scripts/plain.txt", "not a program");
    world.agent_argv("fake", &[path.to_str().unwrap()]);
    misconfigured(&world, "binaryMissing", "plain.txt");
}

#[test]
fn a_prompt_too_long_for_an_argument_is_an_error_at_once() {
    let world = World::new();
    world.work(&["one"]);
    world.agent_argv("fake", &["sh", "-c", "exit 0", "{{prompt}}"]);
    let message = world.write("message.md", "long ".repeat(40 * 1024));
    let ended = world.fake(&["--message-file", message.to_str().unwrap()]).run().expect_code(4);
    let failure = &ended.json()["failure"];
    assert_eq!(failure["kind"], "configuration", "{ended}");
    assert!(failure["detail"].as_str().unwrap().contains("too long"), "{ended}");
    assert_eq!(world.manifest(&ended.run_id()).ends(), "misconfigured");
    world.assert_nothing_left();
}

/// Runs the fake agent, which cannot be started.
fn misconfigured(world: &World, kind: &str, name: &str) {
    let ended = world.command(&["run", "--agent", "fake", "--assignment", "work"]).run().expect_code(4);
    let ended = ended.expect_stdout(name).expect_stdout("What to do:");
    let run = world.only_run();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("failed", "misconfigured"), "{ended}");
    assert_eq!((manifest.fences(), manifest.spent()), (vec![1], vec![0]));
    assert_eq!(manifest.tasks(), "one=pending");
    let failure = &manifest["state"]["phase"]["outcome"]["failure"];
    assert_eq!(failure["kind"], kind);
    assert!(!failure["hint"].as_str().unwrap().is_empty());
    world.assert_nothing_left();
}

#[test]
fn a_worker_that_asks_to_be_tried_later_is_waited_for_without_cost() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "exit 75");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    let front = world.command(&["run", "--resume-run", &run]).spawn();
    front.wait_for_stdout("waiting until");
    let manifest = waiting(&world, &run);
    assert_eq!((manifest.ends().as_str(), manifest.spent()), ("overloaded", vec![0]));
    world.ok(&["run", "abort", &run]).expect_stdout("aborted");
    front.wait().expect_code(130);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.fences()), ("aborted", vec![1]));
    world.assert_nothing_left();
}

#[test]
fn a_wait_outlives_its_driver() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "exit 75");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    world.ok(&["run", "--resume-run", &run, "--detach"]);
    let before = waiting(&world, &run);
    let driver = world.driver_pid(&run);
    world.signal(driver, rustix::process::Signal::KILL);
    world.wait_gone(driver);
    assert_eq!(world.status(&run)["effectiveStatus"], "interrupted");
    world.assert_nothing_left();

    let front = world.command(&["run", "--resume-run", &run]).spawn();
    let after = world.wait_manifest(&run, "a new driver", |manifest| {
        manifest["state"]["driver"]["pid"].as_i64().is_some_and(|pid| pid != i64::from(driver))
    });
    assert_eq!(after["state"]["phase"], before["state"]["phase"], "the wait goes on");
    assert_eq!((after.fences(), after.spent()), (vec![1], vec![0]));
    world.ok(&["run", "abort", &run]);
    front.wait().expect_code(130);
    world.assert_nothing_left();
}

/// Waits until a run waits, and returns its manifest.
fn waiting(world: &World, run: &str) -> serde_json::Value {
    let manifest = world
        .wait_manifest(run, "a wait", |manifest| manifest["state"]["phase"]["stage"]["name"] == "waiting");
    let wait = &manifest["state"]["phase"]["stage"]["wait"];
    assert_eq!(wait["why"], "backoff");
    assert!(wait["until"].is_string() && wait["detail"].as_str().unwrap().contains("75"), "{wait}");
    assert_eq!(world.status(run)["wait"], *wait);
    manifest
}

#[test]
fn a_long_prompt_reaches_the_worker_on_standard_input() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let message = format!("first line\n{}\nlast line", "long ".repeat(60 * 1024));
    let run = world.fake(&["--message-file", "-"]).stdin(message.clone()).run().expect_code(0).run_id();
    let prompt = world.read("prompt-1");
    assert!(prompt.len() > 300 * 1024 && prompt.contains(&message), "{} bytes arrived", prompt.len());
    assert_eq!(world.ok(&["run", "brief", &run]).stdout, prompt);
    world.assert_nothing_left();
}

#[test]
fn one_line_end_at_the_end_of_a_text_is_left_out_however_it_is_written() {
    let world = World::new();
    world.work(&["one"]);
    for (given, expected) in
        [("a\r\nb\r\n", "a\r\nb"), ("a\n", "a"), ("a\r\n\r\n", "a\r\n"), ("a\r", "a\r"), ("a", "a")]
    {
        let path = world.write("repo/message.txt", given);
        let run = world.init(&[
            "--backend",
            "passive",
            "--assignment",
            "work",
            "--message-file",
            path.to_str().unwrap(),
        ]);
        assert_eq!(world.manifest(&run)["spec"]["message"], expected, "{given:?}");
        world
            .command(&["task", "set", &run, "one", "--notes", "-"])
            .stdin(given.to_owned())
            .run()
            .expect_code(0);
        let tasks = world.ok(&["task", "list", &run, "--output-format", "json"]).json();
        assert_eq!(tasks["tasks"][0]["notes"], expected, "{given:?}");
    }
}

#[test]
fn a_prompt_can_be_an_argument_or_a_file() {
    let world = World::new();
    world.work(&["one"]);
    let script = world.script(
        "fake",
        r#"printf '%s' "$1" > "$W/arguments-$FENCE"; cat "$2" > "$W/file"; echo "$3" > "$W/rest"; complete one"#,
    );
    let script = script.to_str().unwrap();
    world.agent_argv("fake", &["sh", script, "<{{prompt}}>", "/dev/null", "{{run_id}} {{cwd}}"]);
    let run = world.fake(&["Mind", "the", "gap"]).run().expect_code(0).run_id();
    let brief = world.ok(&["run", "brief", &run]).stdout;
    assert!(brief.contains("Mind the gap"), "{brief}");
    assert_eq!(world.read("arguments-1"), format!("<{brief}>"));
    assert_eq!(world.read("prompt-1"), "", "standard input is empty");
    assert_eq!(world.read("rest"), format!("{run} {}\n", world.repo().canonicalize().unwrap().display()));

    world.agent_argv("fake", &["sh", script, "-", "{{prompt_file}}", "{{unknown}} {{cwd"]);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.read("file"), world.ok(&["run", "brief", &run]).stdout);
    assert_eq!(world.read("prompt-1"), "");
    assert_eq!(world.read("rest"), "{{unknown}} {{cwd\n", "what is no key is left as it is");
    world.assert_nothing_left();
}

#[test]
fn workers_are_told_how_to_report_and_nothing_else_changes_in_their_environment() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "env > \"$W/environment\"; pwd > \"$W/cwd\"; complete one");
    let running = world.fake(&[]).env("MY_OWN", "a value").env("AGENT_RUNNER_CONNECT", "http://127.0.0.1:1");
    let run = running.run().expect_code(0).run_id();
    let environment = world.lines("environment");
    let value = |name: &str| {
        environment.iter().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned)
    };
    assert_eq!(value("MY_OWN").as_deref(), Some("a value"));
    assert_eq!(value("AGENT_RUNNER_CONNECT"), None);
    assert_eq!(value("AGENT_RUNNER_RUN_ID").as_deref(), Some(run.as_str()));
    assert_eq!(value("AGENT_RUNNER_PARENT_RUN_ID").as_deref(), Some(run.as_str()));
    assert_eq!(value("AGENT_RUNNER_ATTEMPT_FENCE").as_deref(), Some("1"));
    assert_eq!(value("AGENT_RUNNER_CMD").as_deref(), Some("agent-runner"));
    assert_eq!(world.lines("cwd"), [world.repo().canonicalize().unwrap().display().to_string()]);
    let names = &world.manifest(&run)["state"]["sessions"][0]["environment"];
    assert!(names.as_array().unwrap().contains(&json!("MY_OWN")), "names are recorded: {names}");
    let text = std::fs::read_to_string(world.run_dir(&run).join("run.json")).unwrap();
    assert!(!text.contains("a value"), "values are not");
    world.assert_nothing_left();
}

#[test]
fn a_run_without_tasks_ends_with_what_its_worker_said() {
    let world = World::new();
    world.agent("fake", "printf 'I looked.\\n\\nThe answer is 42.\\n'");
    let ended = world.ok(&["run", "--agent", "fake", "what is the answer"]);
    let run = world.only_run();
    let closing = ended.stdout.split_once("\n\n").unwrap().1;
    assert!(closing.contains("The worker's last words:\n  I looked.\n  The answer is 42.\n"), "{ended}");
    for next in [format!("run report {run}"), format!("run timeline {run} --full")] {
        assert!(closing.contains(&format!("\nNext: agent-runner {next}")), "{ended}");
    }
    let shown = ["attach", "status", "report"].map(|command| world.ok(&["run", command, &run]).stdout);
    assert!(shown[0].contains("The answer is 42."), "{}", shown[0]);
    for text in shown.iter().chain([&ended.stdout]) {
        assert!(!text.contains("task-id"), "{text}");
    }
    let passive = world.init(&["--backend", "passive", "something to think about"]);
    let shown = world.ok(&["run", "status", &passive]).stdout;
    assert!(
        !shown.contains("task-id") && shown.contains(&format!("agent-runner task add {passive} ")),
        "{shown}"
    );
}

#[test]
fn what_to_do_about_a_set_up_that_cannot_work_can_be_done() {
    let world = World::new();
    let gone = world.path("gone");
    std::fs::create_dir(&gone).unwrap();
    world.agent("fake", "true");
    let run = world.init_ready(&["--agent", "fake", "--cwd", gone.to_str().unwrap(), "look around"]);
    std::fs::remove_dir(&gone).unwrap();
    let failed = world.run(&["run", "--resume-run", &run]).expect_code(4);
    assert!(failed.stdout.contains("What to do: make the directory again"), "{failed}");
    assert!(failed.stdout.contains(&format!("Next: agent-runner run --resume-run {run}")), "{failed}");
    std::fs::create_dir(&gone).unwrap();
    world.ok(&["run", "--resume-run", &run]);

    let search = world.path("bin").into_os_string();
    let failed = world.command(&["run", "--backend", "claude", "hello"]).env("PATH", search).run();
    failed.expect_code(4).expect_stdout(
        "install Claude Code so that `claude` is in PATH, or set AGENT_RUNNER_CLAUDE_BIN to where it is\n\
         What to do: see to it, then resume the run\n",
    );
}
