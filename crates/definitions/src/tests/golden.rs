//! Wrong definitions and what is said about them, word for word. `UPDATE_GOLDEN=1` writes the page anew.

mod bases;
pub(super) mod cases;

use std::path::Path;

use super::{library, write};
use crate::{DefinitionError, Kind, Library, Scaffold};
use cases::{Case, Reads};

/// The text of a case, its long parts written out.
pub(in crate::tests) fn text_of(case: &Case) -> Vec<u8> {
    match std::str::from_utf8(case.text) {
        Ok(text) => text.replace("@200@", &"o".repeat(200)).replace("@5000@", &"a".repeat(5000)).into_bytes(),
        Err(_) => case.text.to_owned(),
    }
}

/// What is said about a case, with `DIR` and `CONFIG` for the directories.
pub(in crate::tests) fn rendered(case: &Case) -> String {
    let (_dir, library) = library();
    let root = &library.caller_dir;
    write(root, "broken-task.md", "---\nschemaVersion: 1\ntitel: Broken\n---\n");
    std::fs::create_dir(root.join("agents.md")).unwrap();
    bases::write_all(root, &library.config_dir);
    let shown = match case.reads {
        Reads::Remarks => remarks(case, &library, "agent.md"),
        Reads::AssignmentRemarks => remarks(case, &library, "assignment.md"),
        _ => {
            let error = error(case, &library).unwrap_or_else(|| panic!("{} was accepted", case.label));
            check(case, &error);
            error.render()
        }
    };
    shown.replace(root.to_str().unwrap(), "DIR").replace(library.config_dir.to_str().unwrap(), "CONFIG")
}

fn error(case: &Case, library: &Library) -> Option<DefinitionError> {
    let text = text_of(case);
    let place = |root: &Path, place: &str| {
        let path = root.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    let here = |name: &str| std::fs::write(place(&library.caller_dir, name), &text).unwrap();
    let in_config = |name: &str| std::fs::write(place(&library.config_dir, name), &text).unwrap();
    match case.reads {
        Reads::Agent => {
            here("agent.md");
            library.agent("./agent.md").err()
        }
        Reads::Assignment => {
            here("assignment.md");
            library.assignment("./assignment.md").err()
        }
        Reads::Task => {
            here("task.md");
            library.task("./task.md").err()
        }
        Reads::Checklist => {
            here("todo.md");
            library.checklist(Path::new("todo.md")).err()
        }
        Reads::AgentCalled(name) => {
            in_config(&Kind::Agent.place(name));
            library.agent(name).err()
        }
        Reads::TaskCalled(name) => {
            in_config(&Kind::Task.place(name));
            library.task(name).err()
        }
        Reads::Lookup(reference) => library.agent(reference).err(),
        Reads::NewTask(name) => {
            let wanted = Scaffold { kind: Kind::Task, name, backend: None, from: None, backends: &[] };
            library.scaffold(wanted).err()
        }
        Reads::Folder => {
            std::fs::create_dir_all(library.config_dir.join("agents/a/agent.md")).unwrap();
            library.agent("a").err()
        }
        Reads::DeadLink => {
            let link = place(&library.config_dir, "agents/a/agent.md");
            std::os::unix::fs::symlink("../elsewhere.md", link).unwrap();
            library.agent("a").err()
        }
        Reads::Validated => {
            here("notes.md");
            library.validate(&["notes.md".into()]).checked.remove(0).problem
        }
        Reads::Remarks | Reads::AssignmentRemarks => None,
    }
}

/// What is said about a definition that is valid.
fn remarks(case: &Case, library: &Library, file: &str) -> String {
    std::fs::write(library.caller_dir.join(file), text_of(case)).unwrap();
    let checked = library.validate(&[file.into()]).checked;
    assert!(checked[0].problem.is_none(), "{} was refused", case.label);
    assert!(!checked[0].remarks.is_empty(), "nothing is said about {}", case.label);
    checked[0].remarks.iter().map(crate::Diagnostic::render).collect()
}

/// What holds for every error: it says what to do, and a place in a file is one that exists.
fn check(case: &Case, error: &DefinitionError) {
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{}: {error}", case.label);
    if let DefinitionError::Invalid { diagnostics } = error {
        assert!(!diagnostics.is_empty());
    }
    for diagnostic in error.diagnostics() {
        assert!(diagnostic.line >= 1 && diagnostic.column >= 1, "{diagnostic:?}");
        assert!(!diagnostic.message.is_empty() && !diagnostic.hint.is_empty(), "{diagnostic:?}");
    }
}

#[test]
fn the_page_of_wrong_definitions_is_as_written() {
    let mut page = String::new();
    for case in cases::CASES {
        page.push_str(&format!("## {}\n\n{}\n", case.label, rendered(case)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden/page.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (expected, found) in expected.split("## ").zip(page.split("## ")) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected, page);
    assert!(cases::CASES.len() >= 120, "{} kinds", cases::CASES.len());
    let labels: std::collections::BTreeSet<&str> = cases::CASES.iter().map(|case| case.label).collect();
    assert_eq!(labels.len(), cases::CASES.len(), "two cases have one label");
}
