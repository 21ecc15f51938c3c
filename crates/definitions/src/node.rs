//! Front matter as a tree whose every part knows its place. Must not know which fields exist.

use crate::page::Place;

/// A value in front matter.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Place,
    pub shape: Shape,
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
    /// Holds nothing: no value at all, or an empty list or map.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.shape {
            Shape::Plain(text) => crate::scalars::is_null(text),
            Shape::Text(_) => false,
            Shape::List(items) => items.is_empty(),
            Shape::Map(entries) => entries.is_empty(),
        }
    }

    /// The value as it is called in a message.
    pub(crate) fn described(&self) -> String {
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
