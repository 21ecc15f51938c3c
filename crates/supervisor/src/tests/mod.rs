//! Owns what the tests of this crate share: real programs, a sink that remembers, and a process of one's own for
//! tests that change or measure the whole process. It must not wait by sleeping.

mod adoption;
mod detached;
mod leftovers;
mod lines;
mod output;
mod recovery;
mod start;
mod stops;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::{Job, JobReport, Limits, LineSink, Marker, Program, Source, Stdin, StopRequest, identity};

/// Generous: it only ends a test that failed.
const PATIENCE: Duration = Duration::from_secs(60);
const ROLE: &str = "SUPERVISOR_TEST_ROLE";

const NO_LIMITS: Limits = Limits { wall: None, idle: None, grace: Duration::from_secs(30) };

fn marker() -> Marker {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let value = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Marker { name: "SUPERVISOR_TEST_MARKER".to_owned(), value }
}

fn path() -> (OsString, OsString) {
    ("PATH".into(), std::env::var_os("PATH").unwrap())
}

fn program(argv: &[&str], cwd: &Path) -> Program {
    Program {
        argv: argv.iter().map(OsString::from).collect(),
        env: vec![path()],
        cwd: cwd.into(),
        stdin: Stdin::Null,
        max_line: crate::MAX_LINE,
    }
}

fn shell(script: &str, cwd: &Path) -> Program {
    program(&["/bin/sh", "-c", script], cwd)
}

/// Remembers every line, and tells when one of them begins with a given text.
#[derive(Default)]
struct Lines {
    all: Vec<(Source, Vec<u8>, bool)>,
}

impl Lines {
    fn texts(&self) -> Vec<String> {
        self.all.iter().map(|(_, line, _)| String::from_utf8_lossy(line).into_owned()).collect()
    }

    /// The numbers the program printed.
    fn pids(&self) -> Vec<u32> {
        self.texts().iter().filter_map(|line| line.trim().parse().ok()).collect()
    }
}

impl LineSink for Lines {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool) {
        self.all.push((source, line.to_vec(), truncated));
    }
}

/// Calls a function for every line and keeps nothing.
struct Each<F>(F);

impl<F: FnMut(Source, &[u8], bool) + Send> LineSink for Each<F> {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool) {
        (self.0)(source, line, truncated);
    }
}

async fn run_into(program: &Program, limits: &Limits, sink: &mut dyn LineSink) -> JobReport {
    let (_keep, stop) = watch::channel(StopRequest::None);
    run_with(program, &marker(), limits, stop, sink).await
}

async fn run_with(
    program: &Program,
    marker: &Marker,
    limits: &Limits,
    stop: watch::Receiver<StopRequest>,
    sink: &mut dyn LineSink,
) -> JobReport {
    let job = Job::spawn(program, marker).unwrap();
    tokio::time::timeout(PATIENCE, job.run(limits, stop, sink)).await.expect("the job ends in time")
}

async fn run(program: &Program) -> (JobReport, Lines) {
    let mut lines = Lines::default();
    let report = run_into(program, &NO_LIMITS, &mut lines).await;
    (report, lines)
}

fn is_alive(pid: u32) -> bool {
    identity::identity_of(pid).is_some()
}

/// Waits for a process to end, whoever its parent is.
async fn until_gone(pid: u32) {
    let Some(process) = identity::open(pid).unwrap() else { return };
    let process = identity::watch(process).unwrap();
    let _ready = tokio::time::timeout(PATIENCE, process.readable()).await.expect("the process ends").unwrap();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs the body of the named test in a process of its own.
fn isolated(test: &str, body: impl Future<Output = ()>) {
    if std::env::var(ROLE).is_ok_and(|role| role == test) {
        block_on(body);
        println!("the body of {test} ran");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // A file and not a pipe: a process that is left over must not hold this test up.
    let output = directory.path().join("output");
    let file = std::fs::File::create(&output).unwrap();
    let status = in_role(test).stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
    let text = std::fs::read_to_string(&output).unwrap();
    assert!(status.success() && text.contains(&format!("the body of {test} ran")), "{status}: {text}");
}

/// This test again, in a process that knows it is not the first.
fn in_role(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, test).stdin(Stdio::null());
    command
}

/// The largest amount of memory this process ever held, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A named pipe, with which scripts tell that they are ready.
fn fifo(directory: &Path, name: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}
