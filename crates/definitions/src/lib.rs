//! Agents, assignments, tasks and checklists: their text becomes validated definitions, and what is wrong is
//! shown at its line. Must not read anything but the files it is asked for, must not read the environment itself and must
//! not decide how a run uses a definition.
#![deny(missing_docs)]

mod agent;
mod assignment;
mod blocks;
mod bundled;
mod check;
mod checklist;
mod diagnostic;
mod expressions;
mod fields;
mod forms;
mod handlebars;
mod hooks;
mod inheritance;
mod launcher;
mod launchers;
mod library;
mod listing;
mod loading;
mod names;
mod node;
mod page;
mod scaffold;
mod scalars;
mod schema;
mod similar;
mod skill;
mod slug;
mod source;
mod surroundings;
mod task;
mod tree;
mod yaml;

pub use agent::{Agent, AgentLauncher, Budget};
pub use assignment::{AssignedTask, Assignment, WorktreeAsk};
pub use blocks::{BlockShell, CommandBlock, command_blocks};
pub use check::{Checked, Checkup};
pub use diagnostic::{DefinitionError, Diagnostic};
pub use handlebars::{
    MAX_NESTING, MAX_TAGS, MAX_TEMPLATE, TASKS, TemplateNames, TemplateProblem, check_template,
};
pub use hooks::bundled_hook;
pub use inheritance::{Base, Heritage, Written, WrittenTask};
pub use launcher::Launcher;
pub use launchers::{LauncherListing, ListedLauncher};
pub use library::{Definition, Library};
pub use listing::{Listed, Listing};
pub use scaffold::{Scaffold, bundled_source, schema_place};
pub use schema::{is_own_schema, json_schema};
pub use similar::similar;
pub use skill::{SKILL_FILE, Skill, is_untouched, skills};
pub use source::{Kind, Source};
pub use surroundings::{Found, Surroundings};
pub use task::TaskDefinition;
pub use tree::{SkipReason, Skipped};

#[cfg(test)]
mod tests;
