//! What holds for definitions that extend each other, whatever they say.

use agent_runner_model::hook::{HookPhase, HookSpec};
use agent_runner_model::ids::TaskId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{library, write};
use crate::{Agent, Assignment, DefinitionError, Heritage, Library, Source, WorktreeAsk};

/// The front matter of a definition, and the text below.
type Says = (Map<String, Value>, String);

fn says(fields: Vec<(&'static str, Vec<Value>)>) -> impl Strategy<Value = Says> {
    let values: Vec<_> = fields
        .into_iter()
        .map(|(name, values)| {
            prop::option::weighted(0.4, prop::sample::select(values))
                .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    let body = prop::sample::select(vec!["", "One.", "Two."]);
    (values, body).prop_map(|(fields, body)| (fields.into_iter().flatten().collect(), body.to_owned()))
}

fn agent() -> impl Strategy<Value = Says> {
    says(vec![
        ("model", vec![json!("m"), json!("n")]),
        ("effort", vec![json!("low"), json!("high")]),
        ("unrestricted", vec![json!(true), json!(false)]),
        (
            "backendConfig",
            vec![
                json!({"a": {"x": 1}}),
                json!({"a": {"x": {"y": 2}}, "b": {}}),
                json!({"a": {"x": {"z": []}}}),
            ],
        ),
        ("backendArgs", vec![json!({"a": {"extraArgs": ["-v"]}}), json!({"a": {"extraArgs": []}, "b": {}})]),
        (
            "budget",
            vec![
                json!({"tokens": 5}),
                json!({"tokens": 9, "turns": 2}),
                json!({"soft": 50, "onUnmeasured": "allow"}),
            ],
        ),
        ("commitAs", vec![json!("A <a@b.c>"), json!("D <d@e.f>")]),
        ("lockedFields", vec![json!(["model"]), json!(["budget", "instructions"])]),
    ])
}

fn assignment() -> impl Strategy<Value = Says> {
    let task = |id: &str, title: &str, body: &str| json!({"id": id, "title": title, "body": body});
    says(vec![
        ("message", vec![json!("m"), json!("n")]),
        ("maxRetries", vec![json!(0), json!(3)]),
        ("vars", vec![json!({"a": {}, "b": {"default": "x"}}), json!({"b": {}, "c": {"type": "number"}})]),
        (
            "hooks",
            vec![
                json!({"afterAttempt": [{"builtin": "git-clean"}, {"builtin": "files-exist", "with": {"paths": ["x"]}}]}),
                json!({"afterAttempt": [{"builtin": "git-clean", "timeoutSec": 5}], "prepare": []}),
                json!({"taskTransition": [{"builtin": "git-clean", "when": {"taskId": "a"}}], "afterExit": [
                    {"builtin": "notify", "with": {"desktop": true}, "when": {"sessionIndex": [0, 2]}}]}),
            ],
        ),
        ("prompts", vec![json!({"nudge": "1", "afterCrash": "2"}), json!({"nudge": "3"}), json!({})]),
        ("worktree", vec![json!(true), json!(false), json!({"branch": "b"})]),
        (
            "tasks",
            vec![
                json!([{"id": "a", "title": "A", "hooks": [{"builtin": "git-clean"}]}, task("b", "B", "")]),
                json!([{"id": "b", "title": "B", "hooks": [{"builtin": "git-clean", "timeoutSec": 9}]}]),
                json!([task("b", "Be", "2"), task("c", "C", "3")]),
                json!([task("d", "D", "4")]),
            ],
        ),
        ("lockedFields", vec![json!(["tasks"]), json!(["message", "maxRetries"])]),
    ])
}

/// How a definition goes about what it inherits.
fn wishes(clear: Vec<Value>, remove_tasks: bool) -> impl Strategy<Value = Map<String, Value>> {
    let word = prop::sample::select(vec!["first", "last", "none"]);
    let unlock = prop::sample::select(vec![
        json!(["model"]),
        json!(["budget"]),
        json!(["tasks"]),
        json!(["instructions"]),
    ]);
    let remove = prop::sample::select(vec![json!(["a"]), json!(["b", "c"])]);
    (
        prop::option::weighted(0.5, word),
        prop::option::weighted(0.2, unlock),
        prop::option::weighted(0.2, prop::sample::select(clear)),
        prop::option::weighted(0.2, remove),
    )
        .prop_map(move |(word, unlock, clear, remove)| {
            let remove = remove.filter(|_| remove_tasks);
            let fields = [
                ("baseInstructions", word.map(Value::from)),
                ("unlock", unlock),
                ("clear", clear),
                ("removeTasks", remove),
            ];
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
        })
}

/// Writes a definition, one that extends nothing if there is no name of another.
fn put(library: &Library, kind: &str, name: &str, extends: Option<&str>, (fields, body): &Says) {
    let mut all = fields.clone();
    all.insert("schemaVersion".to_owned(), json!(1));
    all.insert("name".to_owned(), json!(name));
    match extends {
        Some(base) => drop(all.insert("extends".to_owned(), json!(base))),
        None if kind == "agent" => drop(all.insert("backend".to_owned(), json!("shell"))),
        None => {}
    }
    let text = format!("---\n{}\n---\n{body}\n", Value::Object(all));
    write(&library.config_dir, &format!("{kind}s/{name}/{kind}.md"), &text);
}

fn written_agent(agent: &Agent) -> Says {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    agent.model.iter().for_each(|model| set("model", json!(model)));
    agent.commit_as.iter().for_each(|author| set("commitAs", json!(author)));
    agent.effort.iter().for_each(|effort| set("effort", json!(effort)));
    agent.unrestricted.iter().for_each(|value| set("unrestricted", json!(value)));
    set("backendConfig", json!(agent.backend_config));
    let args = agent.backend_args.iter().map(|(backend, args)| (backend.clone(), json!({"extraArgs": args})));
    set("backendArgs", Value::Object(args.collect()));
    if let Some(budget) = agent.budget {
        let all = json!({"tokens": budget.hard.tokens, "turns": budget.hard.turns, "soft": budget.soft_percent,
            "onUnmeasured": budget.on_unmeasured});
        let there = all.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null());
        set("budget", Value::Object(there.collect()));
    }
    set("lockedFields", json!(agent.locked_fields));
    (fields, agent.instructions.clone())
}

fn written_hook(hook: &HookSpec) -> Value {
    let mut fields = Map::new();
    fields.insert("builtin".to_owned(), json!(hook.source.builtin));
    fields.insert("timeoutSec".to_owned(), json!(hook.timeout_sec));
    if !hook.config.is_null() {
        fields.insert("with".to_owned(), hook.config.clone());
    }
    if !hook.when.is_empty() {
        fields.insert("when".to_owned(), json!(hook.when));
    }
    Value::Object(fields)
}

fn written_assignment(assignment: &Assignment) -> Says {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    assignment.message.iter().for_each(|message| set("message", json!(message)));
    assignment.max_retries.iter().for_each(|count| set("maxRetries", json!(count)));
    let vars = assignment.vars.iter().map(|var| {
        let kind = if var.name == "c" { json!("number") } else { json!("string") };
        let mut fields = Map::from_iter([("type".to_owned(), kind)]);
        var.default.iter().for_each(|value| drop(fields.insert("default".to_owned(), json!(value))));
        (var.name.clone(), Value::Object(fields))
    });
    set("vars", Value::Object(vars.collect()));
    set("prompts", json!(assignment.prompts));
    let ask = |ask: &WorktreeAsk| ask.branch.as_ref().map_or(json!(true), |branch| json!({"branch": branch}));
    assignment.worktree.iter().for_each(|worktree| set("worktree", ask(worktree)));
    let hooks = |phase: HookPhase, task: Option<&TaskId>| -> Value {
        let is_it = |hook: &&HookSpec| hook.phase == phase && hook.task_scope_id.as_ref() == task;
        assignment.hooks.iter().filter(is_it).map(written_hook).collect()
    };
    let phases = HookPhase::ALL.map(|phase| (phase.as_str().to_owned(), hooks(phase, None)));
    set("hooks", Value::Object(phases.into_iter().collect()));
    let tasks = assignment.tasks.iter().map(|task| {
        json!({"id": task.spec.id.as_str(), "title": task.spec.title, "body": task.spec.body,
            "hooks": hooks(HookPhase::TaskTransition, Some(&task.spec.id))})
    });
    set("tasks", tasks.collect());
    set("lockedFields", json!(assignment.locked_fields));
    (fields, assignment.instructions.clone())
}

fn bare_agent(agent: Result<Agent, DefinitionError>) -> Option<Agent> {
    let source = Source::Bundled("x");
    agent.ok().map(|agent| Agent { text: String::new(), source, heritage: Heritage::default(), ..agent })
}

fn bare_assignment(assignment: Result<Assignment, DefinitionError>) -> Option<Assignment> {
    let source = Source::Bundled("x");
    let mut found =
        Assignment { text: String::new(), source, heritage: Heritage::default(), ..assignment.ok()? };
    // A map has no order, and JSON's writer sorts it.
    found.vars.sort_by(|a, b| a.name.cmp(&b.name));
    Some(found)
}

fn with(mut says: Says, wishes: Map<String, Value>) -> Says {
    says.0.extend(wishes);
    says
}

fn agent_clears() -> Vec<Value> {
    vec![
        json!(["model"]),
        json!(["budget.tokens"]),
        json!(["backendConfig.a", "effort"]),
        json!(["backendArgs"]),
        json!(["commitAs"]),
    ]
}

fn assignment_clears() -> Vec<Value> {
    vec![
        json!(["message"]),
        json!(["vars.b"]),
        json!(["vars", "maxRetries"]),
        json!(["hooks", "worktree"]),
        json!(["hooks.afterAttempt"]),
        json!(["prompts.nudge"]),
    ]
}

/// Whatever is wrong is said at a place that exists.
fn check(error: &DefinitionError) {
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    for problem in error.diagnostics() {
        assert!(Path::new(&problem.file).exists() || problem.file.starts_with("bundled:"), "{problem:?}");
        let text = std::fs::read_to_string(&problem.file).unwrap_or_default();
        let line = text.lines().nth(usize::try_from(problem.line - 1).unwrap()).unwrap_or_default();
        assert_eq!(line, problem.source_line);
    }
}

use std::path::Path;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Laying a definition over two others in turn is the same as laying it over the two as one.
    #[test]
    fn it_does_not_matter_where_a_chain_of_agents_is_divided(
        first in agent(),
        second in (agent(), wishes(agent_clears(), false)),
        third in (agent(), wishes(agent_clears(), false)),
    ) {
        let (_dir, library) = library();
        put(&library, "agent", "first", None, &first);
        put(&library, "agent", "second", Some("first"), &with(second.0, second.1));
        let third = with(third.0, third.1);
        put(&library, "agent", "third", Some("second"), &third);
        let whole = library.agent("third");
        match library.agent("second") {
            Err(error) => {
                check(&error);
                prop_assert!(whole.is_err());
            }
            Ok(second) => {
                put(&library, "agent", "both", None, &written_agent(&second));
                prop_assert_eq!(bare_agent(library.agent("both")).unwrap(), Agent { name: "both".into(), ..bare_agent(Ok(second)).unwrap() });
                put(&library, "agent", "third", Some("both"), &third);
                prop_assert_eq!(bare_agent(whole), bare_agent(library.agent("third")));
            }
        }
    }

    #[test]
    fn it_does_not_matter_where_a_chain_of_assignments_is_divided(
        first in assignment(),
        second in (assignment(), wishes(assignment_clears(), true)),
        third in (assignment(), wishes(assignment_clears(), true)),
    ) {
        let (_dir, library) = library();
        put(&library, "assignment", "first", None, &first);
        put(&library, "assignment", "second", Some("first"), &with(second.0, second.1));
        let third = with(third.0, third.1);
        put(&library, "assignment", "third", Some("second"), &third);
        let whole = library.assignment("third");
        match library.assignment("second") {
            Err(error) => {
                check(&error);
                prop_assert!(whole.is_err());
            }
            Ok(second) => {
                put(&library, "assignment", "both", None, &written_assignment(&second));
                put(&library, "assignment", "third", Some("both"), &third);
                prop_assert_eq!(bare_assignment(whole), bare_assignment(library.assignment("third")));
            }
        }
    }

    /// Whatever extends whatever: an answer, or an error at a place that exists.
    #[test]
    fn chains_of_any_shape_end(
        links in prop::collection::vec((agent(), wishes(agent_clears(), false), prop::option::weighted(0.9, 0usize..8)), 1..8),
    ) {
        let (_dir, library) = library();
        for (at, (says, wishes, base)) in links.iter().enumerate() {
            let base = base.map(|base| format!("n{base}"));
            let says = if base.is_some() { with(says.clone(), wishes.clone()) } else { says.clone() };
            put(&library, "agent", &format!("n{at}"), base.as_deref(), &says);
        }
        for at in 0..links.len() {
            if let Err(error) = library.agent(&format!("n{at}")) {
                check(&error);
            }
        }
        prop_assert!(library.list(crate::Kind::Agent).definitions.len() >= links.len());
    }
}
