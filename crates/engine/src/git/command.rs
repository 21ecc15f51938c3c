//! Starts git, bounded in time and in output, with an environment that holds nothing but what stands here. Must not
//! interpret what it says.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_supervisor::{
    Exit, Job, Limits, LineSink, MAX_LINE, Marker, Program, Source, SpawnError, Stdin, StopReason,
    StopRequest,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::borrowed::Borrowed;
use crate::clock::random_text;
use crate::failure::chain;

/// Variables besides the places. No configuration of this machine or user, no lock, no question at a terminal, no
/// object from elsewhere, and messages that can be recognised.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "/bin/false"),
    ("GIT_PAGER", "cat"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
];
/// What every process of a git carries, so that it can be ended whole.
const MARKER: &str = "GIT_QUESTION_MARKER";
/// Between asking git to end and killing it. It holds nothing that it would have to put away.
const GRACE: Duration = Duration::from_millis(200);
/// Lines of complaint that are kept.
const MAX_COMPLAINTS: usize = 20;

/// A git that is asked several things within one limit of time.
pub(super) struct Git<'a> {
    pub(super) borrowed: &'a Borrowed,
    /// Where programs are looked up.
    pub(super) search_path: &'a OsStr,
    /// When it has to be done.
    pub(super) until: Instant,
}

/// What is asked of git: words, what it reads, and where it finds the parts of a repository.
pub(super) struct Call<'a> {
    /// After `git` and what every call begins with.
    pub(super) args: &'a [&'a str],
    /// What it reads.
    pub(super) stdin: Stdin,
    /// Most bytes of the answer.
    pub(super) limit: usize,
    /// Variables that name places.
    pub(super) places: &'a [(&'a str, &'a Path)],
}

/// What git printed.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Lines without their newlines.
    pub(super) lines: Vec<Vec<u8>>,
    /// Whether it was stopped because it said more than was wanted.
    pub(super) cut: bool,
}

/// Why git did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("git is not installed, or not in PATH")]
    Missing,
    #[error("git could not be started: {0}")]
    Start(String),
    #[error("git took too long and was ended")]
    Late,
    #[error("git refused: {0}")]
    Refused(String),
}

impl Git<'_> {
    /// Asks something. No more than `limit` bytes of the answer are taken.
    pub(super) async fn ask(&self, args: &[&str], stdin: Stdin, limit: usize) -> Result<Answer, GitError> {
        let index = self.borrowed.repository.git_dir.join("index");
        self.ask_with(&index, args, stdin, limit).await
    }

    /// The same with another index.
    pub(super) async fn ask_with(
        &self,
        index: &Path,
        args: &[&str],
        stdin: Stdin,
        limit: usize,
    ) -> Result<Answer, GitError> {
        let repository = &self.borrowed.repository;
        let objects = repository.common_dir.join("objects");
        let places = [
            ("GIT_DIR", self.borrowed.dir.as_path()),
            ("GIT_WORK_TREE", repository.work_tree.as_path()),
            ("GIT_INDEX_FILE", index),
            ("GIT_OBJECT_DIRECTORY", objects.as_path()),
        ];
        call(&Call { args, stdin, limit, places: &places }, self.search_path, self.until).await
    }
}

/// Starts git in a directory where nothing of the repository is found by accident, and hears it out.
pub(super) async fn call(wanted: &Call<'_>, search_path: &OsStr, until: Instant) -> Result<Answer, GitError> {
    let value = random_text(24).map_err(|error| GitError::Start(chain(&error)))?;
    let marker = Marker { name: MARKER.to_owned(), value };
    let job = Job::spawn(&program(wanted, search_path), &marker).map_err(|error| start_error(&error))?;
    let (stop, stopped) = watch::channel(StopRequest::None);
    let mut heard = Heard { answer: Answer::default(), complaints: Vec::new(), room: wanted.limit, stop };
    let left = until.saturating_duration_since(Instant::now());
    let limits = Limits { wall: Some(left), idle: None, grace: GRACE };
    let report = job.run(&limits, stopped, &mut heard).await;
    match (report.stop, report.exit) {
        (Some(StopReason::Wall | StopReason::Idle), _) => Err(GitError::Late),
        (Some(StopReason::Requested), _) => Ok(heard.answer),
        // Stopped and done at the same moment.
        (None, _) if heard.answer.cut => Ok(heard.answer),
        (None, Exit::Code(0)) => Ok(heard.answer),
        (None, Exit::Code(_) | Exit::Signal(_)) => Err(GitError::Refused(heard.complaint(report.exit))),
    }
}

fn program(wanted: &Call<'_>, search_path: &OsStr) -> Program {
    let words = ["git", "--no-pager", "--literal-pathspecs"].iter().chain(wanted.args);
    let mut env: Vec<(OsString, OsString)> =
        ENVIRONMENT.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    env.push(("PATH".into(), absolute_only(search_path)));
    env.extend(wanted.places.iter().map(|(name, place)| ((*name).into(), place.as_os_str().to_owned())));
    Program {
        argv: words.map(OsString::from).collect(),
        env,
        cwd: PathBuf::from("/"),
        stdin: wanted.stdin.clone(),
        max_line: MAX_LINE,
    }
}

/// A relative place to look for programs would be one in the repository.
pub(crate) fn absolute_only(search_path: &OsStr) -> OsString {
    let places = search_path.as_bytes().split(|byte| *byte == b':').filter(|place| place.starts_with(b"/"));
    OsString::from_vec(places.collect::<Vec<_>>().join(&b':'))
}

fn start_error(error: &SpawnError) -> GitError {
    match error {
        SpawnError::NotFound { .. } => GitError::Missing,
        SpawnError::NotExecutable { .. }
        | SpawnError::MissingDirectory { .. }
        | SpawnError::TooLarge { .. }
        | SpawnError::Failed { .. } => GitError::Start(chain(error)),
    }
}

/// Takes what git says.
struct Heard {
    answer: Answer,
    complaints: Vec<String>,
    room: usize,
    stop: watch::Sender<StopRequest>,
}

impl Heard {
    fn complaint(&self, exit: Exit) -> String {
        let telling = |line: &&String| line.starts_with("fatal: ") || line.starts_with("error: ");
        match self.complaints.iter().rev().find(telling).or(self.complaints.last()) {
            Some(line) => line.clone(),
            None => match exit {
                Exit::Code(code) => format!("exit code {code}"),
                Exit::Signal(signal) => format!("signal {signal}"),
            },
        }
    }
}

impl LineSink for Heard {
    fn line(&mut self, source: Source, line: &[u8], _truncated: bool) {
        match source {
            Source::Stderr if self.complaints.len() < MAX_COMPLAINTS => {
                self.complaints.push(String::from_utf8_lossy(&line[..line.len().min(500)]).into_owned());
            }
            Source::Stderr => {}
            Source::Stdout if self.answer.cut => {}
            Source::Stdout if line.len() >= self.room => {
                self.answer.cut = true;
                let _ = self.stop.send(StopRequest::Now);
            }
            Source::Stdout => {
                self.room -= line.len() + 1;
                self.answer.lines.push(line.to_vec());
            }
        }
    }
}
