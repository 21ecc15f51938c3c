//! Where a lookup finds a definition and what it holds.

use std::collections::BTreeMap;

use agent_runner_model::spec::{Effort, LockableField, Value};

use super::{agent_text, assignment_text, library, write};
use crate::{DefinitionError, Kind, Source};

#[test]
fn an_agent_has_all_its_fields() {
    let (_dir, library) = library();
    let text = "\u{feff}---\r\nschemaVersion: 1\r\nname: full # the name\r\nbackend: codex\r\nmodel: \"5.4\"\r\n\
                effort: xhigh\r\ntimeoutSec: 60\r\nunrestricted: false\r\nbackendConfig:\r\n  codex:\r\n    \
                transport: {type: ws, tries: 3, tls: true, via: [a, b]}\r\n  other: {}\r\nbackendArgs:\r\n  codex:\r\n    \
                extraArgs: [--profile, 'a b', no]\r\nlockedFields: [model, tasks, model]\r\nschedule: []\r\nvars:\r\n\
                launcher: direct\r\n---\r\n\r\nBe\r\nkind.\r\n\r\n";
    write(&library.config_dir, "agents/full/agent.md", text);
    let agent = library.agent("full").unwrap();
    assert_eq!(agent.name, "full");
    assert_eq!(agent.source, Source::Config(library.config_dir.join("agents/full/agent.md")));
    assert_eq!(agent.text, text);
    assert_eq!((agent.backend.as_str(), agent.model.as_deref()), ("codex", Some("5.4")));
    assert_eq!((agent.effort, agent.timeout_sec), (Some(Effort::Xhigh), Some(60)));
    assert_eq!(agent.unrestricted, Some(false));
    let transport = BTreeMap::from([
        ("type".to_owned(), Value::Text("ws".to_owned())),
        ("tries".to_owned(), Value::Number(3)),
        ("tls".to_owned(), Value::Bool(true)),
        ("via".to_owned(), Value::List(vec![Value::Text("a".to_owned()), Value::Text("b".to_owned())])),
    ]);
    assert_eq!(agent.backend_config["codex"]["transport"], Value::Map(transport));
    assert!(agent.backend_config["other"].is_empty());
    assert_eq!(agent.backend_args["codex"], ["--profile", "a b", "no"]);
    assert_eq!(agent.locked_fields, [LockableField::Model, LockableField::Tasks]);
    assert_eq!(agent.instructions, "Be\nkind.");
}

#[test]
fn the_smallest_definitions_leave_the_rest_open() {
    let (_dir, library) = library();
    write(&library.config_dir, "agents/a/agent.md", "---\nschemaVersion: 1\nname: a\nbackend: b\n---");
    let agent = library.agent("a").unwrap();
    assert_eq!((agent.model, agent.effort, agent.timeout_sec, agent.unrestricted), (None, None, None, None));
    assert_eq!(agent.instructions, "");
    write(&library.config_dir, "assignments/a/assignment.md", "---\nschemaVersion: 1\nname: a\n---\n");
    let assignment = library.assignment("a").unwrap();
    assert!(assignment.tasks.is_empty() && assignment.max_retries.is_none() && assignment.cwd.is_none());
}

#[test]
fn an_assignment_mixes_inline_tasks_names_and_paths() {
    let (_dir, library) = library();
    write(
        &library.config_dir,
        "tasks/review/reuse.md",
        "---\nschemaVersion: 1\ntitle: Reuse review\nhooks: []\n---\n\nLook for copies.\n",
    );
    write(&library.caller_dir, "job/steps/lint.md", "---\nschemaVersion: 1\nid: my:lint\ntitle: Lint\n---\n");
    let fields = "cwd: ..\nmessage: |\n  Go on.\nmaxRetries: 0\ncallerInstructions: Read the report.\ntasks:\n  - id: one\n    \
                  title: One\n    body: |\n      Text\n\n      ```sh\n      true\n      ```\n  - review/reuse\n  \
                  - ./steps/lint.md\nlockedFields: [tasks]\n";
    write(&library.caller_dir, "job/assignment.md", &assignment_text("mixed", fields));
    for reference in
        ["./job", "./job/", "./job/assignment.md", library.caller_dir.join("job").to_str().unwrap()]
    {
        let found = library.assignment(reference).unwrap();
        assert_eq!(found.source, Source::Path(library.caller_dir.join("job/assignment.md")));
        let tasks: Vec<_> = found
            .tasks
            .iter()
            .map(|task| (task.spec.id.as_str(), task.spec.title.as_str(), task.spec.body.as_str()))
            .collect();
        assert_eq!(
            tasks,
            [
                ("one", "One", "Text\n\n```sh\ntrue\n```"),
                ("review/reuse", "Reuse review", "Look for copies."),
                ("my:lint", "Lint", ""),
            ]
        );
        assert_eq!((found.cwd.as_deref(), found.max_retries), (Some(".."), Some(0)));
        assert_eq!(found.message.as_deref(), Some("Go on.\n"));
        assert_eq!(found.caller_instructions.as_deref(), Some("Read the report."));
        assert_eq!(found.locked_fields, [LockableField::Tasks]);
        assert_eq!(found.instructions, "Do mixed.");
    }
}

#[test]
fn the_configuration_directory_comes_before_what_is_bundled() {
    let (_dir, library) = library();
    assert_eq!(library.agent("test").unwrap().source, Source::Bundled("agents/test/agent.md"));
    write(&library.config_dir, "agents/test/agent.md", &agent_text("test"));
    assert!(matches!(library.agent("test").unwrap().source, Source::Config(_)));
    let listed = library.list(Kind::Agent).definitions;
    let test = listed.iter().find(|listed| listed.name == "test").unwrap();
    assert_eq!(test.shadows, [Source::Bundled("agents/test/agent.md")]);
    assert_eq!((test.title.as_str(), test.backend.as_deref()), ("Be test.", Some("shell")));
    write(&library.caller_dir, "mine/agent.md", &agent_text("other"));
    assert_eq!(library.agent("./mine").unwrap().name, "other");
}

#[test]
fn a_name_must_be_that_of_its_place_except_for_paths() {
    let (_dir, library) = library();
    write(&library.config_dir, "agents/one/agent.md", &agent_text("two"));
    let shown = library.agent("one").unwrap_err().to_string();
    assert!(shown.contains("a definition at this place is called `one`"), "{shown}");
    let by_path = library.config_dir.join("agents/one");
    assert!(library.agent(by_path.to_str().unwrap()).is_err());
    write(&library.config_dir, "tasks/a.md", "---\nschemaVersion: 1\nid: b\ntitle: B\n---\n");
    assert!(library.task("a").is_err());
    let listed = library.list(Kind::Task).definitions;
    let mine = listed.iter().find(|listed| listed.name == "a").unwrap();
    assert!(mine.problem.is_some());
    write(&library.caller_dir, "tasks/a.md", "---\nschemaVersion: 1\nid: b\ntitle: B\n---\n");
    assert_eq!(library.task("./tasks/a.md").unwrap().spec.id.as_str(), "b");
    write(&library.caller_dir, "c.md", "---\nschemaVersion: 1\ntitle: C\n---\n");
    assert_eq!(library.task("./c.md").unwrap().spec.id.as_str(), "c");
}

#[test]
fn what_is_not_found_names_every_place_and_near_names() {
    let (_dir, library) = library();
    write(&library.caller_dir, "tset", "");
    let error = library.agent("tset").unwrap_err();
    let DefinitionError::NotFound { kind, searched, similar, .. } = &error else { panic!("{error}") };
    assert_eq!(*kind, Kind::Agent);
    assert_eq!(
        searched,
        &[
            library.config_dir.join("agents/tset/agent.md").display().to_string(),
            "bundled:agents/tset/agent.md".to_owned()
        ]
    );
    assert_eq!(similar, &["./tset", "test"]);
    assert!(error.render().contains("did you mean ./tset or test?"), "{}", error.render());
    assert!(matches!(library.agent("./nowhere"), Err(DefinitionError::NotFound { .. })));
    for name in ["../../etc/passwd\0", "a/../../b", "a\\b", ""] {
        assert!(matches!(library.assignment(name), Err(DefinitionError::Name { .. })), "{name:?}");
    }
    assert!(matches!(library.task("."), Err(DefinitionError::Read { .. })));
    assert!(library.task(".").unwrap_err().render().contains("it is a directory"));
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let (_dir, library) = library();
    write(&library.caller_dir, "agent.md", &format!("{}{}", agent_text("a"), "x".repeat(1 << 20)));
    let shown = library.agent("./agent.md").unwrap_err().to_string();
    assert!(shown.contains("larger than 1024 KiB"), "{shown}");
}

#[test]
fn a_task_list_has_at_most_a_hundred_tasks() {
    let (_dir, library) = library();
    let tasks = |count: usize| {
        let lines: String = (0..count).map(|n| format!("  - id: t{n}\n    title: T\n")).collect();
        assignment_text("a", &format!("tasks:\n{lines}"))
    };
    write(&library.caller_dir, "assignment.md", &tasks(100));
    assert_eq!(library.assignment(".").unwrap().tasks.len(), 100);
    write(&library.caller_dir, "assignment.md", &tasks(101));
    let error = library.assignment(".").unwrap_err();
    assert_eq!(error.diagnostics()[0].line, 5 + 200);
}

#[test]
fn more_values_than_the_budget_allows_are_refused_quickly() {
    let (_dir, library) = library();
    let many = format!(
        "---\nschemaVersion: 1\nname: a\nbackend: b\nbackendConfig: {{a: {{b: [{}]}}}}\n---\n",
        "1,".repeat(30_000)
    );
    write(&library.caller_dir, "agent.md", &many);
    let shown = library.agent(".").unwrap_err().to_string();
    assert!(shown.contains("more than 20000 values"), "{shown}");
}
