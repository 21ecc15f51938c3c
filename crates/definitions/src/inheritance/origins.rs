//! Joins settings of a definition and of its base, and keeps account of the files they come from.

use std::collections::BTreeMap;

use agent_runner_model::budget::BudgetKind;
use agent_runner_model::spec::LockableField;

use super::Heritage;
use crate::agent::Budget;
use crate::forms::BaseInstructions;
use crate::source::Source;

/// The account of one definition over its base.
pub(super) struct Origins<'a> {
    base: &'a Heritage,
    base_source: &'a Source,
    own_source: &'a Source,
    found: BTreeMap<String, Vec<Source>>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(base: &'a Heritage, base_source: &'a Source, own_source: &'a Source) -> Self {
        Self { base, base_source, own_source, found: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> BTreeMap<String, Vec<Source>> {
        self.found
    }

    /// A setting that is the base's.
    pub(super) fn kept(&mut self, name: &str) {
        let files = self.base.origins.get(name).cloned().unwrap_or_else(|| vec![self.base_source.clone()]);
        self.found.insert(name.to_owned(), files);
    }

    /// A setting of which a part is the base's.
    pub(super) fn joined(&mut self, name: &str) {
        self.kept(name);
        if let Some(files) = self.found.get_mut(name) {
            files.push(self.own_source.clone());
        }
    }

    /// A setting that is one's own although the base has it too.
    pub(super) fn own(&mut self, name: &str) {
        self.found.remove(name);
    }

    /// One's own value, or else the base's.
    pub(super) fn value<T>(&mut self, name: &str, base: Option<T>, own: Option<T>) -> Option<T> {
        if own.is_none() && base.is_some() {
            self.kept(name);
        }
        own.or(base)
    }

    /// All entries of both; what becomes of two under one name is said by `both`, nothing for one's own alone.
    pub(super) fn map<T>(
        &mut self,
        field: &str,
        base: BTreeMap<String, T>,
        mut own: BTreeMap<String, T>,
        both: Option<fn(T, T) -> T>,
    ) -> BTreeMap<String, T> {
        for (key, value) in base {
            let name = format!("{field}.{key}");
            let joined = match (own.remove(&key), both) {
                (None, _) => {
                    self.kept(&name);
                    value
                }
                (Some(own), None) => own,
                (Some(own), Some(both)) => {
                    self.joined(&name);
                    both(value, own)
                }
            };
            own.insert(key, joined);
        }
        own
    }

    /// Ceiling by ceiling.
    pub(super) fn budget(&mut self, base: Option<Budget>, own: Option<Budget>) -> Option<Budget> {
        let Some(base) = base else { return own };
        let mut joined = own.unwrap_or_default();
        for kind in BudgetKind::ALL {
            let name = format!("budget.{}", kind.as_str());
            joined.hard =
                joined.hard.with(kind, self.value(&name, base.hard.get(kind), joined.hard.get(kind)));
        }
        joined.soft_percent = self.value("budget.soft", base.soft_percent, joined.soft_percent);
        joined.on_unmeasured = self.value("budget.onUnmeasured", base.on_unmeasured, joined.on_unmeasured);
        Some(joined)
    }

    /// The base's locks but for those that are taken off, and one's own.
    pub(super) fn locks(&mut self, base: &[LockableField], own: &[LockableField]) -> Vec<LockableField> {
        let mut locked = base.to_vec();
        for field in base {
            let name = format!("lockedFields.{}", field.as_str());
            if own.contains(field) { self.joined(&name) } else { self.kept(&name) }
        }
        locked.extend(own.iter().filter(|field| !base.contains(field)));
        locked
    }

    /// Both texts in the order that is asked for.
    pub(super) fn instructions(&mut self, base: &str, own: &str, order: BaseInstructions) -> String {
        let (first, last) = match order {
            BaseInstructions::None => return own.to_owned(),
            BaseInstructions::First => (base, own),
            BaseInstructions::Last => (own, base),
        };
        match (base.is_empty(), own.is_empty()) {
            (true, _) => own.to_owned(),
            (false, true) => {
                self.kept("instructions");
                base.to_owned()
            }
            (false, false) => {
                self.joined("instructions");
                format!("{first}\n\n{last}")
            }
        }
    }
}
