//! What a person sees of checks of any size.

use agent_runner_api::operations::DefinitionKind;
use agent_runner_api::view::{CheckedDefinition, SkippedFile, Validation};

use super::{end_of_line, validation};

fn file(number: usize, error: Option<&str>) -> CheckedDefinition {
    CheckedDefinition {
        file: format!("/c/tasks/t{number}.md"),
        kind: Some(if number.is_multiple_of(2) { DefinitionKind::Task } else { DefinitionKind::Agent }),
        name: Some("t".to_owned()),
        error: error.map(str::to_owned),
        remarks: Vec::new(),
    }
}

#[test]
fn a_check_of_many_files_ends_with_what_is_wrong_and_the_sum() {
    let mut files: Vec<CheckedDefinition> = (0..9_000).map(|number| file(number, None)).collect();
    files.extend((0..1_000).map(|number| file(number, Some("no title\u{1b}[2J"))));
    let skipped = |number: usize, reason: &str| SkippedFile {
        file: format!("/c/s{number}"),
        reason: reason.to_owned(),
    };
    let skipped =
        (0..2_000).map(|number| skipped(number, if number < 1_998 { "hidden" } else { "too deep" }));
    let found = Validation { valid: false, files, skipped: skipped.collect() };
    let text = validation(&found);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "ok       4500 agents, 4500 tasks");
    assert_eq!(lines[1], "skipped  /c/s0, /c/s1, /c/s2 and 1995 more: hidden");
    assert_eq!(lines[2], "skipped  /c/s1998, /c/s1999: too deep");
    assert_eq!(lines[3..5], ["invalid  /c/tasks/t0.md", "no title\u{FFFD}[2J"]);
    assert_eq!(lines[203], "invalid  and 900 more files; --output-format json has all");
    assert_eq!(lines[204], "10000 files: 9000 valid, 1000 invalid, 2000 skipped");
    assert_eq!(lines.len(), 205);
}

#[test]
fn a_check_of_a_few_names_each() {
    let mut files = vec![file(0, None), file(1, Some("no backend"))];
    files[0].remarks.push("worth knowing".to_owned());
    let text = validation(&Validation { valid: false, files, skipped: Vec::new() });
    let expected = "ok       task /c/tasks/t0.md\nnote     /c/tasks/t0.md\nworth knowing\ninvalid  /c/tasks/t1.md\n\
                    no backend\n2 files: 1 valid, 1 invalid\n";
    assert_eq!(text, expected);
    let nothing = validation(&Validation { valid: true, files: Vec::new(), skipped: Vec::new() });
    assert!(nothing.contains("agent-runner new agent NAME"), "{nothing}");
}

#[test]
fn the_end_of_a_path_is_what_stays() {
    assert_eq!(end_of_line("/a/long/path/agent.md", 10), "…/agent.md");
    assert_eq!(end_of_line("short", 10), "short");
    assert_eq!(end_of_line("漢字漢字", 5), "…漢字");
    assert_eq!(end_of_line("x", 0), "…");
}
