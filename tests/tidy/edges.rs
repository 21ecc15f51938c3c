//! Which room may depend on which: `docs/architecture.md` has the table, `cargo metadata` has the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::repository::{read, report, root};

/// Heavy or telling dependencies, and the only packages that may have them.
const QUARANTINE: &[(&str, &[&str])] = &[
    ("annotate-snippets", &["agent-runner-definitions"]),
    ("anyhow", &["agent-runner", "agent-runner-tests"]),
    ("clap", &["agent-runner", "agent-runner-tests"]),
    ("getrandom", &["agent-runner-engine"]),
    ("handlebars", &["agent-runner-engine"]),
    ("notify", &["agent-runner-store"]),
    ("pulldown-cmark", &["agent-runner", "agent-runner-definitions"]),
    ("serde-saphyr", &["agent-runner-definitions"]),
    ("rusqlite", &["agent-runner-store"]),
    ("shell-words", &["agent-runner"]),
    (
        "rustix",
        &[
            "agent-runner",
            "agent-runner-engine",
            "agent-runner-store",
            "agent-runner-supervisor",
            "agent-runner-tests",
        ],
    ),
    (
        "tokio",
        &[
            "agent-runner",
            "agent-runner-engine",
            "agent-runner-store",
            "agent-runner-supervisor",
            "agent-runner-tests",
        ],
    ),
];

/// Package -> what it depends on, development dependencies included.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let edges = packages.map(|package| {
        let name = package["name"].as_str().unwrap().to_owned();
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let names = dependencies.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        // A package may be its own development dependency, to switch features on for its tests.
        (name.clone(), names.filter(|dependency| *dependency != name).collect())
    });
    edges.collect()
}

/// Package -> packages of the workspace it may depend on, as the documentation has it.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = read("docs/architecture.md");
    let (_, rest) = text.split_once("| room | purpose | may depend on |").unwrap();
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let words = |cell: &str| -> Vec<String> {
            let quoted = cell.split('`').skip(1).step_by(2);
            quoted.map(package).collect()
        };
        let room = words(cells[0]).remove(0);
        table.insert(room, words(cells[2]).into_iter().collect());
    }
    table
}

fn package(room: &str) -> String {
    match room {
        "apps/cli" => "agent-runner".to_owned(),
        room => format!("agent-runner-{room}"),
    }
}

#[test]
fn rooms_depend_only_on_what_the_table_allows() {
    let table = table();
    assert!(table.len() >= 9, "the table of rooms was not found: {table:?}");
    let mut findings = Vec::new();
    for (package, dependencies) in dependencies() {
        let Some(allowed) = table.get(&package) else {
            findings.push(format!("{package} is in no row of the table"));
            continue;
        };
        let own = dependencies.iter().filter(|name| name.starts_with("agent-runner"));
        let wrong = own.filter(|name| !allowed.contains(*name));
        findings.extend(wrong.map(|name| format!("{package} must not depend on {name}")));
    }
    report("the rooms' dependencies do not follow the table in docs/architecture.md:", &findings);
}

#[test]
fn rows_of_the_table_are_rooms_there_are() {
    let packages = dependencies();
    let missing: Vec<String> =
        table().into_keys().filter(|package| !packages.contains_key(package)).collect();
    report("docs/architecture.md has rows for rooms that do not exist:", &missing);
}

#[test]
fn heavy_dependencies_stay_in_quarantine() {
    let mut findings = Vec::new();
    for (package, dependencies) in dependencies() {
        for (name, allowed) in QUARANTINE {
            if dependencies.contains(*name) && !allowed.contains(&package.as_str()) {
                findings.push(format!("{package} must not depend on {name}"));
            }
        }
    }
    report("these dependencies belong to other rooms:", &findings);
}

#[test]
fn every_direct_dependency_is_explained() {
    let text = read("docs/design/0001-dependencies.md");
    let all: BTreeSet<String> = dependencies().into_values().flatten().collect();
    let outside = all.into_iter().filter(|name| !name.starts_with("agent-runner"));
    let missing: Vec<String> = outside.filter(|name| !text.contains(&format!("`{name}`"))).collect();
    report("docs/design/0001-dependencies.md says nothing about:", &missing);
}

#[test]
fn dependencies_come_from_the_public_registry() {
    let lock = read("Cargo.lock");
    let expected = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let other = lock.lines().filter(|line| line.starts_with("source = ") && *line != expected);
    report("Cargo.lock names other sources:", &other.map(str::to_owned).collect::<Vec<_>>());
}
