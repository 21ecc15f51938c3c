//! Checking files and trees.

use std::path::PathBuf;

use super::{agent_text, assignment_text, library, write};
use crate::Kind;

#[test]
fn the_configuration_directory_is_checked_when_nothing_is_named() {
    let (_dir, library) = library();
    assert!(library.validate(&[]).is_empty());
    write(&library.config_dir, "agents/a/b/agent.md", &agent_text("a/b"));
    write(&library.config_dir, "agents/bad/agent.md", "oops");
    write(&library.config_dir, "assignments/a/assignment.md", &assignment_text("a", "tasks: [t]\n"));
    write(&library.config_dir, "tasks/t.md", "---\nschemaVersion: 1\ntitle: T\n---\n");
    write(&library.config_dir, "README.md", "no definition");
    let checked = library.validate(&[]);
    let seen: Vec<_> =
        checked.iter().map(|one| (one.kind, one.name.as_deref(), one.problem.is_some())).collect();
    assert_eq!(
        seen,
        [
            (Some(Kind::Agent), Some("a/b"), false),
            (Some(Kind::Agent), None, true),
            (Some(Kind::Assignment), Some("a"), false),
            (Some(Kind::Task), Some("t"), false),
        ]
    );
}

#[test]
fn files_are_recognised_by_name_by_place_by_fields_and_by_checkboxes() {
    let (_dir, library) = library();
    let root = library.caller_dir.clone();
    write(&root, "agent.md", &agent_text("x"));
    write(&root, "reviewer.md", &agent_text("x"));
    write(&root, "release.md", &assignment_text("x", "tasks: []\n"));
    write(&root, "tasks/deep/t.md", "---\nschemaVersion: 1\ntitle: T\n---\n");
    write(&root, "lint.md", "---\nschemaVersion: 1\ntitle: Lint\n---\n");
    write(&root, "todo.md", "- [ ] One\n");
    write(&root, "unclear.md", "---\nschemaVersion: 1\nname: x\n---\n");
    write(&root, "prose.md", "Hello.\n");
    let kind = |place: &str| {
        let checked = library.validate(&[PathBuf::from(place)]);
        assert_eq!(checked.len(), 1);
        (checked[0].kind, checked[0].problem.as_ref().map(ToString::to_string))
    };
    assert_eq!(kind("agent.md"), (Some(Kind::Agent), None));
    assert_eq!(kind("./reviewer.md"), (Some(Kind::Agent), None));
    assert_eq!(kind("release.md"), (Some(Kind::Assignment), None));
    assert_eq!(kind("tasks/deep/t.md"), (Some(Kind::Task), None));
    assert_eq!(kind("lint.md"), (Some(Kind::Task), None));
    assert_eq!(kind("todo.md"), (Some(Kind::Assignment), None));
    assert!(kind("unclear.md").1.unwrap().contains("cannot tell what this file defines"));
    assert!(kind("prose.md").1.unwrap().contains("does not start with front matter"));
    assert!(kind("missing.md").1.unwrap().contains("missing.md"));
}

#[test]
fn a_directory_is_checked_as_a_tree() {
    let (_dir, library) = library();
    let root = library.caller_dir.clone();
    write(&root, "set/agents/a/agent.md", &agent_text("other-name"));
    write(&root, "set/notes/readme.md", "nothing");
    write(&root, "set/.git/agent.md", "nothing");
    std::fs::create_dir_all(root.join("empty")).unwrap();
    let checked = library.validate(&[PathBuf::from("set"), PathBuf::from("empty")]);
    assert_eq!(checked.len(), 2);
    assert!(checked[0].problem.is_none());
    assert!(checked[1].problem.as_ref().unwrap().render().contains("no definition in this directory"));
}
