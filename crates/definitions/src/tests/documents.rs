//! The examples in the documentation are valid, and its tables name every field.

use std::path::{Path, PathBuf};

use super::golden::{self, cases::CASES};
use super::{library, write};
use crate::Kind;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/agents-and-assignments.md");
    std::fs::read_to_string(path).unwrap()
}

/// The ```md blocks whose first line is `---`. Examples hold fences themselves, indented.
fn examples(document: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if line != "```md" {
            continue;
        }
        let example: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        assert_eq!(example.first(), Some(&"---"), "an ```md example starts with front matter");
        examples.push(example.join("\n"));
    }
    examples
}

#[test]
fn every_example_is_valid() {
    let examples = examples(&document());
    assert!(examples.len() >= 4, "the examples are gone");
    for example in examples {
        let (_dir, library) = library();
        write(&library.caller_dir, "example.md", &example);
        let checked = library.validate(&[PathBuf::from("example.md")]).checked;
        assert_eq!(checked.len(), 1);
        if let Some(problem) = &checked[0].problem {
            panic!("{}", problem.render());
        }
        assert!(checked[0].kind.is_some() && checked[0].name.is_some());
    }
}

#[test]
fn every_field_and_every_bundled_definition_is_described() {
    let document = document();
    let known = [crate::agent::KNOWN, crate::assignment::KNOWN, crate::task::KNOWN];
    for field in known.iter().flat_map(|known| known.fields) {
        assert!(document.contains(&format!("| `{field}` |")), "{field} is in no table");
    }
    for field in known.iter().flat_map(|known| known.later) {
        assert!(document.contains(&format!("`{field}`")), "{field} is not mentioned");
    }
    for locked in agent_runner_model::spec::LockableField::ALL {
        assert!(document.contains(&format!("`{}`", locked.as_str())));
    }
    for (place, _) in crate::bundled::FILES {
        let name = Kind::ALL.into_iter().find_map(|kind| kind.name_of_place(place)).unwrap();
        assert!(
            document.contains(&format!("`{name}` |")),
            "{name} is not in the table of bundled definitions"
        );
    }
}

/// Wrong definitions whose messages the documentation shows.
const SHOWN: &[&str] = &[
    "field in the wrong spelling",
    "timeout with a unit",
    "cron expression without quotes",
    "task id twice",
    "task name with a near miss",
    "fields without any ---",
];

#[test]
fn the_errors_in_the_documentation_are_those_that_are_shown() {
    let document = document();
    for label in SHOWN {
        let case = CASES.iter().find(|case| case.label == *label).unwrap();
        let shown = golden::rendered(case).replace("DIR/", "").replace("CONFIG/", "~/.config/agent-runner/");
        assert!(document.contains(shown.trim_end()), "{shown}");
    }
}
