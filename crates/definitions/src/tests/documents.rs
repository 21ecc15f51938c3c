//! The examples in the documentation are valid, and its tables name every field.

use std::path::{Path, PathBuf};

use super::{library, write};

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
        let checked = library.validate(&[PathBuf::from("example.md")]);
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
        let name = place.split('/').nth(1).unwrap();
        assert!(
            document.contains(&format!("`{name}` |")),
            "{name} is not in the table of bundled definitions"
        );
    }
}

#[test]
fn the_error_in_the_documentation_is_the_one_that_is_shown() {
    let (_dir, library) = library();
    let text = "---\nschemaVersion: 1\nname: careful-reviewer\nbackend: codex\neffort: high\ntimeout_sec: 1800\n---\n";
    write(&library.config_dir, "agents/careful-reviewer/agent.md", text);
    let shown = library.agent("careful-reviewer").unwrap_err().render();
    let start = format!("{}/", library.config_dir.display());
    assert!(document().contains(shown.strip_prefix(&start).unwrap().trim_end()), "{shown}");
}
