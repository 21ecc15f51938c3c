//! State directories of the reference implementation as tests have them: written by us from its documented schema 25.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::World;

/// The runs of the sound one, and their repositories.
pub const RUNS: [(&str, &str); 13] = [
    ("a2f8gu", "notes-app"),
    ("b7q5ve", "notes-app"),
    ("c3s9yj", "notes-app"),
    ("d4z6kh", "notes-app"),
    ("e8m2xw", "unknown"),
    ("h6y1tn", "webshop"),
    ("k3v9xa", "webshop"),
    ("m2p7qd", "webshop"),
    ("p9c6mz", "webshop"),
    ("r7d3kf", "webshop"),
    ("t5h2we", "webshop"),
    ("w4j8sb", "webshop"),
    ("x8n4ra", "webshop"),
];

/// A fixture as it lies in the repository.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A copy of a fixture in the world. Its runs work in the world's repository.
pub fn copied(world: &World, name: &str, to: &str) -> PathBuf {
    let top = world.path(to);
    copy(&fixture(name), &top);
    for manifest in files(&top).into_keys().filter(|path| path.ends_with("run.json")) {
        let path = top.join(manifest);
        let text = std::fs::read_to_string(&path).unwrap();
        let here = format!("\"{}\"", world.repo().display());
        let text = ["webshop", "notes-app", "attic"]
            .iter()
            .fold(text, |text, repo| text.replace(&format!("\"/srv/ada/src/{repo}\""), &here));
        std::fs::write(path, text).unwrap();
    }
    top
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a directory, by its path there, with its bytes.
pub fn files(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).unwrap().display().to_string();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A manifest of the fixture.
pub fn manifest(top: &Path, run: &str, repo: &str) -> Value {
    let path = top.join("runs").join(repo).join(run).join("run.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What an import says, as JSON, with its exit code.
pub fn import(world: &World, args: &[&str], code: i32) -> Vec<Value> {
    let report = world.run(&[&["run", "import"], args, &["--output-format", "json"]].concat());
    report.expect_code(code).json()["runs"].as_array().unwrap().clone()
}

/// Imports the sound state directory from beside the state directory.
pub fn imported(world: &World) -> PathBuf {
    let top = copied(world, "reference-state", "old");
    assert_eq!(import(world, &[&top.display().to_string()], 0).len(), RUNS.len());
    top
}
