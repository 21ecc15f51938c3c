//! Carries out the use cases: create, drive, abort, set a task, recover. Must not contain HTTP, argument parsing,
//! reads of the environment, standard output or the names of vendors.

mod admission;
pub mod clock;
mod compose;
pub mod driver;
mod engine;
mod environment;
mod failure;
mod family;
mod git;
mod graph;
mod hooks;
pub mod launch;
mod place;
mod reference;
mod service;
mod shares;
pub mod talk;
#[cfg(test)]
mod tests;
mod told;
mod words;
mod workspace;
mod worktree;

pub use engine::{Engine, EngineConfig, Environment, Interrupts};
pub use place::Places;
pub use service::{Export, NewAttachment, NewHome};
