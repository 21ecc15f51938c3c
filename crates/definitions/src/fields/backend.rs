//! Reads the fields of an agent that belong to its backends. Must not know any backend, but for a hint about the one
//! whose setting is so often left out.

use std::collections::BTreeMap;

use agent_runner_model::spec::Value;

use super::{CONTAINER, Fields, Known, text_of};
use crate::diagnostic::Diagnostic;
use crate::forms::{BackendArgsForm, InlineLauncherForm, LauncherForm};
use crate::node::{Entry, Node, Shape};
use crate::page::Page;
use crate::scalars::{Meaning, meaning, scalar};

impl<'a> Fields<'a, '_> {
    /// A map of maps of backend-owned values.
    pub(crate) fn backend_config(&mut self) -> BTreeMap<String, BTreeMap<String, Value>> {
        let mut config = BTreeMap::new();
        for (backend, entries) in self.by_backend("backendConfig") {
            let mut values = BTreeMap::new();
            for entry in entries {
                let path = format!("backendConfig.{}.{}", backend.key, entry.key);
                if let Some(value) = value_of(self.page, &path, &entry.value, self.problems) {
                    values.insert(entry.key.clone(), value);
                }
            }
            config.insert(backend.key.clone(), values);
        }
        config
    }

    /// `backendArgs.<backend>.extraArgs`.
    pub(crate) fn backend_args(&mut self) -> BTreeMap<String, BackendArgsForm> {
        const KNOWN: Known = Known {
            what: "an entry of backendArgs",
            fields: &["extraArgs"],
            later: &[],
            elsewhere: &[],
            instead: &[],
        };
        let mut arguments = BTreeMap::new();
        for (backend, entries) in self.by_backend("backendArgs") {
            let prefix = format!("backendArgs.{}.", backend.key);
            let mut fields = Fields::new(self.page, prefix, backend.key_at, entries, KNOWN, self.problems);
            let extra_args = fields.has("extraArgs").then(|| fields.words("extraArgs"));
            arguments.insert(backend.key.clone(), BackendArgsForm { extra_args });
        }
        arguments
    }

    /// The entries of a map of maps, those without a map left out with a complaint.
    fn by_backend(&mut self, name: &str) -> Vec<(&'a Entry, &'a [Entry])> {
        let mut found = Vec::new();
        let Some(node) = self.node(name) else { return found };
        let own = match self.node("backend").map(|node| &node.shape) {
            Some(Shape::Plain(own) | Shape::Text(own)) => own.as_str(),
            Some(Shape::List(_) | Shape::Map(_)) | None => "claude",
        };
        let Shape::Map(backends) = &node.shape else {
            self.complain(
                node.at,
                format!("{name} must be a map, found {}", node.described()),
                if node.expression.is_some() { CONTAINER.to_owned() } else { format!(
                    "write `{own}:` on the line below, indented by two blanks, and what belongs to that backend below \
                     that, indented by four"
                ) },
            );
            return found;
        };
        for backend in backends {
            match &backend.value.shape {
                Shape::Map(entries) => found.push((backend, entries.as_slice())),
                Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => self.complain(
                    backend.value.at,
                    format!("{name}.{} must be a map, found {}", backend.key, backend.value.described()),
                    without_setting(name, backend).unwrap_or_else(|| {
                        format!(
                            "the names below {name} are those of backends: write `{own}:` below it, and `{}:` below \
                             that, indented by two more blanks",
                            backend.key
                        )
                    }),
                ),
            }
        }
        found
    }

    /// A list of texts that are not empty.
    /// `launcher`: a name, or a program with arguments.
    pub(crate) fn launcher(&mut self) -> Option<LauncherForm> {
        const KNOWN: Known = Known {
            what: "a launcher",
            fields: &["command", "args"],
            later: &[],
            elsewhere: &[],
            instead: &[("argv", "write the program as `command`, and its arguments as `args`")],
        };
        let node = self.node("launcher")?;
        match &node.shape {
            Shape::Plain(_) | Shape::Text(_) => self.text("launcher").map(LauncherForm::Named),
            Shape::Map(entries) => {
                let prefix = "launcher.".to_owned();
                let mut fields = Fields::new(self.page, prefix, node.at, entries, KNOWN, self.problems);
                let command = fields.required_text("command", "ssh");
                let args = fields.words("args");
                Some(LauncherForm::Inline(InlineLauncherForm { command: command?, args }))
            }
            Shape::List(_) => {
                self.complain(
                    node.at,
                    "launcher must be a name or a map, found a list",
                    "write `launcher: NAME`, or `command:` and `args:` on the lines below it",
                );
                None
            }
        }
    }

    pub(crate) fn words(&mut self, name: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (index, item) in self.list(name).iter().enumerate() {
            let path = format!("{}[{index}]", self.path(name));
            match text_of(self.page, &path, item, self.problems) {
                Some(word) if word.is_empty() => self.complain(
                    item.at,
                    format!("{path} must not be empty"),
                    "delete the item, or write the argument",
                ),
                Some(word) => words.push(word),
                None => {}
            }
        }
        words
    }
}

/// How to write a value below its backend whose setting is not named.
fn without_setting(field: &str, backend: &Entry) -> Option<String> {
    let (setting, example) = match (field, backend.key.as_str()) {
        ("backendArgs", key) if key != "extraArgs" => ("extraArgs", "\"--some-flag\""),
        ("backendConfig", "command") => ("argv", "my-program, \"--some-flag\""),
        _ => return None,
    };
    let words: Vec<String> = match &backend.value.shape {
        // What came from the environment is not repeated.
        Shape::Plain(_) | Shape::Text(_) if backend.value.expression.is_some() => Vec::new(),
        Shape::List(items) if items.iter().any(|item| item.expression.is_some()) => Vec::new(),
        // How a shell would cut it where there are quotes is not for us to say.
        Shape::Plain(text) | Shape::Text(text) if text.contains(['"', '\'', '\\']) => Vec::new(),
        Shape::Plain(text) | Shape::Text(text) => text.split_whitespace().map(scalar).collect(),
        Shape::List(items) => items.iter().filter_map(word).collect(),
        Shape::Map(_) => return None,
    };
    let words = if words.is_empty() { example.to_owned() } else { words.join(", ") };
    let key = &backend.key;
    Some(format!("name the setting, and give it a list:\n{field}:\n  {key}:\n    {setting}: [{words}]"))
}

fn word(node: &Node) -> Option<String> {
    match &node.shape {
        Shape::Plain(text) | Shape::Text(text) => Some(scalar(text)),
        Shape::List(_) | Shape::Map(_) => None,
    }
}

/// Backend-owned data: texts, whole numbers, truth values, lists and maps.
fn value_of(page: &Page, path: &str, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    let text = match &node.shape {
        Shape::Text(text) => return Some(Value::Text(text.clone())),
        Shape::Plain(text) if node.expression.is_some() => return Some(Value::Text(text.clone())),
        Shape::Plain(text) => text,
        Shape::List(items) => {
            let values = items.iter().enumerate();
            let values = values
                .filter_map(|(index, item)| value_of(page, &format!("{path}[{index}]"), item, problems));
            return Some(Value::List(values.collect()));
        }
        Shape::Map(entries) => {
            let values = entries.iter().filter_map(|entry| {
                let value = value_of(page, &format!("{path}.{}", entry.key), &entry.value, problems)?;
                Some((entry.key.clone(), value))
            });
            return Some(Value::Map(values.collect()));
        }
    };
    let (message, hint) = match meaning(text) {
        Meaning::Bool(value) => return Some(Value::Bool(value)),
        Meaning::Whole(value) => return Some(Value::Number(value)),
        Meaning::Text => return Some(Value::Text(text.clone())),
        Meaning::Null => (
            format!("{path} must not be null or left empty"),
            "write a value, or delete the field".to_owned(),
        ),
        Meaning::OtherNumber => (
            format!("{path} must be a whole number in plain decimal, found {}", node.described()),
            format!("quote it to make it a text: \"{text}\""),
        ),
        Meaning::Ambiguous => (
            format!("{path} is `{text}`, which some YAML readers take for a truth value"),
            format!("write true or false, or quote it to make it a text: \"{text}\""),
        ),
    };
    problems.push(page.problem(node.at, message, hint));
    None
}
