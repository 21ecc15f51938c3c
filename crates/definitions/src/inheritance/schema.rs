//! What a schema says about definitions that extend others: which fields those may leave out, and which only they have.

use schemars::Schema;
use serde_json::{Value, json};

/// An agent extends another one, or has a backend of its own.
pub(crate) fn agent_or_heir(schema: &mut Schema) {
    let alone = json!({
        "required": ["backend"],
        "properties": { "unlock": false, "clear": false, "baseInstructions": false },
    });
    insert(schema, alone);
}

/// An assignment extends another one, or has tasks with titles.
pub(crate) fn assignment_or_heir(schema: &mut Schema) {
    let titled = json!({ "anyOf": [{ "type": "string" }, { "required": ["title"] }] });
    let alone = json!({
        "properties": {
            "unlock": false, "clear": false, "baseInstructions": false, "removeTasks": false,
            "tasks": { "items": titled },
        },
    });
    insert(schema, alone);
}

fn insert(schema: &mut Schema, alone: Value) {
    schema.insert("anyOf".to_owned(), json!([{ "required": ["extends"] }, alone]));
}
