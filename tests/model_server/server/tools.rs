//! The tools a client offers, and calls of them with arguments that fit.

use serde_json::{Map, Value, json};

/// A tool, as a client describes it.
pub(super) struct Tool {
    pub(super) name: String,
    schema: Value,
}

impl Tool {
    /// Tools that the provider itself would carry out have no schema, and are none of ours.
    pub(super) fn read(tool: &Value) -> Option<Self> {
        let schema = tool.get("input_schema")?.clone();
        Some(Self { name: tool["name"].as_str()?.to_owned(), schema })
    }

    /// The smallest arguments the tool takes.
    pub(super) fn least(&self) -> Value {
        example(&self.schema)
    }

    /// Arguments that have a shell tool run a command.
    pub(super) fn running(&self, command: &str) -> Value {
        let mut arguments = self.least();
        arguments["command"] = json!(command);
        arguments
    }
}

/// The tool that runs shell commands.
pub(super) fn shell_of(tools: &[Tool]) -> Option<&Tool> {
    let runs_commands = |tool: &&Tool| {
        let name = tool.name.to_lowercase();
        let sounds = ["bash", "shell", "terminal", "exec"].iter().any(|word| name.contains(word));
        sounds && tool.schema["properties"]["command"].is_object()
    };
    tools.iter().find(|tool| tool.name == "Bash").or_else(|| tools.iter().find(runs_commands))
}

/// The smallest value that fits a JSON schema, as far as clients' schemas go.
pub(super) fn example(schema: &Value) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    if let Some(choice) = ["anyOf", "oneOf", "allOf"].iter().find_map(|word| schema[*word].get(0)) {
        return example(choice);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => json!(false),
        Some("string") => json!("text"),
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let names = required.iter().filter_map(Value::as_str);
            let fields = names.map(|name| (name.to_owned(), example(&schema["properties"][name])));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}
