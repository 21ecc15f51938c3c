//! Wrong definitions and what is said about them, word for word. `UPDATE_GOLDEN=1` writes the page anew.

mod cases;

use std::path::Path;

use super::{library, write};
use crate::DefinitionError;
use cases::{Case, Reads};

fn rendered(case: &Case) -> String {
    let (_dir, library) = library();
    let root = &library.caller_dir;
    let place = match case.reads {
        Reads::Agent => "agent.md",
        Reads::Assignment => "assignment.md",
        Reads::Task => "task.md",
        Reads::Checklist => "todo.md",
    };
    std::fs::write(root.join(place), case.text).unwrap();
    write(root, "broken-task.md", "---\nschemaVersion: 1\ntitel: Broken\n---\n");
    let reference = format!("./{place}");
    let error = match case.reads {
        Reads::Agent => library.agent(&reference).err(),
        Reads::Assignment => library.assignment(&reference).err(),
        Reads::Task => library.task(&reference).err(),
        Reads::Checklist => library.checklist(Path::new(place)).err(),
    };
    let error = error.unwrap_or_else(|| panic!("{} was accepted", case.label));
    check(case, &error);
    let shown = error.render();
    shown.replace(root.to_str().unwrap(), "DIR").replace(library.config_dir.to_str().unwrap(), "CONFIG")
}

/// What holds for every diagnostic.
fn check(case: &Case, error: &DefinitionError) {
    let DefinitionError::Invalid { diagnostics } = error else { panic!("{}: {error}", case.label) };
    assert!(!diagnostics.is_empty());
    for diagnostic in diagnostics {
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
    assert!(cases::CASES.len() >= 30);
}
