//! Every verb that changes a run: where it is refused, and two callers at once.

mod races;
mod scene;
mod states;
