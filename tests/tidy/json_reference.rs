//! Every field of every reply is described in `docs/cli.md`.

use std::collections::BTreeSet;

use agent_runner_api::{Operation, OperationInfo, OperationVisitor, visit_operations};
use schemars::schema_for;
use serde_json::Value;

use crate::repository::{read, report};

struct Fields(BTreeSet<String>);

impl OperationVisitor for Fields {
    fn visit<O: Operation>(&mut self, _info: OperationInfo) {
        let schema = schema_for!(O::Reply);
        collect(schema.as_value(), &mut self.0);
    }
}

/// The names of all properties in a schema, wherever they are.
fn collect(schema: &Value, fields: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| collect(value, fields));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_of_a_reply_is_described() {
    let mut fields = Fields(BTreeSet::new());
    visit_operations(&mut fields);
    assert!(fields.0.len() > 80, "the schemas were not understood: {:?}", fields.0);
    let text = read("docs/cli.md");
    let missing = fields.0.into_iter().filter(|field| !text.contains(&format!("`{field}`")));
    report("docs/cli.md says nothing about these fields:", &missing.collect::<Vec<_>>());
}

#[test]
fn every_kind_of_event_is_described() {
    let source = read("crates/model/src/event.rs");
    let kinds: Vec<&str> =
        source.split("rename = \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| kind.contains('.')).collect();
    assert!(kinds.len() > 15, "the events were not found: {kinds:?}");
    let text = read("docs/cli.md");
    let missing = kinds.into_iter().filter(|kind| !text.contains(&format!("`{kind}`")));
    report("docs/cli.md says nothing about these events:", &missing.map(str::to_owned).collect::<Vec<_>>());
}
