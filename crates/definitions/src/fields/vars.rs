//! The variables an assignment declares. Must not look for their values.

use agent_runner_model::vars::{RequiredAt, VarSource, VarSpec, VarType, VarValue, check_var_name};

use super::{CONTAINER, Fields, Known, text_of, word_of};
use crate::forms::{VarForm, VarKind};
use crate::node::{Entry, Node, Shape};
use crate::page::Place;
use crate::scalars::{Meaning, meaning};

pub(crate) const KNOWN: Known = Known {
    what: "a variable",
    fields: &["type", "values", "required", "requiredAt", "sources", "envName", "default", "description"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("name", "delete it; the name is what stands in front of the colon above"),
        ("env", "write `envName` with the name, and name `env` in `sources`"),
        ("enum", "write `type: enum`, and the words as `values`"),
        ("source", "write `sources` with a list"),
    ],
};

/// Most variables an assignment may declare.
pub(crate) const MAX_VARS: usize = 100;

impl<'a> Fields<'a, '_> {
    /// `vars`: a map from names to what they may hold.
    pub(crate) fn vars(&mut self) -> Vec<VarSpec> {
        let Some(node) = self.node("vars") else { return Vec::new() };
        let entries = match &node.shape {
            Shape::Map(entries) => entries,
            Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => {
                self.complain(
                    node.at,
                    format!("vars must be a map, found {}", node.described()),
                    match node.expression {
                        Some(_) => CONTAINER,
                        None => "write each variable below `vars:` as `name:`, with its fields below that, or `vars: {}`",
                    },
                );
                return Vec::new();
            }
        };
        if let Some(first_too_many) = entries.get(MAX_VARS) {
            self.complain(
                first_too_many.key_at,
                format!(
                    "an assignment declares at most {MAX_VARS} variables, this one has {}",
                    entries.len()
                ),
                "put values that belong together into one variable",
            );
        }
        entries.iter().take(MAX_VARS).filter_map(|entry| self.var(entry)).collect()
    }

    fn var(&mut self, entry: &'a Entry) -> Option<VarSpec> {
        let name = &entry.key;
        if let Err(reason) = check_var_name(name) {
            self.complain(
                entry.key_at,
                format!("`{name}` cannot be the name of a variable: {reason}"),
                "choose another name, such as `range`",
            );
            return None;
        }
        let Shape::Map(fields) = &entry.value.shape else {
            self.complain(
                entry.value.at,
                format!("vars.{name} must be a map, found {}", entry.value.described()),
                format!(
                    "write `{name}: {{}}` for a text, or `type:` and the other fields on the lines below"
                ),
            );
            return None;
        };
        let before = self.problems.len();
        let mut fields =
            Fields::new(self.page, format!("vars.{name}."), entry.key_at, fields, KNOWN, self.problems);
        let form = form(&mut fields);
        (self.problems.len() == before).then(|| spec(name, form?)).flatten()
    }
}

/// What is written about one variable; nothing when its type is unclear.
fn form(fields: &mut Fields<'_, '_>) -> Option<VarForm> {
    let kind = match fields.has("type") {
        true => fields.word("type", VarKind::ALL, VarKind::as_str)?,
        false => VarKind::String,
    };
    let values = values(fields, kind);
    let required = fields.flag("required");
    let required_at = fields.word("requiredAt", &[RequiredAt::Initial, RequiredAt::Prepare], moment);
    let sources = sources(fields);
    let env_name = fields.text("envName");
    if let Some(name) = &env_name
        && name.contains(['=', '\0'])
    {
        let at = fields.place("envName");
        fields.complain(
            at,
            "envName cannot be the name of an environment variable",
            "write a name without =",
        );
    }
    let description = fields.free_text("description");
    let default = default(fields, kind, &values);
    Some(VarForm { kind, values, required, required_at, sources, env_name, default, description })
}

fn moment(at: RequiredAt) -> &'static str {
    match at {
        RequiredAt::Initial => "initial",
        RequiredAt::Prepare => "prepare",
    }
}

fn values(fields: &mut Fields<'_, '_>, kind: VarKind) -> Vec<String> {
    let (before, mut values) = (fields.problems.len(), Vec::new());
    for (index, item) in fields.list("values").iter().enumerate() {
        let path = format!("{}[{index}]", fields.path("values"));
        let Some(word) = text_of(fields.page, &path, item, fields.problems) else { continue };
        if values.contains(&word) {
            let message = format!("{path} is {word:?}, which is in the list already");
            fields.complain(item.at, message, "name each word once");
        }
        values.push(word);
    }
    match kind {
        VarKind::Enum if values.is_empty() && fields.problems.len() == before => {
            let at = fields.place("values");
            fields.complain(at, "an enum needs `values`", "list the words, such as `values: [debug, info]`");
        }
        VarKind::String | VarKind::Number | VarKind::Boolean if fields.has("values") => {
            let at = fields.place("values");
            fields.complain(
                at,
                "`values` belongs to a variable of type enum",
                "write `type: enum`, or delete `values`",
            );
        }
        VarKind::String | VarKind::Number | VarKind::Boolean | VarKind::Enum => {}
    }
    values
}

/// Where the value may come from; the command line and a dashboard unless the author says otherwise.
fn sources(fields: &mut Fields<'_, '_>) -> Option<Vec<VarSource>> {
    if !fields.has("sources") {
        return None;
    }
    let before = fields.problems.len();
    let mut sources: Vec<VarSource> = Vec::new();
    for (index, item) in fields.list("sources").iter().enumerate() {
        let path = format!("{}[{index}]", fields.path("sources"));
        let word = word_of(fields.page, &path, item, &VarSource::ALL, VarSource::as_str, fields.problems);
        match word {
            Some(word) if sources.contains(&word) => {
                fields.complain(item.at, format!("{path} is there twice"), "name each source once");
            }
            Some(word) => sources.push(word),
            None => {}
        }
    }
    if sources.is_empty() && fields.problems.len() == before {
        let at = fields.place("sources");
        fields.complain(
            at,
            "sources must not be empty",
            "name some of cli, web, env, parent, or delete the field",
        );
    }
    Some(sources)
}

fn default(fields: &mut Fields<'_, '_>, kind: VarKind, values: &[String]) -> Option<VarValue> {
    let node = fields.node("default")?;
    let found = match (&node.shape, kind) {
        (Shape::Plain(text), VarKind::Boolean) => match meaning(text) {
            Meaning::Bool(value) => Some(VarValue::Bool(value)),
            Meaning::Null | Meaning::Whole(_) | Meaning::OtherNumber | Meaning::Ambiguous | Meaning::Text => {
                None
            }
        },
        (Shape::Plain(text), VarKind::Number) => plain_number(text),
        (Shape::Text(_) | Shape::List(_) | Shape::Map(_), VarKind::Boolean | VarKind::Number)
        | (Shape::List(_) | Shape::Map(_), VarKind::String | VarKind::Enum) => None,
        (Shape::Plain(_) | Shape::Text(_), VarKind::String) => {
            return fields.free_text("default").map(VarValue::Text);
        }
        (Shape::Plain(_) | Shape::Text(_), VarKind::Enum) => {
            let text = fields.free_text("default")?;
            values.contains(&text).then_some(VarValue::Text(text))
        }
    };
    if found.is_none() {
        complain_about_default(fields, node, node.at, kind, values);
    }
    found
}

fn plain_number(text: &str) -> Option<VarValue> {
    match meaning(text) {
        Meaning::Whole(_) | Meaning::OtherNumber => VarType::Number.coerce(text).ok(),
        Meaning::Null | Meaning::Bool(_) | Meaning::Ambiguous | Meaning::Text => None,
    }
}

fn complain_about_default(
    fields: &mut Fields<'_, '_>,
    node: &Node,
    at: Place,
    kind: VarKind,
    values: &[String],
) {
    let path = fields.path("default");
    let (expected, hint) = match kind {
        VarKind::String => ("a text", "quote it".to_owned()),
        VarKind::Number => ("a number", "write digits without quotes, or `type: string`".to_owned()),
        VarKind::Boolean => ("true or false", "write true or false without quotes".to_owned()),
        VarKind::Enum if values.is_empty() => return,
        VarKind::Enum => ("one of the values", format!("write one of {}", values.join(", "))),
    };
    fields.complain(at, format!("{path} must be {expected}, found {}", node.described()), hint);
}

fn spec(name: &str, form: VarForm) -> Option<VarSpec> {
    let VarForm { kind, values, required, required_at, sources, env_name, default, description } = form;
    let kind = match kind {
        VarKind::String => VarType::String,
        VarKind::Number => VarType::Number,
        VarKind::Boolean => VarType::Boolean,
        VarKind::Enum => VarType::Enum { values },
    };
    Some(VarSpec {
        name: name.to_owned(),
        kind,
        required: required.unwrap_or(false),
        required_at: required_at.unwrap_or_default(),
        sources: sources.unwrap_or_else(|| vec![VarSource::Cli, VarSource::Web]),
        env_name: env_name.unwrap_or_else(|| name.to_owned()),
        default,
        description,
    })
}
