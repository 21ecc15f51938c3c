//! Words for people: tables, run views, the live view. Must not look anything up.

mod clean;
mod definitions;
mod events;
mod family;
mod flood;
mod fold;
mod last_words;
mod launchers;
mod lines;
mod live;
mod next;
mod report;
mod run;
mod runs;
#[cfg(test)]
mod sample;
mod skills;
mod space;
mod span;
mod table;
#[cfg(test)]
mod tests;
mod timeline;
mod transfer;
mod tree;
mod turn;
mod usage;
mod view;
mod workspaces;

pub(crate) use clean::{clean, indent, one_line, squeeze, width};
pub(crate) use definitions::{definition, definition_list, new_definition, validation};
pub(crate) use events::event_line;
pub(crate) use family::dependency_lines;
pub(crate) use last_words::is_told_in_words;
pub(crate) use launchers::{launcher, launcher_list};
pub(crate) use live::Role;
pub(crate) use report::{Report, html, markdown, page};
pub(crate) use run::{closing, exit_code, initialized, run_status};
pub(crate) use runs::run_list;
pub(crate) use skills::{
    InstalledSkill, InstalledSkills, KnownSkill, SkillFate, SkillList, installed_skills, skill_list,
};
pub(crate) use space::{collection, disk_use};
pub(crate) use table::{columns, fields, task_table};
pub(crate) use timeline::timeline_text;
pub(crate) use transfer::{exported, imported};
pub(crate) use tree::tree_text;
pub(crate) use view::View;
pub(crate) use workspaces::aside_line;
