//! The command line: wires the rooms together and speaks to people. stdout is data, stderr is for people. Must not
//! decide anything about runs.

mod amounts;
mod app;
pub mod args;
mod commands;
mod complete;
mod drive;
mod exit;
mod follow;
mod front;
mod hearing;
mod launcher;
mod manual;
mod output;
mod pace;
mod placing;
mod printer;
mod prompts;
mod render;
mod replace;
mod settings;
mod signals;
mod tasks_over_socket;
mod wall;
mod worker;

pub use app::main;
