//! Hooks as definitions declare them: which builtins there are, where the files of the others lie, and in which order
//! those of an assignment run. Must not run any, and must not read fields.

mod arrangement;
mod builtins;
mod files;
mod remarks;
pub(crate) mod schema;

pub(crate) use arrangement::{arranged, inherited};
#[cfg(test)]
pub(crate) use builtins::ENDS;
pub(crate) use builtins::{BUILTINS, Builtin, Setting, SettingKind};
pub use files::bundled_hook;
pub(crate) use files::{FindHook, find_hook};
#[cfg(test)]
pub(crate) use files::{HookFile, Trouble, named};
pub(crate) use remarks::remarks;

/// Most hooks of one phase, or of one task, in one file.
pub(crate) const MAX_HOOKS: usize = 100;

/// Whether a hook can have that name: parts of letters, digits and `. _ -` that start with a letter or a digit, divided
/// by `/`.
pub(crate) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    name.len() <= MAX_NAME && name.split('/').all(is_part)
}

/// Longest name of a hook, in characters.
pub(crate) const MAX_NAME: usize = 128;
