//! Reads the fields of a map one by one and collects everything that is wrong with them. Must not know any
//! definition: which fields exist is said by the caller.

mod author;
mod backend;
mod budget;
pub(crate) mod hooks;
mod inheritance;
mod json;
mod prompts;
mod settings;
mod vars;
mod when;

use agent_runner_model::spec::LockableField;

use crate::diagnostic::Diagnostic;
use crate::forms::FormatVersion;
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::scalars::{Meaning, meaning};
use crate::similar::similar;
use crate::yaml::{not_below_its_field, quote, value_of};

pub(crate) use author::AUTHOR;
pub(crate) use inheritance::{AGENT_CLEARS, ASSIGNMENT_CLEARS};
pub(crate) use prompts::{MAX_PROMPT, PROMPT_KINDS};
pub(crate) use vars::MAX_VARS;

/// The fields a map may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// What the map is, in a sentence: `an agent`.
    pub what: &'static str,
    /// Fields that are read, in the documented order.
    pub fields: &'static [&'static str],
    /// Fields of the format that this version does not support.
    pub later: &'static [&'static str],
    /// Fields that belong elsewhere, and where.
    pub elsewhere: &'static [(&'static str, &'static str)],
    /// Fields that people expect, and what to do in place of them.
    pub instead: &'static [(&'static str, &'static str)],
}

/// A map that is being read.
pub(crate) struct Fields<'a, 'p> {
    page: &'a Page,
    /// `tasks[2].` in front of field names, or nothing.
    prefix: String,
    start: Place,
    entries: &'a [Entry],
    /// Known fields that an unknown one was probably meant to be.
    meant: Vec<&'static str>,
    problems: &'p mut Vec<Diagnostic>,
}

/// Most unknown fields of one map that are reported.
const MAX_UNKNOWN: usize = 20;

impl<'a, 'p> Fields<'a, 'p> {
    /// Starts reading and complains about every field that is not known.
    pub(crate) fn new(
        page: &'a Page,
        prefix: String,
        start: Place,
        entries: &'a [Entry],
        known: Known,
        problems: &'p mut Vec<Diagnostic>,
    ) -> Self {
        let mut meant = Vec::new();
        let unknown_entries = entries.iter().filter(|entry| !known.fields.contains(&entry.key.as_str()));
        for entry in unknown_entries.take(MAX_UNKNOWN) {
            if let Some(problem) = unknown(page, &prefix, entry, known) {
                problems.push(problem);
                meant.extend(similar(&entry.key, known.fields.iter().copied()).first());
            }
        }
        Self { page, prefix, start, entries, meant, problems }
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    fn node(&self, name: &str) -> Option<&'a Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// Whether the field is there, whatever it holds.
    fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn complain(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(self.page.problem(at, message, hint));
    }

    /// Where the field's value is; the start of the map when it is missing.
    pub(crate) fn place(&self, name: &str) -> Place {
        self.node(name).map_or(self.start, |node| node.at)
    }

    fn missing(&mut self, name: &str, example: &str) {
        if self.meant.contains(&name) {
            return;
        }
        let path = self.path(name);
        self.complain(
            self.start,
            format!("field `{path}` is missing"),
            format!("add a line like `{name}: {example}`"),
        );
    }

    /// `schemaVersion: 1`.
    pub(crate) fn schema_version(&mut self) -> Option<FormatVersion> {
        let Some(node) = self.node("schemaVersion") else {
            self.missing("schemaVersion", "1");
            return None;
        };
        let at = node.at;
        match &node.shape {
            Shape::Plain(text) if text == "1" => return Some(FormatVersion),
            Shape::Plain(text) if matches!(meaning(text), Meaning::Whole(_)) => self.complain(
                at,
                format!("schemaVersion {text} is not supported by this version"),
                "write `schemaVersion: 1`",
            ),
            _ => self.complain(
                at,
                format!("schemaVersion must be the number 1, found {}", node.described()),
                "write `schemaVersion: 1`, without quotes",
            ),
        }
        None
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, name: &str, example: &str) -> Option<String> {
        let Some(node) = self.node(name) else {
            self.missing(name, example);
            return None;
        };
        let path = self.path(name);
        let is_blank = (node.is_empty() && node.expression.is_none())
            || matches!(&node.shape, Shape::Plain(text) if node.expression.is_some() && text.trim().is_empty())
            || matches!(&node.shape, Shape::Text(text) if text.trim().is_empty());
        if is_blank && comment_after_colon(self.page.line(node.at.line)).is_none() {
            self.complain(
                node.at,
                format!("{path} must not be empty"),
                format!("write a text after the colon, such as `{name}: {example}`"),
            );
            return None;
        }
        text_of(self.page, &path, node, self.problems)
    }

    /// A text that is not blank.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let node = self.node(name)?;
        let text = text_of(self.page, &self.path(name), node, self.problems)?;
        if text.trim().is_empty() {
            let path = self.path(name);
            self.complain(node.at, format!("{path} must not be empty"), "write a text, or delete the field");
            return None;
        }
        Some(text)
    }

    /// A text that may be empty.
    pub(crate) fn free_text(&mut self, name: &str) -> Option<String> {
        let node = self.node(name)?;
        text_of(self.page, &self.path(name), node, self.problems)
    }

    /// A whole number within bounds.
    pub(crate) fn number(&mut self, name: &str, least: u32, most: u32) -> Option<u32> {
        let node = self.node(name)?;
        let value = match &node.shape {
            Shape::Plain(text) => match meaning(text) {
                Meaning::Whole(value) => u32::try_from(value).ok(),
                Meaning::Null
                | Meaning::Bool(_)
                | Meaning::OtherNumber
                | Meaning::Ambiguous
                | Meaning::Text => None,
            },
            Shape::Text(_) | Shape::List(_) | Shape::Map(_) => None,
        };
        if let Some(value) = value.filter(|value| (least..=most).contains(value)) {
            return Some(value);
        }
        let path = self.path(name);
        self.complain(
            node.at,
            format!("{path} must be a whole number from {least} to {most}, found {}", node.described()),
            node.hint(match node.expression {
                Some(_) => format!("`{name}: {}`", most.min(600)),
                None => number_hint(name, node, least, most),
            }),
        );
        None
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let node = self.node(name)?;
        if let Shape::Plain(text) = &node.shape
            && let Meaning::Bool(value) = meaning(text)
        {
            return Some(value);
        }
        let path = self.path(name);
        self.complain(
            node.at,
            format!("{path} must be true or false, found {}", node.described()),
            node.hint(format!("write `{name}: true` or `{name}: false`, without quotes")),
        );
        None
    }

    /// One word of a closed list.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, all: &[T], spell: fn(T) -> &'static str) -> Option<T> {
        let node = self.node(name)?;
        word_of(self.page, &self.path(name), node, all, spell, self.problems)
    }

    /// `lockedFields`; a field locked twice counts once.
    pub(crate) fn locked_fields(&mut self) -> Vec<LockableField> {
        self.lockable("lockedFields")
    }

    /// A list of fields that can be locked, each once.
    fn lockable(&mut self, name: &str) -> Vec<LockableField> {
        let mut locked = Vec::new();
        for (index, item) in self.list(name).iter().enumerate() {
            let path = format!("{}[{index}]", self.path(name));
            let word =
                word_of(self.page, &path, item, LockableField::ALL, LockableField::as_str, self.problems);
            locked.extend(word.filter(|word| !locked.contains(word)));
        }
        locked
    }

    /// The items of a list; none when the field is missing or not a list.
    pub(crate) fn list(&mut self, name: &str) -> &'a [Node] {
        let Some(node) = self.node(name) else { return &[] };
        if let Shape::List(items) = &node.shape {
            return items;
        }
        let path = self.path(name);
        let hint = match &node.shape {
            Shape::Map(entries) if entries.first().is_some_and(|entry| entry.key.starts_with('-')) => {
                "put a blank after the dash, as in `- id: run-tests`".to_owned()
            }
            Shape::Map(entries) if entries.first().is_some_and(|entry| entry.key == "id") => {
                "every item starts with a dash and a blank: write `- id: …`, and the item's other fields below it in \
                 the column of `id`"
                    .to_owned()
            }
            _ if node.expression.is_some() => CONTAINER.to_owned(),
            _ => format!(
                "write `{name}: []`, or one item a line below `{name}:`, each starting with a dash and a blank"
            ),
        };
        self.complain(node.at, format!("{path} must be a list, found {}", node.described()), hint);
        &[]
    }
}

/// What to do about an expression in place of a list or a map.
const CONTAINER: &str =
    "an environment expression stands for one text, number or truth value: write the list or map out";

/// What to write in place of something that is no number, or is one out of bounds.
fn number_hint(name: &str, node: &Node, least: u32, most: u32) -> String {
    let (Shape::Plain(text) | Shape::Text(text)) = &node.shape else {
        return format!("write one number after the colon, such as `{name}: {}`", most.min(600));
    };
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text).find(|c: char| !c.is_ascii_digit());
    let (number, unit) =
        text.split_at(digits.map_or(text.len(), |at| at + usize::from(text.starts_with('-'))));
    let seconds = match unit.trim() {
        "" => Some(1),
        "s" | "sec" | "seconds" if name.ends_with("Sec") => Some(1),
        "m" | "min" | "minutes" if name.ends_with("Sec") => Some(60),
        "h" | "hours" if name.ends_with("Sec") => Some(3600),
        _ => None,
    };
    let meant = number.parse::<i64>().ok().zip(seconds).and_then(|(number, unit)| number.checked_mul(unit));
    match meant {
        Some(number) if number < i64::from(least) => {
            format!("the least is `{name}: {least}`; without the field the default holds")
        }
        Some(number) if number > i64::from(most) => {
            format!("the most is `{name}: {most}`; without the field the default holds")
        }
        Some(number) => format!("write `{name}: {number}`: digits only, without quotes or a unit"),
        None => format!("write digits only, without quotes, such as `{name}: {}`", most.min(600)),
    }
}

fn unknown(page: &Page, prefix: &str, entry: &Entry, known: Known) -> Option<Diagnostic> {
    let key = entry.key.as_str();
    let path = format!("{prefix}{key}");
    if known.later.contains(&key) {
        return (!entry.value.is_empty()).then(|| {
            page.problem(
                entry.key_at,
                format!("field `{path}` is not supported by this version"),
                "delete the field; an empty one may stay",
            )
        });
    }
    let message = format!("unknown field `{path}`");
    if let Some((_, place)) = known.elsewhere.iter().find(|(name, _)| *name == key) {
        return Some(page.problem(
            entry.key_at,
            message,
            format!("`{key}` is a field of {place}; move it there"),
        ));
    }
    if let Some((_, hint)) = known.instead.iter().find(|(name, _)| *name == key) {
        return Some(page.problem(entry.key_at, message, *hint));
    }
    if let Some((_, hint)) = not_below_its_field(page, entry.key_at.line) {
        return Some(page.problem(entry.key_at, message, format!("if it is meant as text, {hint}")));
    }
    let fields = known.fields.join(", ");
    let hint = match similar(key, known.fields.iter().chain(known.later).copied()).first() {
        Some(near) => format!("did you mean `{near}`? Fields of {} are {fields}", known.what),
        None => format!("delete it; fields of {} are {fields}", known.what),
    };
    Some(page.problem(entry.key_at, message, hint))
}

/// A scalar that is a text.
pub(crate) fn text_of(
    page: &Page,
    path: &str,
    node: &Node,
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    match &node.shape {
        Shape::Text(text) => return Some(text.clone()),
        // What a variable holds is a text wherever a text is wanted, whatever it looks like.
        Shape::Plain(text) if node.expression.is_some() => return Some(text.clone()),
        Shape::Plain(text) if matches!(meaning(text), Meaning::Text) => return Some(text.clone()),
        // `yes`, `no`, `on` and `off` are texts for YAML 1.2; `True` is not.
        Shape::Plain(text)
            if matches!(meaning(text), Meaning::Ambiguous)
                && !text.eq_ignore_ascii_case("true")
                && !text.eq_ignore_ascii_case("false") =>
        {
            return Some(text.clone());
        }
        Shape::Plain(_) | Shape::List(_) | Shape::Map(_) => {}
    }
    let hint = match &node.shape {
        Shape::Plain(text) if text.is_empty() => match comment_after_colon(page.line(node.at.line)) {
            Some(comment) => format!("# starts a comment; quote a text that begins with it: \"{comment}\""),
            None => "write the text after the colon, or delete the field".to_owned(),
        },
        Shape::Plain(text) => format!("quote it to make it a text: \"{text}\""),
        _ => not_one_text(page, node.at),
    };
    problems.push(page.problem(node.at, format!("{path} must be a text, found {}", node.described()), hint));
    None
}

/// What to do about a list or a map in place of a text.
fn not_one_text(page: &Page, at: Place) -> String {
    const ONE: &str =
        "write one text, quoted if it holds special characters; `|` starts a text of several lines";
    let line = page.line(at.line);
    let before = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
    let here: String = line.chars().skip(before).collect();
    match here.starts_with(['[', '{']) && value_of(line) == Some(here.trim_end()) {
        true => quote(line, ONE),
        false => ONE.to_owned(),
    }
}

/// What stands after `name: #`.
fn comment_after_colon(line: &str) -> Option<String> {
    let (before, comment) = line.split_once(" #")?;
    let ends = before.trim_end();
    (ends.ends_with(':') || ends.ends_with('-'))
        .then(|| crate::node::shortened(&format!("#{}", comment.trim_end())))
}

fn word_of<T: Copy>(
    page: &Page,
    path: &str,
    node: &Node,
    all: &[T],
    spell: fn(T) -> &'static str,
    problems: &mut Vec<Diagnostic>,
) -> Option<T> {
    let given = match &node.shape {
        Shape::Plain(text) | Shape::Text(text) => text.as_str(),
        Shape::List(_) | Shape::Map(_) => "",
    };
    if let Some(found) = all.iter().find(|word| spell(**word) == given) {
        return Some(*found);
    }
    let words: Vec<&str> = all.iter().map(|word| spell(*word)).collect();
    let near = match similar(given, words.iter().copied()).first() {
        Some(near) if !given.is_empty() => format!("did you mean `{near}`? The words are"),
        _ => "write one of".to_owned(),
    };
    problems.push(page.problem(
        node.at,
        format!("{path} cannot be {}", node.described()),
        format!("{near} {}", words.join(", ")),
    ));
    None
}
