//! The live view: what a person sees while a run works. Drawn in place, so that what was there before stays readable.

mod activity;
mod blocks;
mod layout;
mod line;
mod live;
mod news;
mod screen;
#[cfg(test)]
mod tests;

pub(crate) use live::{Live, Role};
