//! Reads the fields of an agent that belong to its backends. Must not know any backend.

use std::collections::BTreeMap;

use agent_runner_model::spec::Value;

use super::{Fields, Known, map_of, text_of};
use crate::diagnostic::Diagnostic;
use crate::node::{Node, Shape};
use crate::page::Page;
use crate::scalars::{Meaning, meaning};

impl Fields<'_, '_> {
    /// A map of maps of backend-owned values.
    pub(crate) fn backend_config(&mut self) -> BTreeMap<String, BTreeMap<String, Value>> {
        let mut config = BTreeMap::new();
        for backend in self.map("backendConfig") {
            let path = format!("backendConfig.{}", backend.key);
            let mut values = BTreeMap::new();
            for entry in map_of(self.page, &path, &backend.value, self.problems) {
                let path = format!("{path}.{}", entry.key);
                if let Some(value) = value_of(self.page, &path, &entry.value, self.problems) {
                    values.insert(entry.key.clone(), value);
                }
            }
            config.insert(backend.key.clone(), values);
        }
        config
    }

    /// `backendArgs.<backend>.extraArgs`.
    pub(crate) fn backend_args(&mut self) -> BTreeMap<String, Vec<String>> {
        const KNOWN: Known =
            Known { what: "an entry of backendArgs", fields: &["extraArgs"], later: &[], elsewhere: &[] };
        let mut arguments = BTreeMap::new();
        for backend in self.map("backendArgs") {
            let path = format!("backendArgs.{}", backend.key);
            let entries = map_of(self.page, &path, &backend.value, self.problems);
            let prefix = format!("{path}.");
            let mut fields = Fields::new(self.page, prefix, backend.key_at, entries, KNOWN, self.problems);
            let items = fields.list("extraArgs");
            let mut words = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}.extraArgs[{index}]");
                match text_of(self.page, &path, item, self.problems) {
                    Some(word) if word.is_empty() => self.problems.push(self.page.problem(
                        item.at,
                        format!("{path} must not be empty"),
                        "delete the item, or write the argument",
                    )),
                    Some(word) => words.push(word),
                    None => {}
                }
            }
            arguments.insert(backend.key.clone(), words);
        }
        arguments
    }
}

/// Backend-owned data: texts, whole numbers, truth values, lists and maps.
fn value_of(page: &Page, path: &str, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    let text = match &node.shape {
        Shape::Text(text) => return Some(Value::Text(text.clone())),
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
