//! Worktrees of runs from outside: what the commands print, and that every verb that destroys leaves a way back. The
//! worktrees are made by hand here, as the program leaves them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::World;

/// Writes a worktree into the spec of a run that was created.
fn give_worktree(world: &World, run: &str) -> PathBuf {
    let tree = world.root().canonicalize().unwrap().join("state/worktrees/repo").join(run);
    let (branch, text) = (format!("agent-runner/{run}"), tree.to_str().unwrap());
    let repo = world.repo().canonicalize().unwrap();
    world.git(&["update-ref", &format!("refs/agent-runner/{run}/base"), "HEAD"]);
    world.git(&["worktree", "add", "--quiet", "-b", &branch, text]);
    let mut manifest: Value = world.manifest(run);
    manifest["spec"]["cwd"] = json!(text);
    let base = fs::read_to_string(repo.join(".git/refs/heads/main")).unwrap();
    manifest["spec"]["worktree"] = json!({
        "repoRoot": repo, "path": text, "branch": branch, "base": base.trim(), "madeBranch": true,
    });
    fs::write(world.run_dir(run).join("run.json"), serde_json::to_string_pretty(&manifest).unwrap()).unwrap();
    tree
}

fn world_with_commit() -> World {
    let world = World::new();
    world.write("repo/first", "1\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    world
}

fn make_dirty(tree: &std::path::Path) {
    fs::write(tree.join("new"), "new\n").unwrap();
    fs::remove_file(tree.join("first")).unwrap();
}

/// The newest snapshot holds what `make_dirty` left.
fn assert_kept(world: &World, run: &str) {
    let to = world.path(format!("kept-{run}"));
    world.ok(&["workspace", "restore", run, "--to", to.to_str().unwrap()]);
    let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((names.len(), fs::read_to_string(to.join("new")).unwrap().as_str()), (1, "new\n"));
}

#[test]
fn a_worktree_is_listed_reset_restored_and_removed() {
    let world = world_with_commit();
    world.ok(&["workspace", "list"]).expect_stdout("No run has a worktree");
    let run = world.init(&["--backend", "passive", "--add-task", "One"]);
    world.run(&["workspace", "remove", &run]).expect_code(3).expect_stderr("has no worktree of its own");
    world.run(&["run", "reset", &run, "--workspace"]).expect_code(3).expect_stderr("has no worktree");
    let tree = give_worktree(&world, &run);
    make_dirty(&tree);
    let listed = world.ok(&["workspace", "list", "--repo", "repo"]);
    listed
        .expect_stdout(&run)
        .expect_stdout("dirty")
        .expect_stdout("yes")
        .expect_stdout(tree.to_str().unwrap());
    let listed = world.ok(&["workspace", "list", "--output-format", "json"]).json();
    assert_eq!(
        (&listed["workspaces"][0]["state"], &listed["workspaces"][0]["removable"]),
        (&json!("dirty"), &json!(true))
    );
    world.ok(&["workspace", "list", "--repo", "another"]).expect_stdout("No run has a worktree");
    world.ok(&["run", "reset", &run, "--workspace"]);
    assert!(tree.join("first").is_file() && !tree.join("new").exists());
    let name = format!("refs/agent-runner/{run}/1");
    world.ok(&["workspace", "snapshots", &run]).expect_stdout("2 files").expect_stdout(&name);
    world
        .ok(&["run", "audit", &run])
        .expect_stdout(&format!("put aside what was not committed: 2 files, as {name}"));
    world.ok(&["workspace", "restore", &run, "1"]).expect_stdout("Restored snapshot 1");
    assert!(!tree.join("first").exists() && tree.join("new").is_file());
    world.ok(&["run", "archive", &run]);
    let refused = world.run(&["run", "delete", &run]).expect_code(3);
    refused.expect_stderr("is still there").expect_stderr("hint: `agent-runner workspace remove");
    let removed = world.ok(&["workspace", "remove", &run]);
    removed.expect_stdout("Put aside what was not committed as snapshot 1").expect_stdout("stays");
    assert!(!tree.exists());
    world.git(&["rev-parse", "--verify", &format!("refs/heads/agent-runner/{run}")]);
    assert_kept(&world, &run);
    world.ok(&["run", "delete", &run]);
    world.git(&["rev-parse", "--verify", &name]);
}

#[test]
fn a_killed_worker_and_a_killed_driver_lose_nothing() {
    let world = world_with_commit();
    world.work(&["one"]);
    let ready = world.fifo("ready");
    world.agent("fake", "echo new >new; rm first; echo $RUN > \"$W/ready\"; sleep 1000");
    for kill_driver in [false, true] {
        let run = world.init_ready(&["--agent", "fake", "--assignment", "work"]);
        give_worktree(&world, &run);
        world.ok(&["run", "--resume-run", &run, "--detach"]);
        assert_eq!(ready.line(), run);
        world.run(&["workspace", "remove", &run]).expect_code(3).expect_stderr("is running");
        world.run(&["workspace", "restore", &run]).expect_code(3);
        if kill_driver {
            world.signal(world.driver_pid(&run), rustix::process::Signal::KILL);
        }
        world.ok(&["run", "abort", &run]);
        assert_eq!(world.events_of(&run, "run.snapshot_taken").len(), 1);
        assert_kept(&world, &run);
        world.ok(&["workspace", "remove", &run]);
        assert_kept_again(&world, &run);
    }
}

fn assert_kept_again(world: &World, run: &str) {
    let list = world.ok(&["workspace", "snapshots", run, "--output-format", "json"]).json();
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(list["snapshots"][0]["files"], 2);
}
