//! Schema and parser agree about every definition we know, right and wrong, but for the rules that a schema cannot
//! express; those are listed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use agent_runner_model::hook::HookSource;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::golden::cases::{CASES, Reads};
use super::golden::text_of;
use super::validator::errors;
use super::{agent_text, assignment_text};
use crate::assignment::Finds;
use crate::hooks::{HookFile, Trouble};
use crate::loading::Loaded;
use crate::{DefinitionError, Kind, Source, agent, assignment, bundled, json_schema, task};

/// Wrong definitions that a schema accepts, and what it would have to know.
const BEYOND_A_SCHEMA: &[(&str, &str)] = &[
    ("template with a block that is not closed", "what is in texts"),
    ("template with a partial", "what is in texts"),
    ("template with a block that is none", "what is in texts"),
    ("template with an expression of something else", "what is in texts"),
    ("template with an unknown variable in its text", "what is in texts"),
    ("template with an unknown variable in a task", "what is in texts"),
    ("template with tasks in a title", "what is in texts"),
    ("template with a loop through a text", "what is in texts"),
    ("template with a function that is none", "what is in texts"),
    ("template with a block that another one ends", "what is in texts"),
    ("name that differs from its place", "where the file is"),
    ("task id that differs from its place", "where the file is"),
    ("task id twice", "what other items of the list say"),
    ("task that is nowhere", "what is on the disk"),
    ("task named with its ending", "what is on the disk"),
    ("task named by its title", "what is on the disk"),
    ("task named with its folder and ending", "what is on the disk"),
    ("tasks by a pattern", "what is on the disk"),
    ("tasks written as sentences", "what is on the disk"),
    ("task name with a near miss", "what is on the disk"),
    ("task name with ..", "what names there can be"),
    ("task whose file is wrong", "what is on the disk"),
    ("capital truth value", "how the YAML is written"),
    ("timeout with separators", "how the YAML is written"),
    ("merge key", "how the YAML is written"),
    ("tag", "how the YAML is written"),
    ("variable whose default is none of its values", "what other fields say"),
    ("environment expression", "what the environment says"),
    ("environment expression in a text", "what the environment says"),
    ("environment expression that is none", "what is to become of the text"),
    ("environment expression for a number that is none", "what is to become of the text"),
    ("environment expression below the fields", "what stands below the fields"),
    ("environment expression in a task", "what the environment says"),
    ("too deep", "how deep a value is"),
    ("extends a file that is nowhere", "what is on the disk"),
    ("extends a name with a near miss", "what is on the disk"),
    ("extends an impossible name", "what names there can be"),
    ("extends an assignment by its name", "what is on the disk"),
    ("extends the file of an assignment", "what is on the disk"),
    ("extends the file of an agent", "what is on the disk"),
    ("extends itself", "what is on the disk"),
    ("extends in a circle", "what is on the disk"),
    ("extends without end", "what is on the disk"),
    ("extends something that is wrong", "what is on the disk"),
    ("extends something that extends something that is wrong", "what is on the disk"),
    ("extends a checklist that is done", "what is on the disk"),
    ("too many tasks with those of the base", "what is on the disk"),
    ("changes what is locked", "what the base says"),
    ("locked instructions", "what the base says"),
    ("locked instructions left out", "what the base says"),
    ("locked budget made larger", "what the base says"),
    ("clears what is locked", "what the base says"),
    ("unlocks what is not locked", "what the base says"),
    ("clears what is not there", "what the base says"),
    ("removes a task that is not there", "what the base says"),
    ("changes a task that is not there", "what the base says"),
    ("changes locked tasks", "what the base says"),
    ("hook file that cannot be run", "what is on the disk"),
    ("hook file that is a folder", "what is on the disk"),
    ("hook file that is nowhere", "what is on the disk"),
    ("hook of a task file that is nowhere", "what is on the disk"),
    ("hook that is nowhere", "what is on the disk"),
    ("hook that is nowhere, with a near miss", "what is on the disk"),
    ("hook whose folder holds something else", "what is on the disk"),
    ("ambiguous values for a hook", "how the YAML is written"),
    ("clears hooks that are not there", "what the base says"),
    ("hook of a task about another one", "what other fields say"),
    ("hook of a task file about another task", "what other fields say"),
];

/// What an editor makes of front matter; nothing where it shows an error of YAML itself.
fn as_an_editor_reads(text: &str) -> Option<Value> {
    let loaded = Loaded::new(Source::Bundled("x.md"), text.to_owned(), None);
    let parts = loaded.page.parts().ok()?;
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(parts.front, options).ok()
}

fn schema_accepts(kind: Kind, text: &str) -> bool {
    as_an_editor_reads(text).is_some_and(|instance| errors(&json_schema(kind), &instance).is_empty())
}

/// Every hook has a file.
fn found_anywhere(_: &HookSource) -> Result<Option<HookFile>, Trouble> {
    Ok(Some(HookFile { path: "/hook".to_owned(), sha256: String::new() }))
}

/// Reads a text as a file that may have any name; shared tasks are found whatever they are called, if
/// they are called anything.
fn parser_errors(kind: Kind, text: &str) -> Vec<String> {
    let loaded = Loaded::new(Source::Bundled("x.md"), text.to_owned(), None);
    let found = std::cell::Cell::new(0);
    let find = |reference: &str| {
        if reference.is_empty() {
            let (kind, reason) = (Kind::Task, "it is empty");
            return Err(DefinitionError::Name { kind, reference: String::new(), reason });
        }
        found.set(found.get() + 1);
        let text = "---\nschemaVersion: 1\ntitle: T\n---\n".to_owned();
        let loaded = Loaded::new(Source::Bundled("x.md"), text, Some(format!("shared/{}", found.get())));
        task::parse(loaded, &found_anywhere).map_err(|diagnostics| DefinitionError::Invalid { diagnostics })
    };
    let outcome = match kind {
        Kind::Agent => agent::authored(loaded).map(drop),
        Kind::Assignment => {
            assignment::authored(loaded, Finds { task: &find, hook: &found_anywhere }).map(drop)
        }
        Kind::Task => task::parse(loaded, &found_anywhere).map(drop),
    };
    outcome.err().unwrap_or_default().into_iter().map(|problem| problem.message).collect()
}

fn kind_of(reads: &Reads) -> Option<Kind> {
    match reads {
        Reads::Agent | Reads::AgentCalled(_) => Some(Kind::Agent),
        Reads::Assignment => Some(Kind::Assignment),
        Reads::Task | Reads::TaskCalled(_) => Some(Kind::Task),
        Reads::Checklist
        | Reads::Validated
        | Reads::Remarks
        | Reads::AssignmentRemarks
        | Reads::Lookup(_)
        | Reads::NewTask(_)
        | Reads::Folder
        | Reads::DeadLink => None,
    }
}

#[test]
fn what_the_parser_refuses_the_schema_refuses_but_for_the_listed_rules() {
    let mut accepted = BTreeSet::new();
    let mut checked = 0;
    for case in CASES {
        let (Some(kind), Ok(text)) = (kind_of(&case.reads), String::from_utf8(text_of(case))) else {
            continue;
        };
        checked += 1;
        if schema_accepts(kind, &text) {
            accepted.insert(case.label);
        }
    }
    assert!(checked > 100, "{checked}");
    let beyond: BTreeSet<&str> = BEYOND_A_SCHEMA.iter().map(|(label, _)| *label).collect();
    assert_eq!(accepted, beyond, "accepted by a schema, and listed as beyond it");
}

#[test]
fn what_is_valid_the_schema_accepts() {
    let mut valid: Vec<(Kind, String)> = bundled::FILES
        .iter()
        .map(|(place, text)| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name_of_place(place).is_some()).unwrap();
            (kind, (*text).to_owned())
        })
        .collect();
    valid.push((Kind::Agent, agent_text("a")));
    valid.push((Kind::Assignment, assignment_text("a", "tasks: []\nhooks: {}\nvars: {}\nschedule: []\n")));
    valid.push((
        Kind::Assignment,
        assignment_text("yes", "tasks: [{id: a/b:c.d, title: on, hooks: []}, x, ./y]\nmaxRetries: 20\n"),
    ));
    for (kind, text) in valid {
        assert_eq!(parser_errors(kind, &text), Vec::<String>::new(), "{text}");
        let instance = as_an_editor_reads(&text).unwrap_or_else(|| panic!("no YAML: {text}"));
        assert_eq!(errors(&json_schema(kind), &instance), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn schemas_describe_every_field_and_no_other() {
    for (kind, known) in
        [(Kind::Agent, agent::KNOWN), (Kind::Assignment, assignment::KNOWN), (Kind::Task, task::KNOWN)]
    {
        let schema = json_schema(kind);
        let described: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let fields: BTreeSet<&str> = known.fields.iter().chain(known.later).copied().collect();
        assert_eq!(described, fields, "{kind}");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        for (name, field) in schema["properties"].as_object().unwrap() {
            let description = field["description"].as_str().unwrap_or_default();
            assert!(description.len() > 10 && !description.contains('\n'), "{kind} {name}: {description:?}");
        }
        assert!(crate::is_own_schema(&schema.to_string()));
    }
    assert!(!crate::is_own_schema("{}") && !crate::is_own_schema("not JSON"));
}

/// Values that are right for some field and wrong for most.
fn values() -> Vec<Value> {
    let long = |letter: &str, count: usize| json!(letter.repeat(count));
    let texts = [
        "",
        "  ",
        "shell",
        "two words",
        "ad-hoc",
        "high",
        "model",
        "1",
        "yes",
        "a\tb",
        "two\nlines",
        "a/b:c.d_e-f",
    ];
    let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
    values.extend([long("x", 128), long("x", 129), long("é", 200), long("é", 201)]);
    values.extend(
        [0, 1, 2, 20, 21, -1, i64::from(u32::MAX), i64::from(u32::MAX) + 1, i64::MAX].map(Value::from),
    );
    values.extend([json!(u64::MAX), json!(1.5), json!(true), json!(false), json!(null)]);
    values.extend([
        json!([]),
        json!({}),
        json!(["x"]),
        json!([1]),
        json!({"shell": {}}),
        json!({"shell": []}),
    ]);
    values.extend([json!([{"id": "a", "title": "A"}]), json!([{"id": "a"}]), json!({"a": {"b": null}})]);
    values.push(json!(["model", "tasks"]));
    values.extend([
        json!(["budget.tokens"]),
        json!(["budget."]),
        json!(["vars.x"]),
        json!("first"),
        json!("a <b@c>"),
        json!("A\tB <b@c.d>"),
        json!("{{x}}"),
        json!(["hooks.prepare", "prompts.x"]),
        json!({"builtin": "git-clean"}),
        json!([{"name": "a", "path": "b"}]),
        json!([{"builtin": "command"}]),
        json!(["pending", "pending"]),
        json!("./b"),
    ]);
    values.push(Value::Array((0..101).map(|number| json!(format!("t{number}"))).collect()));
    values
}

fn value() -> impl Strategy<Value = Value> {
    let leaves = prop::sample::select(values());
    leaves.prop_recursive(3, 12, 4, |inner| {
        let key = prop::sample::select(vec!["id", "title", "body", "hooks", "shell", "extraArgs", "other"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// A definition with every field.
fn right(kind: Kind) -> Value {
    match kind {
        Kind::Agent => {
            json!({"schemaVersion": 1, "name": "a", "backend": "shell", "model": "m", "effort": "low",
            "timeoutSec": 5, "unrestricted": false, "backendConfig": {"shell": {"a": [1, true, "x", {"b": -2}]}},
            "backendArgs": {"shell": {"extraArgs": ["-v"]}, "other": {}}, "lockedFields": ["model", "model"],
            "launcher": {"command": "ssh", "args": ["host"]}, "budget": {"wallClock": 60, "tokens": 5, "costUsd": 1.5,
            "attempts": 2, "turns": 3, "soft": 50, "onUnmeasured": "allow"}, "template": "handlebars", "commitAs": "A B <a@b.c>", "vars": {}, "executionEnvironment": {}, "schedule": []})
        }
        Kind::Assignment => {
            json!({"schemaVersion": 1, "name": "a", "cwd": ".", "message": "m", "maxRetries": 0,
            "callerInstructions": "", "tasks": [{"id": "a", "title": "A", "body": "", "hooks": [
            {"path": "./x", "when": {"taskId": "a", "source": "task-set"}}, {"name": "n", "with": [1.5, null, "x"], "when": {"taskIds": ["a"]}}]}, "shared"],
            "vars": {"range": {"type": "string", "sources": ["cli", "env"], "envName": "RANGE", "default": "x",
            "description": "", "required": true, "requiredAt": "prepare"}, "level": {"type": "enum", "values": ["a"]},
            "count": {"type": "number", "default": 1.5}, "loud": {"type": "boolean", "default": false}, "plain": {}},
            "template": "plain", "lockedFields": [], "hooks": right_hooks(), "prompts": {"nudge": "Go on.", "afterTimeout": "x",
            "afterCrash": "x", "afterInterrupt": "x"}, "worktree": {"branch": "b", "from": "main", "path": "p"}, "launcher": {}, "executionEnvironment": null, "schedule": {}})
        }
        Kind::Task => {
            json!({"schemaVersion": 1, "id": "a", "title": "A", "hooks": [{"builtin": "require-children-success"}], "vars": []})
        }
    }
}

/// A hook of every sort.
fn right_hooks() -> Value {
    json!({
        "prepare": [{"builtin": "git-worktree", "with": {"repo": "r", "from": "f", "branch": "b", "path": "p",
            "collision": "reuse"}, "timeoutSec": 1}],
        "beforeAttempt": [{"builtin": "command", "when": {"sessionIndex": 0, "attemptIndexInSession": [1, 2]},
            "with": {"mode": "json", "command": "c", "args": ["a"], "cwd": "d"}}, {"name": "a/b.c"}],
        "afterAttempt": [{"builtin": "git-clean", "with": {"ignoreUntracked": true, "paths": ["x"]}},
            {"builtin": "files-exist", "with": {"paths": ["x"], "nonEmpty": false}}],
        "afterExit": [{"builtin": "notify", "with": {"desktop": true, "on": ["error"], "message": "m"}},
            {"builtin": "notify", "with": {"command": "c"}}, {"path": "p", "with": {"any": {"x": [null]}}}],
        "taskTransition": [{"builtin": "no-diff-outside", "with": {"allow": [], "base": "b"}, "when": {
            "taskIds": ["a", "b"], "fromStatus": "pending", "toStatus": ["completed", "blocked"], "source": ["task-add"]}},
            {"builtin": "require-children-success", "with": {"requireAny": true}, "when": {"taskId": "z"}}],
    })
}

/// The same, and definitions that extend others.
fn all_right() -> Vec<(Kind, Value)> {
    let mut all: Vec<(Kind, Value)> = Kind::ALL.into_iter().map(|kind| (kind, right(kind))).collect();
    all.push((
        Kind::Agent,
        json!({"schemaVersion": 1, "name": "a", "extends": "../b", "baseInstructions": "last",
        "unlock": ["model"], "clear": ["commitAs", "effort", "budget", "budget.soft", "backendConfig.a.b", "backendArgs.x"]}),
    ));
    all.push((
        Kind::Assignment,
        json!({"schemaVersion": 1, "name": "a", "extends": "b", "baseInstructions": "none", "unlock": [],
        "clear": ["vars.a.b", "vars", "message", "hooks", "hooks.prepare", "prompts.nudge", "worktree"], "worktree": false, "removeTasks": ["a/b"],
        "tasks": [{"id": "x", "body": ""}, {"id": "y", "title": "Y"}, "shared"]}),
    ));
    all
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, value) in inner {
        let place = format!("{place}/{key}");
        places(value, &place, found);
        found.push(place);
    }
}

/// Making one takes longer than checking by it.
fn made_once(kind: Kind) -> &'static Value {
    static MADE: [OnceLock<Value>; 3] = [const { OnceLock::new() }; 3];
    let place = match kind {
        Kind::Agent => 0,
        Kind::Assignment => 1,
        Kind::Task => 2,
    };
    MADE[place].get_or_init(|| json_schema(kind))
}

/// What schema and parser say about a definition; they have to agree whether it is one.
fn compare(kind: Kind, instance: &Value) -> bool {
    let refused = errors(made_once(kind), instance);
    // JSON is YAML, and leaves no doubt about what is a text.
    let mut problems = parser_errors(kind, &format!("---\n{instance}\n---\n"));
    // What other items say is beyond a schema.
    problems.retain(|problem| {
        let beyond = ["used twice", "must be one of the values", "but this is a hook of task"];
        !beyond.iter().any(|words| problem.contains(words))
    });
    let agree = refused.is_empty() == problems.is_empty();
    assert!(agree, "{kind} {instance}\nschema: {refused:?}\nparser: {problems:?}");
    refused.is_empty()
}

#[test]
fn schema_and_parser_agree_about_every_value_in_every_place() {
    let (mut accepted, mut refused) = (0, 0);
    for (kind, right) in all_right() {
        assert!(compare(kind, &right));
        let mut all = vec![String::new()];
        places(&right, "", &mut all);
        for place in &all {
            for added in
                ["hooks", "vars", "body", "tasks", "extraArgs", "extends", "unlock", "removeTasks", "other"]
            {
                let mut changed = right.clone();
                if let Value::Object(map) = changed.pointer_mut(place).unwrap() {
                    map.entry(added).or_insert_with(|| json!({}));
                    compare(kind, &changed);
                }
            }
        }
        for place in all.into_iter().filter(|place| !place.is_empty()) {
            for value in values() {
                let mut changed = right.clone();
                *changed.pointer_mut(&place).unwrap() = value;
                match compare(kind, &changed) {
                    true => accepted += 1,
                    false => refused += 1,
                }
            }
            let (above, key) = place.rsplit_once('/').unwrap();
            let mut changed = right.clone();
            if let Value::Object(map) = changed.pointer_mut(above).unwrap() {
                let value = map.remove(key).unwrap();
                compare(kind, &changed);
                let Value::Object(map) = changed.pointer_mut(above).unwrap() else { unreachable!() };
                map.insert(format!("{key}x"), value);
                compare(kind, &changed);
            }
        }
    }
    assert!(accepted > 200 && refused > 1000, "{accepted} accepted, {refused} refused");
}

/// A definition that is nearly right: some fields are missing, others hold anything.
fn instance() -> impl Strategy<Value = (Kind, Map<String, Value>)> {
    let change = (any::<prop::sample::Index>(), prop_oneof![1 => Just(None), 4 => value().prop_map(Some)]);
    let added = prop::sample::select(vec![
        "vars", "launcher", "schedule", "colour", "tasks", "title", "extends", "clear",
    ]);
    let kinds = prop::sample::select(all_right());
    (kinds, prop::collection::vec(change, 0..3), prop::option::weighted(0.2, (added, value()))).prop_map(
        move |((kind, right), changes, added)| {
            let mut fields = right.as_object().unwrap().clone();
            for (at, change) in changes {
                let name = fields.keys().nth(at.index(fields.len())).unwrap().clone();
                match change {
                    Some(value) => fields.insert(name, value),
                    None => fields.remove(&name),
                };
            }
            if let Some((name, value)) = added {
                fields.insert(name.to_owned(), value);
            }
            (kind, fields)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_parser_agree_about_any_definition((kind, fields) in instance()) {
        compare(kind, &Value::Object(fields));
    }
}
