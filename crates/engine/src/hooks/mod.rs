//! Running hooks: what they are told, how they are started and bounded, and what their answers mean.

mod answer;
mod builtin;
mod context;
mod exchange;
mod mutate;
mod node;
mod orphans;
mod program;
mod running;

pub(crate) use context::{Judged, Moment};
pub(crate) use orphans::{command_marker, end_orphans, is_inside_hook, orphaned_runs, orphans_of};
pub(crate) use running::{Host, Ran, chain_link};
