//! A started command: its output as it comes, and how it ended.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use super::collected::Collected;
use super::waiting::{pidfd, wait_readable};
use super::world::World;

/// A command that was started. Dropping it ends its process group.
pub struct Running<'a> {
    world: &'a World,
    shown: String,
    child: Child,
    started: Instant,
    patience: Duration,
    stdout: Collected,
    stderr: Collected,
    over: bool,
}

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
    shown: String,
    /// Where the world was left when the command ended; only what a failure prints.
    known: String,
}

impl<'a> Running<'a> {
    pub(super) fn new(
        world: &'a World,
        shown: String,
        mut child: Child,
        stdin: Option<Vec<u8>>,
        patience: Duration,
    ) -> Self {
        if let (Some(bytes), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // A command that does not read its input is not the writer's concern.
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
        let stdout = Collected::from(child.stdout.take().unwrap());
        let stderr = Collected::from(child.stderr.take().unwrap());
        Self { world, shown, child, started: Instant::now(), patience, stdout, stderr, over: false }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Waits until standard output holds a text.
    pub fn wait_for_stdout(&self, text: &str) {
        if !self.stdout.wait_for(text, self.patience) {
            self.fail(&format!("standard output never held {text:?}"));
        }
    }

    /// Waits until the command has ended, and all it printed is read.
    pub fn wait(mut self) -> Finished {
        let ended = pidfd(self.pid()).is_none_or(|fd| wait_readable(&fd, self.patience));
        if !ended {
            self.fail(&format!("still runs after {:?}", self.patience));
        }
        let status = self.child.wait().unwrap();
        let elapsed = self.started.elapsed();
        // A process that keeps the pipes open after the command has ended is a mistake of its own.
        let read = self.stdout.wait_for_end(self.patience) && self.stderr.wait_for_end(self.patience);
        if !read {
            self.fail("its pipes are still held by somebody after it ended");
        }
        self.over = true;
        Finished {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            elapsed,
            shown: self.shown.clone(),
            known: self.world.everything_known(),
        }
    }

    fn fail(&self, why: &str) -> ! {
        let _ = kill_process_group(Pid::from_raw(self.pid()).unwrap(), Signal::KILL);
        panic!(
            "{}: {why}\nstdout:\n{}\nstderr:\n{}\n{}",
            self.shown,
            self.stdout.text(),
            self.stderr.text(),
            self.world.everything_known()
        );
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.over {
            // Not yet waited for, so the number is still this child's.
            let _ = kill_process_group(Pid::from_raw(self.pid()).unwrap(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Finished {
    /// Fails unless the command ended with this exit code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        if code == 3 {
            self.assert_helpful();
        }
        self
    }

    /// A refusal says what to do: ours in a hint, those of the argument parser in their words, and what is wrong in files
    /// beside each finding.
    #[track_caller]
    fn assert_helpful(&self) {
        let says = ["hint: ", "tip: ", "try '--help'", "help: ", "Usage: "];
        let said = [&self.stderr, &self.stdout];
        let is_helpful = said.iter().any(|text| says.iter().any(|word| text.contains(word)));
        assert!(is_helpful || self.stdout.contains("\"problems\""), "a refusal without advice\n{self}");
    }

    /// Fails unless standard error says this.
    #[track_caller]
    pub fn expect_stderr(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "standard error should say {text:?}\n{self}");
        self
    }

    /// Fails unless standard output says this.
    #[track_caller]
    pub fn expect_stdout(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "standard output should say {text:?}\n{self}");
        self
    }

    /// Standard output, which has to be one JSON document and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }

    /// The id of the run that the JSON on standard output is about.
    #[track_caller]
    pub fn run_id(&self) -> String {
        self.json()["runId"].as_str().unwrap_or_else(|| panic!("no runId\n{self}")).to_owned()
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, signal, stdout, stderr, elapsed, shown, known } = self;
        write!(
            f,
            "{shown}\nended with code {code:?}, signal {signal:?} after {elapsed:?}\nstdout:\n{stdout}\n\
             stderr:\n{stderr}\n{known}"
        )
    }
}
