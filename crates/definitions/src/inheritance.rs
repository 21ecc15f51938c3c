//! What definitions have from others that they extend. Must not read fields, and must not know how a run uses them.

mod agents;
mod assignments;
mod authored;
mod chain;
mod clearing;
mod locks;
mod origins;
mod schema;
mod written;

use std::collections::BTreeMap;

use agent_runner_model::spec::LockableField;

use crate::source::Source;

pub(crate) use authored::{Authored, Wishes};
pub(crate) use chain::resolve;
pub(crate) use schema::{agent_or_heir, assignment_or_heir};
pub use written::{Written, WrittenTask};

/// Most definitions that one can extend, one through the other.
pub(crate) const MAX_BASES: usize = 16;

/// What a definition has from others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heritage {
    /// The definitions it extends, nearest first; none if it extends nothing.
    pub bases: Vec<Base>,
    /// The files that inherited settings come from, the furthest first and the definition's own among them where it adds
    /// to a setting. The names are those of fields (`model`, `instructions`) and of entries (`budget.tokens`,
    /// `vars.range`, `tasks.lint`, `lockedFields.model`). What comes from the definition's own file alone is not there.
    pub origins: BTreeMap<String, Vec<Source>>,
    /// The instructions that stand in its own file, where there are others.
    pub(crate) own_instructions: String,
    /// Where each lock is written: file, line and column.
    pub(crate) locks: BTreeMap<LockableField, String>,
}

/// A definition that another one extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// The whole file as it was authored.
    pub text: String,
}

impl Heritage {
    /// What a definition has that extends that base, whose own heritage this is.
    fn below(
        self,
        (name, source, text): (String, Source, String),
        origins: BTreeMap<String, Vec<Source>>,
        own_locks: BTreeMap<LockableField, String>,
        own_instructions: String,
    ) -> Self {
        let Self { mut bases, mut locks, .. } = self;
        bases.insert(0, Base { name, source, text });
        locks.extend(own_locks);
        Self { bases, origins, own_instructions, locks }
    }

    /// The instructions that say what sets the definition apart.
    pub(crate) fn lead<'a>(&'a self, all: &'a str) -> &'a str {
        if self.own_instructions.is_empty() { all } else { &self.own_instructions }
    }

    /// Where a setting that comes from one file was written.
    pub(crate) fn origin<'a>(&'a self, name: &str, own: &'a Source) -> &'a Source {
        self.origins.get(name).and_then(|files| files.last()).unwrap_or(own)
    }
}
