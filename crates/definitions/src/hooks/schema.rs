//! What a schema says of hooks, made from the same tables that they are read by.

use agent_runner_model::hook::{DEFAULT_HOOK_TIMEOUT_SEC, HookPhase, MAX_HOOK_TIMEOUT_SEC, TransitionSource};
use agent_runner_model::ids::MAX_TASK_ID;
use agent_runner_model::task::TaskStatus;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{BUILTINS, Builtin, MAX_HOOKS, MAX_NAME, Setting, SettingKind};
use crate::forms::TASK_ID;

/// `hooks` of an assignment.
pub(crate) fn by_phase(_: &mut SchemaGenerator) -> Schema {
    let phases = HookPhase::ALL.into_iter().map(|phase| {
        let mut list = list(phase);
        list.insert("description".to_owned(), json!(about(phase)));
        (phase.as_str().to_owned(), Value::Object(list))
    });
    made(json!({
        "type": "object",
        "properties": Value::Object(phases.collect()),
        "additionalProperties": false,
    }))
}

/// `hooks` of a task.
pub(crate) fn of_task(_: &mut SchemaGenerator) -> Schema {
    made(Value::Object(list(HookPhase::TaskTransition)))
}

fn made(schema: Value) -> Schema {
    Schema::try_from(schema).unwrap_or_default()
}

fn about(phase: HookPhase) -> &'static str {
    match phase {
        HookPhase::Prepare => "Run once, before the run starts for the first time.",
        HookPhase::BeforeAttempt => "Run before each attempt.",
        HookPhase::AfterAttempt => "Run after each attempt, before it is judged.",
        HookPhase::AfterExit => "Run when the run is about to end.",
        HookPhase::TaskTransition => "Asked about each change of a task.",
    }
}

fn list(phase: HookPhase) -> Map<String, Value> {
    let list = json!({ "type": "array", "maxItems": MAX_HOOKS, "items": hook(phase) });
    match list {
        Value::Object(list) => list,
        _ => Map::new(),
    }
}

fn hook(phase: HookPhase) -> Value {
    let builtins: Vec<&Builtin> = BUILTINS.iter().filter(|builtin| builtin.knows(phase)).collect();
    let names: Vec<&str> = builtins.iter().map(|builtin| builtin.name).collect();
    let mut fields = json!({
        "builtin": { "description": "A hook that the program brings along.", "enum": names },
        "name": {
            "description": "A hook in the folder of that name below hooks/ in the configuration directory, or a bundled one.",
            "type": "string",
            "maxLength": MAX_NAME,
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
        },
        "path": {
            "description": "The file that is run, relative to the one this stands in. Without placeholders.",
            "type": "string",
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
            "not": { "pattern": r"\{\{" },
        },
        "with": { "description": "What the hook is told. Placeholders are filled when it runs." },
        "timeoutSec": {
            "description": "How long it may take, in seconds.",
            "type": "integer", "minimum": 1, "maximum": MAX_HOOK_TIMEOUT_SEC, "default": DEFAULT_HOOK_TIMEOUT_SEC,
        },
    });
    if let (Some(fields), Some(when)) = (fields.as_object_mut(), when(phase)) {
        fields.insert("when".to_owned(), when);
    }
    let mut sources = vec![json!({ "required": ["name"] }), json!({ "required": ["path"] })];
    sources.extend(builtins.into_iter().map(told));
    json!({ "type": "object", "properties": fields, "additionalProperties": false, "oneOf": sources })
}

/// When a hook has anything to do; nothing for a phase that a run has once.
fn when(phase: HookPhase) -> Option<Value> {
    let fields = match phase {
        HookPhase::Prepare => return None,
        HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit => {
            let index = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
            json!({ "sessionIndex": one_or_more(&index), "attemptIndexInSession": one_or_more(&index) })
        }
        HookPhase::TaskTransition => {
            let task = json!({ "type": "string", "pattern": TASK_ID, "maxLength": MAX_TASK_ID });
            let status = json!({ "enum": TaskStatus::ALL.map(TaskStatus::as_str) });
            let source = json!({ "enum": TransitionSource::ALL.map(TransitionSource::as_str) });
            json!({
                "taskId": task,
                "taskIds": { "type": "array", "items": task, "minItems": 1, "uniqueItems": true },
                "fromStatus": one_or_more(&status),
                "toStatus": one_or_more(&status),
                "source": one_or_more(&source),
            })
        }
    };
    let mut when = json!({
        "description": "When it has anything to do: all that is named must hold.",
        "type": "object", "properties": fields, "additionalProperties": false,
    });
    if let (HookPhase::TaskTransition, Some(when)) = (phase, when.as_object_mut()) {
        when.insert("not".to_owned(), json!({ "required": ["taskId", "taskIds"] }));
    }
    Some(when)
}

fn one_or_more(value: &Value) -> Value {
    json!({ "anyOf": [value, { "type": "array", "items": value, "minItems": 1 }] })
}

/// A hook that is this builtin, with what it can be told.
fn told(builtin: &Builtin) -> Value {
    let fields = builtin.settings.iter().map(|setting| (setting.name.to_owned(), holds(setting)));
    let required: Vec<&str> =
        builtin.settings.iter().filter(|setting| setting.required).map(|setting| setting.name).collect();
    let mut with = json!({
        "type": "object",
        "properties": Value::Object(fields.collect()),
        "additionalProperties": false,
    });
    if let Some(with) = with.as_object_mut() {
        if !required.is_empty() {
            with.insert("required".to_owned(), json!(required));
        }
        if !builtin.one_of.is_empty() {
            let choices: Vec<Value> =
                builtin.one_of.iter().map(|name| json!({ "required": [name] })).collect();
            with.insert("oneOf".to_owned(), json!(choices));
        }
    }
    let needed = if builtin.needs_nothing() { json!(["builtin"]) } else { json!(["builtin", "with"]) };
    json!({ "properties": { "builtin": { "const": builtin.name }, "with": with }, "required": needed })
}

fn holds(setting: &Setting) -> Value {
    let word =
        |words: &[&str]| json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": r"\{\{" }] });
    let mut holds = match setting.kind {
        SettingKind::Text => json!({ "type": "string", "pattern": r"\S" }),
        SettingKind::Flag => json!({ "type": "boolean" }),
        SettingKind::Yes => json!({ "const": true }),
        SettingKind::Word(words) => word(words),
        SettingKind::Words(words) => json!({ "type": "array", "minItems": 1, "items": word(words) }),
        SettingKind::Texts(least) => {
            json!({ "type": "array", "minItems": least, "items": { "type": "string", "pattern": r"\S" } })
        }
        SettingKind::Arguments => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
    };
    if let Some(holds) = holds.as_object_mut() {
        holds.insert("description".to_owned(), json!(setting.description));
    }
    holds
}
