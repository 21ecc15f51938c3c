//! The hooks in the top-level `hooks/` directory, started as they are: JSON on standard input, a real git repository, JSON on
//! standard output.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::World;

/// Starts a hook with a context.
fn start(world: &World, name: &str, context: &Value) -> Output {
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../hooks/{name}/hook.py"));
    let mut child = Command::new(hook)
        .current_dir(world.root())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(context.to_string().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What a hook answers.
#[track_caller]
fn answer(world: &World, name: &str, context: &Value) -> Value {
    let done = start(world, name, context);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// What a hook that fails says.
#[track_caller]
fn failure(world: &World, name: &str, context: &Value) -> String {
    let done = start(world, name, context);
    assert!(!done.status.success() && done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr).unwrap()
}

fn preparing(cwd: &str, vars: &Value) -> Value {
    json!({
        "schemaVersion": 1,
        "phase": "prepare",
        "assignment": {"name": "plan-feature", "sourcePath": null},
        "run": {"runId": "r1", "repo": "shop", "cwd": cwd},
        "vars": vars,
        "state": {},
        "tasks": {"items": [], "completed": 0, "total": 0},
        "config": {},
    })
}

#[test]
fn the_work_tree_lies_beside_the_repository_and_has_its_name_and_the_slug() {
    let world = World::new();
    let vars = json!({"worktree_slug": "fast-search.v2", "worktree_base_ref": "origin/main", "other": 1});
    for cwd in ["/src/my shop", "/src/my shop/"] {
        let said = answer(&world, "derive-worktree-vars", &preparing(cwd, &vars));
        assert_eq!(said["action"], "continue");
        assert_eq!(
            said["mutate"],
            json!({"vars": {"repo_root": cwd, "worktree_path": "/src/my shop-fast-search.v2"}})
        );
    }
}

#[test]
fn what_could_mean_something_else_to_git_or_in_a_path_is_no_slug_and_no_base() {
    let world = World::new();
    let good = json!({"worktree_slug": "a", "worktree_base_ref": "main"});
    let slugs = [
        json!(""),
        json!("-f"),
        json!(".."),
        json!("a/b"),
        json!("a b"),
        json!("a\n"),
        json!(null),
        json!(7),
    ];
    for slug in slugs {
        let mut vars = good.clone();
        vars["worktree_slug"] = slug;
        let said = failure(&world, "derive-worktree-vars", &preparing("/src/shop", &vars));
        assert!(said.contains("worktree_slug has to match [A-Za-z0-9]"), "{vars}: {said}");
    }
    for base in [json!("--upload-pack=x"), json!("main;x"), json!("main~1"), json!("main\n"), json!(null)] {
        let mut vars = good.clone();
        vars["worktree_base_ref"] = base;
        let said = failure(&world, "derive-worktree-vars", &preparing("/src/shop", &vars));
        assert!(said.contains("worktree_base_ref has to match [A-Za-z0-9]"), "{vars}: {said}");
    }
}

/// A repository with a branch `work` that has left `main`, which has gone on since.
fn repository(world: &World) -> String {
    world.write("repo/CHANGELOG.md", "# Changes\n");
    world.write("repo/code.txt", "1\n2\n3\n");
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "First"]);
    world.git(&["branch", "-M", "main"]);
    world.git(&["checkout", "--quiet", "-b", "work"]);
    world.git(&["checkout", "--quiet", "main"]);
    world.write("repo/CHANGELOG.md", "# Changes\n\nOf somebody else\n");
    world.git(&["commit", "--quiet", "-a", "-m", "Somebody else's"]);
    world.git(&["checkout", "--quiet", "work"]);
    world.write("repo/inner/deep/code.txt", "");
    world.path("repo/inner/deep").to_str().unwrap().to_owned()
}

fn changing(cwd: &str, from: &str, to: &str, config: &Value) -> Value {
    json!({
        "schemaVersion": 1,
        "phase": "taskTransition",
        "assignment": {"name": "work", "sourcePath": null},
        "run": {"runId": "r1", "repo": "shop", "cwd": cwd},
        "vars": {},
        "state": {},
        "tasks": {"items": [], "completed": 0, "total": 1},
        "config": config,
        "transition": {
            "taskId": "t",
            "source": "task-set",
            "from": {"status": from, "notes": ""},
            "to": {"status": to, "notes": "", "title": "T", "body": ""},
            "tentative": true,
            "changedFields": ["status"],
        },
    })
}

fn completing(cwd: &str, config: &Value) -> Value {
    changing(cwd, "in_progress", "completed", config)
}

const ACCEPTED: &str = r#"{"accept":true}"#;

#[test]
fn a_task_is_completed_once_the_changelog_has_changed_in_the_work_itself() {
    let world = World::new();
    let cwd = repository(&world);
    let config = json!({"base": "main", "file": "CHANGELOG.md"});
    let ask = |context: &Value| answer(&world, "changelog-gate", context);
    // Other changes than completion pass, whatever the files say.
    for (from, to) in [("pending", "in_progress"), ("in_progress", "blocked"), ("completed", "completed")] {
        assert_eq!(ask(&changing(&cwd, from, to, &config)).to_string(), ACCEPTED, "{from} {to}");
    }
    world.write("repo/code.txt", "1\n2\n");
    let refused = ask(&completing(&cwd, &config));
    assert_eq!(refused["accept"], false);
    assert!(
        refused["reason"].as_str().unwrap().contains("CHANGELOG.md has not changed since main"),
        "{refused}"
    );
    // Not committed, staged, committed: all count.
    world.write("repo/CHANGELOG.md", "# Changes\n\nOurs\n");
    assert_eq!(ask(&completing(&cwd, &config)).to_string(), ACCEPTED);
    world.git(&["commit", "--quiet", "-a", "-m", "Ours"]);
    assert_eq!(ask(&completing(&cwd, &config)).to_string(), ACCEPTED);
    assert_eq!(ask(&completing(&cwd, &json!({"base": "main"}))).to_string(), ACCEPTED);
    // Another file, one of several, a new one; a name is no pattern.
    let news = json!({"base": "main", "file": "NEWS[1].md"});
    assert_eq!(ask(&completing(&cwd, &news))["accept"], false);
    world.write("repo/NEWS1.md", "New\n");
    assert_eq!(ask(&completing(&cwd, &news))["accept"], false);
    world.write("repo/NEWS[1].md", "New\n");
    assert_eq!(ask(&completing(&cwd, &news)).to_string(), ACCEPTED);
    let either = json!({"base": "main", "file": ["HISTORY.md", "CHANGELOG.md"]});
    assert_eq!(ask(&completing(&cwd, &either)).to_string(), ACCEPTED);
}

#[test]
fn a_task_is_not_completed_while_the_diff_has_more_lines_than_allowed() {
    let world = World::new();
    let cwd = repository(&world);
    let ask = |most: u64| {
        answer(&world, "diff-size-gate", &completing(&cwd, &json!({"base": "main", "maxLines": most})))
    };
    // What was done on the base meanwhile is not part of the work.
    assert_eq!(ask(0).to_string(), ACCEPTED);
    // One line changed is one added and one removed; a line without an end is one.
    world.write("repo/code.txt", "1\n2\nthree\n");
    world.write("repo/new file", "1\n2");
    world.write("repo/picture", b"\0\n\n\n\n".as_slice());
    std::os::unix::fs::symlink("CHANGELOG.md", world.path("repo/link")).unwrap();
    let check = || {
        let refused = ask(4);
        assert_eq!(refused["accept"], false, "{refused}");
        assert!(
            refused["reason"].as_str().unwrap().starts_with("5 lines have changed since main"),
            "{refused}"
        );
        assert_eq!(ask(5).to_string(), ACCEPTED);
    };
    check();
    // Committed, it is as big.
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "Ours"]);
    check();
    let config = json!({"base": "main", "maxLines": 0});
    let other = changing(&cwd, "pending", "in_progress", &config);
    assert_eq!(answer(&world, "diff-size-gate", &other).to_string(), ACCEPTED);
}

#[test]
fn a_gate_that_cannot_tell_fails_and_says_why() {
    let world = World::new();
    let cwd = repository(&world);
    let nowhere = world.path("out").display().to_string();
    std::fs::create_dir_all(&nowhere).unwrap();
    for (config, here, words) in [
        (json!({}), &cwd, "needs `base`"),
        (json!({"base": "main", "file": [], "maxLines": "9"}), &cwd, "needs `base`"),
        (json!({"base": "none", "maxLines": 9}), &cwd, "git rev-parse ended with 128"),
        (json!({"base": "--help", "maxLines": 9}), &cwd, "git rev-parse ended with 128"),
        (json!({"base": "main", "maxLines": 9}), &nowhere, "not a git repository"),
    ] {
        for hook in ["changelog-gate", "diff-size-gate"] {
            let said = failure(&world, hook, &completing(here, &config));
            assert!(said.contains(words), "{hook} {config}: {said}");
        }
    }
}
