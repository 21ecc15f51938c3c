//! A hermetic world for one test, the program in it, fake agents, and what is asserted about what they leave behind.

mod agents;
mod command;
mod fifo;
mod manifest;
mod processes;
mod running;
mod terminal;
mod waiting;
mod world;

#[expect(unused_imports, reason = "part of the vocabulary of tests")]
pub use command::Command;
pub use fifo::Fifo;
pub use manifest::Manifest;
pub use processes::Process;
pub use running::{Finished, Running};
pub use terminal::Terminal;
pub use world::World;

use std::time::Duration;

/// How long a test waits for anything before it fails. Generous: the machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);
