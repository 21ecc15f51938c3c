//! Variables: declared by an assignment, given in several ways, filled into texts, and not shown when they are secret.

use std::path::{Path, PathBuf};

use crate::harness::{Manifest as _, World};

/// A value that nobody may find.
const CANARY: &str = "canary-7f3a9-\"quoted\"-value";

fn assignment(world: &World, name: &str, front: &str, body: &str) {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{front}---\n{body}\n");
    world.write(&format!("config/assignments/{name}/assignment.md"), text);
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn values_are_given_checked_and_filled_in() {
    let world = World::new();
    world.agent("fake", "complete main");
    let front = "cwd: \"{{place}}\"\nmessage: \"About {{range}} in {{cwd}}\"\ncallerInstructions: Watch {{range}}.\nvars:\n  \
                 range: {sources: [cli], required: true, description: What to look at}\n  place: {default: .}\n  \
                 level: {type: enum, values: [low, high], default: low}\n  count: {type: number, default: 3}\n  \
                 loud: {type: boolean, default: false}\n  note: {}\ntasks:\n  - id: main\n    title: Review {{range}}\n    \
                 body: \"{{ count }} {{loud}} {{note}} {{unknown}} {{run_id}} ${{ x }}\"\n";
    assignment(&world, "work", front, "For {{assignment_name}} at {{level}}.");
    world
        .run(&["init", "--agent", "fake", "--assignment", "work"])
        .expect_code(3)
        .expect_stderr("variable `range` (What to look at) has no value")
        .expect_stderr("--var range=VALUE");
    for (given, said) in [
        ("rnage=x", "did you mean `range`?"),
        ("run_id=x", "every run sets it itself"),
        ("count=many", "variable `count` must be a number, not \"many\""),
        ("level=mid", "must be one of low, high"),
        ("range", "is not KEY=VALUE"),
        ("=x", "is not KEY=VALUE"),
    ] {
        let refused = world.run(&[
            "init",
            "--agent",
            "fake",
            "--assignment",
            "work",
            "--var",
            "range=x",
            "--var",
            given,
        ]);
        refused.expect_code(3).expect_stderr(said);
    }
    world
        .run(&["init", "--backend", "passive", "--add-task", "T", "--var", "a=b"])
        .expect_code(3)
        .expect_stderr("this run has no variable `a`");
    assert!(world.runs().is_empty());

    std::fs::create_dir(world.path("repo/sub")).unwrap();
    let more =
        ["--var", "range=a=b {{level}}", "--var", "place=sub", "--var", "loud=1", "--var", "count=0x10"];
    world.fake(&more).run().expect_code(0);
    let run = world.only_run();
    let status = world.status(&run);
    assert_eq!(status["tasks"][0]["title"], "Review a=b {{level}}", "a value is not looked through");
    assert_eq!(
        status["tasks"][0]["body"],
        format!("16 true {{{{note}}}} {{{{unknown}}}} {run} ${{{{ x }}}}")
    );
    let cwd = world.repo().join("sub").canonicalize().unwrap();
    assert_eq!(status["cwd"], cwd.to_str().unwrap());
    assert_eq!(status["message"], format!("About a=b {{{{level}}}} in {}", cwd.display()));
    assert_eq!(status["callerInstructions"], "Watch a=b {{level}}.");
    assert_eq!(
        status["runtimeVars"],
        serde_json::json!({"range": "a=b {{level}}", "place": "sub", "level": "low", "count": 16, "loud": true})
    );
    assert_eq!(status["runtimeVarSources"]["range"], serde_json::json!({"source": "cli"}));
    assert_eq!(status["runtimeVarSources"]["level"], serde_json::json!({"source": "default"}));
    world.ok(&["run", "brief", &run]).expect_stdout("For work at low.");
    let template = &world.manifest(&run)["spec"]["template"];
    assert_eq!(
        (&template["tasks"][0]["title"], &template["cwd"]),
        (&"Review {{range}}".into(), &"{{place}}".into())
    );
    world.run(&["run", "--resume-run", &run, "--var", "range=x"]).expect_code(3);
    world.ok(&["show", "assignment", "work"]).expect_stdout("range");
    world.assert_nothing_left();
}

#[test]
fn a_value_of_the_environment_is_in_the_manifest_and_with_the_worker_and_nowhere_else() {
    let world = World::new();
    world.agent(
        "fake",
        r#"cat "$PROMPT"; cat "$PROMPT" >&2; "$AGENT_RUNNER_CMD" task show "$RUN" one > "$W/seen"
           "$AGENT_RUNNER_CMD" task list "$RUN" > "$W/listed"
           "$AGENT_RUNNER_CMD" task append-notes "$RUN" one --text "$(cat "$W/seen")" > /dev/null
           "$AGENT_RUNNER_CMD" task add "$RUN" --title "Again: $TOKEN" > /dev/null
           for id in $("$AGENT_RUNNER_CMD" task list "$RUN" --output-format json | grep -o 'cli-[a-z0-9]*'); do complete "$id"; done
           complete one"#,
    );
    let front = "message: \"Say {{token}}\"\ncallerInstructions: It is {{token}}.\nvars:\n  token: {sources: [env], envName: \
                 TOKEN, required: true}\ntasks:\n  - id: one\n    title: Call with {{token}}\n    body: \"{{token}}\"\n";
    assignment(&world, "work", front, "Use {{token}}.");
    world
        .run(&["init", "--agent", "fake", "--assignment", "work"])
        .expect_code(3)
        .expect_stderr("set the environment variable TOKEN");
    let mut outputs = Vec::new();
    let ended = world
        .fake(&[])
        .env("TOKEN", CANARY)
        .env("AGENT_RUNNER_CAPTURE_BACKEND_STDOUT", "1")
        .run()
        .expect_code(0);
    outputs.push(format!("{}{}", ended.stdout, ended.stderr));
    let run = world.only_run();
    assert_eq!(world.manifest(&run).outcome(), "success");
    for told in ["prompt-1", "seen", "listed"] {
        assert!(world.read(told).contains(CANARY), "the worker has to know: {told}");
    }
    assert!(world.manifest(&run)["spec"]["brief"].as_str().unwrap().contains(CANARY));
    for command in [
        vec!["run", "status", &run],
        vec!["run", "audit", &run],
        vec!["run", "timeline", &run, "--full"],
        vec!["run", "report", &run],
        vec!["run", "brief", &run],
        vec!["list", "runs"],
        vec!["task", "list", &run],
        vec!["task", "show", &run, "one"],
        vec!["run", "report", &run, "--format", "html"],
        vec!["run", "attach", &run],
        vec!["show", "assignment", "work"],
    ] {
        for format in ["text", "json"] {
            let mut args = command.clone();
            if !args.contains(&"html") {
                args.extend(["--output-format", format]);
            }
            let shown = world.command(&args).env("TOKEN", CANARY).run();
            outputs.push(format!("{}{}", shown.stdout, shown.stderr));
        }
    }
    let status = world.status(&run);
    assert_eq!(status["runtimeVars"]["token"], "[redacted]");
    assert_eq!(
        status["runtimeVarSources"]["token"],
        serde_json::json!({"source": "env", "envName": "TOKEN", "redacted": true})
    );
    assert_eq!(status["tasks"][0]["title"], "Call with [redacted]");
    let pieces = ["canary-7f3a9", "quoted\"-value", "quoted\\\"-value"];
    for output in &outputs {
        assert!(!pieces.iter().any(|piece| output.contains(piece)), "{output}");
    }
    let mut kept = Vec::new();
    files(&world.state_dir(), &mut kept);
    kept.retain(|path| !path.ends_with("run.json"));
    for name in ["attempts/00.events.jsonl", "attempts/00.stdout.log", "attempts/00.stderr.log"] {
        let text = String::from_utf8_lossy(&world.sealed(&run, name)).into_owned();
        assert!(text.contains("[redacted]") && !text.contains("canary"), "{name}: {text}");
    }
    assert!(kept.iter().any(|path| path.ends_with("00.prompt.md")), "{kept:?}");
    for path in kept {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("canary"), "{}: {text}", path.display());
    }
    world.assert_nothing_left();
}

#[test]
fn a_prompt_in_a_file_is_cleared_by_whoever_finds_its_driver_dead() {
    let world = World::new();
    let script = world
        .script("fake", "grep -q canary \"$1\" && echo $RUN > \"$W/ready\"; while :; do sleep 1000; done");
    world.agent_argv("fake", &["sh", script.to_str().unwrap(), "{{prompt_file}}"]);
    let front = "vars:\n  token: {sources: [env], envName: TOKEN, required: true}\ntasks:\n  - id: one\n    title: \
                 One\n";
    assignment(&world, "work", front, "Use {{token}}.");
    let ready = world.fifo("ready");
    let run = world.fake(&["--detach"]).env("TOKEN", CANARY).run().expect_code(0).run_id();
    assert_eq!(ready.line(), run, "the worker reads it");
    let driver = world.driver_pid(&run);
    world.signal(driver, rustix::process::Signal::KILL);
    world.wait_gone(driver);
    world.ok(&["recover", &run]);
    let mut kept = Vec::new();
    files(&world.state_dir(), &mut kept);
    assert!(kept.iter().any(|path| path.ends_with("00.prompt.md")), "{kept:?}");
    kept.retain(|path| !path.ends_with("run.json"));
    for path in kept {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("canary"), "{}: {text}", path.display());
    }
    world.assert_nothing_left();
}

#[test]
fn a_wrong_or_misplaced_value_of_the_environment_is_not_repeated() {
    let world = World::new();
    let front = "cwd: \"{{place}}\"\nvars:\n  place: {sources: [env, cli], envName: PLACE, default: .}\n  count: {type: \
                 number, sources: [env], envName: COUNT}\ntasks:\n  - id: one\n    title: One\n";
    assignment(&world, "work", front, "");
    let init = || world.command(&["init", "--backend", "passive", "--assignment", "work"]);
    let refused = init().env("COUNT", "canary").run().expect_code(3);
    let refused =
        refused.expect_stderr("variable `count` must be a number; the environment variable COUNT is not");
    assert!(!refused.stderr.contains("canary"), "{refused}");
    let refused = init().env("PLACE", "canary").run().expect_code(3).expect_stderr("is shown to nobody");
    assert!(!refused.stderr.contains("canary"), "{refused}");
    init().env("PLACE", "").run().expect_code(0);
    world
        .run(&["init", "--backend", "passive", "--assignment", "work", "--var", "count=1"])
        .expect_code(3)
        .expect_stderr("is not taken from `cli`");
}

#[test]
fn a_run_inherits_from_the_nearest_that_has_the_value_and_secrets_stay_secret() {
    let world = World::new();
    let front =
        "vars:\n  token: {sources: [env], envName: TOKEN}\n  base: {}\ntasks:\n  - id: one\n    title: One\n";
    assignment(&world, "top", front, "");
    assignment(
        &world,
        "middle",
        "vars:\n  base: {sources: [cli]}\ntasks:\n  - id: one\n    title: One\n",
        "",
    );
    let front = "vars:\n  token: {sources: [parent], required: true}\n  base: {sources: [parent, cli]}\ntasks:\n  - id: one\n    \
                 title: \"{{base}} {{token}}\"\n";
    assignment(&world, "bottom", front, "");
    let init = |assignment: &str, more: &[&str]| {
        let args = ["init", "--backend", "passive", "--assignment", assignment, "--output-format", "json"];
        world.command(&args.iter().chain(more).copied().collect::<Vec<_>>()).env("TOKEN", CANARY).run()
    };
    let top = init("top", &["--var", "base=main"]).expect_code(0).run_id();
    let middle = init("middle", &["--parent-run", &top]).expect_code(0).run_id();
    let bottom = init("bottom", &["--parent-run", &middle]).expect_code(0).run_id();
    let status = world.status(&bottom);
    assert_eq!(status["tasks"][0]["title"], "main [redacted]");
    assert_eq!(
        status["runtimeVarSources"]["token"],
        serde_json::json!({"source": "parent", "envName": "TOKEN", "redacted": true, "inheritedFromRunId": top})
    );
    assert_eq!(world.manifest(&bottom)["spec"]["runtimeVars"]["token"]["value"], CANARY);
    init("bottom", &[]).expect_code(3).expect_stderr("start the run from one that has it");
}

/// The work of a run that is to be made anew.
fn open_work(world: &World, more: &str) {
    let front = format!(
        "message: \"For {{{{range}}}}\"\nvars:\n  range: {{required: true}}\n  count: {{type: number, default: 1}}\n{more}tasks:\n  \
         - id: one\n    title: Do {{{{range}}}} {{{{count}}}}\n"
    );
    assignment(world, "work", &front, "Look at {{range}}.");
}

#[test]
fn an_initialized_run_is_made_anew_as_a_whole_or_not_at_all() {
    let world = World::new();
    open_work(&world, "");
    world.agent("fake", "complete one");
    let run =
        world.init(&["--agent", "fake", "--assignment", "work", "--var", "range=old", "--group-id", "team"]);
    let before = world.manifest(&run);
    for (args, said) in [
        (vec!["--var", "range=new", "--var", "count=many"], "variable `count` must be a number"),
        (vec!["--var", "rage=new"], "did you mean `range`?"),
        (vec![], "needs something to change"),
        (vec!["--var", "range=two\nlines"], "has no good title"),
    ] {
        let args: Vec<&str> = ["run", "reconfigure", &run].into_iter().chain(args).collect();
        world.run(&args).expect_code(3).expect_stderr(said);
    }
    assert_eq!(world.manifest(&run), before);
    world.ok(&["run", "reconfigure", &run, "--var", "range=new"]).expect_stdout("range=new");
    let status = world.status(&run);
    assert_eq!((&status["tasks"][0]["title"], &status["message"]), (&"Do new 1".into(), &"For new".into()));
    assert_eq!(status["runGroupId"], "team");
    world.ok(&["run", "brief", &run]).expect_stdout("Look at new.").expect_stdout("For new");
    world.ok(&["run", "reconfigure", &run, "Instead: {{count}}"]);
    assert_eq!(world.status(&run)["message"], "Instead: 1");
    let events = world.events_of(&run, "run.reconfigured");
    let changed: Vec<&serde_json::Value> = events.iter().map(|event| &event["changed"]).collect();
    assert_eq!(changed, [&serde_json::json!(["range"]), &serde_json::json!(["message"])]);
    world.ok(&[
        "run",
        "--resume-run",
        &world.init_ready(&["--agent", "fake", "--assignment", "work", "--var", "range=x"]),
    ]);
    world.ok(&["run", "ready", &run]);
    world
        .run(&["run", "reconfigure", &run, "--var", "range=late"])
        .expect_code(3)
        .expect_stderr("not initialized");
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_eq!(world.status(&run)["tasks"][0]["title"], "Do new 1");
    world.assert_nothing_left();
}

#[test]
fn locks_hold_for_a_run_that_is_made_anew() {
    let world = World::new();
    open_work(&world, "lockedFields: [message]\n");
    let run = world.init(&["--backend", "passive", "--assignment", "work", "--var", "range=a"]);
    let refused = world.run(&["run", "reconfigure", &run, "--var", "range=b", "Else"]).expect_code(3);
    refused.expect_stderr("`message` is locked");
    assert_eq!(world.status(&run)["tasks"][0]["title"], "Do a 1");
    world.ok(&["run", "reconfigure", &run, "--var", "range=b"]);
    assert_eq!(world.status(&run)["message"], "For b");
}

#[test]
fn init_makes_an_initialized_run_anew_from_other_definitions() {
    let world = World::new();
    open_work(&world, "");
    world.agent("fake", "complete two");
    let run =
        world.init(&["--agent", "fake", "--assignment", "work", "--var", "range=a", "--group-id", "team"]);
    assignment(&world, "other", "tasks:\n  - id: two\n    title: Another {{run_group_id}}\n", "New.");
    let again =
        world.init(&["--run-id", &run, "--agent", "fake", "--assignment", "other", "--name", "Second"]);
    assert_eq!(again, run);
    let status = world.status(&run);
    assert_eq!(
        (&status["tasks"][0]["title"], &status["runGroupId"], &status["name"], &status["assignmentName"]),
        (&"Another team".into(), &"team".into(), &"Second".into(), &"other".into())
    );
    assert_eq!(status["tasks"].as_array().unwrap().len(), 1);
    assert!(
        std::fs::read_to_string(world.run_dir(&run).join("assignment-seed.md")).unwrap().contains("Another")
    );
    // What it was besides its definitions goes too; what people said about it stays.
    let first = world.init(&["--agent", "fake", "--assignment", "other"]);
    world.ok(&["run", "add-dep", &run, "--run", &first]);
    world.ok(&["run", "set-note", &run, "Mind it"]);
    let flags = ["--run-id", &run, "--agent", "fake", "--assignment", "other"];
    world.init(&[&flags[..], &["--budget", "attempts=2"]].concat());
    world.ok(&["run", "extend", &run, "--attempts", "5"]);
    world.init(&[&flags[..], &["--on-limit", "stop", "--budget", "attempts=1"]].concat());
    let status = world.status(&run);
    assert_eq!((&status["onLimit"], &status["budget"]["ceilings"]["attempts"]), (&"stop".into(), &1.into()));
    assert_eq!(
        (&status["note"], &status["dependencies"][0]["runId"]),
        (&"Mind it".into(), &first.as_str().into())
    );
    let passive = ["--run-id", &run, "--backend", "passive", "--assignment", "other"];
    world.init(&passive);
    world.ok(&["run", "set-backend-session", &run, "foreign"]);
    world.init(&flags);
    assert_eq!(world.status(&run)["backendSessionId"], serde_json::Value::Null);
    world.ok(&["run", "clear-deps", &run]);
    world.ok(&["run", "archive", &first]);
    world.ok(&["run", "delete", &first]);
    world.ok(&["run", "ready", &run]);
    world
        .run(&["init", "--run-id", &run, "--agent", "fake", "--assignment", "other"])
        .expect_code(3)
        .expect_stderr("not initialized");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn definitions_ask_the_environment_of_whoever_creates_the_run() {
    let world = World::new();
    let front =
        "maxRetries: ${RETRIES:-2}\nmessage: ${WORDS}\ntasks:\n  - id: one\n    title: ${TITLE-One}\n";
    assignment(&world, "work", front, "Text.");
    let init = || {
        world.command(&["init", "--backend", "passive", "--assignment", "work", "--output-format", "json"])
    };
    let file = world.path("config/assignments/work/assignment.md");
    init()
        .run()
        .expect_code(3)
        .expect_stderr(&format!(
            "{}:5:10: message: the environment variable WORDS is not set",
            file.display()
        ))
        .expect_stderr("${WORDS:-fallback}");
    init().env("WORDS", "").run().expect_code(3).expect_stderr("WORDS is empty");
    let run = init().env("WORDS", "{{run_id}} 5").env("TITLE", "Two").run().expect_code(0).run_id();
    let status = world.status(&run);
    assert_eq!(
        (&status["message"], &status["tasks"][0]["title"]),
        (&format!("{run} 5").into(), &"Two".into())
    );
    assert_eq!(status["maxAttemptsPerSession"], 3);
}

#[test]
fn of_two_ceilings_the_smaller_one_holds() {
    let world = World::new();
    let agent = "---\nschemaVersion: 1\nname: fake\nbackend: passive\nbudget: {costUsd: 2.50, tokens: 1000, soft: 90, onUnmeasured: \
                 allow}\n---\n";
    world.write("config/agents/fake/agent.md", agent);
    let front = "budget: {costUsd: 1.000001, attempts: 3, wallClock: 60, turns: 5000000000}\ntasks:\n  - id: one\n    title: One\n";
    assignment(&world, "work", front, "");
    let run = world.init(&["--agent", "fake", "--assignment", "work"]);
    let expected = serde_json::json!({"wallClockSec": 60, "tokens": 1000, "costMicroUsd": 1_000_001, "attempts": 3,
        "turns": 5_000_000_000_u64, "softPercent": 90, "onUnmeasured": "allow"});
    assert_eq!(world.manifest(&run)["spec"]["budget"], expected);
}

#[test]
fn texts_that_would_fill_the_disk_are_refused_before_they_are_made() {
    let world = World::new();
    let front = "vars:\n  x: {required: true}\ntasks:\n  - id: one\n    title: One\n";
    assignment(&world, "bomb", front, &"{{x}}".repeat(100_000));
    let init = |value: &str| {
        let args = ["init", "--backend", "passive", "--assignment", "bomb", "--var", &format!("x={value}")];
        world.run(&args)
    };
    init(&"y".repeat(100_000)).expect_code(3).expect_stderr("the texts of a run have at most 4 MiB together");
    init(&"y".repeat(100)).expect_code(3);
    assert!(world.runs().is_empty());
    init("y").expect_code(0);
}

#[test]
fn a_working_directory_that_is_decided_too_late_or_not_at_all_is_refused() {
    let world = World::new();
    assignment(&world, "work", "vars:\n  where: {}\ntasks:\n  - id: one\n    title: One\n", "");
    let init = |cwd: &str, more: &[&str]| {
        let args = ["init", "--backend", "passive", "--assignment", "work", "--cwd", cwd];
        world.run(&[&args, more].concat())
    };
    init("", &[]).expect_code(3).expect_stderr("the working directory is empty");
    init(" ", &[]).expect_code(3).expect_stderr("the working directory is empty");
    for key in ["run_id", "run_group_id", "cwd"] {
        let refused = init(&format!("/tmp/{{{{{key}}}}}"), &[]).expect_code(3);
        refused.expect_stderr(&format!("asks for `{key}`, which is decided only after it"));
    }
    init("{{where}}", &[]).expect_code(3).expect_stderr("`where`, which has no value");
    let here = world.write("groups/evening/file", "");
    let place = here.parent().unwrap().parent().unwrap().join("{{run_group_id}}");
    init(place.to_str().unwrap(), &["--group-id", "evening"]).expect_code(0);
}

#[test]
fn a_run_that_is_made_anew_elsewhere_keeps_the_places_it_was_made_with() {
    let world = World::new();
    assignment(
        &world,
        "work",
        "vars:\n  x: {default: a}\ntasks:\n  - id: one\n    title: One\n",
        "{{config_dir}} {{x}}",
    );
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let work = || world.manifest(&run)["spec"]["assignment"]["instructions"].clone();
    let before = work();
    let other = world.write("elsewhere/file", "");
    world
        .command(&["run", "reconfigure", &run, "--var", "x=b"])
        .env("AGENT_RUNNER_CONFIG_DIR", other.parent().unwrap().to_str().unwrap())
        .run()
        .expect_code(0);
    assert_eq!(work(), before.as_str().unwrap().replace(" a", " b"));
}
