//! Definitions that extend others, in runs, in lists and on the screen.

use crate::harness::{Manifest as _, World};

fn assignment(world: &World, name: &str, rest: &str) -> std::path::PathBuf {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{rest}");
    world.write(&format!("config/assignments/{name}/assignment.md"), text)
}

fn agent(world: &World, name: &str, rest: &str) -> std::path::PathBuf {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{rest}");
    world.write(&format!("config/agents/{name}/agent.md"), text)
}

/// A task that leaves a line behind.
fn task(id: &str, line: &str) -> String {
    format!(
        "  - id: {id}\n    title: The task {id}\n    body: |\n      ```sh\n      echo {line} >> done.txt\n      ```\n"
    )
}

#[test]
fn a_run_works_through_the_tasks_of_its_assignments_base() {
    let world = World::new();
    let tasks: String = [task("one", "one"), task("two", "two"), task("three", "three")].concat();
    let base = assignment(&world, "base", &format!("maxRetries: 0\ntasks:\n{tasks}---\nBase words.\n"));
    let own: String = [task("four", "four"), task("one", "changed")].concat();
    let own = own.replacen("    title: The task one\n", "", 1);
    let heir = assignment(
        &world,
        "heir",
        &format!("extends: base\nremoveTasks: [two]\ntasks:\n{own}---\nHeir words.\n"),
    );
    let shell = agent(&world, "shell-base", "backend: shell\ntimeoutSec: 77\n---\nBe exact.\n");
    agent(&world, "shell-heir", "extends: ../shell-base\nlockedFields: [timeoutSec]\n---\n");
    let ended = world.run(&["run", "--agent", "shell-heir", "--assignment", "heir"]).expect_code(0);
    assert_eq!(world.lines("repo/done.txt"), ["changed", "three", "four"], "{ended}");
    let run = world.only_run();
    let manifest = world.manifest(&run);
    assert_eq!(manifest.tasks().as_str(), "four=completed one=completed three=completed");
    let spec = &manifest["spec"];
    assert_eq!((spec["timeoutSec"].as_u64(), spec["maxAttemptsPerSession"].as_u64()), (Some(77), Some(1)));
    assert_eq!((&spec["assignment"]["name"], &spec["agent"]["name"]), (&"heir".into(), &"shell-heir".into()));
    assert_eq!(spec["assignment"]["sourcePath"], heir.to_str().unwrap());
    let from = &spec["assignment"]["bases"][0];
    assert_eq!((&from["name"], &from["sourcePath"]), (&"base".into(), &base.to_str().unwrap().into()));
    assert_eq!(spec["agent"]["bases"][0]["sourcePath"], shell.to_str().unwrap());
    let sum = std::process::Command::new("sha256sum").arg(&base).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(sum.split_whitespace().next(), from["sha256"].as_str());
    let brief = world.ok(&["run", "brief", &run]);
    brief.expect_stdout("Base words.\n\nHeir words.").expect_stdout("Be exact.");

    // What a run is made of does not change any more.
    let seed = std::fs::read_to_string(world.run_dir(&run).join("assignment-seed.md")).unwrap();
    assert!(seed.contains("extends: base"), "{seed}");
    world.write("config/assignments/base/assignment.md", "gone");
    world.ok(&["run", "brief", &run]).expect_stdout("Base words.");

    let refused = world.run(&["run", "--agent", "shell-heir", "--timeout-sec", "5", "x"]).expect_code(3);
    refused.expect_stderr("`timeoutSec` is locked by the definitions");
}

#[test]
fn definitions_in_a_circle_are_refused_with_the_chain() {
    let world = World::new();
    world.work(&["one"]);
    let first = agent(&world, "first", "extends: second\n---\n");
    let third = agent(&world, "third", "backend: shell\nextends: first\n---\n");
    agent(&world, "second", "extends: third\n---\n");
    agent(&world, "fine", "backend: shell\n---\n");
    let place = format!(
        "{}:5:10: definitions extend each other in a circle: first → second → third → first",
        third.display()
    );
    for arguments in [
        &["run", "--agent", "first", "--assignment", "work"][..],
        &["show", "agent", "first", "--resolved"],
        &["validate"],
    ] {
        let refused = world.run(arguments).expect_code(3);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains(&place), "{refused}");
        assert!(
            said.contains(&format!("{}:4:10: what `first` extends is not valid", first.display())),
            "{refused}"
        );
    }
    let listed = world.ok(&["list", "agents"]);
    listed.expect_stdout("fine").expect_stderr("warning: first was left out").expect_stderr("→");
    // What the file says itself is there all the same.
    world.ok(&["show", "agent", "third"]).expect_stdout("extends: first").expect_stdout("backend: shell");
    agent(&world, "alone", "extends: alone\n---\n");
    world
        .run(&["show", "agent", "alone", "--resolved"])
        .expect_code(3)
        .expect_stderr("`alone` extends itself: alone → alone");
    assert!(world.runs().is_empty());
}

#[test]
fn a_chain_may_be_sixteen_definitions_long() {
    let world = World::new();
    assignment(&world, "n0", &format!("tasks:\n{}---\n", task("t0", "zero")));
    for number in 1..=17 {
        let tasks = task(&format!("t{number}"), &number.to_string());
        assignment(&world, &format!("n{number}"), &format!("extends: n{}\ntasks:\n{tasks}---\n", number - 1));
    }
    world.run(&["run", "--backend", "shell", "--assignment", "n16"]).expect_code(0);
    let lines = world.lines("repo/done.txt");
    assert_eq!((lines.len(), lines[0].as_str(), lines[16].as_str()), (17, "zero", "16"));
    let refused = world.run(&["run", "--backend", "shell", "--assignment", "n17"]).expect_code(3);
    refused.expect_stderr("extends more than 16 definitions").expect_stderr("n17 → n16 → n15 → ");
}

#[test]
fn show_tells_what_a_file_says_from_what_holds() {
    let world = World::new();
    let base = agent(
        &world,
        "base",
        "backend: shell\nmodel: small\nlauncher: {command: nice}\nbudget: {tokens: 9, costUsd: 2.5}\n---\nBase.\n",
    );
    let heir = agent(
        &world,
        "heir",
        "extends: base\nmodel: large\nbudget: {tokens: 5}\nclear: [launcher]\n---\nHeir.\n",
    );
    let written = world.ok(&["show", "agent", "heir"]);
    let written = written
        .expect_stdout("extends: base (--resolved")
        .expect_stdout("model: large")
        .expect_stdout("clear: [");
    assert!(!written.stdout.contains("backend") && !written.stdout.contains("Base."), "{written}");
    let text = world.ok(&["show", "agent", "heir", "--resolved"]);
    let text =
        text.expect_stdout(&format!("extends: base ({})", base.display())).expect_stdout("backend: shell");
    let text = text.expect_stdout("Base.\n\nHeir.").expect_stdout("budget: {\"costUsd\":2.5,\"tokens\":5}");
    let text = text.expect_stdout(&format!("  {}: backend, budget.costUsd\n", base.display()));
    let text = text.expect_stdout(&format!("  {} + {}: instructions\n", base.display(), heir.display()));
    assert!(!text.stdout.contains("nice"), "{text}");

    let json = |more: &[&str]| {
        let arguments = [&["show", "agent", "heir", "--output-format", "json"], more].concat();
        world.ok(&arguments).json()
    };
    let written = json(&[]);
    assert_eq!((&written["extends"], &written["resolved"]), (&"base".into(), &false.into()));
    assert!(written.get("bases").is_none() && written["settings"].get("backend").is_none(), "{written}");
    let found = json(&["--resolved"]);
    assert_eq!((found.get("extends"), &found["resolved"]), (None, &true.into()));
    assert_eq!(found["bases"][0]["source"], base.to_str().unwrap());
    assert_eq!(
        (&found["settings"]["backend"], &found["settings"]["model"]),
        (&"shell".into(), &"large".into())
    );
    assert_eq!(found["origins"]["backend"], serde_json::json!([base.to_str().unwrap()]));
    assert_eq!(found["origins"]["instructions"][1], heir.to_str().unwrap());
    assert!(found["origins"].get("model").is_none(), "{found}");

    let tasks = task("one", "one");
    assignment(&world, "work-base", &format!("tasks:\n{tasks}---\n"));
    assignment(&world, "work-heir", "extends: work-base\ntasks:\n  - id: one\n    title: Uno\n---\n");
    world
        .ok(&["show", "assignment", "work-heir", "--resolved"])
        .expect_stdout("one  Uno")
        .expect_stdout("tasks.one");
    world.run(&["show", "agent", "heir", "--resolved", "--raw"]).expect_code(3);
}

#[test]
fn what_is_locked_stays_unless_it_is_unlocked() {
    let world = World::new();
    let base = agent(&world, "base", "backend: shell\nmodel: small\nlockedFields: [model]\n---\n");
    let heir = agent(&world, "heir", "extends: base\nmodel: large\n---\n");
    let refused = world.run(&["show", "agent", "heir", "--resolved"]).expect_code(3);
    let refused = refused.expect_stderr(&format!(
        "{}:5:1: `model` is locked at {}:6:16",
        heir.display(),
        base.display()
    ));
    refused.expect_stderr("unlock: [model]");
    agent(&world, "heir", "extends: base\nunlock: [model]\nmodel: large\n---\n");
    world.ok(&["show", "agent", "heir", "--resolved"]).expect_stdout("model: large");
    world.write("repo/todo.md", "- [ ] Look\n\n  ```sh\n  echo looked >> done.txt\n  ```\n- [ ] Leap\n");
    world.write(
        "repo/work.md",
        "---\nschemaVersion: 1\nname: work\nextends: ./todo.md\nremoveTasks: [leap]\n---\n",
    );
    world.run(&["run", "--agent", "heir", "--assignment", "./work.md", "--model", "other"]).expect_code(0);
    assert_eq!(world.lines("repo/done.txt"), ["looked"]);
}

#[test]
fn show_and_validate_tell_which_hooks_there_are() {
    let world = World::new();
    let guard = world.write("config/hooks/guard/hook.sh", "true\n");
    let base = "hooks:\n  taskTransition:\n    - name: guard\n      when: {taskId: tow, toStatus: completed}\n  prepare:\n    - \
                name: guard\nprompts: {nudge: Go on.}\nworktree: {branch: b}\ntasks:\n  - id: two\n    title: Two\n---\n";
    let base = assignment(&world, "guarded", base);
    let own = "extends: guarded\ntasks:\n  - id: two\n    hooks: [{builtin: git-clean}]\n---\n";
    assignment(&world, "heir", own);
    let shown = world.ok(&["show", "assignment", "heir", "--resolved"]);
    let shown = shown.expect_stdout(&format!(
        "hooks:\n  taskTransition:task:two:0:git-clean  builtin\n  prepare:0:guard                      {0}\n  \
         taskTransition:0:guard               {0}  when {{\"taskIds\":[\"tow\"],\"toStatus\":[\"completed\"]}}\n",
        guard.display()
    ));
    shown.expect_stdout("prompts: {\"nudge\":\"Go on.\"}").expect_stdout("worktree: {\"branch\":\"b\"}");
    let written = world.ok(&["show", "assignment", "heir"]);
    let written = written.expect_stdout("taskTransition:task:two:0:git-clean  builtin");
    assert!(!written.stdout.contains("guard "), "{written}");

    let found = world.ok(&["show", "assignment", "heir", "--resolved", "--output-format", "json"]).json();
    let hook = &found["hooks"][2];
    assert_eq!(
        (&hook["phase"], &hook["hookId"]),
        (&"taskTransition".into(), &"taskTransition:0:guard".into())
    );
    assert_eq!((&hook["source"]["name"], &hook["timeoutSec"]), (&"guard".into(), &600.into()));
    assert_eq!(hook["resolvedPath"], guard.to_str().unwrap());
    assert_eq!(hook["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(found["origins"]["hooks.prepare"][0], base.to_str().unwrap());

    let checked = world.ok(&["validate", base.to_str().unwrap()]);
    checked.expect_stdout("no task of this assignment has the id `tow`").expect_stdout("did you mean `two`?");
    std::fs::remove_file(&guard).unwrap();
    let checked = world.run(&["validate", base.to_str().unwrap()]).expect_code(3);
    checked.expect_stdout("there is no hook `guard`");
    world.run(&["run", "--backend", "shell", "--assignment", "heir"]).expect_code(3);
}
