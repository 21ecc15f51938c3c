//! A hermetic world for one test, the program in it, fake agents, and what is asserted about what they leave behind.

mod agents;
mod collected;
mod command;
mod fifo;
mod manifest;
mod processes;
mod running;
mod terminal;
mod tmux;
mod waiting;
mod world;

pub use command::Command;
pub use fifo::Fifo;
pub use manifest::Manifest;
pub use running::{Finished, Running};
pub use tmux::Tmux;
pub use waiting::{pidfd, wait_readable};
pub use world::World;

use std::time::Duration;

/// How long a test waits for anything before it fails. Generous: the machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);
