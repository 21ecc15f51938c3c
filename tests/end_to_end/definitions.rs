//! Agents, assignments, tasks and checklists as the program reads them.

use crate::harness::{Manifest as _, World};

#[test]
fn a_checklist_is_worked_through() {
    let world = World::new();
    let list = "# Tidy up\n\nKeep every change small.\n\n- [x] Agree on the formatter\n- [ ] Format the code\n\n  ```sh\n  \
                echo formatted >> done.txt\n  ```\n- [ ] Look *around*\n\n  ```bash\n  echo looked >> done.txt\n  ```\n";
    world.write("repo/list.md", list);
    let ended = world.run(&["run", "--backend", "shell", "--checklist", "list.md"]).expect_code(0);
    let run = world.only_run();
    assert_eq!(world.lines("repo/done.txt"), ["formatted", "looked"], "{ended}");
    let manifest = world.manifest(&run);
    assert_eq!(
        (manifest.outcome(), manifest.tasks().as_str()),
        ("success", "format-the-code=completed look-around=completed")
    );
    assert_eq!(manifest["spec"]["agent"]["name"], "ad-hoc");
    let brief = world.ok(&["run", "brief", &run]);
    let brief = brief.expect_stdout("Keep every change small.");
    assert!(!brief.stdout.contains("Agree on the formatter"), "{brief}");
    assert_eq!(std::fs::read_to_string(world.run_dir(&run).join("assignment-seed.md")).unwrap(), list);
    world
        .ok(&["task", "show", &run, "look-around"])
        .expect_stdout("Look around")
        .expect_stdout("echo looked");
    world.assert_nothing_left();
}

#[test]
fn a_checklist_that_would_lose_an_item_is_refused_with_its_line() {
    let world = World::new();
    world.write("repo/list.md", "# List\n\n- [x] done\n  - [ ] hidden below\n");
    let refused = world.run(&["run", "--backend", "shell", "--checklist", "list.md"]).expect_code(3);
    refused.expect_stderr("list.md:4:");
    world.write("repo/empty.md", "# Nothing\n");
    world
        .run(&["run", "--backend", "shell", "--checklist", "empty.md"])
        .expect_code(3)
        .expect_stderr("empty.md");
    assert!(world.runs().is_empty());
}

#[test]
fn a_wrong_agent_file_is_shown_with_file_line_and_column() {
    let world = World::new();
    world.work(&["one"]);
    let agent = world.write(
        "config/agents/fake/agent.md",
        "---\nschemaVersion: 1\nname: fake\nbackend: command\ntimeout_sec: 5\n---\nText.\n",
    );
    let place = format!("{}:5:1: unknown field `timeout_sec`", agent.display());
    let refused = world.run(&["run", "--agent", "fake", "--assignment", "work"]).expect_code(3);
    let refused = refused
        .expect_stderr(&place)
        .expect_stderr("5 | timeout_sec: 5")
        .expect_stderr("did you mean `timeoutSec`?");
    assert_eq!(refused.stdout, "", "{refused}");
    world.run(&["show", "agent", "fake"]).expect_code(3).expect_stderr(&place);
    let listed = world.run(&["list", "agents"]).expect_code(0);
    listed.expect_stderr("warning: fake was left out").expect_stdout("bundled");
    assert!(world.runs().is_empty());

    world.write("config/agents/fake/agent.md", "---\nschemaVersion: 1\nname: fake\nbackend: command\n---\n");
    let refused = world.run(&["run", "--agent", "fake", "--assignment", "work"]).expect_code(3);
    refused.expect_stderr("argv").expect_stderr("hint: ");
}

#[test]
fn validate_tells_by_its_exit_code() {
    let world = World::new();
    world.ok(&["validate"]).expect_stdout("There are no definition files there; ");
    world.work(&["one"]);
    world.agent("fake", "exit 0");
    let fine = world.ok(&["validate"]).expect_stdout("2 files: 2 valid, 0 invalid");
    let fine = fine.expect_stdout("ok       agent ");
    assert!(fine.stderr.is_empty(), "{fine}");
    let broken = world.write("config/tasks/broken.md", "---\nschemaVersion: 1\n---\nNo title.\n");
    let found = world.run(&["validate"]).expect_code(3).expect_stdout("3 files: 2 valid, 1 invalid");
    found.expect_stdout(&format!("invalid  {}", broken.display())).expect_stdout("broken.md:");
    let json = world.run(&["validate", "--output-format", "json"]).expect_code(3).json();
    assert_eq!(json["valid"], false);
    let wrong: Vec<&serde_json::Value> =
        json["files"].as_array().unwrap().iter().filter(|file| !file["error"].is_null()).collect();
    assert_eq!(wrong.len(), 1);
    world
        .ok(&["validate", world.path("config/agents").to_str().unwrap()])
        .expect_stdout("1 file: 1 valid, 0 invalid");
    world.run(&["validate", broken.to_str().unwrap()]).expect_code(3);
    world.run(&["validate", "missing"]).expect_code(3).expect_stdout("missing: there is no such file");
}

#[test]
fn definitions_are_listed_and_shown() {
    let world = World::new();
    world.work(&["one", "two"]);
    world.agent("fake", "exit 0");
    world
        .write("config/tasks/shared.md", "---\nschemaVersion: 1\ntitle: Shared work\n---\nThe body of it.\n");
    world.ok(&["list", "agents"]).expect_stdout("runbook").expect_stdout("fake");
    world.ok(&["list", "assignments"]).expect_stdout("repo-checkup").expect_stdout("work");
    world.ok(&["list", "tasks"]).expect_stdout("shared");
    world
        .ok(&["show", "agent", "fake"])
        .expect_stdout("You are the fake agent fake.")
        .expect_stdout("backend: command");
    world
        .ok(&["show", "assignment", "work"])
        .expect_stdout("  two  Do two")
        .expect_stdout("The work of this test.");
    world.ok(&["show", "task", "shared"]).expect_stdout("Shared work").expect_stdout("The body of it.");
    let shown = world.ok(&["show", "assignment", "test", "--output-format", "json"]).json();
    assert_eq!((&shown["kind"], &shown["name"]), (&"assignment".into(), &"test".into()));
    assert_eq!(shown["tasks"][0]["id"], "date");
    let listed = world.ok(&["list", "agents", "--output-format", "json"]).json();
    let names: Vec<&str> = listed["definitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["name"].as_str().unwrap())
        .collect();
    assert!(["fake", "planner", "runbook", "test"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn an_own_definition_replaces_a_bundled_one() {
    let world = World::new();
    world.assignment("test", &[("mine", "```sh\necho mine\n```")]);
    let run =
        world.ok(&["run", "--agent", "test", "--assignment", "test", "--output-format", "json"]).run_id();
    assert_eq!(world.manifest(&run).tasks(), "mine=completed");
    world.ok(&["list", "assignments"]).expect_stdout("assignments/test/assignment.md, hides bundled");
    world.ok(&["show", "assignment", "test"]).expect_stdout("hides: bundled:assignments/test/assignment.md");
    // A path means the file, wherever it is.
    let path = world.write(
        "elsewhere/list.md",
        "---\nschemaVersion: 1\nname: any\ntasks:\n  - id: far\n    title: Far\n---\n",
    );
    let run = world.init(&["--backend", "passive", "--assignment", path.to_str().unwrap()]);
    assert_eq!(world.manifest(&run).tasks(), "far=pending");
}

#[test]
fn locked_fields_cannot_be_overridden() {
    let world = World::new();
    world.write(
        "config/assignments/work/assignment.md",
        "---\nschemaVersion: 1\nname: work\nmaxRetries: 0\ntasks:\n  - id: one\n    title: One\nlockedFields: [maxRetries, tasks]\n---\n",
    );
    world.agent("fake", "exit 0");
    world.fake(&["--max-retries", "3"]).run().expect_code(3).expect_stderr("maxRetries");
    world.fake(&["--add-task", "More"]).run().expect_code(3).expect_stderr("tasks");
    let run = world.fake(&[]).run().expect_code(1).run_id();
    assert_eq!(world.manifest(&run).spent(), [1]);
    world.run(&["task", "add", &run, "--title", "More"]).expect_code(3).expect_stderr("locked");
}

#[test]
fn runs_are_listed_by_directory_repository_and_group() {
    let world = World::new();
    world.work(&["one"]);
    let here = world.init(&["--backend", "passive", "--assignment", "work"]);
    let there = world.path("elsewhere");
    std::fs::create_dir(&there).unwrap();
    let away =
        world.command(&["init", "--backend", "passive", "--assignment", "work", "--output-format", "json"]);
    let away = away.cwd(&there).arg("--group-id").arg("mine").run().expect_code(0).run_id();
    let ids = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> =
            ["list", "runs", "--output-format", "json"].iter().chain(args).copied().collect();
        let listed = world.ok(&args).json();
        let mut ids: Vec<String> = listed["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["runId"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let mut both = vec![here.clone(), away.clone()];
    both.sort();
    assert_eq!(ids(&[]).concat(), here);
    assert_eq!(ids(&["--cwd", there.to_str().unwrap()]).concat(), away);
    assert_eq!(ids(&["--global"]), both);
    assert_eq!(ids(&["--repo", "repo"]).concat(), here);
    assert_eq!(ids(&["--repo", "unknown"]).concat(), away);
    assert_eq!(ids(&["--group-id", "mine"]).concat(), away);
    world.ok(&["list", "runs", "--global"]).expect_stdout(&away).expect_stdout("initialized");
    // A run that cannot be read is named, and hides nothing.
    std::fs::write(world.run_dir(&away).join("run.json"), "{ broken").unwrap();
    let listed = world.ok(&["list", "runs", "--global"]).expect_stderr("warning: ");
    assert!(listed.stderr.contains(&away) && !listed.stdout.contains(&away), "{listed}");
    world.run(&["run", "status", &away]).expect_code(3).expect_stderr("run.json");
    assert_eq!(
        std::fs::read_to_string(world.run_dir(&away).join("run.json")).unwrap(),
        "{ broken",
        "it is left alone"
    );
}

#[test]
fn validate_remarks_on_agents_that_no_run_can_be_started_with() {
    let world = World::new();
    let cases = [
        ("claud", "backend: claud", "there is no backend \"claud\"; there are", "did you mean `claude`?"),
        ("capital", "backend: Claude", "there is no backend \"Claude\"", "did you mean `claude`?"),
        ("codex", "backend: codex", "there is no backend \"codex\"", "needs --backend"),
        ("bare", "backend: command", "needs backendConfig.command.argv", "add it"),
        (
            "text",
            "backend: command\nbackendConfig:\n  command:\n    argv: my-agent --x",
            "backendConfig.command.argv is not acceptable: it should be a list",
            "correct or delete it",
        ),
        (
            "empty",
            "backend: command\nbackendConfig:\n  command:\n    argv: []",
            "backendConfig.command.argv is not acceptable: the first item should be the program",
            "correct or delete it",
        ),
        (
            "args",
            "backend: command\nbackendConfig:\n  command:\n    argv: [my-agent]\n    args: [--x]",
            "backendConfig.command.args is not acceptable: the only setting is `argv`",
            "correct or delete it",
        ),
        (
            "mode",
            "backend: claude\nbackendConfig:\n  claude:\n    permissionMode: plan",
            "backendConfig.claude.permissionMode is not acceptable",
            "correct or delete it",
        ),
    ];
    for (name, fields, message, hint) in cases {
        let text = format!("---\nschemaVersion: 1\nname: {name}\n{fields}\n---\nWork.\n");
        let file = world.write(&format!("config/agents/{name}/agent.md"), &text);
        let file = file.to_str().unwrap();
        let found = world.ok(&["validate", file]).expect_stdout("1 file: 1 valid, 0 invalid");
        let found = found.expect_stdout(&format!("note     {file}")).expect_stdout(message);
        found.expect_stdout(&format!("{file}:")).expect_stdout("= help: ").expect_stdout(hint);
        world.run(&["run", "--agent", name, "Work"]).expect_code(3).expect_stderr(message);
    }
    world.run(&["run", "--agent", "claud", "Work"]).expect_code(3).expect_stderr("did you mean `claude`?");
    // The remark points at the setting, not at the start of the file.
    let found = world.ok(&["validate", world.path("config/agents/args/agent.md").to_str().unwrap()]);
    found.expect_stdout("agent.md:8:5: ").expect_stdout("8 |     args: [--x]");
    world.agent("fake", "exit 0");
    let fine = world.ok(&["validate", world.path("config/agents/fake/agent.md").to_str().unwrap()]);
    assert!(!fine.stdout.contains("note "), "{fine}");
}
