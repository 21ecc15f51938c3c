//! As much of a JSON Schema validator as our schemas need. It refuses keywords that it does not know, so that none of a
//! schema goes unchecked.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that describe and do not restrict.
const DESCRIBING: &[&str] = &["$schema", "$defs", "$comment", "title", "description", "default", "examples"];

/// What is wrong with the instance, at which place; nothing if the schema accepts it.
pub(super) fn errors(schema: &Value, instance: &Value) -> Vec<String> {
    let mut check = Check { root: schema, found: Vec::new() };
    check.value(schema, instance, "");
    check.found
}

struct Check<'a> {
    root: &'a Value,
    found: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, instance: &Value, place: &str) {
        let Value::Object(keywords) = schema else {
            if schema == &Value::Bool(false) {
                self.found.push(format!("{place}: not allowed"));
            }
            return;
        };
        for (keyword, wanted) in keywords {
            let holds = match keyword.as_str() {
                "items" | "properties" | "additionalProperties" | "propertyNames" => {
                    self.inside(keywords, keyword, instance, place);
                    true
                }
                keyword => self.holds(keyword, wanted, instance),
            };
            if !holds {
                self.found.push(format!("{place}: {keyword} {wanted} does not hold for {instance}"));
            }
        }
    }

    fn accepts(&self, schema: &Value, instance: &Value) -> bool {
        let mut check = Check { root: self.root, found: Vec::new() };
        check.value(schema, instance, "");
        check.found.is_empty()
    }

    /// Keywords about what is in a list or a map.
    fn inside(&mut self, keywords: &Map<String, Value>, keyword: &str, instance: &Value, place: &str) {
        let wanted = &keywords[keyword];
        if keyword == "items" {
            for (index, item) in instance.as_array().into_iter().flatten().enumerate() {
                self.value(wanted, item, &format!("{place}/{index}"));
            }
            return;
        }
        if keyword == "propertyNames" {
            for name in instance.as_object().into_iter().flat_map(Map::keys) {
                self.value(wanted, &Value::from(name.as_str()), &format!("{place}/{name}"));
            }
            return;
        }
        let named = keywords.get("properties").and_then(Value::as_object);
        for (name, value) in instance.as_object().into_iter().flatten() {
            let own = named.and_then(|named| named.get(name));
            let schema = match (keyword, own) {
                ("properties", Some(own)) => own,
                ("additionalProperties", None) => wanted,
                _ => continue,
            };
            self.value(schema, value, &format!("{place}/{name}"));
        }
    }

    /// Keywords about the value itself.
    fn holds(&self, keyword: &str, wanted: &Value, instance: &Value) -> bool {
        let choices =
            || wanted.as_array().unwrap().iter().filter(|choice| self.accepts(choice, instance)).count();
        let size = |length: usize| Some(u64::try_from(length).unwrap());
        match keyword {
            keyword if DESCRIBING.contains(&keyword) => true,
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                self.accepts(self.root.pointer(name).unwrap(), instance)
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|name| is_of(name.as_str().unwrap(), instance)),
                name => is_of(name.as_str().unwrap(), instance),
            },
            "const" => equal(wanted, instance),
            "enum" => wanted.as_array().unwrap().iter().any(|value| equal(value, instance)),
            "not" => !self.accepts(wanted, instance),
            "anyOf" => choices() > 0,
            "oneOf" => choices() == 1,
            "minimum" => instance.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => instance.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "minLength" => instance.as_str().is_none_or(|text| size(text.chars().count()) >= wanted.as_u64()),
            "maxLength" => instance.as_str().is_none_or(|text| size(text.chars().count()) <= wanted.as_u64()),
            "minItems" => instance.as_array().is_none_or(|items| size(items.len()) >= wanted.as_u64()),
            "maxProperties" => {
                instance.as_object().is_none_or(|fields| size(fields.len()) <= wanted.as_u64())
            }
            "uniqueItems" => instance
                .as_array()
                .is_none_or(|items| items.iter().enumerate().all(|(at, item)| !items[..at].contains(item))),
            "maxItems" => instance.as_array().is_none_or(|items| size(items.len()) <= wanted.as_u64()),
            "pattern" => instance.as_str().is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
            "required" => instance.as_object().is_none_or(|object| {
                wanted.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            unknown => panic!("a schema holds the keyword {unknown}, which nothing here checks"),
        }
    }
}

/// Few patterns, many texts.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local!(static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default());
    KNOWN.with_borrow_mut(|known| {
        known.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    })
}

fn is_of(name: &str, instance: &Value) -> bool {
    match name {
        "null" => instance.is_null(),
        "boolean" => instance.is_boolean(),
        "string" => instance.is_string(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        "number" => instance.is_number(),
        // For a schema 1.0 is a whole number.
        "integer" => instance.as_f64().is_some_and(|number| number.fract() == 0.0),
        unknown => panic!("there is no type {unknown}"),
    }
}

/// Numbers are equal by their value.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}
