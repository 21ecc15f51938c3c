//! Which fields of manifests and events are not looked through for values that are shown to nobody: words of closed lists,
//! ids, times, and where things are. Everything else is, so that a field that is new cannot be forgotten here.

use serde_json::{Map, Value};

/// Says of a text whether it stays as it is, by the names of the field around the one that holds it, and of that one.
type Kept<'a> = &'a dyn Fn(&str, &str) -> bool;

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
pub(super) fn change_texts(value: &mut Value, kept: Kept<'_>, change: &dyn Fn(&mut String)) {
    walk(value, ("", ""), kept, change);
}

fn walk(value: &mut Value, (around, field): (&str, &str), kept: Kept<'_>, change: &dyn Fn(&mut String)) {
    match value {
        Value::String(text) => {
            if !kept(around, field) {
                change(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, (around, field), kept, change)),
        Value::Object(fields) => walk_fields(fields, field, kept, change),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn walk_fields(fields: &mut Map<String, Value>, around: &str, kept: Kept<'_>, change: &dyn Fn(&mut String)) {
    for (name, field) in fields {
        walk(field, (around, name), kept, change);
    }
}
