//! The JSON Schemas of front matter, for editors and other programs. Must not say anything that `forms` does not, but
//! for the fields that are recognised and not supported yet.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::fields::Known;
use crate::forms::{AgentForm, AssignmentForm, TaskForm};
use crate::source::Kind;

/// The JSON Schema (draft 2020-12) of the front matter of a kind of definition.
pub fn json_schema(kind: Kind) -> Value {
    let mut schema = match kind {
        Kind::Agent => of::<AgentForm>(),
        Kind::Assignment => of::<AssignmentForm>(),
        Kind::Task => of::<TaskForm>(),
    };
    let command = format!("agent-runner schema {}", kind.as_str());
    schema.insert("$comment".to_owned(), json!(format!("{MADE} {command}")));
    schema.to_value()
}

/// How the comment in every schema of this program starts.
const MADE: &str = "Made by:";

/// Whether the text is a schema that this program has made, now or in another version.
pub fn is_own_schema(text: &str) -> bool {
    let schema: Option<Value> = serde_json::from_str(text).ok();
    let comment = schema.as_ref().and_then(|schema| schema.get("$comment")?.as_str());
    comment.is_some_and(|comment| comment.starts_with(&format!("{MADE} agent-runner schema ")))
}

fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(plain).transform(&mut schema);
    or_expression(&mut schema);
    schema
}

/// Adds the fields of the format that are recognised and not supported: those may only be empty.
pub(crate) fn with_later(known: Known) -> impl FnMut(&mut Schema) {
    move |schema| {
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.extend(known.later.iter().map(|name| ((*name).to_owned(), not_yet())));
        }
    }
}

/// What a variable's type says about its other fields.
pub(crate) fn by_kind_of_variable(schema: &mut Schema) {
    let of = |kind: &str, default: &str| json!({ "properties": { "type": { "const": kind }, "default": { "type": default }, "values": false } });
    let text = of("string", "string");
    let listed = json!({
        "properties": { "type": { "const": "enum" }, "default": { "type": "string" }, "values": { "minItems": 1 } },
        "required": ["type", "values"],
    });
    let named = |mut schema: Value| {
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("required".to_owned(), json!(["type"]));
        }
        schema
    };
    let kinds = [text, named(of("number", "number")), named(of("boolean", "boolean")), listed];
    schema.insert("anyOf".to_owned(), json!(kinds));
}

/// Where something else than a text is expected an environment expression may stand for it.
fn or_expression(schema: &mut Schema) {
    let Some(Value::Object(fields)) = schema.get_mut("properties") else { return };
    for field in fields.values_mut().filter_map(Value::as_object_mut) {
        let is_typed = field.get("type").is_some_and(|name| name == "integer" || name == "boolean");
        let is_word = field.contains_key("enum") || field.contains_key("oneOf");
        if !is_typed && !is_word || field.get("description").is_some_and(|words| words == NOT_YET) {
            continue;
        }
        let mut own = std::mem::take(field);
        for name in ["description", "default"] {
            field.extend(own.remove(name).map(|value| (name.to_owned(), value)));
        }
        let expression = json!({ "type": "string", "pattern": EXPRESSION });
        field.insert("anyOf".to_owned(), json!([own, expression]));
    }
}

/// An environment expression.
const EXPRESSION: &str = r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:?-[^{}]*)?\}$";

/// Takes out what holds for Rust's types and not for what an author writes.
fn plain(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    without_null(object);
    // Comments are broken into lines for the source; a description is shown in whatever width there is.
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if object.remove("format").is_some_and(|format| format == "int64") {
        object.insert("minimum".to_owned(), json!(i64::MIN));
        object.insert("maximum".to_owned(), json!(i64::MAX));
    }
}

/// A field that may be left out must not be null for that: the value would be missing where a name announces it.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    let is_null = |schema: &Value| *schema == json!({ "type": "null" });
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    if !choices.iter().any(is_null) {
        return;
    }
    choices.retain(|choice| !is_null(choice));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

const NOT_YET: &str = "Not supported by this version; leave it out.";

fn not_yet() -> Value {
    json!({
        "description": NOT_YET,
        "enum": [null, [], {}],
    })
}
