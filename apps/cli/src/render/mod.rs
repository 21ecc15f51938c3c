//! Words for people: tables, run views, the live view. Must not look anything up.

mod clean;
mod events;
mod live;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod turn;
mod view;

pub(crate) use clean::{clean, indent};
pub(crate) use events::event_line;
pub(crate) use run::{closing, exit_code, initialized, run_status};
pub(crate) use table::{columns, fields, task_table};
pub(crate) use turn::turn_line;
pub(crate) use view::View;
