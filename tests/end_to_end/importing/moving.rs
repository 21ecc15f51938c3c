//! Runs of the TypeScript agent-runner that go on elsewhere: they stay what they are, with what was kept of them.

use std::path::Path;

use serde_json::{Value, json};

use super::original::{files, import, imported};
use crate::harness::World;

/// A value that came from an environment there.
const SECRET: &str = "tok-Zephyr-7715-lantern";

/// Carries a run from one world to another one.
fn carry(here: &World, there: &World, run: &str) -> Value {
    let archive = here.path(format!("{run}.tar.gz"));
    let archive = archive.to_str().unwrap();
    let json = ["--output-format", "json"];
    let args = ["run", "export", run, "--force", "--output", archive];
    let told = here.ok(&[args.as_slice(), &json].concat()).json();
    let unpacked = tempfile::tempdir().unwrap();
    let mut tar = std::process::Command::new("tar");
    assert!(tar.arg("xzf").arg(archive).arg("-C").arg(unpacked.path()).status().unwrap().success());
    for (name, bytes) in files(unpacked.path()) {
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{name}");
    }
    there.ok(&["run", "import", archive]);
    told
}

fn kept(world: &World, run: &str) -> Vec<(String, Vec<u8>)> {
    files(&world.run_dir(run).join("imported")).into_iter().collect()
}

#[test]
fn what_was_kept_of_the_original_goes_along() {
    let (here, there, third) = (World::new(), World::new(), World::new());
    imported(&here);
    for run in ["k3v9xa", "c3s9yj"] {
        assert_eq!(carry(&here, &there, run)["leftOut"], json!([]), "{run}");
        carry(&there, &third, run);
        assert!(kept(&here, run).iter().any(|(name, _)| name == "run.json"), "{run}");
        assert_eq!(kept(&here, run), kept(&there, run), "{run}");
        assert_eq!(kept(&here, run), kept(&third, run), "{run}");
    }
}

#[test]
fn a_run_stays_one_of_the_reference() {
    let (here, there) = (World::new(), World::new());
    let top = imported(&here);
    let run = "p9c6mz";
    carry(&here, &there, run);
    let (was, is) = (here.status(run), there.status(run));
    assert_eq!(is["imported"]["source"], "archive");
    let (first, now) = (&was["imported"], &is["imported"]["earlier"][0]);
    for field in ["source", "originalRunId", "asOf", "importedAt", "digest"] {
        assert!(!first[field].is_null(), "{first}");
        assert_eq!(first[field], now[field], "{field}");
    }
    assert_eq!(now["source"], "reference");
    for field in ["canReconfigure", "reconfigureReason"] {
        assert_eq!(was["capabilities"][field], is["capabilities"][field], "{field}");
    }
    for world in [&here, &there] {
        let refused = world.run(&["run", "reconfigure", run, "--var", "region=us"]).expect_code(3);
        refused.expect_stderr("it came from the TypeScript agent-runner").expect_stderr("--run-id p9c6mz");
    }
    let directory: &Path = &top.join("runs/webshop").join(run);
    let again = import(&there, &[directory.to_str().unwrap()], 0);
    assert_eq!((&again[0]["action"], &again[0]["remarks"]), (&json!("present"), &json!([])), "{again:?}");
}

#[test]
fn a_file_with_a_value_in_its_name_is_imported_under_another() {
    let (here, there) = (World::new(), World::new());
    let top = super::original::copied(&here, "reference-state", "old");
    let directory = top.join("runs/webshop/k3v9xa");
    let path = directory.join("run.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let name = format!("dump-{SECRET}.txt");
    manifest["attachments"][0]["name"] = json!(name);
    manifest["runGroupId"] = json!(format!("team-{SECRET}"));
    manifest["hookState"] = json!({ "host": SECRET, SECRET: { "reason": SECRET } });
    std::fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
    let told = here.ok(&["run", "import", directory.to_str().unwrap()]);
    told.expect_stdout("here it is called").expect_stdout("in a group of its own");
    for args in [["run", "status"], ["run", "audit"], ["attachment", "list"], ["run", "timeline"]] {
        let args: Vec<&str> = args.into_iter().chain(["k3v9xa", "--output-format", "json"]).collect();
        let said = here.ok(&args).stdout;
        assert!(!said.contains(SECRET), "{args:?}: {said}");
    }
    for (path, bytes) in files(&here.run_dir("k3v9xa")) {
        assert!(!path.contains(SECRET), "{path}");
        assert!(path == "run.json" || !String::from_utf8_lossy(&bytes).contains(SECRET), "{path}");
    }
    let told = carry(&here, &there, "k3v9xa");
    assert_eq!(told["leftOut"], json!([]));
    let list = there.ok(&["attachment", "list", "k3v9xa", "--output-format", "json"]).json();
    assert_eq!(list["attachments"][0]["name"], "dump-[redacted].txt", "{list}");
}
