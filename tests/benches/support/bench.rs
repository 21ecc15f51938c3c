//! The release build of the program, made first and then run from outside in a place of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program and the directories it works in.
pub struct Bench {
    pub program: PathBuf,
    pub root: tempfile::TempDir,
    pub state: PathBuf,
}

impl Bench {
    pub fn new(program: PathBuf, below: Option<&Path>) -> Self {
        let root = match below {
            Some(below) => tempfile::tempdir_in(below).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        let state = root.path().join("state");
        let agent = "---\nschemaVersion: 1\nname: quick\nbackend: command\nbackendConfig:\n  command:\n    argv: \
                     [\"/bin/true\"]\n---\nDo nothing.\n";
        fs::write(root.path().join("agent.md"), agent).unwrap();
        Self { program, root, state }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.root.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.root.path()).env("AGENT_RUNNER_STATE_DIR", &self.state);
        command.env("XDG_RUNTIME_DIR", self.root.path());
        command
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.command(args).args(["--output-format", "json"]).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "-p", "agent-runner", "--message-format=json"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "the release build failed");
    let messages = String::from_utf8(built.stdout).unwrap();
    let programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    programs.reduce(|_, last| last).expect("the build names its program")
}

pub fn run(mut command: Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

pub fn show(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

/// The median of so many times, after one that does not count.
pub fn median(rounds: usize, mut once: impl FnMut(usize)) -> Duration {
    once(0);
    let timed = |round| {
        let start = Instant::now();
        once(round);
        start.elapsed()
    };
    middle((0..rounds).map(timed).collect())
}

/// The median of what was measured.
pub fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

pub fn three_syncs(directory: &Path) {
    let mut log = fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    log.write_all(&[b'x'; 150]).unwrap();
    log.sync_data().unwrap();
    let mut temporary = fs::File::create(directory.join("run.tmp")).unwrap();
    temporary.write_all(&[b'x'; 6 * 1024]).unwrap();
    temporary.sync_all().unwrap();
    fs::rename(directory.join("run.tmp"), directory.join("run")).unwrap();
    fs::File::open(directory).unwrap().sync_all().unwrap();
}
