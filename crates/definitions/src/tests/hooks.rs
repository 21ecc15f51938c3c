//! Hooks, prompts, worktrees and authors as definitions declare them.

use std::collections::BTreeMap;

use agent_runner_model::hook::{HookPhase, HookSpec, HookWhen, TransitionSource};
use agent_runner_model::ids::TaskId;
use agent_runner_model::phase::{PromptKind, RunStatus};
use agent_runner_model::task::TaskStatus;
use serde_json::{Value, json};

use super::{assignment_text, library, write};
use crate::fields::hooks::KNOWN;
use crate::hooks::BUILTINS;
use crate::{Assignment, Kind, Library, Surroundings, WorktreeAsk};

fn read(fields: &str) -> Assignment {
    let (_dir, library) = library();
    put(&library, "a", fields);
    library.assignment("a").unwrap_or_else(|error| panic!("{}", error.render()))
}

fn put(library: &Library, name: &str, fields: &str) {
    write(&library.config_dir, &format!("assignments/{name}/assignment.md"), &assignment_text(name, fields));
}

fn ids(hooks: &[HookSpec]) -> Vec<&str> {
    hooks.iter().map(|hook| hook.hook_id.as_str()).collect()
}

#[test]
fn hooks_of_tasks_come_first_and_the_others_by_phase() {
    let found = read(
        "hooks:\n  taskTransition:\n    - builtin: git-clean\n  afterExit:\n    - builtin: git-clean\n  prepare:\n    - \
         builtin: git-clean\n    - builtin: notify\n      with: {desktop: true}\n  afterAttempt: []\ntasks:\n  - id: x\n    \
         title: X\n  - id: b/2\n    title: B\n    hooks:\n      - builtin: git-clean\n      - builtin: \
         require-children-success\n  - id: a\n    title: A\n    hooks: [{builtin: git-clean}]\n",
    );
    assert_eq!(
        ids(&found.hooks),
        [
            "taskTransition:task:b/2:0:git-clean",
            "taskTransition:task:b/2:1:require-children-success",
            "taskTransition:task:a:0:git-clean",
            "prepare:0:git-clean",
            "prepare:1:notify",
            "afterExit:0:git-clean",
            "taskTransition:0:git-clean",
        ]
    );
    assert_eq!(found.hooks[0].task_scope_id, Some(TaskId::parse("b/2").unwrap()));
    assert_eq!(found.hooks[0].phase, HookPhase::TaskTransition);
    assert_eq!((found.hooks[6].task_scope_id.as_ref(), found.hooks[6].timeout_sec), (None, 600));
    assert_eq!((found.hooks[3].resolved_path.as_ref(), found.hooks[3].sha256.as_ref()), (None, None));
    assert_eq!(found.hooks[3].config, Value::Null);
}

#[test]
fn a_hook_says_when_it_has_anything_to_do() {
    let found = read(
        "hooks:\n  beforeAttempt:\n    - builtin: git-clean\n      when: {sessionIndex: 0, attemptIndexInSession: [2, 1, 2]}\n  \
         taskTransition:\n    - builtin: git-clean\n      when: {taskIds: [b, a], fromStatus: pending, toStatus: [blocked, \
         completed], source: task-set}\n    - builtin: git-clean\n      when: {taskId: z}\n      timeoutSec: 86400\n",
    );
    let id = |id: &str| TaskId::parse(id).unwrap();
    let wanted = [
        HookWhen { session_index: vec![0], attempt_index_in_session: vec![2, 1], ..HookWhen::default() },
        HookWhen {
            task_ids: vec![id("b"), id("a")],
            from_status: vec![TaskStatus::Pending],
            to_status: vec![TaskStatus::Blocked, TaskStatus::Completed],
            source: vec![TransitionSource::TaskSet],
            ..HookWhen::default()
        },
        HookWhen { task_ids: vec![id("z")], ..HookWhen::default() },
    ];
    let found_when: Vec<HookWhen> = found.hooks.iter().map(|hook| hook.when.clone()).collect();
    assert_eq!(found_when, wanted);
    assert_eq!(found.hooks[2].timeout_sec, 86_400);
}

#[test]
fn what_a_hook_is_told_is_kept_as_it_is() {
    let (_dir, library) = library();
    write(&library.config_dir, "hooks/own/hook.sh", "true\n");
    let surroundings = Surroundings::of([("FLAG".into(), "true".into()), ("COUNT".into(), "5".into())]);
    let library = library.within(surroundings);
    put(
        &library,
        "a",
        "hooks:\n  prepare:\n    - name: own\n      with: {text: \"{{cwd}} {{#if x}}\", list: [1, -2.5, 1e3, true, ~, '7'], map: \
         {deep: {er: [[]]}}, count: \"${COUNT}\"}\n    - name: own\n      with: just a text\n  afterAttempt:\n    - builtin: \
         git-clean\n      with: {ignoreUntracked: \"${FLAG}\", paths: [\"{{dir}}/src\"]}\n    - builtin: command\n      with: \
         {mode: \"{{mode}}\", command: \"{{tool}}\", args: [\"{{x}}\", ' ']}\n",
    );
    let found = library.assignment("a").unwrap_or_else(|error| panic!("{}", error.render()));
    let told: Vec<Value> = found.hooks.into_iter().map(|hook| hook.config).collect();
    assert_eq!(
        told,
        [
            json!({"text": "{{cwd}} {{#if x}}", "list": [1, -2.5, 1e3, true, null, "7"], "map": {"deep": {"er": [[]]}},
                "count": "5"}),
            json!("just a text"),
            json!({"ignoreUntracked": true, "paths": ["{{dir}}/src"]}),
            json!({"mode": "{{mode}}", "command": "{{tool}}", "args": ["{{x}}", " "]}),
        ]
    );
}

#[test]
fn an_heirs_hooks_come_after_those_of_its_base() {
    let (_dir, library) = library();
    put(
        &library,
        "base",
        "hooks:\n  afterAttempt: [{builtin: git-clean}]\n  prepare: [{builtin: git-clean}]\nprompts: {nudge: Go on., afterCrash: \
         Again.}\nworktree: {branch: b}\ntasks:\n  - id: a\n    title: A\n    hooks: [{builtin: git-clean}]\n  - id: b\n    title: \
         B\n    hooks: [{builtin: git-clean}]\n",
    );
    write(
        &library.config_dir,
        "tasks/b.md",
        "---\nschemaVersion: 1\ntitle: Bee\nhooks:\n  - builtin: require-children-success\n---\n",
    );
    let heir = |fields: &str| {
        put(&library, "heir", &format!("extends: base\n{fields}"));
        library.assignment("heir").unwrap_or_else(|error| panic!("{}", error.render()))
    };
    let found = heir(
        "hooks:\n  afterAttempt: [{builtin: command, with: {mode: status, command: make}}]\nprompts: {nudge: Hurry.}\ntasks:\n  - \
         id: a\n    hooks: [{builtin: require-children-success}]\n  - b\n",
    );
    assert_eq!(
        ids(&found.hooks),
        [
            "taskTransition:task:a:0:git-clean",
            "taskTransition:task:a:1:require-children-success",
            "taskTransition:task:b:0:require-children-success",
            "prepare:0:git-clean",
            "afterAttempt:0:git-clean",
            "afterAttempt:1:command",
        ]
    );
    let prompts = [(PromptKind::Nudge, "Hurry."), (PromptKind::AfterCrash, "Again.")];
    let prompts: BTreeMap<PromptKind, String> = prompts.map(|(kind, text)| (kind, text.to_owned())).into();
    assert_eq!(found.prompts, prompts);
    assert_eq!(found.worktree.unwrap().branch.as_deref(), Some("b"));
    let origins: Vec<&str> = found.heritage.origins.keys().map(String::as_str).collect();
    for name in ["hooks.prepare", "hooks.afterAttempt", "prompts.afterCrash", "worktree"] {
        assert!(origins.contains(&name), "{name}: {origins:?}");
    }
    assert!(!origins.contains(&"prompts.nudge") && !origins.contains(&"hooks.afterExit"), "{origins:?}");
    assert_eq!(found.heritage.origins["hooks.afterAttempt"].len(), 2);

    let found = heir("removeTasks: [a]\nclear: [hooks.prepare, prompts]\nworktree: false\n");
    assert_eq!(ids(&found.hooks), ["taskTransition:task:b:0:git-clean", "afterAttempt:0:git-clean"]);
    assert_eq!((found.prompts.len(), found.worktree), (0, None));

    let found =
        heir("removeTasks: [a]\nclear: [hooks]\nworktree: true\ntasks:\n  - id: a\n    title: Anew\n");
    assert_eq!(ids(&found.hooks), ["taskTransition:task:b:0:git-clean"]);
    assert_eq!(found.worktree, Some(WorktreeAsk::default()));

    let written = library.written(Kind::Assignment, "heir").unwrap().unwrap();
    assert!(written.hooks.is_empty());
    assert_eq!(written.settings["worktree"], json!(true));
}

#[test]
fn a_prompt_has_a_largest_size() {
    let longest = "x".repeat(64 * 1024);
    assert_eq!(read(&format!("prompts: {{nudge: {longest}}}\n")).prompts[&PromptKind::Nudge], longest);
    let (_dir, library) = library();
    put(&library, "a", &format!("prompts: {{nudge: {longest}x}}\n"));
    assert!(library.assignment("a").unwrap_err().render().contains("larger than 64 KiB"));
}

#[test]
fn an_agent_commits_in_a_name() {
    let (_dir, library) = library();
    let agent = |author: &str| {
        let text = format!("---\nschemaVersion: 1\nname: a\nbackend: shell\ncommitAs: {author}\n---\n");
        write(&library.config_dir, "agents/a/agent.md", &text);
        library.agent("a").map(|agent| agent.commit_as.unwrap())
    };
    for right in ["Review Bot <bot@example.org>", "A<a@b>", "日本 <x@y>", "o'Neill, J. <a+b@c-d.e>"] {
        assert_eq!(agent(&json!(right).to_string()).unwrap(), right);
    }
    for wrong in [
        "A",
        "A <a>",
        "A <@b>",
        "A <a@>",
        "A <a@b> ",
        "A <a b@c>",
        "A <a@b@c>",
        "A > <a@b>",
        "A\\n <a@b>",
        "A <<a@b>",
    ] {
        assert!(agent(&format!("\"{wrong}\"")).is_err(), "{wrong}");
    }
}

#[test]
fn the_tables_fit_what_they_are_about() {
    assert_eq!(KNOWN.fields, HookPhase::ALL.map(HookPhase::as_str));
    for builtin in BUILTINS {
        let names: Vec<&str> = builtin.settings.iter().map(|setting| setting.name).collect();
        assert_eq!(names, builtin.known.fields, "{}", builtin.name);
        assert!(builtin.one_of.iter().all(|name| names.contains(name)), "{}", builtin.name);
    }
    let ends =
        [RunStatus::Success, RunStatus::Blocked, RunStatus::Exhausted, RunStatus::Aborted, RunStatus::Error];
    assert_eq!(crate::hooks::ENDS, ends.map(RunStatus::as_str));
    for (kind, name) in crate::fields::PROMPT_KINDS {
        assert_eq!(json!(kind), json!(name));
    }
}

#[test]
fn the_examples_in_the_table_of_builtins_are_right() {
    for builtin in BUILTINS {
        for wanted in builtin.settings {
            let needed = |name: &str| {
                let is_choice = builtin.one_of.is_empty() || builtin.one_of.contains(&wanted.name);
                name == wanted.name || (!is_choice && builtin.one_of.first() == Some(&name))
            };
            let settings = builtin.settings.iter().filter(|setting| setting.required || needed(setting.name));
            let with: Vec<String> =
                settings.map(|setting| format!("        {}: {}\n", setting.name, setting.example)).collect();
            let phase = builtin.phases[0].as_str();
            let found = read(&format!(
                "hooks:\n  {phase}:\n    - builtin: {}\n      with:\n{}",
                builtin.name,
                with.concat()
            ));
            assert!(found.hooks[0].config.get(wanted.name).is_some(), "{} {}", builtin.name, wanted.name);
        }
    }
}
