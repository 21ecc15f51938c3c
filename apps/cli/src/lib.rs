//! The command line: wires the rooms together and speaks to people. stdout is data, stderr is for people. Must not
//! decide anything about runs.

mod app;
pub mod args;
mod commands;
mod drive;
mod exit;
mod follow;
mod front;
mod launcher;
mod output;
mod printer;
mod render;
mod settings;
mod signals;
mod tasks_over_socket;
mod worker;

pub use app::main;
