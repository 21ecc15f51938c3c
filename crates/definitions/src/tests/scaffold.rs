//! New definitions are valid, short, and lead to their schema.

use super::{library, write};
use crate::{Definition, DefinitionError, Kind, Library, Scaffold, bundled, schema_place};

const BACKENDS: &[&str] = &["claude", "command", "passive", "shell"];

fn made(
    library: &Library,
    kind: Kind,
    name: &str,
    backend: Option<&str>,
    from: Option<&str>,
) -> Result<(String, Definition), DefinitionError> {
    let text = library.scaffold(Scaffold { kind, name, backend, from, backends: BACKENDS })?;
    let file = library.config_dir.join(kind.place(name));
    let parsed = library.parse_new(kind, name, &file, &text)?;
    Ok((text, parsed))
}

fn named(name: &str, kind: Kind, text: &str) -> String {
    match kind {
        Kind::Agent | Kind::Assignment => text.replace("NAME", &format!("name: {name}")),
        Kind::Task => text.replace("NAME", &format!("id: {name}")),
    }
}

#[test]
fn every_scaffold_is_valid_short_and_refers_to_its_schema() {
    let (_dir, library) = library();
    for kind in Kind::ALL {
        for name in ["lint", "team/lint-all", "a/b/c", "yes", "1", "007", "null", "2.0", "Off", "a..b"] {
            for backend in [None, Some("shell"), Some("command"), Some("x-y"), Some("on")] {
                if kind != Kind::Agent && backend.is_some() {
                    continue;
                }
                let (text, parsed) = made(&library, kind, name, backend, None)
                    .unwrap_or_else(|error| panic!("{kind} {name}: {}", error.render()));
                assert_eq!(parsed.name(), name);
                assert!(text.lines().count() < 45, "{kind} has {} lines", text.lines().count());
                let reference = text.lines().nth(1).unwrap().split_once("$schema=").unwrap().1;
                let place = kind.place(name);
                let folder = library.config_dir.join(std::path::Path::new(&place).parent().unwrap());
                write(&library.config_dir, &place, &text);
                write(&library.config_dir, &schema_place(kind), "{}");
                let schema = folder.join(reference).canonicalize().unwrap();
                assert_eq!(schema, library.config_dir.join(schema_place(kind)).canonicalize().unwrap());
                if let Definition::Agent(agent) = parsed {
                    assert_eq!(agent.backend, backend.unwrap_or("claude"));
                }
            }
        }
    }
    let checkup = library.validate(&[]);
    assert!(checkup.checked.iter().all(|one| one.problem.is_none()), "{:?}", checkup.checked);
    assert_eq!(checkup.checked.len(), 30);
    let (text, _) = made(&library, Kind::Agent, "x", None, None).unwrap();
    assert!(text.contains("claude, command, passive or shell"), "{text}");
}

#[test]
fn fields_that_a_scaffold_shows_in_comments_are_valid_too() {
    let (_dir, library) = library();
    let mut seen = 0;
    for kind in Kind::ALL {
        let (text, _) = made(&library, kind, "x", None, None).unwrap();
        let switched_on: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("# ").filter(|rest| is_field(rest)) {
                Some(field) => {
                    seen += 1;
                    field.to_owned()
                }
                None => line.to_owned(),
            })
            .collect();
        let file = library.config_dir.join(kind.place("x"));
        if let Err(error) = library.parse_new(kind, "x", &file, &switched_on.join("\n")) {
            panic!("{}", error.render());
        }
    }
    assert!(seen >= 6, "only {seen} fields were found in comments");
}

/// `name: value`, as opposed to a sentence.
fn is_field(line: &str) -> bool {
    let known = [crate::agent::KNOWN, crate::assignment::KNOWN, crate::task::KNOWN];
    let name = line.split_once(": ").map(|(name, _)| name).unwrap_or_default();
    known.iter().any(|known| known.fields.contains(&name))
}

#[test]
fn a_copy_of_anything_bundled_differs_by_its_name_and_the_schema_line_alone() {
    let (_dir, library) = library();
    for (place, original) in bundled::FILES {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name_of_place(place).is_some()).unwrap();
        let name = kind.name_of_place(place).unwrap();
        let (text, _) = made(&library, kind, "team/mine", None, Some(name)).unwrap();
        let same: Vec<&str> =
            text.lines().filter(|line| !line.starts_with("# yaml-language-server")).collect();
        let own = |name: &str| named(name, kind, "NAME");
        assert_eq!(same.join("\n").replace(&own("team/mine"), &own(name)), original.trim_end(), "{place}");
    }
}

#[test]
fn a_copy_may_have_another_backend_and_the_same_name() {
    let (_dir, library) = library();
    let (text, parsed) =
        made(&library, Kind::Agent, "implementer", Some("shell"), Some("implementer")).unwrap();
    let Definition::Agent(agent) = parsed else { panic!("{text}") };
    let bundled = library.agent("implementer").unwrap();
    assert_eq!((agent.backend.as_str(), bundled.backend.as_str()), ("shell", "claude"));
    assert_eq!(agent.instructions, bundled.instructions);
    write(&library.config_dir, "agents/implementer/agent.md", &text);
    assert_eq!(library.agent("implementer").unwrap().backend, "shell");
    // A copy of a copy has one schema line, which fits its own place.
    let (again, _) = made(&library, Kind::Agent, "a/b/c", None, Some("implementer")).unwrap();
    assert_eq!(again.matches("yaml-language-server").count(), 1);
    assert!(again.contains("$schema=../../../../schemas/agent.schema.json"), "{again}");
}

#[test]
fn a_copy_keeps_comments_and_windows_files_become_plain() {
    let (_dir, library) = library();
    let text = "\u{feff}---\r\n# first\r\nschemaVersion: 1\r\nname: \"old\" # why\r\n# between\r\nbackend: shell\r\n---\r\nBe.\r\n";
    write(&library.caller_dir, "old.md", text);
    let (copy, _) = made(&library, Kind::Agent, "new", None, Some("./old.md")).unwrap();
    let expected = "---\n# yaml-language-server: $schema=../../schemas/agent.schema.json\n# first\nschemaVersion: 1\nname: new\n\
                    # between\nbackend: shell\n---\nBe.\n";
    assert_eq!(copy, expected);
}

#[test]
fn a_copy_that_would_not_be_valid_is_refused_with_the_reason() {
    let (_dir, library) = library();
    let refused = |kind: Kind, text: &str| {
        write(&library.caller_dir, "old.md", text);
        made(&library, kind, "new", None, Some("./old.md")).unwrap_err().render()
    };
    let in_flow = refused(Kind::Agent, "---\n{schemaVersion: 1, name: a, backend: shell}\n---\n");
    assert!(in_flow.contains("cannot be changed where it stands"), "{in_flow}");
    let folded = refused(Kind::Agent, "---\nschemaVersion: 1\nname:\n  a\nbackend: shell\n---\n");
    assert!(folded.contains("on one line of its own"), "{folded}");
    let wrong = refused(Kind::Agent, "---\nschemaVersion: 1\nname: a\n---\n");
    assert!(wrong.contains("field `backend` is missing"), "{wrong}");
    write(&library.caller_dir, "step.md", "---\nschemaVersion: 1\ntitle: S\n---\n");
    let beside = refused(Kind::Assignment, "---\nschemaVersion: 1\nname: a\ntasks: [./step.md]\n---\n");
    assert!(beside.contains("no task \"./step.md\" found"), "{beside}");
    assert!(matches!(
        made(&library, Kind::Task, "new", None, Some("review/securty")),
        Err(DefinitionError::NotFound { .. })
    ));
}

#[test]
fn names_that_could_not_be_found_or_typed_are_refused_with_one_that_could() {
    let (_dir, library) = library();
    for (name, instead) in [
        ("", "review/security"),
        ("a b", "a-b"),
        ("../x", "x"),
        ("/etc/x", "etc/x"),
        ("a//b", "a/b"),
        ("x.md", "x"),
        (".hidden", "hidden"),
        ("-x", "x"),
        ("a\\b", "a/b"),
        ("größe", "gr--e"),
        ("a\u{1b}[31m", "a--31m"),
        ("node_modules/x", "node-modules/x"),
    ] {
        let error = made(&library, Kind::Task, name, None, None).unwrap_err();
        let hint = error.hint().unwrap();
        let suggested = if matches!(error, DefinitionError::NewName { .. }) { instead } else { "" };
        assert!(hint.contains(&format!("`{suggested}`")), "{name:?}: {hint}");
        if !instead.is_empty() {
            assert!(made(&library, Kind::Task, instead, None, None).is_ok(), "{instead}");
        }
    }
    assert!(made(&library, Kind::Agent, "ad-hoc", None, None).is_err());
    assert!(made(&library, Kind::Agent, &"x".repeat(201), None, None).is_err());
    assert!(made(&library, Kind::Task, &"x".repeat(129), None, None).is_err());
}
