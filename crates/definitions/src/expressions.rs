//! Environment expressions: a value that is as a whole `${NAME}`, `${NAME:-fallback}` or `${NAME-fallback}` becomes what
//! the environment says. Must not know fields: what may stand where is checked after this.

use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Node, Shape, shortened};
use crate::page::{Page, Place};
use crate::surroundings::{Found, Surroundings};

/// What stands for a variable that has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback<'a> {
    /// Nothing: the variable has to be set, and not to nothing.
    None,
    /// `:-`: a text for one that is not set or set to nothing.
    UnsetOrEmpty(&'a str),
    /// `-`: a text for one that is not set.
    Unset(&'a str),
}

/// Goes through one file.
pub(crate) struct Expressions<'a> {
    page: &'a Page,
    surroundings: &'a Surroundings,
    problems: Vec<Diagnostic>,
}

impl<'a> Expressions<'a> {
    pub(crate) fn new(page: &'a Page, surroundings: &'a Surroundings) -> Self {
        Self { page, surroundings, problems: Vec::new() }
    }

    /// Whether every expression had a value. The error holds at least one diagnostic.
    pub(crate) fn finish(self) -> Result<(), Vec<Diagnostic>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    /// Every value of a map; `path` is where the map is, with a dot at its end unless it is the whole.
    pub(crate) fn resolve_fields(&mut self, entries: &mut [Entry], path: &str) {
        for entry in entries {
            let path = format!("{path}{}", entry.key);
            self.resolve(&mut entry.value, &path);
        }
    }

    fn resolve(&mut self, node: &mut Node, path: &str) {
        match &mut node.shape {
            Shape::Map(entries) => self.resolve_fields(entries, &format!("{path}.")),
            Shape::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.resolve(item, &format!("{path}[{index}]"));
                }
            }
            Shape::Plain(text) | Shape::Text(text) => {
                let Some(inner) = inner(text) else { return };
                let expression = shortened(text.trim());
                if let Some(value) = self.value(inner, path, node.at, &expression) {
                    node.shape = Shape::Plain(value);
                    node.expression = Some(expression);
                }
            }
        }
    }

    /// The trimmed text below the front matter.
    pub(crate) fn resolve_body(&mut self, body: &str) -> String {
        let body = body.trim();
        let Some(inner) = inner(body) else { return body.to_owned() };
        let line = self.page.text().lines().position(|line| line.trim_start().starts_with("${")).unwrap_or(0);
        let at = Place { line: u32::try_from(line + 1).unwrap_or(u32::MAX), column: 1 };
        let value = self.value(inner, "the text below the fields", at, &shortened(body));
        value.unwrap_or_default().trim().to_owned()
    }

    fn value(&mut self, inner: &str, path: &str, at: Place, expression: &str) -> Option<String> {
        let Some((name, fallback)) = parts(inner) else {
            self.problems.push(self.page.problem(
                at,
                format!("{path}: {expression} is no environment expression"),
                "write ${NAME}, ${NAME:-fallback} or ${NAME-fallback}; NAME has letters, digits and _",
            ));
            return None;
        };
        let why = match (self.surroundings.find(name), fallback) {
            (Found::NotText, _) => "is not UTF-8",
            (Found::Unset, Fallback::Unset(text))
            | (Found::Unset | Found::Value(""), Fallback::UnsetOrEmpty(text)) => {
                return Some(text.to_owned());
            }
            (Found::Unset, Fallback::None) => "is not set",
            (Found::Value(""), Fallback::None) => "is empty",
            (Found::Value(value), Fallback::None | Fallback::UnsetOrEmpty(_) | Fallback::Unset(_)) => {
                return Some(value.to_owned());
            }
        };
        self.problems.push(self.page.problem(
            at,
            format!("{path}: the environment variable {name} {why}"),
            format!("set {name}, or write what holds without it: ${{{name}:-fallback}}"),
        ));
        None
    }
}

/// What is between `${` and `}`, if the text is as a whole one expression.
fn inner(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    (!inner.contains(['{', '}'])).then_some(inner)
}

fn parts(inner: &str) -> Option<(&str, Fallback<'_>)> {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match (rest.strip_prefix(":-"), rest.strip_prefix('-'), rest) {
        (_, _, "") => Some((name, Fallback::None)),
        (Some(text), _, _) => Some((name, Fallback::UnsetOrEmpty(text))),
        (None, Some(text), _) => Some((name, Fallback::Unset(text))),
        (None, None, _) => None,
    }
}
