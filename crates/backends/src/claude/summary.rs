//! One line about what a tool does, and about what came of it.

use serde_json::value::RawValue;

use crate::json::{items, members, text};
use crate::text::{MAX_LINE, head, one_line};

/// Bytes of a tool's input that are looked at.
const LOOKED_AT: usize = 4 * MAX_LINE;
/// Members that say best what a call is about, the first one found counts.
const TELLING: &[(&str, &[&str])] = &[
    ("Bash", &["command"]),
    ("Read", &["file_path"]),
    ("Edit", &["file_path"]),
    ("MultiEdit", &["file_path"]),
    ("Write", &["file_path"]),
    ("NotebookEdit", &["notebook_path"]),
    ("Glob", &["pattern"]),
    ("Grep", &["pattern"]),
    ("Task", &["description", "prompt"]),
    ("Agent", &["description", "prompt"]),
    ("WebFetch", &["url"]),
    ("WebSearch", &["query"]),
    ("Skill", &["skill", "command"]),
];
/// Blocks of a tool's result that are looked at.
const MAX_BLOCKS: usize = 8;

/// What a call is about: the command, the path, or its input as JSON.
pub(super) fn of_call(name: &str, input: Option<&RawValue>) -> String {
    let telling = TELLING.iter().find(|(tool, _)| *tool == name).map_or(&[][..], |(_, members)| *members);
    if !telling.is_empty() {
        let given = members(input);
        let found = telling.iter().find_map(|wanted| {
            let (_, value) = given.iter().find(|(member, _)| member == wanted)?;
            text(Some(value))
        });
        if let Some(found) = found {
            return one_line(&found, MAX_LINE);
        }
    }
    let json = input.map_or("", |input| input.get());
    if json == "{}" { String::new() } else { one_line(head(json, LOOKED_AT), MAX_LINE) }
}

/// The beginning of a result: a text, or the texts among its blocks.
pub(super) fn of_result(content: Option<&RawValue>) -> String {
    if let Some(text) = text(content) {
        return one_line(&text, MAX_LINE);
    }
    let mut line = String::new();
    for block in items(content, MAX_BLOCKS) {
        let given = members(Some(block));
        let member = |wanted: &str| given.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let words = match text(member("text")) {
            Some(text) => text.into_owned(),
            None => format!("[{}]", text(member("type")).unwrap_or("data".into())),
        };
        line.push_str(&words);
        line.push(' ');
    }
    one_line(&line, MAX_LINE)
}
