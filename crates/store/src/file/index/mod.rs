//! The index of runs: a copy of what listings need of all manifests, in a database that may be thrown away at any time.

mod dead;
mod fold;
mod kin;
mod listing;
mod place;
mod rows;
mod schema;
mod select;
mod stamp;

pub(crate) use dead::dead;
pub(crate) use kin::kin;
pub(crate) use listing::list;
pub(crate) use place::Shelf;
