//! Running hooks: what they are told, how they are started and bounded, and what their answers mean.

mod answer;
mod builtin;
mod context;
mod exchange;
mod mutate;
mod node;
mod program;
mod running;

pub(crate) use context::{Judged, Moment};
pub(crate) use running::{Host, Ran, chain_link};
