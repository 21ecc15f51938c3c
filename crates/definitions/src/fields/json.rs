//! Reads data of any shape, for programs whose configuration is theirs alone. Must not know what it means.

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::node::{Node, Shape};
use crate::page::Page;
use crate::scalars::{Meaning, meaning};

/// The value as JSON. A scalar that YAML readers do not understand alike is refused.
pub(super) fn json_of(page: &Page, path: &str, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    let text = match &node.shape {
        Shape::Text(text) => return Some(Value::from(text.as_str())),
        // What a variable holds is a text, whatever it looks like.
        Shape::Plain(text) if node.expression.is_some() => return Some(Value::from(text.as_str())),
        Shape::Plain(text) => text,
        Shape::List(items) => {
            let values = items.iter().enumerate();
            let values =
                values.filter_map(|(index, item)| json_of(page, &format!("{path}[{index}]"), item, problems));
            return Some(values.collect());
        }
        Shape::Map(entries) => {
            let values = entries.iter().filter_map(|entry| {
                let value = json_of(page, &format!("{path}.{}", entry.key), &entry.value, problems)?;
                Some((entry.key.clone(), value))
            });
            return Some(Value::Object(values.collect()));
        }
    };
    let (message, hint) = match meaning(text) {
        Meaning::Null => return Some(Value::Null),
        Meaning::Bool(value) => return Some(Value::Bool(value)),
        Meaning::Whole(value) => return Some(Value::from(value)),
        Meaning::Text => return Some(Value::from(text.as_str())),
        Meaning::OtherNumber => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => return Some(Value::Number(number)),
            Err(_) => (
                format!("{path} must be a number in plain decimal, found {}", node.described()),
                format!("write it in digits, or quote it to make it a text: \"{text}\""),
            ),
        },
        Meaning::Ambiguous => (
            format!("{path} is `{text}`, which some YAML readers take for a truth value"),
            format!("write true or false, or quote it to make it a text: \"{text}\""),
        ),
    };
    problems.push(page.problem(node.at, message, hint));
    None
}
