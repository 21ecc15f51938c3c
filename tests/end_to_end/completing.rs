//! What is offered to shells, without a shell around it: that the program takes what it offers, and offers what it takes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::World;

const LIST: &str = "# List\n\n- [ ] Sweep\n- [ ] Mop\n";
const PASSIVE: [&str; 4] = ["--backend", "passive", "--checklist", "list.md"];

/// What may follow `words`, the last of which is what was typed at the cursor.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let line = [&["complete", "--shell", "fish", "--", "agent-runner"], words].concat();
    let printed = world.ok(&line).stdout;
    let lines = printed.lines().skip(1);
    lines.map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// A world with a checklist, and a commit to make worktrees of.
fn world() -> World {
    let world = World::new();
    world.write("repo/list.md", LIST);
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    world
}

fn named(world: &World, name: &str, more: &[&str]) -> String {
    world.init(&[PASSIVE.as_slice(), &["--name", name], more].concat())
}

/// Copies a run so many times, each under an id and a name of its own.
fn copy(world: &World, run: &str, count: usize) {
    let dir = world.run_dir(run);
    let text = fs::read_to_string(dir.join("run.json")).unwrap();
    for number in 0..count {
        let id = format!("copy{number:04}");
        let copy = dir.with_file_name(&id);
        fs::create_dir(&copy).unwrap();
        fs::copy(dir.join("run-events.jsonl"), copy.join("run-events.jsonl")).unwrap();
        let text = text.replace(run, &id).replace("Filler", &format!("Filler {number}"));
        fs::write(copy.join("run.json"), text).unwrap();
    }
}

#[test]
fn only_names_that_one_run_has_are_offered_however_old_the_other_is() {
    let world = world();
    named(&world, "Twice", &[]);
    let filler = named(&world, "Filler", &[]);
    copy(&world, &filler, 260);
    named(&world, "Twice", &[]);
    named(&world, "Two", &[]);
    assert_eq!(offered(&world, &["run", "status", "@Tw"]), ["@Two"]);
    for name in offered(&world, &["run", "status", "@"]) {
        world.ok(&["run", "status", &name]);
    }
    world.run(&["run", "status", "@Twice"]).expect_code(3);
}

#[test]
fn runs_that_a_command_would_refuse_are_not_offered() {
    let world = world();
    let passive = named(&world, "Passive", &[]);
    let tree = named(&world, "Tree", &["--worktree"]);
    let shell = ["--backend", "shell", "--checklist", "list.md"];
    let initialized = world.init(&shell);
    let ready = world.init_ready(&shell);
    let dependent = world.init(&[shell.as_slice(), &["--after", &passive]].concat());
    let limited = world.init(&[shell.as_slice(), &["--budget", "attempts=1"]].concat());
    world.ok(&["run", "set-group", &passive, "cleaning"]);
    world.ok(&["run", "add-dep", &dependent, "--group", "cleaning"]);
    world.ok(&["run", "pin", &passive]);
    let check = |words: &[&str], expected: &[&String]| {
        let mut offered = offered(&world, &[words, &[""]].concat());
        let mut expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        offered.sort();
        expected.sort();
        assert_eq!(offered, expected, "{words:?}");
    };
    check(&["run", "--resume-run"], &[&ready]);
    check(&["run", "ready"], &[&initialized, &dependent, &limited]);
    check(&["run", "set-backend-session"], &[&passive, &tree]);
    check(&["run", "clear-backend-session"], &[&passive, &tree]);
    check(&["run", "extend"], &[&limited]);
    check(&["run", "clear-deps"], &[&dependent]);
    check(&["run", "remove-dep"], &[&dependent]);
    check(&["run", "remove-dep", &dependent, "--run"], &[&passive]);
    check(&["run", "remove-dep", &dependent, "--group"], &[&"cleaning".to_owned()]);
    check(&["run", "unpin"], &[&passive]);
    check(&["workspace", "remove"], &[&tree]);
    check(&["workspace", "snapshots"], &[&tree]);
    check(&["task", "add"], &[&passive, &tree, &initialized, &dependent, &limited]);
    check(&["task", "edit"], &[&passive, &tree, &initialized, &dependent, &limited]);
    check(&["run", "abort"], &[]);
    world.ok(&["task", "set", &passive, "sweep", "--status", "in_progress"]);
    check(&["task", "delete", &passive], &[&"mop".to_owned()]);
    check(&["task", "edit", &passive], &[&"mop".to_owned()]);
    check(&["task", "set", &passive], &[&"sweep".to_owned(), &"mop".to_owned()]);
    let by_sign = offered(&world, &["run", "--resume-run", "@"]);
    assert_eq!(by_sign, ["@-3"], "the third newest is the one that is ready");
}

#[test]
fn messages_are_offered_where_they_wait_though_the_run_has_ended() {
    let world = world();
    named(&world, "Other", &[]);
    world.work(&["one"]);
    world.agent("fake", "echo on > \"$W/at\"; read x < \"$W/gate\"; complete one");
    let (at, _gate) = (world.fifo("at"), world.fifo("gate"));
    let run = world.fake(&["--detach"]).run().expect_code(0).run_id();
    at.line();
    assert_eq!(offered(&world, &["run", "queue-message", ""]), [run.as_str()]);
    let queued = world.ok(&["run", "queue-message", &run, "Mind it", "--output-format", "json"]).json();
    let message = queued["messageId"].as_str().unwrap();
    world.ok(&["run", "abort", &run]);
    assert!(offered(&world, &["run", "queue-message", ""]).is_empty());
    assert_eq!(offered(&world, &["run", "remove-queued-message", ""]), [run.as_str()]);
    assert_eq!(offered(&world, &["run", "remove-queued-message", &run, ""]), [message]);
    world.ok(&["run", "remove-queued-message", &run, message]);
    assert!(offered(&world, &["run", "remove-queued-message", ""]).is_empty());
    world.assert_nothing_left();
}

#[test]
fn an_id_that_is_the_beginning_of_another_one_is_that_run() {
    let world = world();
    let filler = named(&world, "Filler", &[]);
    copy(&world, &filler, 1);
    let long = world.run_dir("copy0000").with_file_name("copy0000more");
    fs::create_dir(&long).unwrap();
    let text = fs::read_to_string(world.run_dir("copy0000").join("run.json")).unwrap();
    fs::write(long.join("run.json"), text.replace("copy0000", "copy0000more")).unwrap();
    world.ok(&["task", "list", "copy0000"]);
    assert_eq!(offered(&world, &["task", "set", "copy0000", ""]), ["sweep", "mop"]);
    assert_eq!(offered(&world, &["task", "set", "copy000", ""]), [""; 0], "that could be either");
}

#[test]
fn without_an_index_there_is_something_to_choose_from_too() {
    let world = world();
    let run = named(&world, "Filler", &[]);
    copy(&world, &run, 300);
    let line = ["complete", "--shell", "fish", "--", "agent-runner", "run", "status", "@"];
    let began = Instant::now();
    let printed = world.command(&line).env("XDG_CACHE_HOME", "/dev/null/none").run().expect_code(0).stdout;
    assert!(printed.contains("@last\t"), "{printed}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn flags_and_amounts_are_offered() {
    let world = World::new();
    assert_eq!(offered(&world, &["--"]), ["--help", "--version"]);
    assert_eq!(offered(&world, &["run", "--ver"]), [""; 0], "only the program has a version");
    assert_eq!(offered(&world, &["run", "--notify", ""]), ["desktop"]);
    let kinds = ["wallClock=", "tokens=", "costUsd=", "attempts=", "turns=", "soft="];
    assert_eq!(
        offered(&world, &["run", "--budget", ""]),
        [kinds.as_slice(), &["onUnmeasured=allow", "onUnmeasured=refuse"]].concat()
    );
    assert_eq!(offered(&world, &["run", "--budget=tok"]), ["--budget=tokens="]);
    assert_eq!(offered(&world, &["run", "--budget", "tokens="]), [""; 0]);
}

#[test]
fn what_is_the_same_for_everybody_needs_no_home() {
    let world = World::new();
    for line in [
        &["completions", "bash"] as &[&str],
        &["man"],
        &["man", "run", "status"],
        &["man", "--output", "pages"],
        &["--help"],
        &["run", "status", "--help"],
        &["--version"],
    ] {
        for home in [None, Some("")] {
            let mut command = world.command(line);
            for name in ["AGENT_RUNNER_STATE_DIR", "AGENT_RUNNER_CONFIG_DIR", "HOME"] {
                command = command.env_remove(name);
            }
            let command = match home {
                Some(home) => command.env("HOME", home),
                None => command,
            };
            assert!(!command.run().expect_code(0).stdout.is_empty(), "{line:?}");
        }
    }
}

#[test]
fn help_that_cannot_be_printed_is_no_success() {
    let world = World::new();
    let full = Path::new("/dev/full");
    assert!(full.exists(), "this test needs it");
    for line in [["--help"].as_slice(), &["--version"], &["run", "status", "-h"], &["man"]] {
        let shell = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"];
        world
            .command(line)
            .through(&shell)
            .run()
            .expect_code(4)
            .expect_stderr("cannot write to standard output");
    }
    let early = ["bash", "-c", "set -o pipefail; \"$0\" \"$@\" | true"];
    world.command(&["--help"]).through(&early).run().expect_code(0);
}

#[test]
fn nobody_is_told_to_try_a_command_that_is_for_nobody() {
    let world = World::new();
    let refused = world.run(&["completion", "bash"]).expect_code(3).expect_stderr("'completions'");
    assert!(!refused.stderr.contains("'complete'"), "{refused}");
    let refused = world.run(&["driv"]).expect_code(3).expect_stderr("unrecognized subcommand");
    assert!(!refused.stderr.contains("drive'"), "{refused}");
}
