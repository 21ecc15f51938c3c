//! Definitions of one's own: made, checked, shown, listed, used; on full disks, narrow screens and beside others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::harness::{Manifest as _, World};

const KINDS: &[(&str, &str)] = &[
    ("agent", "agents/team/one/agent.md"),
    ("assignment", "assignments/team/one/assignment.md"),
    ("task", "tasks/team/one.md"),
];

/// Everything below a directory but directories, hidden files included.
fn files_below(directory: PathBuf) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.clone()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(next) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path.strip_prefix(&directory).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_new_makes_is_valid_shown_listed_and_leads_to_its_schema() {
    let world = World::new();
    for (kind, place) in KINDS {
        let made = world.ok(&["new", kind, "team/one"]);
        let file = world.path("config").join(place);
        made.expect_stdout(&format!("Wrote {}", file.display())).expect_stdout("agent-runner validate ");
        world.ok(&["validate", file.to_str().unwrap()]).expect_stdout("1 file: 1 valid, 0 invalid");
        world.ok(&["show", kind, "team/one"]).expect_stdout(&format!("{kind} team/one\n"));
        world.ok(&["list", &format!("{kind}s")]).expect_stdout(place);

        let text = std::fs::read_to_string(&file).unwrap();
        let (_, reference) = text.lines().nth(1).unwrap().split_once("$schema=").unwrap();
        let schema = std::fs::read_to_string(file.parent().unwrap().join(reference)).unwrap();
        let printed = world.ok(&["schema", kind]);
        assert_eq!(printed.stdout, schema, "{kind}");
        assert_eq!(printed.json()["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(world.ok(&["schema", kind, "--output-format", "json"]).stdout, schema);
        // Said again, it is there already and nothing changes.
        world.ok(&["new", kind, "team/one"]).expect_stdout("Already there, unchanged");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    world.ok(&["validate"]).expect_stdout("3 files: 3 valid, 0 invalid");
    // Straight from the box they work together.
    let run = world.init(&["--backend", "passive", "--assignment", "team/one"]);
    assert_eq!(world.manifest(&run).tasks(), "baseline=pending change=pending proof=pending");
    world.init(&["--agent", "team/one", "--backend", "passive", "--checklist", {
        world.write("repo/list.md", "- [ ] One\n");
        "list.md"
    }]);
}

#[test]
fn printing_writes_nothing_and_shows_what_would_be_written() {
    let world = World::new();
    let printed = world.ok(&["new", "agent", "one", "--backend", "shell", "--print"]);
    assert_eq!(files_below(world.config_dir()), Vec::<String>::new());
    let json =
        world.ok(&["new", "agent", "one", "--backend", "shell", "--print", "--output-format", "json"]).json();
    assert_eq!((&json["written"], &json["schemaFile"]), (&"no".into(), &serde_json::Value::Null));
    assert_eq!(json["text"], printed.stdout);
    let made = world.ok(&["new", "agent", "one", "--backend", "shell", "--output-format", "json"]).json();
    assert_eq!(made["written"], "created");
    assert_eq!(world.read("config/agents/one/agent.md"), printed.stdout);
    world.run(&["new", "agent", "two", "--print", "--force"]).expect_code(3);
}

#[test]
fn nothing_that_is_there_is_lost() {
    let world = World::new();
    let place = "config/tasks/lint.md";
    let mine = "---\nschemaVersion: 1\ntitle: Mine\n---\nMine.\n";
    world.write(place, mine);
    let refused = world.run(&["new", "task", "lint"]).expect_code(3);
    refused.expect_stderr("lint.md is there already").expect_stderr("--force");
    assert_eq!(world.read(place), mine);
    let replaced = world.ok(&["new", "task", "lint", "--force"]);
    let kept = world.path("config/tasks/lint.md.old");
    replaced.expect_stdout("Replaced").expect_stdout(&format!("before is now {}", kept.display()));
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), mine);
    world.write(place, "other");
    let again = world.ok(&["new", "task", "lint", "--force", "--output-format", "json"]).json();
    assert_eq!(again["kept"], world.path("config/tasks/lint.md.old.2").to_str().unwrap());
    assert_eq!(world.read("config/tasks/lint.md.old.2"), "other");
    assert_eq!(world.read("config/tasks/lint.md.old"), mine);
    // A link is kept as a link, and what it leads to is not touched.
    let target = world.write("elsewhere.md", "target");
    std::os::unix::fs::symlink(&target, world.path("config/tasks/linked.md")).unwrap();
    world.run(&["new", "task", "linked"]).expect_code(3);
    world.ok(&["new", "task", "linked", "--force"]);
    assert_eq!(world.read("elsewhere.md"), "target");
    assert!(world.path("config/tasks/linked.md.old").is_symlink());
    world.ok(&["show", "task", "linked"]).expect_stdout("title: Linked");
    // Neither is a directory or a pipe, and nobody waits for what the pipe may bring.
    std::fs::create_dir(world.path("config/tasks/folder.md")).unwrap();
    world.ok(&["new", "task", "folder", "--force"]);
    assert!(world.path("config/tasks/folder.md.old").is_dir());
    let pipe = world.path("config/tasks/pipe.md");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    world.run(&["new", "task", "pipe"]).expect_code(3);
    world.ok(&["new", "task", "pipe", "--force"]);
    // The old ones are no definitions, and none of this left anything else behind.
    let listed = world.ok(&["list", "tasks", "--output-format", "json"]).json();
    let own: Vec<&str> = listed["definitions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| !found["source"].as_str().unwrap().starts_with("bundled:"))
        .map(|found| found["name"].as_str().unwrap())
        .collect();
    assert_eq!(own, ["folder", "linked", "lint", "pipe"]);
    let files = files_below(world.path("config/tasks"));
    let expected = [
        "folder.md",
        "linked.md",
        "linked.md.old",
        "lint.md",
        "lint.md.old",
        "lint.md.old.2",
        "pipe.md",
        "pipe.md.old",
    ];
    assert_eq!(files, expected);
}

/// The program with files of at most 512 bytes: a write of more fails half way (`trap "" XFSZ`) or kills.
fn cramped(world: &World, args: &[&str], before: &str) -> crate::harness::Finished {
    let script = format!("{before} ulimit -c 0; ulimit -f 1; exec \"$@\"");
    // `ulimit -f` counts 512 bytes in sh.
    world.command(args).through(&["sh", "-c", &script, "sh"]).run()
}

#[test]
fn a_full_disk_or_a_kill_in_the_middle_leaves_no_half_file() {
    let world = World::new();
    // The schema is larger; once it is there, the definition is what does not fit.
    world.ok(&["new", "agent", "first"]);
    let file = world.path("config/agents/one/agent.md");
    let full = cramped(&world, &["new", "agent", "one"], "trap '' XFSZ;").expect_code(4);
    full.expect_stderr("cannot write ").expect_stderr("hint: nothing was changed");
    assert!(!file.exists());
    assert_eq!(files_below(world.path("config/agents/one")), Vec::<String>::new());

    let killed = cramped(&world, &["new", "agent", "one"], "");
    assert!(killed.code.is_none() && killed.signal.is_some(), "{killed}");
    assert!(!file.exists());
    let left = files_below(world.path("config/agents/one"));
    assert!(left.len() == 1 && left[0].starts_with(".agent.md.") && left[0].ends_with(".new"), "{left:?}");
    world.ok(&["validate"]).expect_stdout("1 file: 1 valid, 0 invalid, 1 skipped");
    world.ok(&["new", "agent", "one"]).expect_stdout("Wrote");

    // Replacing keeps what is there until the new text is complete.
    let before = std::fs::read_to_string(&file).unwrap();
    for way in ["trap '' XFSZ;", ""] {
        let failed = cramped(&world, &["new", "agent", "one", "--backend", "shell", "--force"], way);
        assert!(failed.code != Some(0), "{failed}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
        assert!(!world.path("config/agents/one/agent.md.old").exists());
    }
    // The schema is no less careful.
    let fresh = World::new();
    cramped(&fresh, &["new", "task", "one"], "trap '' XFSZ;").expect_code(4).expect_stderr("schema.json");
    assert_eq!(files_below(fresh.config_dir()), Vec::<String>::new());
}

#[test]
fn of_many_that_make_the_same_name_one_wins() {
    let world = World::new();
    let backends = ["shell", "command", "passive", "claude"];
    let started: Vec<_> = (0..12)
        .map(|number| world.command(&["new", "agent", "one", "--backend", backends[number % 4]]).spawn())
        .collect();
    let ended: Vec<_> = started.into_iter().map(crate::harness::Running::wait).collect();
    let text = world.read("config/agents/one/agent.md");
    let winners = ended.iter().filter(|one| one.stdout.starts_with("Wrote")).count();
    assert_eq!(winners, 1, "{text}");
    for one in &ended {
        assert!(matches!(one.code, Some(0 | 3)), "{one}");
    }
    world.ok(&["validate"]).expect_stdout("1 file: 1 valid, 0 invalid\n");
    assert_eq!(files_below(world.path("config/agents")), ["one/agent.md"]);
}

#[test]
fn a_directory_elsewhere_is_a_library_of_its_own() {
    let world = World::new();
    let made = world.ok(&["new", "assignment", "release", "--dir", "defs", "--from", "doc-review"]);
    let file = world.path("repo/defs/assignments/release/assignment.md");
    made.expect_stdout(file.to_str().unwrap());
    assert!(world.path("repo/defs/schemas/assignment.schema.json").is_file());
    assert_eq!(files_below(world.config_dir()), Vec::<String>::new());
    let run = world.init(&["--backend", "passive", "--assignment", "./defs/assignments/release"]);
    assert_eq!(world.manifest(&run)["spec"]["tasks"].as_array().unwrap().len(), 12);
    let there = world.command(&["show", "assignment", "release"]).env("AGENT_RUNNER_CONFIG_DIR", "defs");
    there.run().expect_code(0).expect_stdout("  propose_diagrams  ");
    // What is in one's own configuration is for oneself alone.
    world.ok(&["new", "task", "one"]);
    let mode = |path: &str| std::fs::metadata(world.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("config/tasks/one.md"), mode("config/schemas")), (0o600, 0o700));
}

#[test]
fn names_and_originals_that_do_not_work_are_refused_with_what_does() {
    let world = World::new();
    let refused = world.run(&["new", "agent", "my agent"]).expect_code(3);
    refused.expect_stderr("cannot be the name of a new agent").expect_stderr("`my-agent`");
    world.run(&["new", "agent", "../../x"]).expect_code(3).expect_stderr("`x`");
    world.run(&["new", "agent", "ad-hoc"]).expect_code(3).expect_stderr("reserved");
    let near = world.run(&["new", "agent", "x", "--from", "implementor"]).expect_code(3);
    near.expect_stderr("did you mean implementer?");
    world.run(&["new", "task", "x", "--backend", "shell"]).expect_code(3).expect_stderr("--backend");
    let unknown = world.ok(&["new", "agent", "x", "--backend", "cluade"]);
    unknown.expect_stderr("warning: there is no backend \"cluade\"; there are ");
    let copied = world.ok(&["new", "agent", "y", "--from", "generic", "--backend", "command"]);
    copied.expect_stderr("backendConfig.command.argv");
}

#[test]
fn a_schema_of_somebody_else_is_left_alone_and_an_old_one_is_replaced() {
    let world = World::new();
    let place = "config/schemas/agent.schema.json";
    world.write(place, "{\"title\": \"mine\"}");
    let made = world.ok(&["new", "agent", "one"]);
    made.expect_stderr("is not a schema of this program and was left alone");
    assert_eq!(world.read(place), "{\"title\": \"mine\"}");
    world.write(place, "{\"$comment\": \"Made by: agent-runner schema agent\"}");
    let made = world.ok(&["new", "agent", "two"]);
    assert_eq!(made.stderr, "");
    assert_eq!(world.read(place), world.ok(&["schema", "agent"]).stdout);
}

#[test]
fn a_copy_of_a_bundled_agent_with_another_backend_takes_its_place() {
    let world = World::new();
    let made = world.ok(&["new", "agent", "implementer", "--from", "implementer", "--backend", "shell"]);
    made.expect_stdout("It is used in place of bundled:agents/implementer/agent.md");
    world.ok(&["list", "agents"]).expect_stdout("implementer/agent.md, hides bundled");
    let shown = world.ok(&["show", "agent", "implementer"]);
    shown.expect_stdout("hides: bundled:agents/implementer/agent.md").expect_stdout("backend: shell");
    let run = ["run", "--agent", "implementer", "--assignment", "test", "--output-format", "json"];
    let run = world.ok(&run).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest["spec"]["backend"].as_str()), ("success", Some("shell")));
    let role = manifest["spec"]["agent"]["instructions"].as_str().unwrap();
    assert!(role.starts_with("You turn a plan or a description into a finished change."), "{role}");
    // For one run the command line does.
    let run = world.init(&["--agent", "planner", "--backend", "passive", "--assignment", "test"]);
    assert_eq!(world.manifest(&run)["spec"]["backend"], "passive");
}

#[test]
fn bundled_reviews_bring_their_shared_tasks_and_take_their_scope_from_the_message() {
    let world = World::new();
    let review = ["--agent", "code-reviewer", "--backend", "passive", "--assignment", "code-review-direct"];
    let run = world.init(&review);
    let manifest = world.manifest(&run);
    let tasks = manifest["spec"]["tasks"].as_array().unwrap();
    assert_eq!((tasks.len(), tasks[1]["id"].as_str()), (14, Some("review/architecture")));
    assert!(tasks.iter().all(|task| task["body"].as_str().unwrap().len() > 200));
    world.ok(&["run", "brief", &run]).expect_stdout("# Message\n\nScope: the whole code base.");
    let scoped: Vec<&str> = review.iter().copied().chain(["main..HEAD"]).collect();
    let run = world.init(&scoped);
    world.ok(&["run", "brief", &run]).expect_stdout("# Message\n\nmain..HEAD");
    // One's own version of a shared task is used by the bundled assignment as well.
    world.write("config/tasks/review/security.md", "---\nschemaVersion: 1\ntitle: Our way\n---\nOurs.\n");
    let shown = world.ok(&["show", "assignment", "code-review-direct"]);
    let line = shown.stdout.lines().find(|line| line.trim_start().starts_with("review/security ")).unwrap();
    assert!(line.contains("Our way") && line.contains("config/tasks/review/security.md"), "{line}");
    shown.expect_stdout("(bundled:tasks/review/architecture.md)");
}

#[test]
fn lists_and_definitions_fit_the_screen() {
    let world = World::new();
    world.ok(&["new", "agent", "planner", "--from", "planner"]);
    for width in [40, 80, 200] {
        for args in [
            &["list", "agents"] as &[&str],
            &["list", "tasks"],
            &["list", "assignments"],
            &["show", "assignment", "code-review-direct"],
        ] {
            let (code, shown) = world.command(args).at_terminal(width, 50).wait();
            assert_eq!(code, Some(0), "{shown}");
            let listed = shown.split("Review the code of the working directory, within").next().unwrap();
            let listed = listed.rsplit("\r\ntasks:\r\n").next().unwrap();
            let widest = listed.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{args:?} takes {widest} of {width} columns:\n{shown}");
            assert!(!listed.is_empty() && !listed.contains('\u{1b}'), "{shown}");
        }
        let (_, shown) = world.command(&["list", "agents"]).at_terminal(width, 50).wait();
        assert!(shown.contains("own, hides bundled") && shown.contains("doc-reviewer"), "{width}: {shown}");
        assert!(shown.trim_end().ends_with("config/agents"), "{width}: {shown}");
    }
    // Elsewhere nothing is cut, and each definition is one line.
    let listed = world.ok(&["list", "agents"]);
    assert!(!listed.stdout.contains('…'), "{listed}");
    let count = world.ok(&["list", "agents", "--output-format", "json"]).json()["definitions"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(listed.stdout.lines().count(), count);
}

#[test]
fn raw_is_the_file_as_it_is() {
    let world = World::new();
    let text = "\u{feff}---\r\nschemaVersion: 1\r\ntitle: T\r\n---\r\n\u{1b}[31mred\r\n";
    let path = world.write("config/tasks/odd.md", text);
    assert_eq!(world.ok(&["show", "task", "odd", "--raw"]).stdout, text);
    assert_eq!(world.ok(&["show", "task", path.to_str().unwrap(), "--raw"]).stdout, text);
    // A terminal is not steered by it.
    let (code, shown) = world.command(&["show", "task", "odd", "--raw"]).at_terminal(80, 24).wait();
    assert!(code == Some(0) && !shown.contains('\u{1b}') && shown.contains("[31mred"), "{shown:?}");
    world.write("config/tasks/wrong.md", "no definition");
    world.run(&["show", "task", "wrong"]).expect_code(3);
    let raw = world.ok(&["show", "task", "wrong", "--raw", "--output-format", "json"]).json();
    assert_eq!((&raw["text"], &raw["kind"]), (&"no definition".into(), &"task".into()));
    let bundled = world.ok(&["show", "agent", "planner", "--raw"]).stdout;
    world.write("config/agents/planner/agent.md", &bundled);
    world.run(&["validate"]).expect_code(3).expect_stdout("ok       agent ").expect_stdout("invalid  ");
    world.run(&["show", "agent", "nobody", "--raw"]).expect_code(3).expect_stderr("hint: ");
}

#[test]
fn validate_says_what_it_did_not_check_and_what_it_cannot_read() {
    let world = World::new();
    world.ok(&["new", "agent", "good"]);
    world.write("config/notes.md", "my notes");
    world.write("config/.git/agent.md", "hidden");
    std::os::unix::fs::symlink("..", world.path("config/agents/circle")).unwrap();
    let agent = "---\nschemaVersion: 1\nname: both\nbackend: shell\nbackendArgs:\n  claude: {}\n---\nBe.\n";
    world.write("config/agents/both/agent.md", agent);
    let found = world.ok(&["validate"]).expect_stdout("2 files: 2 valid, 0 invalid, 3 skipped");
    let found =
        found.expect_stdout("notes.md: not called agent.md or assignment.md, and in no folder called tasks");
    let found = found.expect_stdout("agents/circle: a link to a directory that is looked at anyway");
    found.expect_stdout("note     ").expect_stdout("backendArgs.claude is not used by backend `shell`");
    let json = world.ok(&["validate", "--output-format", "json"]).json();
    assert_eq!((json["valid"].as_bool(), json["skipped"].as_array().unwrap().len()), (Some(true), 3));
    let remarks =
        json["files"].as_array().unwrap().iter().flat_map(|file| file["remarks"].as_array().unwrap());
    assert_eq!(remarks.count(), 1);

    let forbid = |place: &str, mode: u32| {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.path(place), rights).unwrap();
    };
    world.write("config/agents/closed/agent.md", agent);
    world.write("config/agents/shut/agent.md", agent);
    forbid("config/agents/closed", 0o000);
    forbid("config/agents/shut/agent.md", 0o000);
    let run = |args: &[&str]| {
        let command = world.command(args);
        // The system's own user may read everything, unless that right is given away.
        let command = match rustix::process::geteuid().is_root() {
            true => command.through(&["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]),
            false => command,
        };
        command.run()
    };
    let closed = run(&["validate"]).expect_code(3).expect_stdout("4 files: 2 valid, 2 invalid, 3 skipped");
    let closed = closed.expect_stdout("cannot read ").expect_stdout("Permission denied");
    closed.expect_stdout("chmod u+rX");
    let listed = run(&["list", "agents"]).expect_code(0).expect_stdout("good");
    listed.expect_stderr("agents/closed was left out").expect_stderr("shut was left out");
    forbid("config/agents/closed", 0o700);
}

#[test]
fn what_new_says_comes_next_is_not_refused() {
    let world = World::new();
    world.write("repo/list.md", "- [ ] One\n\n  ```sh\n  true\n  ```\n");
    let next = |args: &[&str]| -> String {
        let made = world.ok(args);
        made.stdout.lines().last().unwrap().strip_prefix("Next: agent-runner ").unwrap().to_owned()
    };
    let follow = |next: &str| {
        let words: Vec<&str> =
            next.split(' ').map(|word| if word == "FILE" { "list.md" } else { word }).collect();
        world.run(&words).expect_code(0);
    };
    let shell = next(&["new", "agent", "shelly", "--backend", "shell"]);
    assert_eq!(shell, "run --agent shelly --checklist FILE");
    follow(&shell);
    let passive = next(&["new", "agent", "people", "--backend", "passive"]);
    assert_eq!(passive, "init --agent people --checklist FILE");
    follow(&passive);
    let claude = next(&["new", "agent", "coder"]);
    assert_eq!(claude, "run --agent coder \"what there is to do\"");
    let commands = next(&["new", "assignment", "mine", "--from", "test"]);
    assert_eq!(commands, "run --agent runbook --assignment mine");
    follow(&commands);
    let review = next(&["new", "assignment", "review", "--from", "code-review-direct"]);
    assert_eq!(review, "run --agent code-reviewer --assignment review");
    assert_eq!(next(&["new", "assignment", "work"]), "run --agent generic --assignment work");
    let made = world.ok(&["new", "agent", "again", "--backend", "shell", "--output-format", "json"]).json();
    assert_eq!((&made["backend"], &made["agent"]), (&"shell".into(), &serde_json::Value::Null));
}
