//! What runs take on the disk: counted like the system counts it, whoever writes or deletes meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use crate::harness::World;

fn passive(world: &World) -> String {
    world.work(&["one"]);
    world.init(&["--backend", "passive", "--assignment", "work"])
}

fn used(world: &World, args: &[&str]) -> Value {
    let args: Vec<&str> = ["du"].iter().chain(args).chain(&["--output-format", "json"]).copied().collect();
    world.ok(&args).json()
}

/// What the system says of a tree: blocks and lengths. A file that has two names counts once.
fn counted(path: &Path, seen: &mut BTreeSet<u64>) -> (u64, u64) {
    let found = fs::symlink_metadata(path).unwrap();
    if !found.is_dir() && !seen.insert(found.ino()) {
        return (0, 0);
    }
    let mut sum = (found.blocks() * 512, found.len());
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let (allocated, apparent) = counted(&entry.unwrap().path(), seen);
            sum = (sum.0 + allocated, sum.1 + apparent);
        }
    }
    sum
}

fn size(view: &Value) -> (u64, u64) {
    (view["allocated"].as_u64().unwrap(), view["apparent"].as_u64().unwrap())
}

#[test]
fn a_run_takes_what_the_system_says_and_nothing_behind_links() {
    let world = World::new();
    let run = passive(&world);
    let dir = world.run_dir(&run);
    let large = world.write("large", vec![7; 300_000]);
    let folder = world.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::rename(&large, folder.join("large")).unwrap();
    let file = world.write("notes.txt", vec![b'x'; 50_000]);
    world.ok(&["attachment", "add", &run, file.to_str().unwrap()]);
    fs::create_dir_all(dir.join("attempts")).unwrap();
    fs::write(dir.join("attempts/00.events.jsonl"), vec![b'x'; 20_000]).unwrap();
    fs::write(dir.join("sparse"), "").unwrap();
    fs::File::options().write(true).open(dir.join("sparse")).unwrap().set_len(1 << 30).unwrap();
    symlink(&folder, dir.join("attempts/link")).unwrap();
    symlink(folder.join("large"), dir.join("large")).unwrap();
    fs::write(dir.join("attachments/once"), vec![b'y'; 10_000]).unwrap();
    fs::hard_link(dir.join("attachments/once"), dir.join("attachments/twice")).unwrap();

    let taken = used(&world, &[&run]);
    let space = &taken["runs"][0]["space"];
    assert_eq!(size(&space["total"]), counted(&dir, &mut BTreeSet::new()), "{space}");
    for (part, name) in [
        ("attempts", "attempts"),
        ("attachments", "attachments"),
        ("manifest", "run.json"),
        ("history", "run-events.jsonl"),
    ] {
        assert_eq!(size(&space[part]), counted(&dir.join(name), &mut BTreeSet::new()), "{part}");
    }
    let other = size(&space["other"]);
    assert!(other.1 > 1 << 30 && other.0 < 1 << 20, "holes take nothing: {other:?}");
    assert_eq!(taken["total"], space["total"]);
    assert_eq!((&taken["runCount"], &taken["loose"]), (&json!(1), &json!([])));
    let text = world.ok(&["du", &run]).stdout;
    assert!(text.contains(&run) && text.contains("GiB in files)"), "{text}");
}

#[test]
fn everything_in_the_state_directory_is_accounted_for() {
    let world = World::new();
    let [run, unreadable, newer, foreign] = [0; 4].map(|_| passive(&world));
    world.ok(&["run", "set-name", &run, "The one"]);
    world.ok(&["run", "archive", &run]);
    let write = |run: &str, text: &str| fs::write(world.run_dir(run).join("run.json"), text).unwrap();
    write(&unreadable, "{ \"schemaVersion\": ");
    write(&newer, &format!("{{\"schemaVersion\": 99, \"spec\": {{\"runId\": \"{newer}\"}}}}"));
    write(&foreign, &format!("{{\"schemaVersion\": 25, \"runId\": \"{foreign}\"}}"));
    let bucket = world.run_dir(&run).parent().unwrap().to_path_buf();
    fs::create_dir(bucket.join("unborn")).unwrap();
    fs::create_dir(bucket.join(".deleted-half")).unwrap();
    fs::write(world.state_dir().join("stray"), "who put me here").unwrap();
    let taken = used(&world, &["--global"]);
    let mut kinds: Vec<String> = taken["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            format!("{} {} {} {}", run["runId"], run["kind"], run["status"], run["name"]).replace('"', "")
        })
        .collect();
    kinds.sort();
    let mut expected = vec![
        format!("{run} run initialized The one"),
        format!("{unreadable} unreadable null null"),
        format!("{newer} newer null null"),
        format!("{foreign} reference null null"),
        "unborn unknown null null".to_owned(),
    ];
    expected.sort();
    assert_eq!(kinds, expected);
    assert_eq!(taken["problems"].as_array().unwrap().len(), 3);
    let loose: BTreeSet<&str> =
        taken["loose"].as_array().unwrap().iter().map(|loose| loose["kind"].as_str().unwrap()).collect();
    assert!(loose.is_superset(&BTreeSet::from(["changes", "index", "other"])), "{loose:?}");
    // Half a deletion is finished by whoever lists, which this command does first.
    assert!(!bucket.join(".deleted-half").exists() || loose.contains("deletion"));
    let sums = |list: &str| -> u64 {
        let rows = taken[list].as_array().unwrap().iter();
        rows.map(|row| row["space"].get("total").unwrap_or(&row["space"])["allocated"].as_u64().unwrap())
            .sum()
    };
    assert_eq!(taken["total"]["allocated"], sums("runs") + sums("loose"));
    assert_eq!(sums("repos"), sums("runs"));

    let largest = used(&world, &["--global", "--limit", "1"]);
    assert_eq!((&largest["total"], largest["runs"].as_array().unwrap().len()), (&taken["total"], 1));
    assert_eq!(largest["runs"][0], taken["runs"][0]);
    let elsewhere = world.path("home");
    let here = world.command(&["du"]).cwd(&elsewhere).run().expect_code(0);
    here.expect_stdout("There are no runs of").expect_stdout("--global");
    assert_eq!(used(&world, &["--repo", "repo"])["runCount"], 5);
    assert_eq!(used(&world, &["--repo", "nowhere"])["runCount"], 0);
    assert_eq!(
        used(&world, &[])["runCount"],
        1,
        "only of a run that can be read anybody knows where it works"
    );
    world.run(&["du", "no-such-run"]).expect_code(3);
}

#[test]
fn runs_may_come_and_go_meanwhile() {
    let world = World::new();
    let made: Vec<String> = (0..12).map(|_| passive(&world)).collect();
    thread::scope(|scope| {
        let deleting = scope.spawn(|| {
            for run in &made {
                world.ok(&["run", "archive", run]);
                world.ok(&["run", "delete", run]);
            }
        });
        while !deleting.is_finished() {
            let taken = used(&world, &["--global"]);
            assert!(taken["runCount"].as_u64().unwrap() <= 12);
            assert_eq!(taken["unread"], json!([]));
        }
    });
    assert_eq!(used(&world, &["--global"])["runCount"], 0);
}
