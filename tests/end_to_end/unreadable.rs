//! Runs whose manifest cannot be read: nothing is said without a word about them.

use serde_json::{Value, json};

use crate::harness::World;

fn passive(world: &World, more: &[&str]) -> String {
    world.work(&["one"]);
    world.init(&[&["--backend", "passive", "--assignment", "work"], more].concat())
}

fn damage(world: &World, run: &str) -> String {
    let path = world.run_dir(run).join("run.json");
    std::fs::write(&path, "{ \"schemaVersion\": ").unwrap();
    path.display().to_string()
}

fn json_of(world: &World, args: &[&str]) -> Value {
    world.ok(&[args, &["--output-format", "json"]].concat()).json()
}

#[test]
fn a_tree_says_what_it_could_not_read() {
    let world = World::new();
    let parent = passive(&world, &[]);
    let child = passive(&world, &["--parent-run", &parent]);
    let grandchild = passive(&world, &["--parent-run", &child]);
    let path = damage(&world, &parent);
    let tree = world.ok(&["run", "tree", &child]);
    let tree = tree.expect_stdout(&format!("(parent {parent} cannot be read)"));
    assert!(!tree.stdout.contains("is gone"), "{tree}");
    tree.expect_stderr("warning: ").expect_stderr(&path);
    let tree = json_of(&world, &["run", "tree", &child]);
    assert_eq!((&tree["missingParentRunId"], &tree["unreadableParentRunId"]), (&Value::Null, &json!(parent)));
    assert_eq!(tree["problems"][0]["path"], json!(path));
    // A child that cannot be read is missing from the tree, and that is said.
    let path = damage(&world, &grandchild);
    world.ok(&["run", "tree", &child]).expect_stderr(&path);
    assert_eq!(json_of(&world, &["run", "tree", &child])["problems"].as_array().unwrap().len(), 2);
    world.run(&["run", "tree", &parent]).expect_code(3).expect_stderr("cannot be read");
}

#[test]
fn a_group_says_whose_files_it_could_not_look_for() {
    let world = World::new();
    let run = passive(&world, &[]);
    let other = passive(&world, &["--group-id", &run]);
    let file = world.write("file.txt", "x").display().to_string();
    world.ok(&["attachment", "add", &other, &file]);
    let path = damage(&world, &other);
    let listed = world.ok(&["attachment", "list", &run]).expect_stdout("No run of group");
    listed.expect_stderr("warning: ").expect_stderr(&path);
    let listed = json_of(&world, &["attachment", "list", &run]);
    assert_eq!((&listed["attachments"], &listed["problems"][0]["path"]), (&json!([]), &json!(path)));
    // Nobody else is asked for where only the run's own files are.
    let listed = world.ok(&["attachment", "list", &run, "--scope", "run"]);
    assert_eq!(listed.stderr, "", "{listed}");
    world.run(&["attachment", "list", &other]).expect_code(3).expect_stderr("cannot be read");
}

#[test]
fn a_circle_that_cannot_be_ruled_out_is_refused() {
    let world = World::new();
    let run = passive(&world, &[]);
    let (next, last) = (passive(&world, &[]), passive(&world, &["--group-id", "g"]));
    let broken = passive(&world, &[]);
    world.ok(&["run", "add-dep", &next, "--run", &broken]);
    world.ok(&["run", "add-dep", &broken, "--run", &last]);
    let path = damage(&world, &broken);
    for dependency in [&["--run", &next][..], &["--run", &broken], &["--group", "g"]] {
        let refused = world.run(&[&["run", "add-dep", &run], dependency].concat()).expect_code(3);
        refused.expect_stderr(&format!("{path} cannot be read")).expect_stderr("hint: ");
    }
    world.run(&["run", "set-group", &next, "g"]).expect_code(3).expect_stderr("cannot be read");
    // What cannot lead to it, and what takes away, is possible.
    world.ok(&["run", "add-dep", &run, "--run", &last]);
    world.ok(&["run", "remove-dep", &next, "--run", &broken]);
    world.ok(&["run", "add-dep", &run, "--run", &next]);
    // When it is out of the way everything is.
    std::fs::rename(world.run_dir(&broken), world.path("aside")).unwrap();
    world.ok(&["run", "add-dep", &run, "--group", "g"]);
}

#[test]
fn whoever_waits_is_told_at_once() {
    let world = World::new();
    let (run, broken) = (passive(&world, &[]), passive(&world, &[]));
    let path = damage(&world, &broken);
    let wait = world.command(&["run", "wait", &run, &broken]).spawn();
    wait.wait_for_stdout(&format!("Run {broken}: unreadable"));
    world.ok(&["task", "set", &run, "one", "--status", "completed"]);
    let ended = wait.wait().expect_code(3).expect_stderr(&path);
    ended.expect_stdout(&format!("Run {run}: success"));
}
