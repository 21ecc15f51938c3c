//! Which module of the engine may use which. It is the room that is most likely to become a heap.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{read, report, rust_files};
use crate::source::named_modules;

/// Module -> modules it may use. A new edge needs a reason that fits the module's first line.
const ALLOWED: &[(&str, &[&str])] = &[
    ("admission", &["engine", "failure", "place", "workspace"]),
    ("clock", &[]),
    ("compose", &["clock", "engine", "failure"]),
    (
        "driver",
        &[
            "admission",
            "clock",
            "compose",
            "engine",
            "environment",
            "failure",
            "git",
            "hooks",
            "place",
            "talk",
            "told",
            "words",
            "workspace",
            "worktree",
        ],
    ),
    ("engine", &["clock", "failure", "graph", "launch", "place", "talk"]),
    ("environment", &[]),
    ("failure", &[]),
    ("family", &["engine", "failure", "launch", "place", "shares"]),
    ("git", &["clock", "failure", "talk", "workspace"]),
    ("graph", &[]),
    (
        "hooks",
        &[
            "clock",
            "compose",
            "engine",
            "environment",
            "failure",
            "git",
            "place",
            "talk",
            "told",
            "words",
            "workspace",
            "worktree",
        ],
    ),
    ("launch", &[]),
    ("place", &[]),
    ("reference", &["words"]),
    (
        "service",
        &[
            "clock",
            "compose",
            "driver",
            "engine",
            "environment",
            "failure",
            "family",
            "git",
            "graph",
            "hooks",
            "launch",
            "place",
            "reference",
            "shares",
            "talk",
            "words",
            "worktree",
        ],
    ),
    ("shares", &["engine", "failure", "graph", "place", "talk"]),
    ("talk", &[]),
    ("told", &["engine"]),
    ("words", &[]),
    ("workspace", &[]),
    ("worktree", &["engine", "failure", "git", "workspace"]),
];

fn module_of(file: &str) -> Option<String> {
    let path = file.strip_prefix("crates/engine/src/")?;
    let module = path.split('/').next()?.trim_end_matches(".rs");
    (module != "lib" && module != "tests").then(|| module.to_owned())
}

fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in rust_files() {
        if file.ends_with("tests.rs") || file.contains("/tests/") {
            continue;
        }
        let Some(module) = module_of(&file) else { continue };
        let used = named_modules(&read(&file)).into_iter().filter(|used| *used != module);
        edges.entry(module.clone()).or_default().extend(used);
    }
    edges
}

#[test]
fn the_engines_modules_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut findings = Vec::new();
    for (module, used) in edges() {
        match allowed.get(module.as_str()) {
            None => findings.push(format!("module {module} is not in the table")),
            Some(allowed) => {
                let wrong = used.iter().filter(|used| !allowed.contains(&used.as_str()));
                findings.extend(wrong.map(|used| format!("{module} must not use {used}")));
            }
        }
    }
    report("edges in crates/engine that tests/tidy/modules.rs does not have:", &findings);
}

#[test]
fn the_engines_table_has_no_stale_rows() {
    let edges = edges();
    let mut findings = Vec::new();
    for (module, allowed) in ALLOWED {
        let used = edges.get(*module).cloned().unwrap_or_default();
        let stale = allowed.iter().filter(|name| !used.contains(**name));
        findings.extend(stale.map(|name| format!("{module} does not use {name} any more")));
    }
    report("take these out of the table in tests/tidy/modules.rs:", &findings);
}
