//! Front matter as a tree whose every part knows its place. Must not know which fields exist.

use crate::page::Place;

/// A value in front matter.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Place,
    pub shape: Shape,
    /// The environment expression the value comes from. Messages show it, and never the value.
    pub expression: Option<String>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// A scalar without quotes: its text may mean a number, a truth value or nothing.
    Plain(String),
    /// A quoted or block scalar: always a text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file, without duplicate keys.
    Map(Vec<Entry>),
}

/// One field of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: Place,
    pub value: Node,
}

impl Node {
    /// A value as it is written.
    pub(crate) fn new(at: Place, shape: Shape) -> Self {
        Self { at, shape, expression: None }
    }

    /// Holds nothing: no value at all, or an empty list or map.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.shape {
            Shape::Plain(text) => crate::scalars::is_null(text),
            Shape::Text(_) => false,
            Shape::List(items) => items.is_empty(),
            Shape::Map(entries) => entries.is_empty(),
        }
    }

    /// What to do about a value that is not acceptable: what fits it as it is written.
    pub(crate) fn hint(&self, as_written: impl Into<String>) -> String {
        match &self.expression {
            Some(expression) => {
                format!(
                    "correct the variable in {expression}, or write the value itself: {}",
                    as_written.into()
                )
            }
            None => as_written.into(),
        }
    }

    /// The value as it is called in a message.
    pub(crate) fn described(&self) -> String {
        if let Some(expression) = &self.expression {
            return format!("the value of {expression}");
        }
        match &self.shape {
            Shape::Plain(text) if crate::scalars::is_null(text) => "nothing".to_owned(),
            Shape::Plain(text) => format!("`{}`", shortened(text)),
            Shape::Text(text) => format!("the text {:?}", shortened(text)),
            Shape::List(_) => "a list".to_owned(),
            Shape::Map(_) => "a map".to_owned(),
        }
    }
}

/// The first characters of a text.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
