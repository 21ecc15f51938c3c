//! Which run is which: the same one is brought here once, another one of its name never passes for it, and each has a way in.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::original::{copied, files, import, manifest};
use crate::harness::World;

/// A copy of a run of the fixture in another repository's part, with something changed.
fn placed(from: &Path, to: &Path, repo: &str, run: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let dir = to.join("runs").join(repo).join(run);
    std::fs::create_dir_all(&dir).unwrap();
    let mut whole = manifest(from, "t5h2we", "webshop");
    whole["runId"] = json!(run);
    whole["repo"] = json!(repo);
    change(&mut whole);
    std::fs::write(dir.join("run.json"), serde_json::to_vec_pretty(&whole).unwrap()).unwrap();
    dir
}

/// Another run altogether.
fn another(run: &mut Value) {
    run["name"] = json!("quite another");
    run["startedAt"] = json!("2024-01-01T00:00:00.000Z");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What was done about each, in the order of their paths.
fn said(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["action"].as_str().unwrap()).collect()
}

#[test]
fn another_run_of_the_same_id_is_never_there_already() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let one = text(&top.join("runs/webshop/t5h2we"));
    let other = text(&placed(&top, &world.path("other"), "other", "t5h2we", another));
    assert_eq!(import(&world, &[&one], 0)[0]["action"], "imported");
    for more in [&[][..], &["--dry-run"]] {
        let runs = import(&world, &[&[other.as_str()], more].concat(), 3);
        assert_eq!(runs[0]["action"], "refused", "{runs:?}");
        let error = &runs[0]["error"];
        assert!(error["message"].as_str().unwrap().contains("another run is called \"t5h2we\""), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("--as-new-id"), "{error}");
    }
    // What the hint says.
    let would = import(&world, &[&other, "--as-new-id", "--dry-run"], 0);
    assert_eq!((said(&would), world.runs().len()), (vec!["wouldImport"], 1));
    let runs = import(&world, &[&other, "--as-new-id"], 0);
    let new = runs[0]["runId"].as_str().unwrap().to_owned();
    assert_eq!((&runs[0]["action"], new != "t5h2we"), (&json!("imported"), true), "{runs:?}");
    assert!(runs[0]["remarks"].to_string().contains("it was called t5h2we there"), "{runs:?}");
    let here = world.status(&new);
    assert_eq!((&here["name"], &here["repo"]), (&json!("quite another"), &json!("other")));
    assert_eq!(
        (&here["imported"]["originalRunId"], &here["imported"]["originalRepo"]),
        (&json!("t5h2we"), &json!("other"))
    );
    assert_eq!(here["runGroupId"], json!(new));
    let brief = world.ok(&["run", "brief", &new]).stdout;
    assert!(brief.contains(&format!("task set {new} ")) && !brief.contains("t5h2we"), "{brief}");
    // Each is known again, whatever it is called here.
    assert_eq!(import(&world, &[&other], 0)[0]["runId"], json!(new));
    assert_eq!(said(&import(&world, &[&one, &other], 0)), ["present", "present"]);
    assert_eq!(world.status("t5h2we")["name"], "stopped");
    assert_eq!(world.runs().len(), 2);
}

#[test]
fn two_of_one_id_in_one_import_are_told_apart_before_and_after() {
    let world = World::new();
    let top = copied(&world, "reference-state", "untouched");
    let old = world.path("old");
    placed(&top, &old, "aaa", "twin01", |_| {});
    placed(&top, &old, "bbb", "twin01", another);
    let old = text(&old);
    let would = import(&world, &[&old, "--dry-run"], 3);
    assert_eq!(said(&would), ["wouldImport", "refused"]);
    let runs = import(&world, &[&old], 3);
    assert_eq!(said(&runs), ["imported", "refused"]);
    assert_eq!(would[1]["error"], runs[1]["error"]);
    assert_eq!(said(&import(&world, &[&old], 3)), ["present", "refused"]);
    let twin = runs[1]["path"].as_str().unwrap();
    assert_eq!(said(&import(&world, &[twin, "--as-new-id"], 0)), ["imported"]);
    assert_eq!(said(&import(&world, &[&old], 0)), ["present", "present"]);
    // A directory that is named twice is one.
    let link = world.path("link");
    std::os::unix::fs::symlink(&old, &link).unwrap();
    assert_eq!(import(&world, &[&old, &text(&link), "--as-new-id"], 0).len(), 2);
}

#[test]
fn twins_in_the_state_directory_have_a_way_in() {
    for point in [
        None,
        Some("store.aside.moved"),
        Some("store.adopt.wrote_log"),
        Some("store.adopt.renamed"),
        Some("store.aside.settled"),
    ] {
        let world = World::new();
        let top = copied(&world, "reference-state", "untouched");
        let state = world.state_dir();
        placed(&top, &state, "aaa", "twin01", |_| {});
        let twin = placed(&top, &state, "bbb", "twin01", another);
        let before = files(&state.join("runs"));
        let would = import(&world, &["--all", "--dry-run"], 3);
        let runs = import(&world, &["--all"], 3);
        assert_eq!(said(&runs), ["refused", "refused"]);
        assert_eq!(would, runs, "a trial says the same");
        assert!(runs[0]["error"]["hint"].as_str().unwrap().contains("--as-new-id"), "{runs:?}");
        assert_eq!(files(&state.join("runs")).len(), before.len());
        let import_twin = ["run", "import", &text(&twin), "--as-new-id"];
        match point {
            None => drop(world.ok(&import_twin)),
            Some(point) => {
                let killed =
                    world.command(&import_twin).env("AGENT_RUNNER_FAILPOINT", format!("command:{point}"));
                assert_eq!(killed.run().signal, Some(9), "{point}");
            }
        }
        // Whatever was begun goes on under the id it was to get.
        let runs = import(&world, &["--all"], 0);
        assert!(runs.iter().all(|run| run["action"] != "refused"), "{point:?}: {runs:?}");
        assert_eq!(world.runs().len(), 2, "{point:?}");
        assert_eq!(world.status("twin01")["name"], "stopped", "{point:?}");
        let listed = world.ok(&["list", "runs", "--global", "--output-format", "json"]).json();
        let names: Vec<&Value> = listed["runs"].as_array().unwrap().iter().map(|run| &run["name"]).collect();
        assert!(names.contains(&&json!("quite another")), "{point:?}: {names:?}");
        for repo in ["aaa", "bbb"] {
            let known = before.get(&format!("{repo}/twin01/run.json")).unwrap();
            let kept = std::fs::read(state.join("imported").join(repo).join("twin01/run.json"));
            assert_eq!(&kept.unwrap(), known, "{point:?}");
        }
        assert_eq!(import(&world, &["--all"], 0), Vec::<Value>::new(), "{point:?}");
    }
}

#[test]
fn relatives_that_come_together_stay_relatives() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let family = text(&top.join("runs/notes-app"));
    assert_eq!(import(&world, &[&family], 0).len(), 4);
    let runs = import(&world, &[&family, "--as-new-id"], 0);
    let new = |old: &str| {
        let run = runs.iter().find(|run| run["path"].as_str().unwrap().ends_with(old)).unwrap();
        run["runId"].as_str().unwrap().to_owned()
    };
    let (top_run, child, grandchild) = (new("a2f8gu"), new("b7q5ve"), new("c3s9yj"));
    assert_eq!(world.status(&child)["parentRunId"], json!(top_run));
    let here = world.status(&grandchild);
    assert_eq!((&here["parentRunId"], &here["callDepth"]), (&json!(child), &json!(2)));
    let tree = world.ok(&["run", "tree", &child]).stdout;
    assert!([&top_run, &child, &grandchild].iter().all(|run| tree.contains(*run)), "{tree}");
    assert!(!tree.contains("a2f8gu") && !tree.contains("c3s9yj"), "{tree}");
    // The others are as they were.
    assert_eq!(world.status("c3s9yj")["parentRunId"], "b7q5ve");
    // Who does not come along is still called what it was called.
    let alone = import(&world, &[&text(&top.join("runs/notes-app/c3s9yj")), "--as-new-id"], 0);
    assert_eq!(world.status(alone[0]["runId"].as_str().unwrap())["parentRunId"], "b7q5ve");
}

#[test]
fn repositories_of_any_name_come() {
    const REPOS: [(&str, &str, &str); 4] = [
        (".dotfiles", "dotf01", ".dotfiles"),
        ("my project", "blank1", "my_project"),
        ("büro", "umlau1", "b_ro"),
        (".create.lock", "lock01", "_create.lock"),
    ];
    for in_place in [false, true] {
        let world = World::new();
        let top = copied(&world, "reference-state", "untouched");
        let old = if in_place { world.state_dir() } else { world.path("old") };
        for (repo, run, _) in REPOS.iter().filter(|(repo, _, _)| !in_place || *repo != ".create.lock") {
            placed(&top, &old, repo, run, |_| {});
        }
        let old_text = text(&old);
        let args = if in_place { ["--all"] } else { [old_text.as_str()] };
        let would = import(&world, &[&args[..], &["--dry-run"]].concat(), 0);
        let runs = import(&world, &args, 0);
        assert_eq!(runs.len(), if in_place { 3 } else { 4 }, "{runs:?}");
        assert!(would.iter().all(|run| run["action"] == "wouldImport"), "{would:?}");
        assert!(runs.iter().all(|run| run["action"] == "imported"), "{runs:?}");
        for said in &runs {
            let (there, run, here) = REPOS.iter().find(|(_, run, _)| said["runId"] == *run).unwrap();
            let status = world.status(run);
            assert_eq!((&status["repo"], &status["imported"]["originalRepo"]), (&json!(here), &json!(there)));
            let listed = world.ok(&["list", "runs", "--repo", here, "--output-format", "json"]).json();
            assert_eq!(listed["runs"][0]["runId"], *run);
            if in_place {
                assert!(world.state_dir().join("imported").join(there).join(run).join("run.json").exists());
            }
        }
        assert!(import(&world, &args, 0).iter().all(|run| run["action"] == "present"));
    }
}

#[test]
fn what_is_said_holds_no_secret() {
    const SECRET: &str = "sk-Zephyr-4412-lantern";
    let world = World::new();
    let top = copied(&world, "reference-state", "untouched");
    let dir = placed(&top, &world.path("old"), "webshop", "secr01", |run| {
        run["name"] = json!(format!("name {SECRET}"));
        run["effort"] = json!(SECRET);
        run["lockedFields"] = json!([SECRET]);
        run["runtimeVars"] = json!({"token": SECRET});
        run["runtimeVarSources"] = json!({"token": {"source": "env", "envName": "TOKEN"}});
    });
    let dir = text(&dir);
    for more in [&["--dry-run"][..], &[], &[]] {
        let told = world.ok(&[&["run", "import", &dir], more].concat());
        told.expect_stdout("name [redacted]");
    }
    for args in [&[dir.as_str(), "--as-new-id"][..], &[&dir, "--as-new-id", "--dry-run"], &[&dir]] {
        let said = serde_json::to_string(&import(&world, args, 0)).unwrap();
        assert!(said.contains("name [redacted]") && !said.contains(SECRET), "{said}");
    }
    let gone = placed(&top, &world.path("old"), "webshop", "secr02", |run| {
        run["runtimeVars"] = json!({"token": SECRET});
        run["runtimeVarSources"] = json!({"token": {"source": "env", "envName": "TOKEN"}});
        run["attachments"] = json!([{
            "id": "att-1", "name": format!("{SECRET}.txt"), "mimeType": "text/plain", "size": 1, "sha256": "00",
            "addedAt": "2026-03-02T10:00:00.000Z", "relativePath": format!("attachments/att-1/{SECRET}.txt")
        }]);
    });
    let refused = world.run(&["run", "import", &text(&gone)]).expect_code(3);
    let refused = refused.expect_stderr("attachment att-1 ([redacted].txt) is missing");
    assert!(!refused.stderr.contains(SECRET), "{refused}");
}

#[test]
fn whoever_deletes_an_imported_run_is_told_what_is_kept() {
    let world = World::new();
    copied(&world, "reference-state", "state");
    import(&world, &["--all"], 0);
    let kept = text(&world.state_dir().join("imported/webshop/t5h2we"));
    world.ok(&["run", "archive", "t5h2we"]);
    world.ok(&["run", "delete", "t5h2we"]).expect_stdout(&format!("the original is kept in {kept}"));
    assert!(Path::new(&kept).join("run.json").exists());
    world.ok(&["run", "archive", "w4j8sb"]);
    let deleted = world.ok(&["run", "delete", "w4j8sb", "--output-format", "json"]).json();
    let place = text(&world.state_dir().join("imported/webshop/w4j8sb"));
    assert_eq!((&deleted["runId"], &deleted["originalsKeptAt"]), (&json!("w4j8sb"), &json!([place])));
    // One that is gone, or is somebody else's by now, is not named.
    std::fs::write(world.state_dir().join("imported/webshop/h6y1tn/run.json"), "{}").unwrap();
    world.ok(&["run", "archive", "h6y1tn"]);
    let deleted = world.ok(&["run", "delete", "h6y1tn", "--output-format", "json"]).json();
    assert_eq!(deleted["originalsKeptAt"], json!([]));
}
