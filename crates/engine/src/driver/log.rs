//! What a worker's output is turned into while it runs: the latest line, a bounded log, the backend's session.

use agent_runner_backends::{TurnEvent, TurnReader};
use agent_runner_supervisor::{LineSink, Source};
use tokio::sync::{mpsc, watch};

/// Bytes of standard error an attempt's log keeps. What comes later is only in the tail of the attempt's record.
const LOG_LIMIT: usize = 1024 * 1024;

/// Something a worker's output asks the driver to keep.
#[derive(Debug)]
pub(super) enum Kept {
    /// Bytes for the log of standard error.
    Log(Vec<u8>),
    /// The backend's name of its conversation.
    Session(String),
}

/// Takes a worker's lines. Never waits.
pub(super) struct Output {
    pub(super) reader: Box<dyn TurnReader>,
    latest: watch::Sender<String>,
    kept: mpsc::UnboundedSender<Kept>,
    logged: usize,
}

impl Output {
    pub(super) fn new(
        reader: Box<dyn TurnReader>,
        latest: watch::Sender<String>,
        kept: mpsc::UnboundedSender<Kept>,
    ) -> Self {
        Self { reader, latest, kept, logged: 0 }
    }

    fn log(&mut self, line: &[u8], truncated: bool) {
        if self.logged >= LOG_LIMIT {
            return;
        }
        let mut bytes = line.to_vec();
        if truncated {
            bytes.extend_from_slice(b" [line cut]");
        }
        bytes.push(b'\n');
        self.logged += bytes.len();
        if self.logged >= LOG_LIMIT {
            bytes.extend_from_slice(b"[log cut: it was too long]\n");
        }
        let _ = self.kept.send(Kept::Log(bytes));
    }
}

impl LineSink for Output {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool) {
        match source {
            Source::Stderr => self.log(line, truncated),
            Source::Stdout => {}
        }
        match self.reader.line(source, line, truncated) {
            Some(TurnEvent::Line(text)) => {
                self.latest.send_replace(text);
            }
            Some(TurnEvent::Session(id)) => {
                let _ = self.kept.send(Kept::Session(id));
            }
            None => {}
        }
    }
}
