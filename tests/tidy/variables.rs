//! Environment variables: what the sources name and what `docs/configuration.md` describes are the same.

use std::collections::BTreeSet;

use crate::repository::{documents, read, report, rust_files};
use crate::source::{is_test, without_tests};

const REFERENCE: &str = "docs/configuration.md";
/// Variables that only tests and benchmarks read; `docs/contributing.md` has those a person may set.
const FOR_TESTS: &[&str] = &[
    "AGENT_RUNNER_CHAOS_ROUNDS",
    "AGENT_RUNNER_CHAOS_SEED",
    "AGENT_RUNNER_FAILPOINT",
    "AGENT_RUNNER_FAILPOINT_ERROR",
    "AGENT_RUNNER_FAILPOINT_TRACE",
    "AGENT_RUNNER_TEST_CAPTURES",
    "AGENT_RUNNER_TEST_CLAUDE",
];
/// Variables of others that the program reads.
const OF_OTHERS: &[&str] = &[
    "CLICOLOR",
    "HOME",
    "NO_COLOR",
    "TZ",
    "PATH",
    "TERM",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// The program's own variables that a text names.
fn named_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let own = words.filter(|word| word.starts_with("AGENT_RUNNER_") && word.len() > "AGENT_RUNNER_".len());
    own.map(str::to_owned).collect()
}

fn in_sources() -> BTreeSet<String> {
    let sources = rust_files().into_iter().filter(|file| !is_test(file));
    sources.flat_map(|file| named_in(without_tests(&read(&file)))).collect()
}

#[test]
fn every_variable_is_described() {
    let described = named_in(&read(REFERENCE));
    let missing = in_sources().into_iter().filter(|name| !described.contains(name));
    let missing = missing.filter(|name| !FOR_TESTS.contains(&name.as_str()));
    report("docs/configuration.md does not describe:", &missing.collect::<Vec<_>>());
}

#[test]
fn variables_for_tests_are_described_for_contributors() {
    let described = named_in(&read("docs/contributing.md"));
    let missing = FOR_TESTS.iter().filter(|name| !described.contains(**name));
    report(
        "docs/contributing.md does not describe:",
        &missing.map(|name| (*name).to_owned()).collect::<Vec<_>>(),
    );
}

#[test]
fn only_variables_that_exist_are_described() {
    let mut known = in_sources();
    known.extend(FOR_TESTS.iter().map(|name| (*name).to_owned()));
    let mut findings = Vec::new();
    for document in documents() {
        let unknown = named_in(&read(&document)).into_iter().filter(|name| !known.contains(name));
        findings.extend(unknown.map(|name| format!("{document}: {name}")));
    }
    report("variables that nothing reads or sets:", &findings);
}

#[test]
fn variables_of_others_are_described() {
    let sources: String = read("apps/cli/src/settings.rs");
    let text = read(REFERENCE);
    let mut findings = Vec::new();
    for name in OF_OTHERS {
        if !sources.contains(&format!("\"{name}\"")) {
            findings.push(format!("{name} is not read any more"));
        }
        if !text.contains(&format!("`{name}`")) {
            findings.push(format!("{name} is not described"));
        }
    }
    report("variables of others:", &findings);
}
