//! Agents, assignments, tasks and checklists: their text becomes validated definitions, and what is wrong is
//! shown at its line. Must not read anything but the files it is asked for, must not read the environment and must
//! not decide how a run uses a definition.
#![deny(missing_docs)]

mod agent;
mod assignment;
mod blocks;
mod bundled;
mod check;
mod checklist;
mod diagnostic;
mod fields;
mod library;
mod listing;
mod loading;
mod names;
mod node;
mod page;
mod scalars;
mod similar;
mod slug;
mod source;
mod task;
mod yaml;

pub use agent::Agent;
pub use assignment::Assignment;
pub use blocks::{BlockShell, CommandBlock, command_blocks};
pub use check::Checked;
pub use diagnostic::{DefinitionError, Diagnostic};
pub use library::Library;
pub use listing::Listed;
pub use source::{Kind, Source};
pub use task::TaskDefinition;

#[cfg(test)]
mod tests;
