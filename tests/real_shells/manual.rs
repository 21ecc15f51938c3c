//! Pages of the manual, by the programs that show them.

use std::path::Path;
use std::process::Command;

use crate::harness::World;

/// What a typesetter says about a page; nothing where it is content.
fn complaints(program: &str, args: &[&str], page: &Path) -> String {
    let output = Command::new(program)
        .args(args)
        .arg(page)
        .env("LC_ALL", "C.UTF-8")
        .env("MANWIDTH", "80")
        .output()
        .unwrap_or_else(|error| panic!("these tests need {program}: {error}"));
    // mandoc complains on standard output, where the others write the page.
    let said = if program == "mandoc" { output.stdout } else { output.stderr };
    format!("{}{}", String::from_utf8_lossy(&said), if output.status.success() { "" } else { "failed\n" })
}

#[test]
fn every_page_is_set_without_a_warning() {
    let world = World::new();
    let written = world.ok(&["man", "--output", "pages", "--output-format", "json"]).json();
    let files = written["files"].as_array().unwrap();
    assert!(files.len() > 60, "{}", files.len());
    for file in files {
        let page = world.repo().join(file.as_str().unwrap());
        for (program, args) in [
            ("mandoc", ["-T", "lint", "-W", "warning"].as_slice()),
            ("groff", &["-man", "-ww", "-Tutf8", "-z"]),
            ("man", &["--warnings", "--encoding=UTF-8", "-l", "-Tutf8", "-Z"]),
        ] {
            let said = complaints(program, args, &page);
            assert!(said.is_empty(), "{program} about {}: {said}", page.display());
        }
    }
}

#[test]
fn a_warning_would_be_heard() {
    let world = World::new();
    let page = world.write("bad.1", ".TH X 1\n.SH NAME\nx \\- y\n.nosuchrequest\n.TP\n");
    assert!(!complaints("mandoc", &["-T", "lint", "-W", "warning"], &page).is_empty());
    assert!(!complaints("groff", &["-man", "-ww", "-Tutf8", "-z"], &page).is_empty());
}

#[test]
fn pages_hold_what_help_and_documents_say() {
    let world = World::new();
    world.ok(&["man", "--output", "pages"]);
    let shown = |page: &str| {
        let page = world.repo().join("pages").join(page);
        let output =
            Command::new("mandoc").args(["-T", "utf8", "-O", "width=200"]).arg(page).output().unwrap();
        // Bold is a letter that is printed twice.
        let text = String::from_utf8(output.stdout).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let mut plain = String::new();
        for (index, c) in chars.iter().enumerate() {
            if *c != '\u{8}' && chars.get(index + 1) != Some(&'\u{8}') {
                plain.push(*c);
            }
        }
        plain
    };
    let status = shown("agent-runner-run-status.1");
    for part in [
        "agent-runner-run-status - Show a run",
        "agent-runner run status [OPTIONS] <RUN-ID|PATH>",
        "--field NAME",
        "agent-runner run status @last\n",
        "130    cancelled",
        "SEE ALSO",
        "agent-runner-run(1)",
    ] {
        assert!(status.contains(part), "{part:?} is missing in\n{status}");
    }
    let whole = shown("agent-runner.1");
    for part in [
        "AGENT_RUNNER_STATE_DIR",
        "where runs live",
        "run-events.jsonl",
        "agent-runner-list(1)",
        "$XDG_STATE_HOME",
    ] {
        assert!(whole.contains(part), "{part:?} is missing in\n{whole}");
    }
    assert!(!whole.contains("agent-runner-drive"), "hidden commands have no page");
    let printed = world.ok(&["man", "run", "status"]).stdout;
    assert_eq!(
        printed,
        std::fs::read_to_string(world.repo().join("pages/agent-runner-run-status.1")).unwrap()
    );
    world.run(&["man", "no", "such"]).expect_code(3);
}
