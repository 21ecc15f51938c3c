//! Which fields of manifests and events are not looked through for values that are shown to nobody: words of closed lists,
//! ids, times, and where things are. Everything else is, so that a field that is new cannot be forgotten here. What is
//! somebody's own JSON is looked through wholly, whatever its fields are called.

use serde_json::{Map, Value};

/// Says of a text whether it stays as it is, by the names of the field around the one that holds it, and of that one.
type Kept<'a> = &'a dyn Fn(&str, &str) -> bool;
/// The text in place of another one, if there has to be one.
type Change<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What stands for the name of an entry of a map whose names are not this program's.
const ENTRY: &str = "*";

/// What is gone through. Places in it are told by the names of its fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// A manifest.
    Manifest,
    /// What changes of one.
    State,
    /// How an attempt ended.
    End,
    /// An event of a history.
    Event,
    /// An event of a turn.
    Turn,
    /// A view.
    View,
}

impl Whole {
    /// The place of the whole.
    fn place(self) -> Vec<String> {
        match self {
            Self::Manifest | Self::View => Vec::new(),
            Self::State => vec!["state".to_owned()],
            Self::End => vec!["end".to_owned()],
            Self::Event => vec!["event".to_owned()],
            Self::Turn => vec!["turn".to_owned()],
        }
    }
}

/// Whether somebody's own JSON is at that place: none of the names and words in it are this program's.
pub(crate) fn is_foreign(place: &[&str]) -> bool {
    matches!(
        place,
        ["spec", "backendConfig" | "preparedState" | "executionEnvironment"]
            | ["spec", "hooks", "config"]
            | ["spec", "template", "backends", _, "config"]
            | ["state", "hookState"]
            | ["state", "frozenConfig", "settings", "config"]
            | ["event", "details"]
    )
}

/// Whether a map is at that place whose names are ids or names that somebody gave, and whose values are this program's.
pub(crate) fn is_named(place: &[&str]) -> bool {
    matches!(
        place,
        ["spec", "runtimeVars"]
            | ["spec", "template", "backends" | "prompts"]
            | ["state", "finalTasks"]
            | ["state", "budget", "children" | "grantedBy"]
    )
}

/// Words of closed lists. A value that happens to be such a word must not make a manifest unreadable.
const WORDS: [&str; 29] = [
    "type",
    "kind",
    "class",
    "status",
    "prompt",
    "from",
    "limit",
    "what",
    "over",
    "reason",
    "departure",
    "onLimit",
    "onBusy",
    "onUnmeasured",
    "effort",
    "lockedFields",
    "roleEngine",
    "workEngine",
    "urgency",
    "source",
    "sources",
    "requiredAt",
    "phase",
    "backend",
    "field",
    "fromStatus",
    "toStatus",
    "outcome",
    "mode",
];
/// Ids, and names of things this program has names for.
const IDS: [&str; 21] = [
    "id",
    "runId",
    "parentRunId",
    "runGroupId",
    "groupId",
    "inheritedFromRunId",
    "fromRunId",
    "taskId",
    "taskIds",
    "taskScopeId",
    "hookId",
    "tasks",
    "workTasks",
    "messageId",
    "attachmentId",
    "heard",
    "marker",
    "bootId",
    "pidNamespace",
    "fields",
    "changed",
];
/// Where things are. A working directory that would hold such a value is refused.
const PLACES: [&str; 8] =
    ["cwd", "callerDir", "sourcePath", "repo", "repoRoot", "host", "relativePath", "resolvedPath"];

/// Of manifests and of the events of their history.
pub(crate) fn kept_of_runs(around: &str, field: &str) -> bool {
    // Names of other things and other reasons are anybody's words.
    let is_tag = matches!(
        (around, field),
        ("phase" | "stage" | "outcome", "name") | ("wait", "why") | ("recurrence", "mode") | ("grantedBy", _)
    );
    is_tag || is_time(field) || WORDS.contains(&field) || IDS.contains(&field) || PLACES.contains(&field)
}

/// Of the events of a turn: all words in them are the worker's, even its ids.
pub(crate) fn kept_of_turns(_around: &str, field: &str) -> bool {
    matches!(field, "type" | "resetAt")
}

fn is_time(field: &str) -> bool {
    field == "at" || field == "until" || field.ends_with("At") || field.ends_with("Since")
}

/// Changes the texts that are not kept as they are.
pub(super) fn change_texts(value: &mut Value, whole: Whole, kept: Kept<'_>, change: Change<'_>) {
    walk(value, &mut whole.place(), kept, change);
}

fn walk(value: &mut Value, place: &mut Vec<String>, kept: Kept<'_>, change: Change<'_>) {
    let names: Vec<&str> = place.iter().map(String::as_str).collect();
    if is_foreign(&names) {
        return change_all(value, change);
    }
    match value {
        Value::String(text) => {
            let around = names.len().checked_sub(2).and_then(|at| names.get(at)).copied().unwrap_or_default();
            if !kept(around, names.last().copied().unwrap_or_default())
                && let Some(changed) = change(text)
            {
                *text = changed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, place, kept, change)),
        Value::Object(fields) => {
            let is_named = is_named(&names);
            for (name, field) in fields {
                place.push(if is_named { ENTRY.to_owned() } else { name.clone() });
                walk(field, place, kept, change);
                place.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Changes every text of somebody's own JSON, numbers and the names of fields too.
pub(super) fn change_all(value: &mut Value, change: Change<'_>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        Value::Number(number) => {
            if let Some(changed) = change(&number.to_string()) {
                *value = Value::String(changed);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| change_all(item, change)),
        Value::Object(fields) => change_fields(fields, change),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The same of an object: names that are alike afterwards are told apart, so that no field is lost.
pub(super) fn change_fields(fields: &mut Map<String, Value>, change: Change<'_>) {
    for (name, mut field) in std::mem::take(fields) {
        change_all(&mut field, change);
        let wanted = change(&name).unwrap_or(name);
        let mut unique = wanted.clone();
        let mut count = 1;
        while fields.contains_key(&unique) {
            count += 1;
            unique = format!("{wanted} {count}");
        }
        fields.insert(unique, field);
    }
}
