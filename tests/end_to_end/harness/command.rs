//! How the program is started: in a process group of its own, with nothing from the test's environment.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::PATIENCE;
use super::running::{Finished, Running};
use super::world::World;

/// A command of the program that is about to be started.
pub struct Command<'a> {
    world: &'a World,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: PathBuf,
    stdin: Option<Vec<u8>>,
    patience: Duration,
}

impl<'a> Command<'a> {
    pub(super) fn new(world: &'a World, program: &str, args: &[&str]) -> Self {
        let env = [
            ("PATH", OsString::from(world.search_path())),
            ("HOME", world.path("home").into()),
            ("AGENT_RUNNER_STATE_DIR", world.state_dir().into()),
            ("AGENT_RUNNER_CONFIG_DIR", world.config_dir().into()),
            ("XDG_RUNTIME_DIR", world.path("rt").into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
        ];
        Self {
            world,
            program: program.into(),
            args: args.iter().map(OsString::from).collect(),
            env: env.into_iter().map(|(name, value)| (name.into(), Some(value))).collect(),
            cwd: world.repo(),
            stdin: None,
            patience: PATIENCE,
        }
    }

    pub(super) fn world(&self) -> &'a World {
        self.world
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Starts it by another program, which is given the command as its last arguments and becomes it.
    pub fn through(mut self, launcher: &[&str]) -> Self {
        let mut words = launcher.iter().map(OsString::from);
        let program = words.next().unwrap();
        let own = std::mem::replace(&mut self.program, program);
        self.args = words.chain([own]).chain(self.args).collect();
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.env.push((name.into(), None));
        self
    }

    pub fn cwd(mut self, cwd: impl AsRef<Path>) -> Self {
        self.cwd = cwd.as_ref().to_path_buf();
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// How long the command may take before it is ended and the test fails.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Finished {
        self.spawn().wait()
    }

    /// Starts it. Its output is collected from now on.
    pub fn spawn(mut self) -> Running<'a> {
        let (world, patience) = (self.world, self.patience);
        let stdin = self.stdin.take();
        let shown = format!("{:?} {:?}", self.program, self.args);
        let mut command = self.build();
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        Running::new(world, shown, child, stdin, patience)
    }

    /// The command as the standard library has it, with its standard streams still open to choice.
    pub fn build(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).current_dir(&self.cwd).env_clear().process_group(0);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}
