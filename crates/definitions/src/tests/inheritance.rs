//! Definitions that extend others.

use std::collections::BTreeMap;
use std::path::Path;

use agent_runner_model::spec::{Effort, LockableField, Value};

use super::{library, write};
use crate::{Agent, AgentLauncher, Assignment, Kind, Library, Scaffold, Source};

fn agent(library: &Library, name: &str, rest: &str) {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{rest}");
    write(&library.config_dir, &format!("agents/{name}/agent.md"), &text);
}

fn assignment(library: &Library, name: &str, rest: &str) {
    let text = format!("---\nschemaVersion: 1\nname: {name}\n{rest}");
    write(&library.config_dir, &format!("assignments/{name}/assignment.md"), &text);
}

/// Ids, titles and bodies.
fn tasks(assignment: &Assignment) -> Vec<String> {
    let specs = assignment.task_specs();
    specs.iter().map(|task| format!("{}|{}|{}", task.id, task.title, task.body)).collect()
}

/// The names of the files a setting comes from, by their folders.
fn origin(heritage: &crate::Heritage, name: &str) -> Vec<String> {
    let folder = |source: &Source| {
        let (Source::Path(path) | Source::Config(path)) = source else { return source.to_string() };
        path.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned()
    };
    heritage.origins.get(name).map(|files| files.iter().map(folder).collect()).unwrap_or_default()
}

#[test]
fn an_agent_has_what_it_does_not_say_from_the_one_it_extends() {
    let (_dir, library) = library();
    agent(
        &library,
        "base",
        "backend: command\nmodel: small\neffort: low\ntimeoutSec: 60\nunrestricted: false\nbackendConfig:\n  command: {argv: [a], \
         deep: {x: 1, y: 2}}\n  claude: {a: b}\nbackendArgs:\n  command: {extraArgs: [-a, -b]}\n  claude: {extraArgs: [-c]}\n\
         budget: {tokens: 10, turns: 5, soft: 70}\nlockedFields: [effort]\n---\nBase.\n",
    );
    agent(
        &library,
        "heir",
        "extends: base\nmodel: large\nbackendConfig:\n  command: {argv: [b, c], deep: {y: 3, z: 4}}\nbackendArgs:\n  command: \
         {extraArgs: [-d]}\n  claude: {}\nbudget: {tokens: 20}\nlockedFields: [model]\n---\nHeir.\n",
    );
    let heir = library.agent("heir").unwrap();
    assert_eq!((heir.name.as_str(), heir.backend.as_str()), ("heir", "command"));
    assert_eq!((heir.model.as_deref(), heir.effort), (Some("large"), Some(Effort::Low)));
    assert_eq!((heir.timeout_sec, heir.unrestricted), (Some(60), Some(false)));
    let map = |pairs: &[(&str, Value)]| -> BTreeMap<String, Value> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    let deep = map(&[("x", Value::Number(1)), ("y", Value::Number(3)), ("z", Value::Number(4))]);
    let argv = Value::List(vec![Value::Text("b".into()), Value::Text("c".into())]);
    assert_eq!(heir.backend_config["command"], map(&[("argv", argv), ("deep", Value::Map(deep))]));
    assert_eq!(heir.backend_config["claude"], map(&[("a", Value::Text("b".into()))]));
    assert_eq!(
        (&*heir.backend_args["command"], &*heir.backend_args["claude"]),
        (&["-d".into()][..], &["-c".into()][..])
    );
    let budget = heir.budget.unwrap();
    assert_eq!((budget.hard.tokens, budget.hard.turns, budget.soft_percent), (Some(20), Some(5), Some(70)));
    assert_eq!(heir.locked_fields, [LockableField::Effort, LockableField::Model]);
    assert_eq!(heir.instructions, "Base.\n\nHeir.");
    assert_eq!(heir.heritage.bases.len(), 1);
    assert_eq!(heir.heritage.bases[0].name, "base");
    assert!(heir.heritage.bases[0].text.contains("model: small"));
    let from = |name: &str| origin(&heir.heritage, name);
    assert_eq!((from("effort"), from("model")), (vec!["base".to_owned()], vec![]));
    assert_eq!(from("instructions"), ["base", "heir"]);
    assert_eq!(from("backendConfig.command"), ["base", "heir"]);
    assert_eq!(
        (from("backendConfig.claude"), from("backendArgs.command")),
        (vec!["base".to_owned()], vec![])
    );
    assert_eq!((from("budget.turns"), from("budget.tokens")), (vec!["base".to_owned()], vec![]));
    let listed = library.list(Kind::Agent).definitions;
    let heir = listed.iter().find(|found| found.name == "heir").unwrap();
    assert_eq!((heir.title.as_str(), heir.backend.as_deref()), ("Heir.", Some("command")));
}

/// All that a run is made of.
fn substance(agent: Agent) -> Agent {
    let source = Source::Bundled("x");
    Agent { name: String::new(), text: String::new(), source, heritage: crate::Heritage::default(), ..agent }
}

#[test]
fn a_definition_that_says_nothing_is_the_one_it_extends() {
    let (_dir, library) = library();
    for name in ["generic", "planner", "code-reviewer", "runbook", "test"] {
        agent(&library, "heir", &format!("extends: {name}\n---\n"));
        assert_eq!(
            substance(library.agent("heir").unwrap()),
            substance(library.agent(name).unwrap()),
            "{name}"
        );
    }
    for name in ["code-review-direct", "repo-checkup", "familiarize", "test"] {
        assignment(&library, "heir", &format!("extends: {name}\n---\n"));
        let (heir, base) = (library.assignment("heir").unwrap(), library.assignment(name).unwrap());
        assert_eq!(
            (&heir.tasks, &heir.vars, &heir.instructions),
            (&base.tasks, &base.vars, &base.instructions)
        );
        assert_eq!((heir.cwd, heir.message, heir.max_retries), (base.cwd, base.message, base.max_retries));
        assert_eq!((heir.caller_instructions, heir.budget), (base.caller_instructions, base.budget));
        assert_eq!(heir.locked_fields, base.locked_fields);
    }
}

#[test]
fn instructions_stand_where_they_are_asked_to() {
    let (_dir, library) = library();
    agent(&library, "base", "backend: shell\n---\nBase.\n");
    for (order, body, expected) in [
        ("first", "Heir.", "Base.\n\nHeir."),
        ("last", "Heir.", "Heir.\n\nBase."),
        ("none", "Heir.", "Heir."),
        ("first", "", "Base."),
        ("last", "", "Base."),
        ("none", "", ""),
    ] {
        agent(&library, "heir", &format!("extends: base\nbaseInstructions: {order}\n---\n{body}\n"));
        assert_eq!(library.agent("heir").unwrap().instructions, expected, "{order} {body}");
    }
}

#[test]
fn tasks_are_added_changed_field_by_field_and_removed() {
    let (_dir, library) = library();
    write(
        &library.config_dir,
        "tasks/shared.md",
        "---\nschemaVersion: 1\ntitle: Shared\n---\nShared body.\n",
    );
    assignment(
        &library,
        "base",
        "tasks:\n  - {id: one, title: One, body: first}\n  - {id: two, title: Two, body: second}\n  - shared\n  - {id: four, \
         title: Four}\n---\n",
    );
    assignment(
        &library,
        "heir",
        "extends: base\nremoveTasks: [four]\ntasks:\n  - {id: five, title: Five}\n  - {id: one, title: Uno}\n  - {id: two, \
         body: zwei}\n  - {id: shared, body: mine}\n  - {id: four, title: Four again}\n---\n",
    );
    let heir = library.assignment("heir").unwrap();
    let expected = ["one|Uno|first", "two|Two|zwei", "shared|Shared|mine", "five|Five|", "four|Four again|"];
    assert_eq!(tasks(&heir), expected);
    assert_eq!(origin(&heir.heritage, "tasks.one"), ["base", "heir"]);
    assert!(heir.tasks[2].source.is_some() && !heir.heritage.origins.contains_key("tasks.five"));

    assignment(
        &library,
        "grandchild",
        "extends: heir\nremoveTasks: [five, four]\ntasks:\n  - {id: one, body: ''}\n---\n",
    );
    let grandchild = library.assignment("grandchild").unwrap();
    assert_eq!(tasks(&grandchild), ["one|Uno|", "two|Two|zwei", "shared|Shared|mine"]);
    assert_eq!(origin(&grandchild.heritage, "tasks.one"), ["base", "heir", "grandchild"]);
    assert_eq!(origin(&grandchild.heritage, "tasks.two"), ["base", "heir"]);
    let names: Vec<&str> = grandchild.heritage.bases.iter().map(|base| base.name.as_str()).collect();
    assert_eq!(names, ["heir", "base"]);
}

#[test]
fn variables_budgets_and_messages_of_assignments_are_inherited() {
    let (_dir, library) = library();
    assignment(
        &library,
        "base",
        "cwd: /srv\nmessage: Begin.\nmaxRetries: 1\ncallerInstructions: Wait.\nvars:\n  range: {default: a}\n  level: {type: \
         enum, values: [x, y]}\nbudget: {costUsd: 1.5}\n---\n",
    );
    assignment(
        &library,
        "heir",
        "extends: base\nclear: [message, vars.level]\nmaxRetries: 5\nvars:\n  range: {type: number}\n  extra: {}\nbudget: \
         {attempts: 2}\n---\n",
    );
    let heir = library.assignment("heir").unwrap();
    assert_eq!((heir.cwd.as_deref(), heir.message, heir.max_retries), (Some("/srv"), None, Some(5)));
    assert_eq!(heir.caller_instructions.as_deref(), Some("Wait."));
    let vars: Vec<&str> = heir.vars.iter().map(|var| var.name.as_str()).collect();
    assert_eq!((vars, heir.vars[0].default.is_none()), (vec!["range", "extra"], true));
    let budget = heir.budget.unwrap();
    assert_eq!((budget.hard.cost_micro_usd, budget.hard.attempts), (Some(1_500_000), Some(2)));
}

#[test]
fn a_map_that_is_cleared_and_written_is_replaced_whole() {
    let (_dir, library) = library();
    agent(&library, "base", "backend: shell\nmodel: m\nbudget: {tokens: 5, turns: 5}\n---\n");
    agent(&library, "heir", "extends: base\nclear: [budget, model]\nbudget: {turns: 9}\n---\n");
    let heir = library.agent("heir").unwrap();
    assert_eq!(
        (heir.model, heir.budget.unwrap().hard.tokens, heir.budget.unwrap().hard.turns),
        (None, None, Some(9))
    );
    assert!(
        heir.heritage.origins.keys().all(|name| !name.starts_with("budget")),
        "{:?}",
        heir.heritage.origins
    );
}

#[test]
fn locks_are_inherited_taken_off_and_put_on_again() {
    let (_dir, library) = library();
    agent(
        &library,
        "base",
        "backend: shell\nmodel: m\nbudget: {tokens: 5}\nlockedFields: [model, budget]\n---\n",
    );
    agent(&library, "open", "extends: base\nunlock: [model]\nmodel: n\nbudget: {tokens: 4, turns: 1}\n---\n");
    agent(&library, "closed", "extends: open\nmodel: o\nlockedFields: [model]\n---\n");
    agent(&library, "refused", "extends: closed\nmodel: p\n---\n");
    assert_eq!(library.agent("open").unwrap().locked_fields, [LockableField::Budget]);
    let closed = library.agent("closed").unwrap();
    assert_eq!(
        (closed.model.as_deref(), closed.locked_fields),
        (Some("o"), vec![LockableField::Budget, LockableField::Model])
    );
    let refused = library.agent("refused").unwrap_err();
    let problem = &refused.diagnostics()[0];
    assert!(problem.file.ends_with("agents/refused/agent.md") && (problem.line, problem.column) == (5, 1));
    assert!(problem.message.contains("agents/closed/agent.md:6:16"), "{}", problem.message);
}

#[test]
fn paths_start_at_the_file_that_says_them() {
    let (_dir, library) = library();
    let root = &library.caller_dir;
    write(
        root,
        "far/base/agent.md",
        "---\nschemaVersion: 1\nname: b\nbackend: shell\nlauncher: ./nice.yaml\n---\n",
    );
    write(root, "far/base/nice.yaml", "schemaVersion: 1\ncommand: nice\n");
    write(root, "near/agent.md", "---\nschemaVersion: 1\nname: a\nextends: ../far/base\n---\n");
    write(root, "heir/agent.md", "---\nschemaVersion: 1\nname: c\nextends: ../near/agent.md\n---\n");
    for reference in ["./near", "./heir"] {
        let agent = library.agent(reference).unwrap();
        let Some(AgentLauncher::Named(launcher)) = &agent.launcher else { panic!("{:?}", agent.launcher) };
        assert_eq!(library.launcher_of(&agent, launcher).unwrap().spec.argv, ["nice"]);
    }
    write(root, "far/work/assignment.md", "---\nschemaVersion: 1\nname: b\ntasks: [./lint.md]\n---\n");
    write(root, "far/work/lint.md", "---\nschemaVersion: 1\ntitle: Lint\n---\n");
    write(root, "work.md", "---\nschemaVersion: 1\nname: a\nextends: ./far/work\n---\n");
    assert_eq!(tasks(&library.assignment("./work.md").unwrap()), ["lint|Lint|"]);
}

#[test]
fn an_assignment_can_extend_a_checklist() {
    let (_dir, library) = library();
    let root = &library.caller_dir;
    write(
        root,
        "todo.md",
        "Carefully.\n\n- [ ] Format the code\n- [x] Done\n- [ ] Look around\n\n  Twice.\n",
    );
    let heir = "---\nschemaVersion: 1\nname: a\nextends: ./todo.md\nremoveTasks: [format-the-code]\ntasks:\n  - {id: look-around, \
                title: Look}\n  - {id: end, title: End}\n---\nQuickly.\n";
    write(root, "heir.md", heir);
    let found = library.assignment("./heir.md").unwrap();
    assert_eq!(tasks(&found), ["look-around|Look|Twice.", "end|End|"]);
    assert_eq!(found.instructions, "Carefully.\n\nQuickly.");
    assert_eq!(found.heritage.bases[0].name, "todo");
}

#[test]
fn a_definition_can_extend_the_bundled_one_that_it_hides() {
    let (_dir, library) = library();
    agent(&library, "implementer", "extends: implementer\nmodel: large\n---\n");
    let found = library.agent("implementer").unwrap();
    assert_eq!((found.backend.as_str(), found.model.as_deref()), ("claude", Some("large")));
    assert_eq!(found.heritage.bases[0].source, Source::Bundled("agents/implementer/agent.md"));
    agent(&library, "alone", "extends: alone\n---\n");
    let error = library.agent("alone").unwrap_err().to_string();
    assert!(error.contains("`alone` extends itself: alone → alone"), "{error}");
}

#[test]
fn a_circle_is_found_however_its_files_are_reached() {
    let (dir, library) = library();
    agent(&library, "a", "extends: ../../linked/b/agent.md\n---\n");
    agent(&library, "b", "extends: a\n---\n");
    std::os::unix::fs::symlink(library.config_dir.join("agents"), library.config_dir.join("linked")).unwrap();
    let error = library.agent("a").unwrap_err();
    assert!(error.render().contains("a → b → a"), "{error}");
    let files: Vec<&str> = error.diagnostics().iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(dir.path().exists());
    let listing = library.list(Kind::Agent);
    let broken = listing.definitions.iter().filter(|found| found.problem.is_some()).count();
    assert!(broken == 2 && listing.definitions.len() > 5);
}

#[test]
fn sixteen_bases_are_enough_and_seventeen_too_many() {
    let (_dir, library) = library();
    agent(&library, "n0", "backend: shell\n---\nZero.\n");
    for number in 1..=17 {
        agent(&library, &format!("n{number}"), &format!("extends: n{}\n---\n", number - 1));
    }
    assert_eq!(library.agent("n16").unwrap().heritage.bases.len(), 16);
    let error = library.agent("n17").unwrap_err();
    assert!(error.render().contains("n17 → n16 → n15"), "{error}");
    assert!(error.diagnostics().iter().any(|problem| problem.file.ends_with("n1/agent.md")), "{error}");
}

#[test]
fn what_is_wrong_with_a_base_is_shown_in_its_file() {
    let (_dir, library) = library();
    agent(&library, "base", "backend: shell\ntimeoutSec: soon\n---\n");
    agent(&library, "middle", "extends: base\n---\n");
    agent(&library, "heir", "extends: middle\n---\n");
    let checkup = library.validate(&[]);
    assert_eq!(checkup.checked.iter().filter(|checked| checked.problem.is_some()).count(), 3);
    let error = library.agent("heir").unwrap_err();
    let places: Vec<(bool, u32, u32)> = error
        .diagnostics()
        .iter()
        .map(|problem| (problem.file.ends_with("base/agent.md"), problem.line, problem.column))
        .collect();
    assert_eq!(places, [(true, 5, 13), (false, 4, 10)]);
}

#[test]
fn a_copy_of_a_definition_that_extends_another_extends_that_too() {
    let (_dir, library) = library();
    agent(&library, "base", "backend: shell\nmodel: m\n---\n");
    agent(&library, "heir", "extends: base\neffort: low\n---\n");
    let wanted =
        |from, name, backend| Scaffold { kind: Kind::Agent, name, backend, from: Some(from), backends: &[] };
    let text = library.scaffold(wanted("heir", "copy", Some("command"))).unwrap();
    write(&library.config_dir, "agents/copy/agent.md", &text);
    let copy = library.agent("copy").unwrap();
    assert_eq!(
        (copy.backend.as_str(), copy.model.as_deref(), copy.effort),
        ("command", Some("m"), Some(Effort::Low))
    );
    agent(&library, "planner", "extends: planner\n---\nMore.\n");
    assert!(library.scaffold(wanted("planner", "planner", None)).is_ok());
    let refused = library.scaffold(wanted("planner", "copy", None)).unwrap_err();
    assert_eq!((refused.diagnostics()[0].line, refused.diagnostics()[0].column), (4, 10), "{refused}");
}

#[test]
fn what_a_file_says_itself_is_shown_apart() {
    let (_dir, library) = library();
    assignment(&library, "base", "tasks:\n  - {id: one, title: One}\n---\nBase.\n");
    assert_eq!(library.written(Kind::Assignment, "base").unwrap(), None);
    assignment(
        &library,
        "heir",
        "extends: base\nmaxRetries: 2\nclear: [cwd]\nbudget: {costUsd: 1.5}\ntasks:\n  - {id: one, body: b}\n---\nHeir.\n",
    );
    let written = library.written(Kind::Assignment, "heir").unwrap().unwrap();
    assert_eq!((written.extends.as_str(), written.instructions.as_str()), ("base", "Heir."));
    assert_eq!(
        serde_json::to_value(&written.settings).unwrap(),
        serde_json::json!({"maxRetries": 2, "clear": ["cwd"], "budget": {"costUsd": 1.5}})
    );
    assert_eq!((written.tasks[0].title.as_deref(), written.tasks[0].body.as_deref()), (None, Some("b")));
    assert!(library.assignment("heir").is_err(), "there is no working directory to be cleared");
}

#[test]
fn a_file_with_a_name_of_its_own_is_known_by_what_it_says() {
    let (_dir, library) = library();
    let root = &library.caller_dir;
    write(root, "one.md", "---\nschemaVersion: 1\nname: a\nextends: planner\nmodel: m\n---\n");
    write(root, "two.md", "---\nschemaVersion: 1\nname: a\nextends: test\nremoveTasks: []\n---\n");
    write(root, "three.md", "---\nschemaVersion: 1\nname: a\nextends: test\n---\n");
    let checkup = library.validate(&["one.md".into(), "two.md".into(), "three.md".into()]);
    let kinds: Vec<Option<Kind>> = checkup.checked.iter().map(|checked| checked.kind).collect();
    assert_eq!(kinds, [Some(Kind::Agent), Some(Kind::Assignment), None]);
    assert!(checkup.checked[0].problem.is_none() && checkup.checked[1].problem.is_none());
}
