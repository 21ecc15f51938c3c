//! Reads the `with:` of builtin hooks by the table of their settings. Must not know a builtin by its name.

use serde_json::{Map, Value, json};

use super::{CONTAINER, Fields, text_of, word_of};
use crate::hooks::{Builtin, Setting, SettingKind};
use crate::node::{Node, Shape};

impl<'a> Fields<'a, '_> {
    /// `with` of that builtin, as far as it can be known before values are put in.
    pub(super) fn settings(&mut self, builtin: &'static Builtin) -> Value {
        let path = self.path("with");
        let Some(node) = self.node("with") else {
            if !builtin.needs_nothing() && !self.meant.contains(&"with") {
                let at = self.start();
                self.complain(
                    at,
                    format!(
                        "field `{path}` is missing: the builtin `{}` needs to be told what to do",
                        builtin.name
                    ),
                    format!("add `with:`, and below it lines such as\n{}", example(builtin)),
                );
            }
            return Value::Null;
        };
        let Shape::Map(entries) = &node.shape else {
            self.complain(
                node.at,
                format!("{path} must be a map, found {}", node.described()),
                match node.expression {
                    Some(_) => CONTAINER.to_owned(),
                    None => {
                        format!("the settings of `{}` are {}", builtin.name, builtin.known.fields.join(", "))
                    }
                },
            );
            return Value::Null;
        };
        let mut fields =
            Fields::new(self.page, format!("{path}."), node.at, entries, builtin.known, self.problems);
        let mut settings = Map::new();
        for setting in builtin.settings {
            if let Some(value) = fields.setting(setting) {
                settings.insert(setting.name.to_owned(), value);
            }
        }
        fields.one_of(builtin);
        Value::Object(settings)
    }

    fn setting(&mut self, setting: &Setting) -> Option<Value> {
        let name = setting.name;
        let Some(node) = self.node(name) else {
            if setting.required {
                self.missing(name, setting.example);
            }
            return None;
        };
        match setting.kind {
            SettingKind::Text => self.required_text(name, setting.example).map(Value::from),
            SettingKind::Flag => self.flag(name).map(Value::from),
            SettingKind::Yes => self.yes(name),
            SettingKind::Word(words) => self.setting_word(&self.path(name), node, words).map(Value::from),
            SettingKind::Words(words) => {
                let path = self.path(name);
                let items = self.list_of(setting, 1);
                let items = items.iter().enumerate();
                let words = items
                    .filter_map(|(index, item)| self.setting_word(&format!("{path}[{index}]"), item, words));
                Some(json!(words.collect::<Vec<_>>()))
            }
            SettingKind::Texts(least) => {
                let path = self.path(name);
                let mut texts = Vec::new();
                for (index, item) in self.list_of(setting, least).iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    match text_of(self.page, &path, item, self.problems) {
                        Some(text) if text.trim().is_empty() => self.complain(
                            item.at,
                            format!("{path} must not be empty"),
                            "delete the item, or write a text",
                        ),
                        Some(text) => texts.push(text),
                        None => {}
                    }
                }
                Some(json!(texts))
            }
            SettingKind::Arguments => Some(json!(self.words(name))),
        }
    }

    /// A list with at least that many items.
    fn list_of(&mut self, setting: &Setting, least: usize) -> &'a [Node] {
        let name = setting.name;
        let items = self.list(name);
        if items.len() < least && matches!(self.node(name), Some(Node { shape: Shape::List(_), .. })) {
            let (at, path) = (self.place(name), self.path(name));
            let or_not = if setting.required { "" } else { ", or delete the field" };
            let hint = format!("write an item, such as `{name}: {}`{or_not}", setting.example);
            self.complain(at, format!("{path} must not be empty"), hint);
        }
        items
    }

    /// `true` and nothing else.
    fn yes(&mut self, name: &str) -> Option<Value> {
        let is_flag = self.flag(name)?;
        if !is_flag {
            let (at, path) = (self.place(name), self.path(name));
            self.complain(at, format!("{path} can only be true"), "write true, or delete the field");
        }
        is_flag.then_some(Value::Bool(true))
    }

    /// One of the words, or something with a placeholder that may become one.
    fn setting_word(&mut self, path: &str, node: &Node, words: &'static [&'static str]) -> Option<String> {
        match &node.shape {
            Shape::Text(text) if text.contains("{{") => Some(text.clone()),
            Shape::Plain(text) if text.contains("{{") => Some(text.clone()),
            Shape::Plain(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => {
                word_of(self.page, path, node, words, |word| word, self.problems).map(str::to_owned)
            }
        }
    }

    /// Complains unless exactly one of the settings is there of which one is needed.
    fn one_of(&mut self, builtin: &Builtin) {
        let given: Vec<&str> = builtin.one_of.iter().copied().filter(|name| self.has(name)).collect();
        let choice = builtin.one_of.join(" or ");
        match given.as_slice() {
            [] if !builtin.one_of.is_empty() && self.meant.is_empty() => {
                let (at, name) = (self.start(), builtin.name);
                self.complain(at, format!("the builtin `{name}` needs {choice}"), "add one of them");
            }
            [_, second, ..] => {
                let at = self.entry(second).map_or(self.start(), |entry| entry.key_at);
                let name = builtin.name;
                self.complain(
                    at,
                    format!("the builtin `{name}` takes {choice}, not both"),
                    "keep one; for the other write a second hook",
                );
            }
            [] | [_] => {}
        }
    }
}

/// Lines that a builtin could be told.
fn example(builtin: &Builtin) -> String {
    let wanted = |setting: &&Setting| setting.required || builtin.one_of.first() == Some(&setting.name);
    let lines = builtin.settings.iter().filter(wanted);
    lines.map(|setting| format!("  {}: {}", setting.name, setting.example)).collect::<Vec<_>>().join("\n")
}
