//! One conversation with a program: a text in, a text out, within a deadline and bounds of size. Must not interpret what
//! the program says.

use std::time::Duration;

use agent_runner_supervisor::{
    Exit, Job, Limits, LineSink, MAX_LINE, Marker, Program, Source, SpawnError, StopReason, StopRequest,
};
use tokio::sync::watch;

/// Most bytes of standard output that are taken.
pub(super) const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// Bytes of the end of standard error that are taken: more than are kept, so that what must not be shown is not cut in two.
const STDERR_TAKEN: usize = 64 * 1024;
/// Bytes of the end of standard error that are kept.
pub(super) const STDERR_TAIL: usize = 4096;
/// Between asking a program to end and killing it.
const GRACE: Duration = Duration::from_secs(2);

/// What a program said, and how it ended.
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    /// The end of it.
    pub(super) stderr: String,
    pub(super) end: SaidEnd,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SaidEnd {
    /// By itself.
    Exit(Exit),
    /// At its deadline.
    Deadline,
    /// Because it said too much.
    Flood,
    /// Because somebody wanted that.
    Stopped,
}

/// Starts the program, and sees to it that nothing of it is left when this returns.
pub(super) async fn exchange(
    program: &Program,
    marker: &Marker,
    deadline: Duration,
    mut outside: watch::Receiver<StopRequest>,
) -> Result<Said, SpawnError> {
    let (stop, requests) = watch::channel(*outside.borrow_and_update());
    let flooded = stop.clone();
    let mut sink = Sink { stdout: Vec::new(), stderr: Vec::new(), flood: None, flooded };
    let job = Job::spawn(program, marker)?;
    let limits = Limits { wall: Some(deadline), idle: None, grace: GRACE };
    let report = {
        let running = job.run(&limits, requests, &mut sink);
        tokio::pin!(running);
        let mut listens = true;
        loop {
            tokio::select! {
                report = &mut running => break report,
                changed = outside.changed(), if listens => match changed {
                    Ok(()) => {
                        let wanted = *outside.borrow_and_update();
                        stop.send_if_modified(|now| {
                            let grows = wanted > *now;
                            *now = (*now).max(wanted);
                            grows
                        });
                    }
                    // Nobody is left who could want anything.
                    Err(_) => listens = false,
                },
            }
        }
    };
    let end = match (sink.flood.is_some(), report.stop) {
        (true, _) => SaidEnd::Flood,
        (false, Some(StopReason::Wall | StopReason::Idle)) => SaidEnd::Deadline,
        (false, Some(StopReason::Requested)) => SaidEnd::Stopped,
        (false, None) => SaidEnd::Exit(report.exit),
    };
    let stderr = String::from_utf8_lossy(&sink.stderr).trim().to_owned();
    Ok(Said { stdout: sink.stdout, stderr, end })
}

struct Sink {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    flood: Option<()>,
    flooded: watch::Sender<StopRequest>,
}

impl LineSink for Sink {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool) {
        match source {
            Source::Stdout => {
                if truncated || self.stdout.len() + line.len() + 1 > MAX_OUTPUT {
                    self.flood = Some(());
                    self.flooded.send_replace(StopRequest::Now);
                    return;
                }
                self.stdout.extend_from_slice(line);
                self.stdout.push(b'\n');
            }
            Source::Stderr => {
                self.stderr.extend_from_slice(line.get(..MAX_LINE.min(line.len())).unwrap_or_default());
                self.stderr.push(b'\n');
                let surplus = self.stderr.len().saturating_sub(STDERR_TAKEN);
                self.stderr.drain(..surplus);
            }
        }
    }
}
