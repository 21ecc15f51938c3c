//! One test's own home, configuration, state and runtime directories, and a git repository to work in.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::command::Command;
use super::processes::{self, Process};
use super::running::Finished;

/// Everything a test's program may see. Dropping it ends every process that belongs to it, and removes it.
pub struct World {
    root: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        // Sockets need a short path, as /tmp is; TMPDIR may name another, on another disk for example.
        let root = tempfile::Builder::new().prefix("ar-").tempdir().unwrap();
        let world = Self { root };
        for directory in
            ["home", "state", "config/agents", "config/assignments", "rt", "bin", "scripts", "repo"]
        {
            std::fs::create_dir_all(world.path(directory)).unwrap();
        }
        // Workers find the program under its own name.
        std::os::unix::fs::symlink(program(), world.path("bin/agent-runner")).unwrap();
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world
    }

    /// A path below the world's root.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    pub fn config_dir(&self) -> PathBuf {
        self.path("config")
    }

    /// The git repository commands run in.
    pub fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    /// Writes a file below the world's root.
    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The text of a file below the world's root.
    pub fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The lines of a file below the world's root; none if it is not there.
    pub fn lines(&self, relative: impl AsRef<Path>) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(relative)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Runs git in the repository, without anybody's configuration.
    pub fn git(&self, args: &[&str]) {
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", self.search_path())
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn search_path(&self) -> String {
        format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display())
    }

    /// The program with these arguments.
    pub fn command(&self, args: &[&str]) -> Command<'_> {
        Command::new(self, program(), args)
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Finished {
        self.command(args).run()
    }

    /// Runs the program to its end, which has to be exit code 0.
    pub fn ok(&self, args: &[&str]) -> Finished {
        self.run(args).expect_code(0)
    }

    /// Creates a run without starting it, and returns its id.
    pub fn init(&self, args: &[&str]) -> String {
        let args: Vec<&str> =
            ["init"].iter().chain(args).chain(&["--output-format", "json"]).copied().collect();
        self.ok(&args).run_id()
    }

    /// Creates a run and approves its first start.
    pub fn init_ready(&self, args: &[&str]) -> String {
        let run = self.init(args);
        self.ok(&["run", "ready", &run]);
        run
    }

    /// The directory of a run.
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.runs().into_iter().find(|path| path.ends_with(run)).unwrap_or_else(|| panic!("no run {run}"))
    }

    /// What is kept of a log, compressed or not.
    pub fn sealed(&self, run: &str, name: &str) -> Vec<u8> {
        let path = self.run_dir(run).join(name);
        let plain =
            std::process::Command::new("gzip").args(["-cdf"]).arg(format!("{}.gz", path.display())).output();
        std::fs::read(&path).unwrap_or_else(|_| plain.unwrap().stdout)
    }

    /// The directories of all runs.
    pub fn runs(&self) -> Vec<PathBuf> {
        let children = |path: &Path| -> Vec<PathBuf> {
            let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
        };
        children(&self.state_dir().join("runs")).iter().flat_map(|bucket| children(bucket)).collect()
    }

    /// The id of the only run there is.
    pub fn only_run(&self) -> String {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "there should be one run: {runs:?}");
        runs[0].file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// A run's manifest.
    pub fn manifest(&self, run: &str) -> Value {
        let path = self.run_dir(run).join("run.json");
        serde_json::from_slice(&std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{} does not parse: {error}", path.display()))
    }

    /// A run's events, those that count: up to the manifest's `eventsLen`.
    pub fn events(&self, run: &str) -> Vec<Value> {
        let length = usize::try_from(self.manifest(run)["eventsLen"].as_u64().unwrap()).unwrap();
        let log = std::fs::read(self.run_dir(run).join("run-events.jsonl")).unwrap();
        assert!(log.len() >= length, "the log has {} of {length} bytes", log.len());
        let text = std::str::from_utf8(&log[..length]).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events of one type.
    pub fn events_of(&self, run: &str, kind: &str) -> Vec<Value> {
        self.events(run).into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// What `run status` says, as JSON.
    pub fn status(&self, run: &str) -> Value {
        self.ok(&["run", "status", run, "--output-format", "json"]).json()
    }

    /// The process that drives a run, as its manifest has it.
    pub fn driver_pid(&self, run: &str) -> i32 {
        let pid = self.manifest(run)["state"]["driver"]["pid"].as_i64().expect("the run has a driver");
        i32::try_from(pid).unwrap()
    }

    /// The worker of the running attempt, as the manifest has it.
    pub fn worker_pid(&self, run: &str) -> i32 {
        let manifest = self.manifest(run);
        let pid = manifest["state"]["phase"]["stage"]["attempt"]["process"]["pid"].as_i64();
        i32::try_from(pid.unwrap_or_else(|| panic!("no worker: {}", manifest["state"]["phase"]))).unwrap()
    }

    /// All live processes that belong to this world.
    pub fn processes(&self) -> Vec<Process> {
        processes::of(self.root.path())
    }

    /// Fails unless every process of this world ends by itself, soon.
    pub fn assert_nothing_left(&self) {
        let left = processes::wait_until_gone(self.root.path(), super::PATIENCE / 4);
        assert!(left.is_empty(), "left running: {left:#?}\n{}", self.everything_known());
    }

    /// Sends a signal to a process of this world.
    pub fn signal(&self, pid: i32, signal: Signal) {
        rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal)
            .unwrap_or_else(|error| panic!("cannot signal {pid}: {error}\n{}", self.everything_known()));
    }

    /// What a failing test prints.
    pub fn everything_known(&self) -> String {
        let mut text = format!("processes: {:#?}\n", self.processes());
        for run in self.runs() {
            text.push_str(&format!("== {}\n", run.display()));
            for file in ["run.json", "run-events.jsonl", "driver.log"] {
                let bytes = std::fs::read(run.join(file)).unwrap_or_default();
                let content = String::from_utf8_lossy(&bytes);
                let start = content.char_indices().rev().nth(6000).map_or(0, |(index, _)| index);
                text.push_str(&format!("-- {file}\n{}\n", &content[start..]));
            }
        }
        text
    }
}

impl Drop for World {
    fn drop(&mut self) {
        processes::end(self.root.path());
    }
}

/// The program under test.
pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_agent-runner-under-test")
}
