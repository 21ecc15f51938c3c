//! What the client may do without asking: everything in an agent's run, hardly more than reporting in one without an
//! agent, and nothing as root without somebody's word.

use crate::harness::{Manifest as _, World};
use crate::model_server::Script;
use crate::stage::{Login, Stage, complete};

/// The command that a brief gives for something, as a worker would copy it.
fn told_to(told: &str, what: &str) -> String {
    let line = told.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {told}"));
    line.split('`').nth(1).unwrap_or_else(|| panic!("no command: {line}")).to_owned()
}

/// A model that knows nothing but what it is told: it asks for the list, tries to write a file, and reports.
fn copyist() -> Script {
    let report = |told: &str| {
        // Only the list, which it has asked for, names the task.
        let mut words = told.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        let id = words.find(|word| word.starts_with("cli-")).expect("the list did not come");
        told_to(told, "really done").replace("<task-id>", id)
    };
    Script::new("copyist")
        .shell_from(|told| told_to(told, "See the list"))
        .shell("echo written > proof.txt")
        .shell_from(report)
        .say("Reported.")
        .end()
}

#[test]
fn without_an_agent_the_client_may_report_and_not_write() {
    let stage = Stage::new(World::new(), [copyist()]);
    let args = ["run", "--backend", "claude", "--add-task", "Look around", "Only look"];
    let ended = stage.command("copyist", Login::Key, &args).run().expect_code(0);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("--unrestricted"), "it says how to widen it\n{ended}");
    let run = stage.world.only_run();
    let manifest = stage.world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"), "{ended}");
    assert!(!stage.world.path("repo/proof.txt").exists());
    let refused = stage.did_of(&run, 0, "permission");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["tool"], "Bash", "{refused:?}");
    stage.world.assert_nothing_left();
}

#[test]
fn another_runs_tasks_are_out_of_reach() {
    let world = World::new();
    world.write("repo/theirs.md", "- [ ] Sit\n\n  ```sh\n  true\n  ```\n");
    let theirs = world.init(&["--backend", "shell", "--checklist", "theirs.md"]);
    let add = |run: &str| format!("agent-runner task add {run} --title More --body 'one more'");
    let other = theirs.clone();
    let script = Script::new("x")
        .shell(&add(&theirs))
        .shell(&format!("agent-runner task edit {theirs} t --body 'something else'"))
        .shell_from(move |told| {
            let see = told_to(told, "See the list");
            let own = see.rsplit(' ').next().unwrap().to_owned();
            assert_ne!(own, other);
            format!("{} && {}", add(&own), see.replace("list", "delete"))
        })
        .shell_from(move |told| add(told_to(told, "See the list").rsplit(' ').next().unwrap()))
        .say("Tried.")
        .end();
    let stage = Stage::new(world, [script]);
    let before = stage.world.manifest(&theirs)["state"]["finalTasks"].clone();
    let args = ["run", "--backend", "claude", "--max-retries", "0", "--add-task", "Look around", "Only look"];
    stage.command("x", Login::Key, &args).run().expect_code(1);
    assert_eq!(stage.world.manifest(&theirs)["state"]["finalTasks"], before);
    let runs = stage.world.runs();
    let names = runs.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    let own = names.filter(|run| *run != theirs).collect::<Vec<_>>()[0];
    assert_eq!(stage.did_of(own, 0, "permission").len(), 3, "{:?}", stage.did(own, 0));
    let tasks = stage.world.manifest(own)["state"]["finalTasks"].as_object().unwrap().len();
    assert_eq!(tasks, 2, "it may add to its own list");
}

#[test]
fn a_program_whose_path_has_a_space_can_be_reported_to() {
    let stage = Stage::new(World::new(), [copyist()]);
    let program = stage.world.path("my bin/agent-runner");
    std::fs::create_dir(program.parent().unwrap()).unwrap();
    let target = std::fs::canonicalize(stage.world.path("bin/agent-runner")).unwrap();
    std::os::unix::fs::symlink(target, &program).unwrap();
    let args = ["run", "--backend", "claude", "--add-task", "Look around", "Only look"];
    let command = stage.command("copyist", Login::Key, &args);
    command.env("AGENT_RUNNER_CMD", format!("'{}'", program.display())).run().expect_code(0);
    assert_eq!(stage.world.manifest(&stage.world.only_run()).outcome(), "success");
}

#[test]
fn an_unrestricted_run_may_write() {
    let script = Script::new("x").shell("echo written > proof.txt").say("Written.").end();
    let stage = Stage::new(World::new(), [script]);
    let args = ["run", "--backend", "claude", "--unrestricted", "Write it"];
    stage.command("x", Login::Key, &args).run().expect_code(0);
    assert_eq!(stage.world.read("repo/proof.txt"), "written\n");
}

#[test]
fn an_agents_run_says_once_that_nothing_is_asked() {
    let script = Script::new("x").shell(&format!("{} && {}", complete("one"), complete("two"))).say("Done.");
    let stage = Stage::new(World::new(), [script]);
    let ended = stage.command("x", Login::Key, &["run", "--agent", "real", "--assignment", "work"]).run();
    let ended = ended.expect_code(0);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(said.matches("safety prompts bypassed").count(), 1, "{ended}");
}

#[test]
fn root_is_refused_by_the_client_unless_somebody_vouches_for_it() {
    let script = Script::new("x").shell(&format!("{} && {}", complete("one"), complete("two"))).say("Done.");
    let stage = Stage::new(World::new(), [script]);
    let args = ["run", "--agent", "real", "--assignment", "work"];
    let ended = stage.command("x", Login::Key, &args).env_remove("IS_SANDBOX").run();
    if rustix::process::geteuid().is_root() {
        let ended = ended.expect_code(4);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("root") && said.contains("IS_SANDBOX=1"), "{ended}");
        assert_eq!(stage.world.manifest(&stage.world.only_run()).ends(), "misconfigured");
        assert!(stage.model.turns("x").is_empty());
    } else {
        ended.expect_code(0);
    }
}
