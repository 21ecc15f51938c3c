//! The hooks this program brings along. Each is a function of the run and of its configuration.

mod children;
mod choice;
mod command;
mod files;
mod git;
mod settings;
mod tell;
mod worktree;

pub(super) use choice::run;
