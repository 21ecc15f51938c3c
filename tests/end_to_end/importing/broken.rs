//! Directories that cannot be taken over are named with a reason and with what to do, and keep nothing else from coming.

use super::original::{copied, files, import};
use crate::harness::World;

/// The broken ones, a part of what is said about each, and of what to do.
const BROKEN: [(&str, &str, &str); 12] = [
    ("schm24", "schema 24", "migrate-manifests-v25.mjs --write"),
    (
        "schm12",
        "schema 12",
        "migrate-manifests-v13.mjs --write`, then `node scripts/migrate-manifests-v14.mjs",
    ),
    ("schm26", "schema 26", "update this program"),
    ("cutoff", "not JSON", "restore the file"),
    ("nofiel", "not what schema 25 says", "restore the file"),
    ("wrongt", "not what schema 25 says", "restore the file"),
    ("mvdnew", "belongs to run \"mvdold\"", "rename it to mvdold"),
    ("nanval", "not JSON", "restore the file"),
    ("nobyte", "att-gone01 (gone.txt) is missing", "restore attachments/att-gone01/gone.txt"),
    ("badbyt", "att-diff01 (diff.txt) is not what is on record", "restore attachments/att-diff01/diff.txt"),
    ("outsid", "lies outside of the run", "restore the file"),
    ("badgap", "attempt 3 comes after attempt 1", "restore the file"),
];

#[test]
fn each_is_named_and_the_rest_comes() {
    for in_place in [false, true] {
        let world = World::new();
        let top = copied(&world, "reference-broken", if in_place { "state" } else { "old" });
        let before = files(&top.join("runs"));
        let path = top.display().to_string();
        let args = if in_place { vec!["--all"] } else { vec![path.as_str()] };
        let runs = import(&world, &args, 3);
        assert_eq!(runs.len(), BROKEN.len() + 1);
        for (run, why, hint) in BROKEN {
            let said = runs.iter().find(|said| said["path"].as_str().unwrap().ends_with(run)).unwrap();
            assert_eq!(said["action"], "refused", "{said}");
            assert!(said["error"]["message"].as_str().unwrap().contains(why), "{run}: {said}");
            assert!(said["error"]["hint"].as_str().unwrap().contains(hint), "{run}: {said}");
            let left = files(&top.join("runs/attic").join(run));
            let known = before.iter().filter(|(path, _)| path.starts_with(&format!("attic/{run}/"))).count();
            assert_eq!(left.len(), known, "{run} is left as it was");
        }
        assert!(runs.iter().any(|said| said["action"] == "imported" && said["runId"] == "sound1"));
        assert_eq!(world.status("sound1")["status"], "initialized");
        let listed = world.ok(&["list", "runs", "--global", "--output-format", "json"]).json();
        assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
        assert_eq!(listed["problems"].as_array().unwrap().len(), if in_place { BROKEN.len() } else { 0 });
        // People are told the same.
        let told = world.run(&[&["run", "import"], args.as_slice()].concat()).expect_code(3);
        let told = told.expect_stdout("could not be imported");
        for (run, why, _) in BROKEN {
            assert!(
                told.stderr.lines().any(|line| line.contains(run) && line.contains(why)),
                "{run}: {told}"
            );
        }
        told.expect_stderr("at line ").expect_stderr("hint: ");
    }
}

#[test]
fn links_are_not_followed() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    let secret = world.write("secret", "nobody's business");
    let attachment = top.join("runs/webshop/m2p7qd/attachments/att-plan03/plan.txt");
    std::fs::remove_file(&attachment).unwrap();
    std::os::unix::fs::symlink(&secret, &attachment).unwrap();
    let log = top.join("runs/webshop/x8n4ra/attempts/01.json");
    std::fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink(&secret, &log).unwrap();
    let runs = import(&world, &[&top.join("runs/webshop/m2p7qd").display().to_string()], 4);
    assert_eq!(runs[0]["action"], "refused", "{runs:?}");
    assert!(runs[0]["error"]["message"].as_str().unwrap().contains("plan.txt is no file of the run's own"));
    // A log can be done without.
    let runs = import(&world, &[&top.join("runs/webshop/x8n4ra").display().to_string()], 0);
    assert!(runs[0]["remarks"].to_string().contains("attempts/01.json is left out"), "{runs:?}");
    assert!(
        files(&world.state_dir())
            .values()
            .all(|bytes| !String::from_utf8_lossy(bytes).contains("nobody's business"))
    );
}

#[test]
fn an_id_that_is_taken_is_refused() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    world.work(&["one"]);
    let run = world.init(&["--backend", "passive", "--assignment", "work"]);
    let dir = top.join("runs/webshop").join(&run);
    std::fs::rename(top.join("runs/webshop/t5h2we"), &dir).unwrap();
    let manifest = dir.join("run.json");
    let text = std::fs::read_to_string(&manifest).unwrap().replace("\"t5h2we\"", &format!("\"{run}\""));
    std::fs::write(&manifest, text).unwrap();
    let before = files(&world.run_dir(&run));
    let runs = import(&world, &[&dir.display().to_string()], 3);
    assert!(runs[0]["error"]["message"].as_str().unwrap().contains("another run is called"), "{runs:?}");
    assert_eq!(files(&world.run_dir(&run)), before);
    // One of this program's own is none of the other's.
    world
        .run(&["run", "import", &world.run_dir(&run).display().to_string()])
        .expect_code(3)
        .expect_stderr("no manifest of the TypeScript");
}

#[test]
fn a_run_somebody_works_on_there_is_left_to_them() {
    let world = World::new();
    let top = copied(&world, "reference-state", "old");
    // A name of its own: workers are looked for among all processes of the machine, and other tests import at the same time.
    let run = format!("alive{}", std::process::id());
    let dir = top.join("runs/notes-app").join(&run);
    std::fs::rename(top.join("runs/notes-app/a2f8gu"), &dir).unwrap();
    let manifest = dir.join("run.json");
    let text = std::fs::read_to_string(&manifest).unwrap().replace("\"a2f8gu\"", &format!("\"{run}\""));
    std::fs::write(&manifest, &text).unwrap();
    let path = dir.display().to_string();
    // A worker of it.
    let sleep = std::process::Command::new("sleep").arg("1000").env("AGENT_RUNNER_RUN_ID", &run).spawn();
    let mut worker = sleep.unwrap();
    let refused = world.run(&["run", "import", &path]);
    worker.kill().unwrap();
    worker.wait().unwrap();
    refused.expect_code(3).expect_stderr("a worker of it is alive").expect_stderr("hint: ");
    std::fs::write(&manifest, text).unwrap();
    assert_eq!(import(&world, &[&path], 0)[0]["action"], "imported");
}
