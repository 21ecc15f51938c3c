//! Words for people: tables, run views, the live view. Must not look anything up.

mod clean;
mod definitions;
mod events;
mod flood;
mod lines;
mod live;
mod report;
mod run;
#[cfg(test)]
mod sample;
mod span;
mod table;
#[cfg(test)]
mod tests;
mod timeline;
mod turn;
mod usage;
mod view;

pub(crate) use clean::{clean, indent};
pub(crate) use definitions::{definition, definition_list, new_definition, validation};
pub(crate) use events::event_line;
pub(crate) use live::Role;
pub(crate) use report::{Report, html, markdown, page};
pub(crate) use run::{closing, exit_code, initialized, run_status};
pub(crate) use span::reason_words;
pub(crate) use table::{columns, fields, task_table};
pub(crate) use timeline::timeline_text;
pub(crate) use view::View;
