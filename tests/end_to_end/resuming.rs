//! init, ready, resume: what starts a run, what goes on with it, and what is refused.

use crate::harness::{Manifest as _, World};

#[test]
fn an_initialized_run_is_approved_and_then_started() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init(&["--agent", "fake", "--assignment", "work", "--name", "mine"]);
    assert_eq!(world.manifest(&run).phase(), "initialized");
    world.run(&["run", "--resume-run", &run]).expect_code(3).expect_stderr("run ready");
    assert_eq!(world.manifest(&run).phase(), "initialized");
    world.ok(&["run", "ready", &run]).expect_stdout(&format!("agent-runner run --resume-run {run}"));
    assert_eq!(world.manifest(&run).phase(), "ready");
    let frozen = "the run is ready and its handoff is frozen";
    world.run(&["task", "set", &run, "one", "--status", "completed"]).expect_code(3).expect_stderr(frozen);
    world.run(&["run", "--resume-run", &run, "with words"]).expect_code(3).expect_stderr("frozen");
    world.run(&["run", "--resume-run", &run, "--add-task", "More"]).expect_code(3).expect_stderr("frozen");
    let ended = world.ok(&["run", "--resume-run", &run, "--output-format", "json"]);
    assert_eq!((ended.run_id(), ended.json()["name"].as_str()), (run.clone(), Some("mine")));
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.prompts().as_str()), ("success", "brief"));
    assert_eq!(world.read("prompt-1"), manifest["spec"]["brief"].as_str().unwrap());
    world
        .run(&["run", "ready", &run])
        .expect_code(3)
        .expect_stderr("only an initialized run can be approved");
    world.assert_nothing_left();
}

#[test]
fn a_run_is_found_by_its_id_and_by_its_path() {
    let world = World::new();
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let path = world.run_dir(&run);
    for reference in [path.clone(), path.join("run.json")] {
        let status = world.run(&["run", "status", reference.to_str().unwrap(), "--output-format", "json"]);
        assert_eq!(status.expect_code(0).run_id(), run);
    }
}

#[test]
fn a_running_run_is_not_resumed() {
    let world = World::new();
    world.work(&["one"]);
    let (ready, go) = (world.fifo("ready"), world.fifo("go"));
    world.agent("fake", "echo $RUN > \"$W/ready\"; read x < \"$W/go\"; complete one");
    let front = world.fake(&[]).spawn();
    let run = ready.line();
    let refused = world.run(&["run", "--resume-run", &run, "hurry"]).expect_code(3);
    refused.expect_stderr(&format!("run {run} is running")).expect_stderr(&format!("run attach {run}"));
    let status = world.status(&run);
    assert_eq!((&status["effectiveStatus"], &status["isLive"]), (&"running".into(), &true.into()));
    go.release();
    front.wait().expect_code(0);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.fences(), manifest["state"]["sessions"].as_array().unwrap().len()), (vec![1], 1));
    world.assert_nothing_left();
}

#[test]
fn a_blocked_run_needs_words_and_gets_them() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent(
        "fake",
        r#"if [ $FENCE = 1 ]; then complete two; set_task one --status blocked --notes "which colour?"; else complete one; fi"#,
    );
    let run = world.fake(&[]).run().expect_code(2).run_id();
    let refused = world.run(&["run", "--resume-run", &run]).expect_code(3);
    refused.expect_stderr("a blocked run needs a message that says how to go on");
    let ended = world.run(&["run", "--resume-run", &run, "Take", "blue", "--output-format", "json"]);
    assert_eq!(ended.expect_code(0).run_id(), run);
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.fences(), manifest.spent()),
        ("success", vec![1, 2], vec![1, 1])
    );
    assert_eq!(manifest.prompts(), "brief message");
    assert_eq!(manifest["state"]["sessions"][1]["message"], "Take blue");
    assert_eq!(manifest.attempt(1)["sessionIndex"], 1);
    assert!(world.read("prompt-2").trim_end().ends_with("Take blue"), "{}", world.read("prompt-2"));
    world.assert_nothing_left();
}

#[test]
fn an_exhausted_run_gets_new_retries_in_a_new_session() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "[ $FENCE = 4 ] && complete one; exit 0");
    let run = world.fake(&["--max-retries", "1"]).run().expect_code(1).run_id();
    let message = world.write("message.md", "Really do it.\n");
    world.run(&["run", "--resume-run", &run, "--message-file", message.to_str().unwrap()]).expect_code(0);
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.fences(), manifest.spent()),
        ("success", vec![1, 2, 3, 4], vec![2, 2])
    );
    assert_eq!(manifest.prompts(), "brief nudge message nudge");
    let prompt = world.read("prompt-3");
    assert!(prompt.contains("Really do it.") && prompt.contains("- `one` Do one"), "{prompt}");
    world.assert_nothing_left();
}

#[test]
fn a_finished_run_needs_something_to_do() {
    let world = World::new();
    world.work(&["one"]);
    world.agent(
        "fake",
        "[ $FENCE = 1 ] && complete one; set_task $(cat \"$W/next\" 2>/dev/null) --status completed; exit 0",
    );
    let run = world.fake(&[]).run().expect_code(0).run_id();
    let refused = world.run(&["run", "--resume-run", &run]).expect_code(3);
    refused.expect_stderr("no task is open; add a message or a task");
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.fences()), ("success", vec![1]));

    let exhausted = world.run(&["run", "--resume-run", &run, "--add-task", "Do two"]).expect_code(1);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.spent()), ("exhausted", vec![1, 4]), "{exhausted}");
    let tasks = manifest["state"]["finalTasks"].as_object().unwrap();
    let (added, task) = tasks.iter().find(|(id, _)| *id != "one").unwrap();
    assert_eq!((&task["title"], &task["status"]), (&"Do two".into(), &"pending".into()));
    world.write("next", added);
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_eq!(world.manifest(&run).spent(), [1, 4, 1]);

    // Words alone are something to do as well: the list decides, and it is complete.
    world.run(&["run", "--resume-run", &run, "Say goodbye"]).expect_code(0);
    assert!(world.read("prompt-7").contains("Say goodbye"));
    world.assert_nothing_left();
}

#[test]
fn what_a_run_is_made_from_cannot_be_changed_by_resuming() {
    let world = World::new();
    world.work(&["one"]);
    world.agent("fake", "complete one");
    let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
    let before = world.manifest(&run);
    for (flag, why) in [
        (&["--agent", "fake"][..], "keeps its agent"),
        (&["--assignment", "work"], "--add-task"),
        (&["--checklist", "list.md"], "--add-task"),
        (&["--backend", "passive"], "belongs to the backend"),
        (&["--cwd", "/"], "belongs to the directory"),
        (&["--model", "m"], "was approved with"),
        (&["--effort", "low"], "was approved with"),
        (&["--timeout-sec", "5"], "was approved with"),
        (&["--max-retries", "5"], "was approved with"),
        (&["--unrestricted"], "was approved with"),
        (&["--name", "n"], "run set-name"),
        (&["--parent-run", "abc"], "descends"),
        (&["--group-id", "abc"], "run set-group"),
        (&["--notify", "desktop"], "keeps whom it tells"),
        (&["--backend-session-id", "abc"], "the conversation it has"),
    ] {
        let args: Vec<&str> = ["run", "--resume-run", &run].iter().chain(flag).copied().collect();
        let refused = world.run(&args).expect_code(3);
        refused.expect_stderr(&format!("{} cannot be used with --resume-run", flag[0])).expect_stderr(why);
    }
    world.run(&["run", "--agent", "fake", "--assignment", "work", "--take-over"]).expect_code(3);
    assert_eq!(world.manifest(&run), before);
    assert_eq!(world.runs().len(), 1);
}

/// Brings a new run into a state, and yields its id.
type Prepare = fn(&World) -> String;

fn init(world: &World) -> String {
    world.init(&["--agent", "fake", "--assignment", "work"])
}

fn ready(world: &World) -> String {
    world.init_ready(&["--agent", "fake", "--assignment", "work"])
}

/// What the worker does in its first attempt decides how the run ends; from the second on it completes everything.
fn ended(world: &World, first: &str, code: i32) -> String {
    world.agent("fake", &format!("if [ $FENCE = 1 ]; then {first}; exit 0; fi\n{COMPLETE}"));
    world.fake(&["--max-retries", "0"]).run().expect_code(code).run_id()
}

const COMPLETE: &str = r#"ids=$("$AGENT_RUNNER_CMD" task list "$RUN" --output-format json | sed -n 's/^ *"id": "\(.*\)",$/\1/p')
complete $ids"#;

fn success(world: &World) -> String {
    ended(world, "complete one", 0)
}

fn blocked(world: &World) -> String {
    ended(world, "set_task one --status blocked", 2)
}

fn unblocked(world: &World) -> String {
    let run = blocked(world);
    world.ok(&["task", "set", &run, "one", "--status", "pending"]);
    run
}

fn exhausted(world: &World) -> String {
    ended(world, "true", 1)
}

fn reopened(world: &World) -> String {
    let run = success(world);
    world.ok(&["task", "set", &run, "one", "--status", "pending"]);
    run
}

fn archived(world: &World) -> String {
    let run = exhausted(world);
    world.ok(&["run", "archive", &run]);
    run
}

fn aborted(world: &World) -> String {
    let run = interrupted(world);
    world.ok(&["run", "abort", &run]);
    run
}

/// Its driver was killed in the first attempt.
fn interrupted(world: &World) -> String {
    let ready = world.fifo("ready");
    world.agent(
        "fake",
        &format!("if [ $FENCE = 1 ]; then echo $RUN > \"$W/ready\"; exec sleep 600; fi\n{COMPLETE}"),
    );
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    world.wait_worker(&run, 0);
    let driver = world.driver_pid(&run);
    world.signal(driver, rustix::process::Signal::KILL);
    world.wait_gone(driver);
    run
}

/// Its program was missing.
fn error(world: &World) -> String {
    world.agent_argv("fake", &[world.path("bin/worker").to_str().unwrap()]);
    let run = world.fake(&[]).run().expect_code(4).run_id();
    let script = world.script("late", COMPLETE);
    world.write("bin/worker", format!("#!/bin/sh\nexec sh {}\n", script.display()));
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(world.path("bin/worker"), executable).unwrap();
    run
}

/// Words wait that nobody was shown: it was aborted before its next session.
fn with_words_waiting(world: &World) -> String {
    let ready = world.fifo("ready");
    world.agent(
        "fake",
        &format!("if [ $FENCE = 1 ]; then echo $RUN > \"$W/ready\"; exec sleep 600; fi\n{COMPLETE}"),
    );
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run);
    world.ok(&["run", "queue-message", &run, "Words that waited"]);
    world.ok(&["run", "abort", &run]);
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    run
}

/// It has no tasks, only words.
fn without_tasks(world: &World) -> String {
    world.agent("fake", "exit 0");
    let args = ["run", "--agent", "fake", "Say hello", "--output-format", "json"];
    world.run(&args).expect_code(0).run_id()
}

fn without_tasks_failed(world: &World) -> String {
    world.agent("fake", "[ $FENCE = 1 ] && exit 9; exit 0");
    let args = ["run", "--agent", "fake", "--max-retries", "0", "Say hello", "--output-format", "json"];
    world.run(&args).expect_code(4).run_id()
}

fn dependent(world: &World) -> String {
    let run = init(world);
    let other = passive(world);
    world.ok(&["run", "add-dep", &run, "--run", &other]);
    world.ok(&["run", "ready", &run]);
    run
}

fn passive(world: &World) -> String {
    world.init(&["--backend", "passive", "--assignment", "work"])
}

const IMPLICIT: &str = "go on with what is still open";

/// Its name, prepared how, resumed with what, and what comes of it: why it is refused, or what the worker is told.
type Rule = (&'static str, Prepare, &'static [&'static str], Result<&'static str, &'static str>);

const RULES: &[Rule] = &[
    ("initialized", init, &[], Err("approve it with `run ready` first")),
    ("initialized, words", init, &["go"], Err("approve it with `run ready` first")),
    ("ready", ready, &[], Ok("You are the fake agent")),
    ("ready, words", ready, &["go"], Err("the handoff of a ready run is frozen")),
    ("ready, a task", ready, &["--add-task", "Two"], Err("the handoff of a ready run is frozen")),
    ("success", success, &[], Err("no task is open; add a message or a task")),
    ("success, words", success, &["once more"], Ok("once more")),
    ("success, a task", success, &["--add-task", "Do two"], Ok("Do two")),
    ("success, a task reopened", reopened, &[], Ok(IMPLICIT)),
    ("blocked", blocked, &[], Err("needs a message that says how to go on")),
    ("blocked, a task", blocked, &["--add-task", "Two"], Err("needs a message that says how to go on")),
    ("blocked, words", blocked, &["take blue"], Ok("take blue")),
    ("blocked, then unblocked by hand", unblocked, &[], Ok(IMPLICIT)),
    ("exhausted", exhausted, &[], Ok(IMPLICIT)),
    ("exhausted, words", exhausted, &["try harder"], Ok("try harder")),
    ("exhausted, a task and words", exhausted, &["--add-task", "Do two", "and this"], Ok("and this")),
    ("aborted", aborted, &[], Ok(IMPLICIT)),
    ("aborted, words", aborted, &["once more"], Ok("once more")),
    ("interrupted", interrupted, &[], Ok("cut off in the middle")),
    ("interrupted, words", interrupted, &["mind the gap"], Ok("mind the gap")),
    ("error", error, &[], Ok("You are the fake agent")),
    ("error, words", error, &["now it is there"], Ok("now it is there")),
    ("words wait", with_words_waiting, &[], Ok("Words that waited")),
    ("no tasks, success", without_tasks, &[], Err("no task is open; add a message or a task")),
    ("no tasks, success, words", without_tasks, &["say goodbye"], Ok("say goodbye")),
    ("no tasks, error", without_tasks_failed, &[], Ok("Say hello")),
    ("depends on others", dependent, &[], Err("cannot start yet: it depends on run")),
    ("archived", archived, &[], Err("run unarchive")),
    ("archived, words", archived, &["go"], Err("run unarchive")),
    ("passive", passive, &[], Err("driven through the task commands")),
    ("passive, words", passive, &["go"], Err("driven through the task commands")),
];

#[test]
fn every_rule_of_resuming() {
    for (name, prepare, more, expected) in RULES {
        let world = World::new();
        world.work(&["one"]);
        world.agent("fake", COMPLETE);
        let run = prepare(&world);
        let before = world.manifest(&run);
        let args: Vec<&str> = ["run", "--resume-run", &run].iter().chain(*more).copied().collect();
        let resumed = world.run(&args);
        let manifest = world.manifest(&run);
        match expected {
            Err(why) => {
                assert_eq!(resumed.code, Some(3), "{name}: {resumed}");
                assert!(resumed.stderr.contains(why), "{name}: {resumed}");
                assert!(resumed.stderr.contains("\nhint: "), "{name}: what to do? {resumed}");
                assert_eq!(manifest, before, "{name}: a refusal changes nothing");
            }
            Ok(told) => {
                assert_eq!(resumed.code, Some(0), "{name}: {resumed}");
                assert_eq!(manifest.outcome(), "success", "{name}");
                let newest = *manifest.fences().last().unwrap();
                let prompt = world.read(format!("prompt-{newest}"));
                assert!(prompt.to_lowercase().contains(&told.to_lowercase()), "{name}: {prompt}");
            }
        }
        world.assert_nothing_left();
    }
}
