//! The embedded worker: command blocks that are run, kept, not run again, and told the truth about.

use crate::harness::{Manifest as _, World};

/// `run` with the shell backend on the assignment `work`.
fn shell(world: &World, more: &[&str]) -> crate::harness::Finished {
    let args = ["run", "--backend", "shell", "--assignment", "work", "--output-format", "json"];
    world.run(&args.iter().chain(more).copied().collect::<Vec<_>>())
}

/// A `sh` block.
fn sh(lines: &str) -> String {
    format!("```sh\n{lines}\n```")
}

#[test]
fn the_bundled_checkup_of_a_healthy_repository_succeeds_with_evidence() {
    let world = World::new();
    world.write("repo/README.md", "# A repository\n");
    world.write("repo/LICENSE", "MIT\n");
    world.write("repo/.gitignore", "/target\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    let ended = world.run(&["run", "--agent", "runbook", "--assignment", "repo-checkup"]).expect_code(0);
    let run = world.only_run();
    let ended = ended.expect_stdout(&format!("Run {run}: agent runbook, backend shell"));
    let ended = ended.expect_stdout(": success (").expect_stdout("Manifest: ");
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("success", "reported"), "{ended}");
    assert!(!manifest.tasks().contains("pending") && !manifest.tasks().is_empty(), "{}", manifest.tasks());
    for (id, task) in manifest["state"]["finalTasks"].as_object().unwrap() {
        let notes = task["notes"].as_str().unwrap();
        assert!(notes.contains("exit code 0") && notes.contains("  $ "), "{id} has no evidence: {notes}");
    }
    world.assert_nothing_left();
}

#[test]
fn a_block_that_fails_leaves_its_task_open_and_passed_blocks_are_not_run_again() {
    let world = World::new();
    let (count, broken) = (world.path("count"), world.path("broken"));
    let first = sh(&format!("echo first >> {}", count.display()));
    let second = sh(&format!("echo second >> {}\ntest ! -e {}", count.display(), broken.display()));
    world.assignment("work", &[("one", &format!("{first}\n{second}")), ("two", &sh("echo fine"))]);
    world.write("broken", "");
    let run = shell(&world, &["--max-retries", "1"]).expect_code(1).run_id();
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("exhausted", "reported reported"));
    assert_eq!(manifest.tasks(), "one=in_progress two=completed");
    assert_eq!(world.lines("count"), ["first", "second", "second"]);
    assert!(manifest.notes("one").contains("Block 1 of 2 (sh): exit code 0"), "{}", manifest.notes("one"));
    assert!(manifest.notes("one").contains("Block 2 of 2 (sh): exit code 1"), "{}", manifest.notes("one"));

    // Set back to pending, all of it is run again.
    std::fs::remove_file(&broken).unwrap();
    world.ok(&["task", "set", &run, "one", "--status", "pending"]);
    world.run(&["run", "--resume-run", &run]).expect_code(0);
    assert_eq!(world.lines("count"), ["first", "second", "second", "first", "second"]);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.spent()), ("success", vec![2, 1]));
    world.assert_nothing_left();
}

#[test]
fn a_task_without_a_block_is_blocked() {
    let world = World::new();
    world.assignment(
        "work",
        &[("one", "Think about it.\n\n```text\nnot a command\n```"), ("two", &sh("echo fine"))],
    );
    let ended = shell(&world, &[]).expect_code(2);
    let manifest = world.manifest(&ended.run_id());
    assert_eq!((manifest.outcome(), manifest.tasks().as_str()), ("blocked", "one=blocked two=completed"));
    assert!(manifest.notes("one").contains("nothing to run"), "{}", manifest.notes("one"));
    world.assert_nothing_left();
}

#[test]
fn a_block_stops_at_its_first_failure() {
    let world = World::new();
    let after = world.path("after");
    let plain = sh(&format!("true\nfalse\ntouch {}", after.display()));
    let piped = format!("```bash\nfalse | cat\ntouch {}\n```", after.display());
    let signal = sh("kill -KILL $$");
    world.assignment("work", &[("plain", &plain), ("piped", &piped), ("signal", &signal)]);
    let run = shell(&world, &["--max-retries", "0"]).expect_code(1).run_id();
    let manifest = world.manifest(&run);
    assert_eq!(manifest.tasks(), "piped=in_progress plain=in_progress signal=in_progress");
    assert!(!after.exists());
    assert!(manifest.notes("plain").contains("exit code 1"), "{}", manifest.notes("plain"));
    assert!(manifest.notes("signal").contains("ended by signal 9"), "{}", manifest.notes("signal"));
    world.assert_nothing_left();
}

#[test]
fn what_a_block_leaves_in_the_background_neither_holds_the_run_nor_stays() {
    let world = World::new();
    let pid = world.path("pid");
    let block = sh(&format!("sleep 1000 &\necho $! > {}\nsetsid sleep 1000 &", pid.display()));
    world.assignment("work", &[("one", &block), ("two", &sh("echo fine"))]);
    let ended = shell(&world, &[]).expect_code(0);
    let sleeper: i32 = world.read("pid").trim().parse().unwrap();
    assert!(!world.is_alive(sleeper), "{ended}");
    let manifest = world.manifest(&ended.run_id());
    assert_eq!(manifest.tasks(), "one=completed two=completed");
    assert_eq!(manifest.attempt(0)["leftovers"], 2);
    world.assert_nothing_left();
}

#[test]
fn the_end_of_a_long_output_is_kept_and_blocks_read_nothing() {
    let world = World::new();
    let block = sh("cat\nseq 1 200000\necho last words >&2");
    world.assignment("work", &[("one", &block)]);
    let run = shell(&world, &[]).expect_code(0).run_id();
    let manifest = world.manifest(&run);
    let notes = manifest.notes("one");
    assert!(notes.contains("  | 200000\n  | last words\n"), "{notes}");
    assert!(notes.len() < 16 * 1024, "{} bytes of notes", notes.len());
    world.assert_nothing_left();
}

#[test]
fn without_tasks_the_embedded_worker_has_nothing_to_do() {
    let world = World::new();
    let refused = world.run(&["run", "--backend", "shell", "hello"]).expect_code(3);
    refused.expect_stderr("error: ").expect_stderr("hint: ");
    assert!(world.runs().is_empty());
}
