//! Owns the description of a program to start and its translation into a `std::process::Command`.
//! It must not start anything.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

/// A program to start: nothing is inherited but what stands here.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments. A program without a slash is looked up in the `PATH` of [`Self::env`];
    /// a relative one with a slash counts from [`Self::cwd`].
    pub argv: Vec<OsString>,
    /// The whole environment. A later entry of the same name wins.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub stdin: Stdin,
    /// Bytes of a line of output that are delivered; [`crate::MAX_LINE`] does for text for people.
    pub max_line: usize,
}

/// What the program reads on its standard input.
#[derive(Clone, Debug)]
pub enum Stdin {
    Null,
    Bytes(Vec<u8>),
}

/// An environment variable that every member of a tree carries, and by which members are found again.
/// The value should be random: whoever carries it is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub name: String,
    pub value: String,
}

/// The command with its environment and directory, but without its standard streams.
/// `None` when there is no program to name.
pub(crate) fn command(
    argv: &[OsString],
    env: &[(OsString, OsString)],
    cwd: &std::path::Path,
) -> Option<Command> {
    let (program, arguments) = argv.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir(cwd);
    command.envs(env.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())));
    Some(command)
}

/// The `PATH` the program will be looked up in, as far as the caller gave one.
pub(crate) fn search_path(env: &[(OsString, OsString)]) -> Option<&OsStr> {
    env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str())
}
