//! Hooks that do not do what hooks do: each fails with words about it, within bounds, and leaves nothing behind.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Finished, Manifest as _, World};

use super::scene::HOOK;

const CONTINUE: &str = r#"{"action":"continue"}"#;

/// A run with a hook `bad` in that phase.
fn run_with(world: &World, phase: &str, script: &str, timeout_sec: u32) -> Finished {
    world.hook("bad", script);
    world.hooked(json!({ phase: [{"name": "bad", "timeoutSec": timeout_sec}] }), &["one"]);
    world.agent("fake", "complete one");
    world.fake(&["--max-retries", "0"]).run()
}

/// Why a run failed.
fn why(world: &World, run: &str) -> String {
    let manifest = world.manifest(run);
    assert_eq!(manifest.outcome(), "failed", "{}", world.everything_known());
    manifest["state"]["phase"]["outcome"]["failure"]["detail"].as_str().unwrap().to_owned()
}

fn event(world: &World, run: &str) -> Value {
    world.events_of(run, HOOK).remove(0)
}

#[test]
fn what_is_no_answer_fails_the_run_with_words_about_it() {
    let world = World::new();
    for (script, words) in [
        ("echo hello", "not a hook's answer"),
        ("echo '{\"action\":\"continue\"} {}'", "trailing characters"),
        ("echo '[]'", "not a hook's answer"),
        ("echo '[\"continue\"]'", "it has to be an object"),
        ("echo '{\"action\":\"continue\",\"mutate\":[]}'", "`mutate` has to be an object"),
        (
            "echo '{\"action\":\"continue\",\"mutate\":{\"patchTasks\":[[\"one\"]]}}'",
            "`patchTasks` has to be",
        ),
        ("echo '\"continue\"'", "not a hook's answer"),
        ("printf '{\"action\":\"block\",\"reason\":\"\\377\"}'", "not a hook's answer"),
        ("printf '\\000'", "not a hook's answer"),
        ("echo '{\"action\":\"continue\"'", "EOF"),
        ("echo '{\"action\":\"fly\"}'", "unknown variant `fly`"),
        ("echo '{\"action\":\"continue\",\"mood\":1}'", "unknown field `mood`"),
        ("echo '{}'", "needs `action`"),
        ("echo '{\"accept\":true}'", "only hooks for taskTransition"),
        ("echo '{\"action\":\"reinvoke\"}'", "needs `followUpPrompt`"),
        ("echo '{\"action\":\"block\",\"reason\":\" \"}'", "needs `reason`"),
        ("echo WORDS >&2; exit 7", "exit code 7: WORDS"),
        ("kill -KILL $$", "signal 9"),
        ("echo '{\"action\":\"continue\"}'; kill -TERM $$", "signal 15"),
        ("echo '{\"action\":\"continue\"}'; exit 1", "exit code 1"),
    ] {
        let run = run_with(&world, "beforeAttempt", script, 30).expect_code(4).run_id();
        let why = why(&world, &run);
        assert!(why.contains("beforeAttempt:0:bad") && why.contains(words), "{script}: {why}");
        assert_eq!(world.manifest(&run).fences(), [0; 0]);
        assert_eq!(event(&world, &run)["outcome"], "error");
    }
    world.assert_nothing_left();
}

#[test]
fn a_transition_hook_that_fails_refuses_the_change() {
    let world = World::new();
    world.hooked(json!({"taskTransition": [{"name": "bad", "timeoutSec": 1}]}), &["one"]);
    world.hook("bad", "exit 0");
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    for (script, words) in [
        ("echo '{\"action\":\"continue\"}'", "answers with `accept`"),
        ("echo '{\"accept\":false}'", "needs `reason`"),
        ("echo '{\"accept\":1}'", "invalid type"),
        ("echo '{}'", "`accept: true` or `false`"),
        ("exit 3", "exit code 3"),
        ("exec sleep 1000", "stopped after 1 seconds"),
        ("setsid sleep 1000 & sleep 1000 & kill -KILL $$", "signal 9"),
        ("cat /dev/zero", "4 MiB"),
    ] {
        world.hook("bad", script);
        let set = world.run(&["task", "set", &run, "one", "--status", "completed"]).expect_code(4);
        set.expect_stderr(words).expect_stderr("the task is as it was");
        assert_eq!(world.manifest(&run).tasks(), "one=pending", "{script}");
        world.assert_nothing_left();
    }
    world.hook("bad", "exit 0");
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
}

#[test]
fn after_a_failing_hook_at_its_end_a_success_is_an_error_and_a_bad_end_stays() {
    let world = World::new();
    let run = run_with(&world, "afterExit", "exit 9", 30).expect_code(4).run_id();
    assert!(why(&world, &run).contains("exit code 9"));
    world.agent("fake", "exit 0");
    let run = world.fake(&["--max-retries", "0"]).run().expect_code(1).run_id();
    assert_eq!(
        (world.manifest(&run).outcome(), &event(&world, &run)["outcome"]),
        ("exhausted", &json!("error"))
    );
    world.agent("fake", "set_task one --status blocked");
    let run = world.fake(&[]).run().expect_code(2).run_id();
    assert_eq!(world.manifest(&run).outcome(), "blocked");
    world.assert_nothing_left();
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_deadline_with_all_it_started() {
    let world = World::new();
    let stubborn = "trap '' TERM INT HUP\nsetsid sleep 1000 &\n(trap '' TERM; setsid sh -c 'sleep 1000; :') &\nwait; sleep 1000";
    let run = run_with(&world, "beforeAttempt", stubborn, 1).expect_code(4).run_id();
    assert!(why(&world, &run).contains("stopped after 1 seconds; `timeoutSec`"), "{}", why(&world, &run));
    let took = event(&world, &run)["durationMs"].as_u64().unwrap();
    assert!((1000..20_000).contains(&took), "{took}");
    world.assert_nothing_left();
}

#[test]
fn a_hook_that_says_too_much_is_ended_and_one_that_complains_much_is_not() {
    let world = World::new();
    for flood in ["exec yes", "exec cat /dev/zero"] {
        let run = run_with(&world, "prepare", flood, 30).expect_code(4).run_id();
        assert!(why(&world, &run).contains("more than 4 MiB"), "{flood}");
        world.assert_nothing_left();
    }
    let script = format!(
        "head -c 30000000 /dev/zero >&2; yes COMPLAINT | head -c 1000000 >&2; echo LAST >&2; echo '{CONTINUE}'"
    );
    let run = run_with(&world, "prepare", &script, 30).expect_code(0).run_id();
    let stderr = event(&world, &run)["stderr"].as_str().unwrap().to_owned();
    assert!(stderr.len() <= 4096 && stderr.ends_with("LAST"), "{} bytes", stderr.len());
    // Just below the bound, everything is understood.
    let much = concat!(
        r#"printf '{"action":"continue","mutate":{"note":null}'; "#,
        r#"head -c 4000000 /dev/zero | tr '\0' ' '; echo '}'"#
    );
    run_with(&world, "prepare", much, 30).expect_code(0);
    world.assert_nothing_left();
}

#[test]
fn what_a_hook_leaves_running_is_ended_before_the_run_goes_on() {
    let world = World::new();
    let script = "sleep 1000 & setsid sleep 1000 & nohup setsid sh -c 'sleep 1000' > /dev/null 2>&1 &\necho '{\"action\":\"continue\"}'";
    world.hook("bad", script);
    let all: serde_json::Map<String, Value> = ["prepare", "beforeAttempt", "afterAttempt", "afterExit"]
        .into_iter()
        .map(|phase| (phase.to_owned(), json!([{"name": "bad"}])))
        .collect();
    world.hooked(Value::Object(all), &["one"]);
    let counts = r#"ps -A -o args= | grep -c '[s]leep 1000' > "$W/sleeping"; complete one"#;
    world.agent("fake", counts);
    let run = world.fake(&[]).run().expect_code(0).run_id();
    assert_eq!(world.outcomes(&run).len(), 4);
    world.assert_nothing_left();
}

#[test]
fn a_hook_need_not_listen() {
    let world = World::new();
    // More than a pipe holds.
    let body = "x".repeat(300_000);
    for script in [
        format!("exec <&-; echo '{CONTINUE}'"),
        format!("echo '{CONTINUE}'; exec >&-; exec sleep 0.1"),
        "exit 0".to_owned(),
    ] {
        world.hook("bad", &script);
        world.assigned(json!({
            "hooks": {"prepare": [{"name": "bad"}], "taskTransition": [{"name": "quiet"}]},
            "tasks": [{"id": "one", "title": "Do one", "body": body}],
        }));
        world.hook("quiet", "exec <&-; echo '{\"accept\":true}'");
        world.agent("fake", "complete one");
        let run = world.fake(&[]).run().expect_code(0).run_id();
        assert_eq!(world.outcomes(&run), ["prepare:0:bad continue", "taskTransition:0:quiet accepted"]);
    }
    world.assert_nothing_left();
}

#[test]
fn a_hook_whose_file_is_not_what_it_was_says_so() {
    let world = World::new();
    world.agent("fake", "complete one");
    let tool = world.write("config/assignments/work/tool", "just words\n");
    let mode = |bits: u32| std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(bits)).unwrap();
    std::fs::write(&tool, format!("#!/bin/sh\necho '{CONTINUE}'\n")).unwrap();
    mode(0o755);
    world.hooked(json!({"beforeAttempt": [{"path": "./tool"}]}), &["one"]);
    let make = || world.init_ready(&["--agent", "fake", "--assignment", "work"]);

    let (same, changed, plain, gone) = (make(), make(), make(), make());
    let resume = |run: &str| world.run(&["run", "--resume-run", run]);
    resume(&same).expect_code(0);
    assert!(event(&world, &same)["sourceChanged"].is_null());
    assert_eq!(event(&world, &same)["hookId"], "beforeAttempt:0:./tool");

    std::fs::write(&tool, format!("#!/bin/sh\n# Other words.\necho '{CONTINUE}'\n")).unwrap();
    resume(&changed).expect_code(0);
    assert_eq!(event(&world, &changed)["sourceChanged"], true);
    world.ok(&["run", "audit", &changed]).expect_stdout("changed");

    std::fs::write(&tool, "echo no first line\n").unwrap();
    mode(0o644);
    resume(&plain).expect_code(4);
    assert!(why(&world, &plain).contains("chmod +x"), "{}", why(&world, &plain));

    std::fs::remove_file(&tool).unwrap();
    resume(&gone).expect_code(4);
    let said = why(&world, &gone);
    assert!(said.contains("cannot be read") && said.contains("tool"), "{said}");
    // Mended, the same run goes on.
    std::fs::write(&tool, format!("#!/bin/sh\necho '{CONTINUE}'\n")).unwrap();
    resume(&gone).expect_code(0);
    world.assert_nothing_left();
}

#[test]
fn a_first_line_counts_even_without_the_right_to_execute() {
    let world = World::new();
    world.agent("fake", "complete one");
    // The name says shell, the first line says Python; the file cannot be executed.
    let script = format!("#!/usr/bin/env python3\nprint('''{CONTINUE}''')\n");
    world.write("config/hooks/odd/hook.sh", script);
    world.write("config/hooks/lost/hook.sh", "#!/no/such/interpreter\n");
    world.hooked(json!({"prepare": [{"name": "odd"}]}), &["one"]);
    world.fake(&[]).run().expect_code(0);
    world.hooked(json!({"prepare": [{"name": "lost"}]}), &["one"]);
    let run = world.fake(&[]).run().expect_code(4).run_id();
    assert!(why(&world, &run).contains("/no/such/interpreter"), "{}", why(&world, &run));
    world.assert_nothing_left();
}

#[test]
fn what_a_hook_says_is_kept_without_values_of_an_environment() {
    const SECRET: &str = "canary-4711";
    let world = World::new();
    // So long that the value is cut off where only the end is kept.
    let tell = format!("echo {SECRET}; head -c 4071 /dev/zero | tr '\\0' x; echo; echo told {SECRET}");
    world.hook("tell", &format!("( {tell} ) >&2; echo '{CONTINUE}'"));
    world.hook("no", &format!(r#"echo '{{"action":"block","reason":"not with {SECRET}"}}'"#));
    world.hook("reject", &format!(r#"echo '{{"accept":false,"reason":"not with {SECRET}"}}'"#));
    world.hook("nonsense", &format!("echo {SECRET}"));
    world.agent("fake", "set_task one --status completed; set_task one --status blocked; true");
    let mut run = String::new();
    for end in ["no", "nonsense"] {
        world.assigned(json!({
            "vars": {"key": {"sources": ["env"], "envName": "KEY"}},
            "hooks": {
                "prepare": [{"name": "tell"}],
                "taskTransition": [
                    {"name": "reject", "when": {"toStatus": "completed"}},
                    {"name": "nonsense", "when": {"toStatus": "blocked"}},
                ],
                "afterAttempt": [{"name": end}],
            },
            "tasks": [{"id": "one", "title": "Do one"}],
        }));
        let done = world.fake(&[]).env("KEY", SECRET).run();
        run = done.run_id();
        assert!(!format!("{}{}", done.stdout, done.stderr).contains("4711"), "{done}");
    }
    let kept = format!("{:?}", world.events(&run));
    assert!(kept.contains("told ") && !kept.contains("4711"), "{kept}");
    let reports = world.read("reports");
    assert!(reports.contains("not with") && reports.contains("not a hook's answer"), "{reports}");
    assert!(!reports.contains("4711"), "{reports}");
    world.assert_nothing_left();
}
