//! One file's share of a definition: what it says itself, and what it wants of the definition it extends.

use std::collections::BTreeMap;

use agent_runner_model::ids::TaskId;
use agent_runner_model::spec::LockableField;

use crate::diagnostic::Diagnostic;
use crate::forms::BaseInstructions;
use crate::loading::Front;
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::source::Source;

/// What a definition wants of the one it extends.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub extends: Option<String>,
    pub base_instructions: BaseInstructions,
    pub unlock: Vec<LockableField>,
    pub clear: Vec<String>,
    pub remove_tasks: Vec<TaskId>,
}

/// What one file says.
#[derive(Debug)]
pub(crate) struct Authored<T> {
    pub page: Page,
    /// The front matter, for places.
    pub entries: Vec<Entry>,
    pub name: String,
    pub source: Source,
    pub place_name: Option<String>,
    pub wishes: Wishes,
    /// The definition as far as it is written here.
    pub own: T,
}

impl<T> Authored<T> {
    /// Where the field's name stands.
    pub(crate) fn at(&self, field: &str) -> Place {
        self.entry(field).map_or(Place::START, |entry| entry.key_at)
    }

    fn entry(&self, field: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == field)
    }

    /// Whether the field says anything.
    pub(crate) fn says(&self, field: &str) -> bool {
        self.entry(field).is_some_and(|entry| !entry.value.is_empty())
    }

    /// Where that word stands in a list.
    pub(crate) fn item_at(&self, field: &str, word: &str) -> Place {
        item_at(&self.entries, field, word).unwrap_or_else(|| self.at(field))
    }

    /// Where an entry of a map stands.
    pub(crate) fn key_at(&self, field: &str, key: &str) -> Place {
        let Some(Shape::Map(entries)) = self.entry(field).map(|entry| &entry.value.shape) else {
            return self.at(field);
        };
        entries.iter().find(|entry| entry.key == key).map_or_else(|| self.at(field), |entry| entry.key_at)
    }

    /// Where the text below the front matter starts.
    pub(crate) fn body_at(&self) -> Place {
        let Ok(parts) = self.page.parts() else { return Place::START };
        let text = self.page.text().len();
        self.page.place_of(text - parts.body.trim_start().len())
    }

    /// Where `extends` leads.
    pub(crate) fn extends_at(&self) -> Place {
        self.entry("extends").map_or(Place::START, |entry| entry.value.at)
    }

    pub(crate) fn problem(
        &self,
        at: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Diagnostic {
        self.page.problem(at, message, hint)
    }

    /// Where each of these locks is put on.
    pub(crate) fn locks(&self, locked: &[LockableField]) -> BTreeMap<LockableField, String> {
        let place = |field: &LockableField| {
            let at = self.item_at("lockedFields", field.as_str());
            (*field, self.problem(at, "", "").position())
        };
        locked.iter().map(place).collect()
    }
}

fn item_at(entries: &[Entry], field: &str, word: &str) -> Option<Place> {
    let entry = entries.iter().find(|entry| entry.key == field)?;
    let Shape::List(items) = &entry.value.shape else { return None };
    let is_it = |item: &&Node| matches!(&item.shape, Shape::Plain(text) | Shape::Text(text) if text == word);
    items.iter().find(is_it).map(|item| item.at)
}

impl Front {
    /// The fields and the text below, apart.
    pub(crate) fn divided(self) -> (Vec<Entry>, String) {
        (self.entries, self.body)
    }
}
