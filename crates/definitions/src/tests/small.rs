//! The small parts, one by one.

use crate::names::{Reference, check_name, parse_reference};
use crate::scalars::{Meaning, meaning};
use crate::similar::similar;
use crate::slug::Slugs;
use crate::{BlockShell, Diagnostic, Kind, Source, command_blocks};

#[test]
fn scalars_mean_the_same_to_every_reader_or_are_told_apart() {
    let cases = [
        ("", Meaning::Null),
        ("~", Meaning::Null),
        ("null", Meaning::Null),
        ("true", Meaning::Bool(true)),
        ("false", Meaning::Bool(false)),
        ("True", Meaning::Ambiguous),
        ("yes", Meaning::Ambiguous),
        ("off", Meaning::Ambiguous),
        ("0", Meaning::Whole(0)),
        ("-7", Meaning::Whole(-7)),
        ("9223372036854775807", Meaning::Whole(i64::MAX)),
        ("9223372036854775808", Meaning::OtherNumber),
        ("-0", Meaning::OtherNumber),
        ("+1", Meaning::OtherNumber),
        ("017", Meaning::OtherNumber),
        ("1.10", Meaning::OtherNumber),
        ("1e3", Meaning::OtherNumber),
        (".5", Meaning::OtherNumber),
        ("1_000", Meaning::OtherNumber),
        ("0x1F", Meaning::OtherNumber),
        ("0o17", Meaning::OtherNumber),
        (".inf", Meaning::OtherNumber),
        ("1.2.3", Meaning::Text),
        ("2026-01-02", Meaning::Text),
        ("0xyz", Meaning::Text),
        ("inf", Meaning::Text),
        ("nan", Meaning::Text),
        ("-", Meaning::Text),
        (".", Meaning::Text),
        ("_", Meaning::Text),
        ("gpt-5.4", Meaning::Text),
        ("yesterday", Meaning::Text),
    ];
    for (text, expected) in cases {
        assert_eq!(meaning(text), expected, "{text:?}");
    }
}

#[test]
fn references_are_paths_or_names() {
    for path in ["/a/b", "./a", "../a", ".", "..", "./a\\b"] {
        assert!(matches!(parse_reference(path), Ok(Reference::Path(_))), "{path}");
    }
    for name in ["a", "review/security", "a.b", "agent.md", "...", ".hidden", "änderung"] {
        assert_eq!(parse_reference(name), Ok(Reference::Name(name)));
    }
    for name in ["", "a//b", "a/", "a/../b", "a/..", "a/./b", "a\\b", "a\0b", "./a\0", " a", "a\n"] {
        assert!(parse_reference(name).is_err(), "{name:?}");
    }
    assert!(check_name(&"a".repeat(201)).is_err());
}

#[test]
fn near_misses_are_found_and_strangers_are_not() {
    let fields = ["name", "backend", "timeoutSec", "lockedFields"];
    assert_eq!(similar("nmae", fields), ["name"]);
    assert_eq!(similar("timeout", fields), ["timeoutSec"]);
    assert_eq!(similar("locked_fields", fields), ["lockedFields"]);
    assert_eq!(similar("bakcend", fields), ["backend"]);
    assert!(similar("colour", fields).is_empty());
    assert!(similar("name", fields).is_empty());
}

#[test]
fn places_and_names_belong_together() {
    for (kind, place) in [
        (Kind::Agent, "agents/review/security/agent.md"),
        (Kind::Assignment, "assignments/review/security/assignment.md"),
        (Kind::Task, "tasks/review/security.md"),
    ] {
        assert_eq!(kind.place("review/security"), place);
        assert_eq!(kind.name_of_place(place), Some("review/security"));
    }
    assert_eq!(Kind::Agent.name_of_place("agents/agent.md"), None);
    assert_eq!(Kind::Agent.name_of_place("agents/a/other.md"), None);
    assert_eq!(Kind::Task.name_of_place("tasks/.md"), None);
    assert_eq!(Source::Bundled("agents/test/agent.md").to_string(), "bundled:agents/test/agent.md");
}

#[test]
fn ids_come_from_titles_and_never_repeat() {
    let mut slugs = Slugs::default();
    let mut next = |title: &str| slugs.next(title).unwrap().to_string();
    assert_eq!(next("Fix the `foo()` bug!"), "fix-the-foo-bug");
    assert_eq!(next("Fix 2"), "fix-2");
    assert_eq!(next("Fix"), "fix");
    assert_eq!(next("Fix"), "fix-3");
    assert_eq!(next("Über Größe"), "ueber-groesse");
    assert_eq!(next("修复登录"), "item-6");
    assert_eq!(next("…"), "item-7");
    let long = "word ".repeat(40);
    let first = next(&long);
    assert!(first.len() <= 64 && !first.ends_with('-'));
    let second = next(&long);
    assert!(second.len() <= 64 && second.ends_with("-2"), "{second}");
}

#[test]
fn a_caret_stands_under_its_place_in_long_and_wide_lines() {
    let mut diagnostic = Diagnostic {
        file: "f".to_owned(),
        line: 7,
        column: 201,
        source_line: format!("{}X{}", "a".repeat(200), "b".repeat(300)),
        message: "m".to_owned(),
        hint: "h".to_owned(),
    };
    let under = |diagnostic: &Diagnostic| {
        let shown = diagnostic.render();
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[3].find('^').unwrap();
        assert!(lines[2].chars().count() < 130);
        lines[2].chars().nth(at)
    };
    assert_eq!(under(&diagnostic), Some('X'));
    diagnostic.source_line = "\tX".to_owned();
    diagnostic.column = 2;
    assert!(diagnostic.render().contains("7 | \tX\n  | \t^"));
    diagnostic.source_line = "名X".to_owned();
    assert!(diagnostic.render().contains("7 | 名X\n  |   ^"));
    assert_eq!(diagnostic.position(), "f:7:2");
}

fn scripts(body: &str) -> Vec<(BlockShell, String)> {
    command_blocks(body).into_iter().map(|block| (block.shell, block.script)).collect()
}

#[test]
fn command_blocks_are_the_fenced_shell_blocks_in_order() {
    let body = "Text\n\n```sh\none\n```\n\n~~~ bash -e\ntwo\n  indented\n~~~\n\n```python\nno\n```\n\n    sh no\n\n\
                ```\nno\n```\n\n````shell title\n```\nthree\n```\n````\n\n```shell-session\nno\n```\n`sh` inline\n";
    assert_eq!(
        scripts(body),
        [
            (BlockShell::Sh, "one\n".to_owned()),
            (BlockShell::Bash, "two\n  indented\n".to_owned()),
            (BlockShell::Sh, "```\nthree\n```\n".to_owned()),
        ]
    );
}

#[test]
fn command_blocks_in_lists_and_quotes_lose_their_indentation() {
    let body = "1. First:\r\n\r\n   ```sh\r\n   if true; then\r\n     echo a\r\n   fi\r\n\r\n   echo b\r\n   ```\r\n\
                - [ ] Nested\r\n  - Deeper\r\n    ```bash\r\n    echo c\r\n    ```\r\n\r\n> ```sh\r\n> echo d\r\n> ```\r\n";
    assert_eq!(
        scripts(body),
        [
            (BlockShell::Sh, "if true; then\n  echo a\nfi\n\necho b\n".to_owned()),
            (BlockShell::Bash, "echo c\n".to_owned()),
            (BlockShell::Sh, "echo d\n".to_owned()),
        ]
    );
    assert!(scripts("<!--\n```sh\nrm -rf x\n```\n-->\n").is_empty());
    assert_eq!(scripts("```sh\nopen end"), [(BlockShell::Sh, "open end".to_owned())]);
}
