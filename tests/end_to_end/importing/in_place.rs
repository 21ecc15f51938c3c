//! Everything of the other program in the state directory both use, converted where it lies. Nothing is destroyed, wherever
//! somebody is killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::original::{RUNS, copied, files, import, manifest};
use crate::harness::World;

fn listed(world: &World) -> Value {
    world.ok(&["list", "runs", "--global", "--include-archived", "--output-format", "json"]).json()
}

fn actions(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["action"].as_str().unwrap()).collect()
}

/// The original of a run, wherever it is.
fn original(world: &World, repo: &str, run: &str) -> BTreeMap<String, Vec<u8>> {
    let state = world.state_dir();
    let places = [
        format!("imported/{repo}/{run}"),
        format!("imported/{repo}/{run}.unfinished"),
        format!("runs/{repo}/{run}"),
    ];
    places.iter().map(|place| files(&state.join(place))).find(|found| !found.is_empty()).unwrap_or_default()
}

#[test]
fn everything_is_converted_where_it_lies() {
    let world = World::new();
    let untouched = copied(&world, "reference-state", "untouched");
    copied(&world, "reference-state", "state");
    let before = listed(&world);
    assert_eq!(
        (before["runs"].as_array().unwrap().len(), before["problems"].as_array().unwrap().len()),
        (0, RUNS.len())
    );
    assert!(
        before["problems"][0]["message"].as_str().unwrap().contains("run import"),
        "{}",
        before["problems"][0]
    );
    let state = files(&world.state_dir().join("runs"));
    let would = import(&world, &["--all", "--dry-run"], 0);
    assert_eq!(actions(&would), ["wouldImport"; 13]);
    assert_eq!(files(&world.state_dir().join("runs")), state, "nothing is changed for trying");

    let runs = import(&world, &["--all"], 0);
    assert_eq!(actions(&runs), ["imported"; 13]);
    let after = listed(&world);
    assert_eq!((after["runs"].as_array().unwrap().len(), &after["problems"]), (RUNS.len(), &json!([])));
    for (run, repo) in RUNS {
        let kept = world.state_dir().join("imported").join(repo).join(run);
        assert_eq!(files(&kept), files(&untouched.join("runs").join(repo).join(run)), "{run}");
        let said = runs.iter().find(|said| said["runId"] == run).unwrap();
        assert_eq!(said["keptAt"], json!(kept.display().to_string()));
        assert_eq!(world.status(run)["note"], manifest(&untouched, run, repo)["note"]);
    }
    // Nothing is left to do.
    assert_eq!(import(&world, &["--all"], 0), Vec::<Value>::new());
    world.ok(&["run", "import", "--all"]).expect_stdout("Nothing to import.");
    // A run that is deleted later does not come back.
    world.ok(&["run", "archive", "t5h2we"]);
    world.ok(&["run", "delete", "t5h2we"]);
    assert_eq!(import(&world, &["--all"], 0), Vec::<Value>::new());
    assert!(world.state_dir().join("imported/webshop/t5h2we/run.json").exists());
    // From where it is kept it can be had again.
    let kept = world.state_dir().join("imported/webshop/t5h2we").display().to_string();
    assert_eq!(actions(&import(&world, &[&kept], 0)), ["imported"]);
}

#[test]
fn a_second_time_changes_nothing() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let path = top.display().to_string();
    assert_eq!(actions(&import(&world, &[&path], 0)), ["imported"; 13]);
    let there = files(&top);
    let here = files(&world.state_dir().join("runs"));
    assert_eq!(actions(&import(&world, &[&path], 0)), ["present"; 13]);
    assert_eq!(files(&world.state_dir().join("runs")), here);
    assert_eq!(files(&top), there, "what was read stays where it is");
    // What has changed there since is said, and left alone.
    let changed = top.join("runs/webshop/t5h2we/run.json");
    let text = std::fs::read_to_string(&changed).unwrap().replace("\"stopped\"", "\"stopped again\"");
    std::fs::write(&changed, text).unwrap();
    let again = import(&world, &[&changed.parent().unwrap().display().to_string()], 0);
    assert!(again[0]["remarks"][0].as_str().unwrap().contains("has changed there"), "{again:?}");
    assert_eq!(world.status("t5h2we")["name"], "stopped");
}

#[test]
fn one_run_or_one_repository_can_be_chosen() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let at = |place: &str| top.join(place).display().to_string();
    assert_eq!(import(&world, &[&at("runs/unknown/e8m2xw")], 0)[0]["runId"], "e8m2xw");
    assert_eq!(import(&world, &[&at("runs/notes-app"), &at("runs/webshop/m2p7qd")], 0).len(), 5);
    assert_eq!(
        actions(&import(&world, &[&at("runs")], 0)).iter().filter(|action| **action == "imported").count(),
        7
    );
    world
        .run(&["run", "import", &at("runs/webshop/k3v9xa/attempts")])
        .expect_code(3)
        .expect_stderr("no run directory");
    world.run(&["run", "import", &at("nowhere")]).expect_code(3).expect_stderr("hint: ");
    let file = at("runs/webshop/k3v9xa/run.json");
    world
        .run(&["run", "import", &top.display().to_string(), &file])
        .expect_code(3)
        .expect_stderr("not a directory");
    world.run(&["run", "import", "--dry-run", &file]).expect_code(3).expect_stderr("for directories");
    world.run(&["run", "import", "--all", "--cwd", "."]).expect_code(3);
    world.run(&["run", "import"]).expect_code(3);
}

#[test]
fn whoever_is_killed_leaves_one_or_the_other() {
    let points = [
        "store.aside.moved",
        "store.adopt.claimed",
        "store.adopt.wrote_log",
        "store.adopt.wrote_blobs",
        "store.adopt.wrote_manifest",
        "store.adopt.synced",
        "store.adopt.renamed",
        "store.adopt.done",
        "store.aside.settled",
    ];
    for (nth, point) in points.iter().enumerate() {
        let world = World::new();
        let untouched = copied(&world, "reference-state", "untouched");
        copied(&world, "reference-state", "state");
        let fatal = format!("command:{point}#{}", 1 + (nth * 5) % RUNS.len());
        let killed = world.command(&["run", "import", "--all"]).env("AGENT_RUNNER_FAILPOINT", fatal).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        for (run, repo) in RUNS {
            let known = files(&untouched.join("runs").join(repo).join(run));
            let found = original(&world, repo, run);
            assert_eq!(found, known, "{point}: {run} has its original");
        }
        let listed = listed(&world);
        assert!(
            listed["runs"].as_array().unwrap().iter().all(|run| run["totalAttemptCount"].is_u64()),
            "{point}"
        );
        // The next one goes on with it.
        let runs = import(&world, &["--all"], 0);
        assert!(
            runs.iter().all(|run| ["imported", "present"].contains(&run["action"].as_str().unwrap())),
            "{point}: {runs:?}"
        );
        for (run, repo) in RUNS {
            assert_eq!(world.status(run)["note"], manifest(&untouched, run, repo)["note"], "{point}");
            let kept = files(&world.state_dir().join("imported").join(repo).join(run));
            assert_eq!(kept, files(&untouched.join("runs").join(repo).join(run)), "{point}: {run}");
        }
        assert!(
            files(&world.state_dir())
                .keys()
                .all(|path| !path.contains(".unfinished") && !path.contains(".arriving")),
            "{point}"
        );
    }
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    for point in [
        "store.aside.moved",
        "store.adopt.wrote_log",
        "store.adopt.wrote_blobs",
        "store.adopt.wrote_manifest",
    ] {
        let world = World::new();
        copied(&world, "reference-state", "state");
        let before = files(&world.state_dir().join("runs/webshop/k3v9xa"));
        let place = world.state_dir().join("runs/webshop/k3v9xa").display().to_string();
        let failed = world
            .command(&["run", "import", &place])
            .env("AGENT_RUNNER_FAILPOINT_ERROR", format!("command:{point}"))
            .run();
        failed.expect_code(4).expect_stderr("No space left on device").expect_stderr("hint: ");
        if point == "store.aside.moved" {
            // It was moved, and nobody could be sure of that; the next import goes on with it.
            assert_eq!(original(&world, "webshop", "k3v9xa"), before, "{point}");
        } else {
            assert_eq!(files(&world.state_dir().join("runs/webshop/k3v9xa")), before, "{point}");
        }
        let runs = import(&world, &["--all"], 0);
        assert_eq!(actions(&runs), ["imported"; 13], "{point}");
    }
}

#[test]
fn two_at_once_do_not_get_in_each_others_way() {
    let world = World::new();
    let untouched = copied(&world, "reference-state", "untouched");
    copied(&world, "reference-state", "state");
    let one = world.command(&["run", "import", "--all"]).spawn();
    let other = world.command(&["run", "import", "--all"]).spawn();
    let ended = [one.wait(), other.wait()];
    assert!(
        ended.iter().all(|ended| ended.stderr.is_empty() || ended.stderr.contains("was locked")),
        "{ended:?}"
    );
    for (run, repo) in RUNS {
        assert_eq!(world.status(run)["note"], manifest(&untouched, run, repo)["note"]);
        assert_eq!(world.events_of(run, "run.imported").len(), 1);
    }
}

#[test]
fn two_thousand_runs_come_in_one_go() {
    const COUNT: usize = 2000;
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let read =
        |run: &str| std::fs::read_to_string(top.join("runs/webshop").join(run).join("run.json")).unwrap();
    let (plain, worked) = (read("h6y1tn"), read("m2p7qd"));
    let plan = std::fs::read(top.join("runs/webshop/m2p7qd/attachments/att-plan03/plan.txt")).unwrap();
    let many = world.path("many");
    for number in 0..COUNT {
        let run = format!("n{number:05}");
        let dir = many.join("runs/webshop").join(&run);
        std::fs::create_dir_all(dir.join("attachments/att-plan03")).unwrap();
        // One of twenty has worked already, and has a file.
        let is_plain = number % 20 != 0;
        let text = if is_plain { plain.replace("h6y1tn", &run) } else { worked.replace("m2p7qd", &run) };
        std::fs::write(dir.join("run.json"), text).unwrap();
        std::fs::write(dir.join("attachments/att-plan03/plan.txt"), &plan).unwrap();
    }
    let begun = Instant::now();
    let place = many.display().to_string();
    let report = world.command(&["run", "import", &place, "--output-format", "json"]);
    let report = report.timeout(Duration::from_secs(600)).run().expect_code(0).json();
    let runs = report["runs"].as_array().unwrap();
    println!("{COUNT} runs were imported in {:?}", begun.elapsed());
    assert!(runs.iter().all(|run| run["action"] == "imported") && runs.len() == COUNT);
    let page = world.ok(&["list", "runs", "--global", "--limit", "3", "--output-format", "json"]).json();
    assert_eq!(page["runs"].as_array().unwrap().len(), 3);
    assert_eq!(world.status("n01980")["attempts"][0]["outputTail"], "I need a key.");
    assert!(Path::new(&world.run_dir("n00000")).join("attachments/att-plan03/plan.txt").exists());
}
