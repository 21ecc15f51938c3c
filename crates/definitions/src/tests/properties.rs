//! Whatever a file holds: no panic, and every diagnostic points into the file.

use std::path::Path;

use agent_runner_model::hook::HookSource;
use proptest::prelude::*;

use super::library;
use crate::assignment::{self, Finds};
use crate::hooks::find_hook;
use crate::loading::Loaded;
use crate::{DefinitionError, Diagnostic, Source, agent, checklist, command_blocks, task};

const VALID: &[&str] = &[
    "---\nschemaVersion: 1\nname: a\nbackend: shell\nbackendConfig:\n  codex: {a: [1, true, 'x']}\neffort: low\n---\nText\n",
    "---\nschemaVersion: 1\nname: a\ntasks:\n  - id: one\n    title: One\n    body: |\n      ```sh\n      true\n      ```\n  - two\n---\n",
    "---\nschemaVersion: 1\ntitle: \"T\"\nhooks: []\n---\n# Body\n",
    "---\nschemaVersion: 1\nname: a\ntemplate: handlebars\ntasks:\n  - id: one\n    title: \"{{#if run_id}}One{{/if}}\"\n    body: |\n      {{#each tasks}}\n      {{title}}\n      {{/each}}\n---\nIn {{cwd}}\n",
    "---\nschemaVersion: 1\nname: a\nhooks:\n  prepare:\n    - builtin: command\n      with: {mode: status, command: x, args: ['{{y}}']}\n  taskTransition:\n    - name: n\n      when: {taskIds: [a], source: task-set}\n      with: [1, ~, 2.5]\nprompts: {nudge: Go}\nworktree: {branch: b}\ntasks:\n  - id: a\n    title: A\n    hooks: [{builtin: notify, with: {desktop: true}}]\n---\n",
    "# List\n\n- [ ] One\n  - [ ] sub\n\n    ```sh\n    x\n    ```\n- [x] Two\n\n1. [ ] Three\n",
];

const PIECES: &[&str] = &[
    "---\n",
    "- [ ] ",
    "- [x] ",
    "- [] ",
    "\t",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "'",
    "{{x}}",
    "*/5",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "${X}",
    "|\n",
    ">-\n",
    "#",
    "\u{feff}",
    "\0",
    "é",
    "名",
    "```",
    "\u{85}",
    "\u{2028}",
    "? ",
    "%YAML 1.2\n",
    "...\n",
    "@",
    "`",
    "schemaVersion: 1\n",
    "tasks:\n",
    "name: ad-hoc\n",
    "hooks:\n",
    "  prepare:\n    - ",
    "builtin: command\n",
    "path: .\n",
    "when: {",
    "with: ",
    "worktree: ",
    "1.5",
    "~",
    "\\x",
];

fn all_readers(text: &str) -> Vec<Vec<Diagnostic>> {
    let loaded = || Loaded::new(Source::Bundled("x.md"), text.to_owned(), None);
    let find = |reference: &str| {
        Err(DefinitionError::Name {
            kind: crate::Kind::Task,
            reference: reference.to_owned(),
            reason: "none",
        })
    };
    let hook = |hook: &HookSource| find_hook(Path::new("/nowhere"), &Source::Bundled("x.md"), hook);
    let outcomes = [
        agent::authored(loaded()).map(|_| ()),
        assignment::authored(loaded(), Finds { task: &find, hook: &hook }).map(|_| ()),
        task::parse(loaded(), &hook).map(|_| ()),
        checklist::parse(loaded()).map(|_| ()),
    ];
    outcomes.into_iter().filter_map(Result::err).collect()
}

fn check(text: &str) {
    command_blocks(text);
    let normal = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = normal.split('\n').collect();
    for diagnostics in all_readers(text) {
        assert!(!diagnostics.is_empty());
        for diagnostic in diagnostics {
            let line = usize::try_from(diagnostic.line).unwrap();
            assert!((1..=lines.len()).contains(&line), "{diagnostic:?}");
            assert_eq!(lines[line - 1], diagnostic.source_line);
            let width = diagnostic.source_line.chars().count();
            assert!((1..=width + 1).contains(&usize::try_from(diagnostic.column).unwrap()), "{diagnostic:?}");
            assert!(diagnostic.render().contains('^') && !diagnostic.hint.is_empty());
        }
    }
}

fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0usize..6, prop::sample::select(PIECES));
    (prop::sample::select(VALID), prop::collection::vec(edit, 1..6)).prop_map(|(valid, edits)| {
        let mut text: Vec<char> = valid.chars().collect();
        for (at, removed, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_definitions_never_panic(text in mutated()) {
        check(&text);
    }

    #[test]
    fn pieces_in_any_order_never_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        check(&pieces.concat());
        check(&format!("---\n{}\n---\n", pieces.concat()));
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        check(&text);
        check(&format!("---\n{text}\n---\n"));
    }

    #[test]
    fn any_reference_never_panics(reference in any::<String>()) {
        let (_dir, library) = library();
        prop_assert!(library.agent(&reference).is_err());
    }

    #[test]
    fn a_checklist_gives_back_what_was_written(
        items in prop::collection::vec(
            (any::<bool>(), "[A-Za-z][a-z0-9 ]{0,30}[a-z]", prop::collection::vec("[a-z]([a-z0-9 .]{0,20}[a-z])?", 0..4)),
            1..12,
        ),
    ) {
        prop_assume!(items.iter().any(|(checked, ..)| !checked));
        let mut text = "Intro.\n\n".to_owned();
        for (checked, title, body) in &items {
            text.push_str(&format!("- [{}] {title}\n", if *checked { 'x' } else { ' ' }));
            for line in body {
                text.push_str(&format!("\n  {line}\n"));
            }
        }
        let loaded = Loaded::new(Source::Path(Path::new("todo.md").to_owned()), text, None);
        let found = checklist::parse(loaded).unwrap();
        let open: Vec<_> = items.iter().filter(|(checked, ..)| !checked).collect();
        prop_assert_eq!(found.tasks.len(), open.len());
        let mut ids = std::collections::HashSet::new();
        for (task, (_, title, body)) in found.task_specs().iter().zip(open) {
            let words: Vec<&str> = title.split_whitespace().collect();
            prop_assert_eq!(&task.title, &words.join(" "));
            prop_assert_eq!(&task.body, &body.join("\n\n"));
            prop_assert!(ids.insert(task.id.clone()));
        }
        prop_assert_eq!(found.instructions, "Intro.");
    }
}
