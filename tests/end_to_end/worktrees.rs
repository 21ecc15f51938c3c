//! Worktrees of runs from outside: how they are made, what the commands print, and that every verb that destroys leaves a
//! way back, whatever the tree looks like.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::World;

/// Where the worktree of a run is.
fn tree_of(world: &World, run: &str) -> PathBuf {
    PathBuf::from(world.status(run)["worktree"]["path"].as_str().unwrap())
}

fn world_with_commit() -> World {
    let world = World::new();
    world.write("repo/first", "1\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    world
}

fn make_dirty(tree: &Path) {
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
    let plain = world.init(&["--backend", "passive", "--add-task", "One"]);
    world.run(&["workspace", "remove", &plain]).expect_code(3).expect_stderr("has no worktree of its own");
    world.run(&["run", "reset", &plain, "--workspace"]).expect_code(3).expect_stderr("has no worktree");
    let run = world.init(&["--backend", "passive", "--add-task", "One", "--worktree"]);
    let tree = tree_of(&world, &run);
    let here = world.ok(&["list", "runs", "--output-format", "json"]).json();
    assert_eq!(here["runs"].as_array().unwrap().len(), 2, "it is listed where it was made");
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
    removed
        .expect_stdout("Put aside what was not committed as snapshot 1")
        .expect_stdout("no branch was touched");
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
        let run = world.init_ready(&["--agent", "fake", "--assignment", "work", "--worktree"]);
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

/// What a tree can look like, as a shell makes it from a clean one.
const TREES: [(&str, &str); 15] = [
    ("changed", "echo more >> first"),
    ("staged", "echo more >> first; git add first"),
    ("staged and changed again", "echo more >> first; git add first; echo again >> first"),
    ("deleted", "rm first"),
    ("renamed", "git mv first second"),
    (
        "untracked",
        "mkdir -p deep/er; echo new > deep/er/new; ln -s nowhere link; echo '#!/bin/sh' > tool; chmod +x tool",
    ),
    ("odd names", "echo x > ./-dash; echo y > 'with space'; printf z > \"$(printf 'new\\nline')\""),
    (
        "committed on no branch",
        "git checkout -q --detach; echo more >> first; git -c user.name=a -c user.email=a@b commit -qam Lost-${PWD##*/}",
    ),
    (
        "unmerged",
        "b=other-${PWD##*/}; git checkout -q -b $b; echo theirs > first; git -c user.name=a -c user.email=a@b commit -qam Theirs-$b; \
         git checkout -q -; echo ours > first; git -c user.name=a -c user.email=a@b commit -qam Ours-$b; git -c user.name=a -c user.email=a@b merge -q $b || true",
    ),
    (
        "the same size in the same second",
        "echo v1 > first; git -c user.name=a -c user.email=a@b commit -qam v1-${PWD##*/}; i=$(git rev-parse --git-dir)/index; \
         touch -r \"$i\" first; git update-index --refresh; echo v2 > first; touch -r \"$i\" first",
    ),
    ("without an index", "echo more >> first; echo new > new; rm $(git rev-parse --git-dir)/index"),
    ("another file in capitals", "git config core.ignorecase true; echo more > FIRST"),
    ("a program by a bit that git is not to see", "git config core.filemode false; chmod +x first"),
    (
        "staged in a conflict",
        "b=other-${PWD##*/}; git checkout -q -b $b; echo theirs > first; git -c user.name=a -c user.email=a@b commit -qam Theirs-$b; \
         git checkout -q -; echo ours > first; git -c user.name=a -c user.email=a@b commit -qam Ours-$b; \
         git -c user.name=a -c user.email=a@b merge -q $b || true; echo staged > second; git add second; echo again > second",
    ),
    (
        "put aside by a rebase",
        "b=other-${PWD##*/}; git checkout -q -b $b; echo theirs > first; echo x > second; git add .; \
         git -c user.name=a -c user.email=a@b commit -qam Theirs-$b; git checkout -q -; echo ours > first; echo y > third; git add .; \
         git -c user.name=a -c user.email=a@b commit -qam Ours-$b; echo changed > third; \
         git -c user.name=a -c user.email=a@b rebase -q --autostash $b || true",
    ),
];

fn shell(tree: &Path, script: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).current_dir(tree).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn git_knows(world: &World, name: &str) -> bool {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--quiet", "--verify", name]).current_dir(world.repo());
    git.output().unwrap().status.success()
}

/// Every file of a directory that is not git's, with what is in it, whether it can be run, and where it leads.
const PICTURE: &str = "find . -path ./.git -prune -o ! -type d -printf '%P %y %l ' -exec sh -c '[ -L \"$1\" ] || { [ ! -x \"$1\" ] || echo x; sha256sum < \"$1\"; }' _ {} \\; -printf '\\n' | LC_ALL=C sort";

/// Makes every kind of dirty tree, says these verbs, and looks for what was there.
fn leaves_a_way_back(verbs: &[&[&str]]) {
    let world = world_with_commit();
    for (what, dirty) in TREES {
        let run = world.init(&["--backend", "passive", "--add-task", "One", "--worktree"]);
        let tree = tree_of(&world, &run);
        shell(&tree, dirty);
        let before = shell(&tree, PICTURE);
        let head = shell(&tree, "git rev-parse HEAD");
        for verb in verbs {
            let verb: Vec<&str> = verb.iter().map(|word| if *word == "RUN" { &run } else { *word }).collect();
            world.ok(&verb);
        }
        let taken = world.run(&["workspace", "snapshots", &run, "--output-format", "json"]);
        if taken.code == Some(0) && taken.json()["snapshots"] == json!([]) {
            // Nothing was put aside: then nothing was taken away.
            assert_eq!(shell(&tree, PICTURE), before, "{what}, then {verbs:?}");
            assert_eq!(shell(&tree, "git rev-parse HEAD"), head);
            continue;
        }
        // The repository still has every file that was there, and every commit.
        let to = world.path(format!("back-{run}"));
        let name = format!("refs/agent-runner/{run}/1");
        fs::create_dir(&to).unwrap();
        assert!(git_knows(&world, &name), "{what}: no {name} after {verbs:?}: {}", taken.stdout);
        let copy = format!("git --git-dir={}/.git archive {name} | tar x", world.repo().display());
        shell(&to, &copy);
        assert_eq!(shell(&to, PICTURE), before, "{what}, then {verbs:?}");
        let kept = format!("git merge-base --is-ancestor {} {name}", head.trim());
        shell(&world.repo(), &kept);
        if world.run(&["run", "status", &run]).code == Some(0) {
            let _ = fs::remove_dir_all(&to);
            world.ok(&["workspace", "restore", &run, "1", "--to", to.to_str().unwrap()]);
            assert_eq!(shell(&to, PICTURE), before, "{what}, given back after {verbs:?}");
        }
    }
}

#[test]
fn whatever_a_tree_looks_like_a_reset_leaves_a_way_back() {
    leaves_a_way_back(&[&["run", "reset", "RUN"]]);
}

#[test]
fn whatever_a_tree_looks_like_a_reset_of_it_leaves_a_way_back() {
    leaves_a_way_back(&[&["run", "reset", "RUN", "--workspace"]]);
}

#[test]
fn whatever_a_tree_looks_like_its_removal_leaves_a_way_back() {
    leaves_a_way_back(&[&["workspace", "remove", "RUN"]]);
}

#[test]
fn whatever_a_tree_looks_like_the_end_of_its_run_leaves_a_way_back() {
    leaves_a_way_back(&[
        &["run", "reset", "RUN", "--workspace"],
        &["workspace", "remove", "RUN"],
        &["run", "archive", "RUN"],
        &["run", "delete", "RUN"],
    ]);
}

/// Names for whoever commits, so that no configuration is needed.
const AUTHOR: &str = "GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b";

#[test]
fn variables_of_git_lead_no_worker_out_of_its_worktree() {
    let world = world_with_commit();
    world.work(&["one"]);
    let script = format!("export {AUTHOR}; echo x >byagent; git add byagent; git commit -qm ByAgent");
    world.agent("fake", &script);
    let main = shell(&world.repo(), "git rev-parse HEAD");
    let dir = world.repo();
    let (index, git_dir) = (dir.join(".git/index"), dir.join(".git"));
    let command = world.command(&["run", "--agent", "fake", "--assignment", "work", "--worktree=feature"]);
    command.env("GIT_DIR", git_dir).env("GIT_INDEX_FILE", index).env("GIT_WORK_TREE", dir).run();
    assert_eq!(shell(&world.repo(), "git rev-parse HEAD"), main);
    assert_eq!(shell(&world.repo(), "git status --porcelain"), "");
    assert_eq!(shell(&world.repo(), "git log -1 --format=%s feature").trim(), "ByAgent");
}

#[test]
fn a_worktree_that_cannot_be_made_is_refused_before_there_is_a_run() {
    let world = world_with_commit();
    world.work(&["one"]);
    world.agent("fake", "exit 0");
    for wanted in ["--worktree=-x", "--worktree=a..b", "--worktree=main", "--worktree=refs/heads/main"] {
        let refused = world.run(&["run", "--agent", "fake", "--assignment", "work", wanted]);
        assert!(matches!(refused.code, Some(2 | 3)), "{wanted}: {:?} {}", refused.code, refused.stderr);
        refused.expect_stderr("hint: ");
    }
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    let outside = outside.to_str().unwrap();
    let args = ["run", "--agent", "fake", "--assignment", "work", "--worktree", "--cwd", outside];
    world.run(&args).expect_code(3).expect_stderr("is in no git repository").expect_stderr("git init");
    assert_eq!(world.ok(&["list", "runs", "--output-format", "json"]).json()["runs"], json!([]));
}
