//! The live view: what a person sees while a run works. Drawn in place, so that what was there before stays readable.

mod activity;
mod blocks;
mod layout;
mod line;
mod news;
mod screen;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use view::{Live, Role};
