//! Checking files and trees.

use std::path::PathBuf;

use super::{agent_text, assignment_text, library, write};
use crate::{Kind, SkipReason};

#[test]
fn the_configuration_directory_is_checked_when_nothing_is_named() {
    let (_dir, library) = library();
    assert!(library.validate(&[]).checked.is_empty());
    write(&library.config_dir, "agents/a/b/agent.md", &agent_text("a/b"));
    write(&library.config_dir, "agents/bad/agent.md", "oops");
    write(&library.config_dir, "assignments/a/assignment.md", &assignment_text("a", "tasks: [t]\n"));
    write(&library.config_dir, "tasks/t.md", "---\nschemaVersion: 1\ntitle: T\n---\n");
    write(&library.config_dir, "README.md", "no definition");
    let checked = library.validate(&[]).checked;
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
        let checked = library.validate(&[PathBuf::from(place)]).checked;
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
    let checked = library.validate(&[PathBuf::from("set"), PathBuf::from("empty")]).checked;
    assert_eq!(checked.len(), 2);
    assert!(checked[0].problem.is_none());
    assert!(checked[1].problem.as_ref().unwrap().render().contains("no definition in "));
}

#[test]
fn what_is_passed_by_is_said() {
    let (_dir, library) = library();
    let root = library.config_dir.clone();
    write(&root, "agents/a/agent.md", &agent_text("a"));
    write(&root, "agents/a/agent.md.old", "kept");
    write(&root, "README.md", "no definition");
    write(&root, ".git/agents/b/agent.md", "hidden");
    write(&root, "node_modules/x/agent.md", "generated");
    write(&root, "target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    write(&root, "target/agent.md", "generated");
    let deep = (0..30).map(|n| format!("d{n}")).collect::<Vec<_>>().join("/");
    write(&root, &format!("{deep}/agent.md"), "deep");
    let checkup = library.validate(&[]);
    assert_eq!(checkup.checked.len(), 1);
    let seen: Vec<(String, SkipReason)> = checkup
        .skipped
        .iter()
        .map(|skipped| {
            let place = skipped.path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (place.chars().take(12).collect(), skipped.reason)
        })
        .collect();
    let expected = [
        (".git", SkipReason::Hidden),
        ("d0/d1/d2/d3/", SkipReason::TooDeep),
        ("node_modules", SkipReason::Generated),
        ("target", SkipReason::Generated),
        ("README.md", SkipReason::NoDefinition),
    ];
    assert_eq!(seen, expected.map(|(place, reason)| (place.to_owned(), reason)));
}

#[test]
fn a_library_lists_a_definition_whose_folder_has_an_ordinary_name() {
    let (_dir, library) = library();
    for name in ["target", "build/agents", "tasks"] {
        write(&library.config_dir, &Kind::Agent.place(name), &agent_text(name));
        assert!(library.list(Kind::Agent).definitions.iter().any(|listed| listed.name == name), "{name}");
    }
}

#[test]
fn links_are_followed_once_and_never_in_circles() {
    let (dir, library) = library();
    let root = library.config_dir.clone();
    write(&root, "agents/a/agent.md", &agent_text("a"));
    let link = |target: &str, place: &str| std::os::unix::fs::symlink(target, root.join(place)).unwrap();
    link("..", "agents/up");
    link(".", "agents/a/self");
    link("../../agents", "agents/a/again");
    link("nowhere", "agents/dead");
    link("loop.md", "agents/loop.md");
    // A folder elsewhere is a part of the library like any other.
    write(dir.path(), "elsewhere/b/agent.md", &agent_text("far/b"));
    link("../../elsewhere", "agents/far");
    let names: Vec<String> =
        library.list(Kind::Agent).definitions.into_iter().map(|listed| listed.name).collect();
    assert!(names.contains(&"a".to_owned()) && names.contains(&"far/b".to_owned()), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.ends_with('a')).count(), 1, "{names:?}");
    let checkup = library.validate(&[]);
    assert_eq!(checkup.checked.len(), 2, "{checkup:?}");
    assert!(checkup.checked.iter().all(|one| one.problem.is_none()));
    let circles = checkup.skipped.iter().filter(|skipped| skipped.reason == SkipReason::SeenAlready);
    assert_eq!(circles.count(), 3, "{:?}", checkup.skipped);
}

#[test]
fn a_file_that_cannot_be_read_is_wrong_and_hides_nothing_else() {
    let (_dir, library) = library();
    let root = library.config_dir.clone();
    write(&root, "agents/good/agent.md", &agent_text("good"));
    for name in ["dead", "circle", "pipe"] {
        std::fs::create_dir_all(root.join("agents").join(name)).unwrap();
    }
    std::os::unix::fs::symlink("gone.md", root.join("agents/dead/agent.md")).unwrap();
    std::os::unix::fs::symlink("agent.md", root.join("agents/circle/agent.md")).unwrap();
    let pipe = root.join("agents/pipe/agent.md");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    write(&root, "agents/latin/agent.md", "");
    std::fs::write(root.join("agents/latin/agent.md"), b"---\nname: caf\xe9\n---\n").unwrap();
    let checked = library.validate(&[]).checked;
    let wrong: Vec<String> = checked
        .iter()
        .filter_map(|one| one.problem.as_ref())
        .map(|problem| problem.render().lines().next().unwrap().to_owned())
        .collect();
    assert_eq!((checked.len(), wrong.len()), (5, 4), "{wrong:?}");
    for expected in ["a link to gone.md", "not a regular file", "not UTF-8", "symbolic links"] {
        assert!(wrong.iter().any(|one| one.contains(expected)), "{expected}: {wrong:?}");
    }
    let listing = library.list(Kind::Agent);
    let broken = listing.definitions.iter().filter(|listed| listed.problem.is_some()).count();
    assert_eq!(broken, 4, "{listing:?}");
    // A link that leads nowhere hides what is bundled: somebody put it there for another agent.
    std::fs::create_dir_all(root.join("agents/planner")).unwrap();
    std::os::unix::fs::symlink("gone.md", root.join("agents/planner/agent.md")).unwrap();
    assert!(library.agent("planner").unwrap_err().render().contains("which does not exist"));
}

#[test]
fn ten_thousand_files_are_checked_in_one_go() {
    let (_dir, library) = library();
    let root = library.config_dir.clone();
    for number in 0..9_900 {
        let place = root.join(format!("tasks/team{}/t{number}.md", number % 50));
        if number < 50 {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        }
        std::fs::write(place, "---\nschemaVersion: 1\ntitle: T\n---\n").unwrap();
    }
    for number in 0..98 {
        let name = format!("a{number}");
        write(&root, &format!("agents/{name}/agent.md"), &agent_text(&name));
    }
    write(&root, "tasks/wrong.md", "---\nschemaVersion: 1\n---\n");
    // References that lead nowhere look through all names for similar ones.
    let tasks: String = (0..100).map(|number| format!("  - missing/x{number}\n")).collect();
    write(&root, "assignments/a/assignment.md", &assignment_text("a", &format!("tasks:\n{tasks}")));
    let checkup = library.validate(&[]);
    assert_eq!((checkup.checked.len(), checkup.skipped.len()), (10_000, 0));
    assert_eq!(checkup.checked.iter().filter(|one| one.problem.is_some()).count(), 2);
}
