//! Checklists become assignments.

use std::path::Path;

use super::{library, write};
use crate::Assignment;

fn read(text: &str) -> Assignment {
    let (_dir, library) = library();
    write(&library.caller_dir, "My list.md", text);
    let found =
        library.checklist(Path::new("My list.md")).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(found.name, "My list");
    assert_eq!(found.text, text);
    found
}

fn tasks(text: &str) -> Vec<(String, String, String)> {
    read(text).task_specs().into_iter().map(|task| (task.id.to_string(), task.title, task.body)).collect()
}

fn task(id: &str, title: &str, body: &str) -> (String, String, String) {
    (id.to_owned(), title.to_owned(), body.to_owned())
}

#[test]
fn open_items_are_tasks_and_the_text_around_them_the_instructions() {
    let text = "# Release\n\nBe careful.\n\n- [x] Branch\n- [ ] Update the *changelog*\n- [ ] Run `make test` & **all**\n\n\
                Rules:\n\n- no force push\n- no [links](http://x)\n\n1. [ ] Tag\n2. [X] Old\n\nThe end.\n";
    let found = read(text);
    let seen: Vec<_> =
        found.tasks.iter().map(|task| (task.spec.id.as_str(), task.spec.title.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("update-the-changelog", "Update the changelog"),
            ("run-make-test-all", "Run make test & all"),
            ("tag", "Tag"),
        ]
    );
    assert_eq!(
        found.instructions,
        "# Release\n\nBe careful.\n\nRules:\n\n- no force push\n- no [links](http://x)\n\nThe end."
    );
}

#[test]
fn nested_text_is_the_body_without_its_indentation() {
    let text = "- [ ] One\n  second line\n\n  A paragraph.\n\n  ```sh\n  if true; then\n    echo \"a  b\"\n\n  fi\n  ```\n\
                \x20 - [ ] sub one\n  - [x] sub two\n    - deep\n- [ ] Two\n\n      code\n\n* [ ] Three\n\ttabbed\n";
    assert_eq!(
        tasks(text),
        [
            task(
                "one",
                "One",
                "second line\n\nA paragraph.\n\n```sh\nif true; then\n  echo \"a  b\"\n\nfi\n```\n- [ ] sub one\n- [x] sub two\n  - deep"
            ),
            task("two", "Two", "    code"),
            task("three", "Three", "  tabbed"),
        ]
    );
}

#[test]
fn windows_files_and_indented_lists_read_alike() {
    let expected = [task("one", "One", "body"), task("two", "Two", "```sh\necho\n```")];
    let text = "- [ ] One\n  body\n- [ ] Two\n  ```sh\n  echo\n  ```\n";
    assert_eq!(tasks(text), expected);
    assert_eq!(tasks(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), expected);
    assert_eq!(tasks(text.trim_end()), expected);
    let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
    assert_eq!(tasks(&indented), expected);
}

#[test]
fn ids_stay_when_items_are_ticked_off() {
    let open = "- [ ] Same\n- [ ] Same\n- [ ] 修复\n- [ ] Last\n";
    let ids = |text: &str| tasks(text).into_iter().map(|task| task.0).collect::<Vec<_>>();
    assert_eq!(ids(open), ["same", "same-2", "item-3", "last"]);
    assert_eq!(ids(&open.replacen("[ ]", "[x]", 1)), ["same-2", "item-3", "last"]);
}

#[test]
fn a_long_title_is_cut_and_kept_in_the_body() {
    let long = "wörd ".repeat(60).trim().to_owned();
    let found = tasks(&format!("- [ ] {long}\n  more\n"));
    assert!(found[0].1.chars().count() <= 200 && found[0].1.ends_with('…'));
    assert_eq!(found[0].2, format!("{long}\n\nmore"));
    assert!(found[0].0.len() <= 64);
    let exact = "x".repeat(200);
    assert_eq!(tasks(&format!("- [ ] {exact}\n"))[0].1, exact);
}

#[test]
fn titles_are_plain_text() {
    let text =
        "- [ ] See [the docs](http://x \"t\") and ![a picture](p.png), `a_b` & <T> *now* \\*raw\\* &amp;\n";
    assert_eq!(tasks(text)[0].1, "See the docs and a picture, a_b & <T> now *raw* &");
}

#[test]
fn code_and_quotes_hold_no_tasks() {
    let text = "- [ ] Real\n\n```md\n- [] not a box\n- [ ] not a task\n```\n\n> - [ ] quoted\n\n<!--\n- [ ] hidden\n-->\n";
    assert_eq!(tasks(text).len(), 1);
}

#[test]
fn more_than_a_hundred_open_items_are_refused() {
    let (_dir, library) = library();
    let items = |count: usize| (0..count).map(|n| format!("- [ ] Item {n}\n")).collect::<String>();
    write(&library.caller_dir, "a.md", &format!("- [x] done\n{}", items(100)));
    assert_eq!(library.checklist(Path::new("a.md")).unwrap().tasks.len(), 100);
    write(&library.caller_dir, "a.md", &items(101));
    let error = library.checklist(Path::new("a.md")).unwrap_err();
    assert_eq!((error.diagnostics()[0].line, error.diagnostics().len()), (101, 1));
    assert!(library.checklist(Path::new("missing.md")).unwrap_err().render().contains("missing.md"));
}
