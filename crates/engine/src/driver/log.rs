//! What a worker's output is turned into while it runs: events for whoever watches, bounded logs, the backend's
//! session. Never waits: what has to be written is handed on.

use agent_runner_backends::{TurnEvent, TurnReader};
use agent_runner_model::turn::TurnRecord;
use agent_runner_model::{Secrets, Timestamp};
use agent_runner_supervisor::{LineSink, Source};
use tokio::sync::broadcast;

use super::outbox::{Inlet, Log};
use crate::talk::LiveEvent;

/// Bytes of events an attempt keeps. A turn of many hours stays far below.
const EVENTS_LIMIT: usize = 8 * 1024 * 1024;
/// Bytes on top of that for what must not be missing: limits, refusals, errors, usage.
const VITAL_RESERVE: usize = 256 * 1024;
/// Bytes of a text in an event that is kept.
const KEPT_TEXT: usize = 16 * 1024;
/// Bytes of a text in an event that is shown as it happens.
const LIVE_TEXT: usize = 4 * 1024;
/// Bytes of standard error an attempt's log keeps. What comes later is only in the tail of the attempt's record.
const STDERR_LIMIT: usize = 1024 * 1024;
/// Bytes of raw standard output that are captured when somebody asked for that.
const STDOUT_LIMIT: usize = 64 * 1024 * 1024;

/// A log's budget.
struct Budget {
    limit: usize,
    used: usize,
}

impl Budget {
    fn of(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    fn is_spent(&self) -> bool {
        self.used >= self.limit
    }
}

/// Takes a worker's lines.
pub(super) struct Output {
    pub(super) reader: Box<dyn TurnReader>,
    attempt_number: u32,
    now: Box<dyn Fn() -> Timestamp + Send>,
    live: broadcast::Sender<LiveEvent>,
    kept: Inlet,
    seq: u64,
    events: Budget,
    stderr: Budget,
    stdout: Option<Budget>,
    secrets: Secrets,
}

/// What an [`Output`] is connected to.
pub(super) struct Outlets {
    pub(super) attempt_number: u32,
    pub(super) now: Box<dyn Fn() -> Timestamp + Send>,
    pub(super) live: broadcast::Sender<LiveEvent>,
    pub(super) kept: Inlet,
    /// Whether standard output is captured as it is.
    pub(super) captures_stdout: bool,
    /// What must get into no log and be shown to nobody.
    pub(super) secrets: Secrets,
}

impl Output {
    pub(super) fn new(reader: Box<dyn TurnReader>, outlets: Outlets) -> Self {
        let Outlets { attempt_number, now, live, kept, captures_stdout, secrets } = outlets;
        Self {
            reader,
            attempt_number,
            now,
            live,
            kept,
            seq: 0,
            events: Budget::of(EVENTS_LIMIT),
            stderr: Budget::of(STDERR_LIMIT),
            stdout: captures_stdout.then(|| Budget::of(STDOUT_LIMIT)),
            secrets,
        }
    }

    fn raw(&mut self, log: Log, line: &[u8], truncated: bool) {
        let budget = match log {
            Log::Stderr => Some(&mut self.stderr),
            Log::Stdout => self.stdout.as_mut(),
            Log::Events => None,
        };
        let Some(budget) = budget.filter(|budget| !budget.is_spent()) else { return };
        let mut bytes = self.secrets.hide_bytes(line, truncated).into_owned();
        if truncated {
            bytes.extend_from_slice(b" [line cut]");
        }
        bytes.push(b'\n');
        budget.used += bytes.len();
        if budget.is_spent() {
            bytes.extend_from_slice(b"[log cut: it was too long]\n");
        }
        self.kept.bytes(log, &bytes);
    }

    fn event(&mut self, at: Timestamp, event: TurnEvent) {
        if let TurnEvent::Session { id, .. } = &event {
            self.kept.session(id.clone());
        }
        if let TurnEvent::Usage { usage } = &event {
            self.kept.usage(*usage);
        }
        if matches!(event, TurnEvent::TextDelta { .. }) && !self.secrets.is_empty() {
            // A value may come in pieces, of which none can be told from other words.
            return;
        }
        let event = self.secrets.hide_turn(event);
        self.seq += 1;
        if self.live.receiver_count() > 0 {
            let record = TurnRecord { seq: self.seq, at, event: event.clone().cut(LIVE_TEXT) };
            let _ = self.live.send(LiveEvent { attempt_number: self.attempt_number, record });
        }
        if event.is_kept() {
            self.keep(TurnRecord { seq: self.seq, at, event: event.cut(KEPT_TEXT) });
        }
    }

    fn keep(&mut self, record: TurnRecord) {
        let reserve = if record.event.is_vital() { VITAL_RESERVE } else { 0 };
        if self.events.used >= self.events.limit + reserve {
            return;
        }
        let was_spent = self.events.is_spent();
        let at = record.at;
        self.write(&record);
        if !was_spent && self.events.is_spent() {
            let text =
                "this attempt did more than its log holds; from here on only limits, refusals, errors and \
                        usage are kept"
                    .to_owned();
            self.seq += 1;
            self.write(&TurnRecord { seq: self.seq, at, event: TurnEvent::Notice { text } });
        }
    }

    fn write(&mut self, record: &TurnRecord) {
        let Ok(mut bytes) = serde_json::to_vec(record) else { return };
        bytes.push(b'\n');
        self.events.used += bytes.len();
        self.kept.bytes(Log::Events, &bytes);
    }
}

impl LineSink for Output {
    fn line(&mut self, source: Source, line: &[u8], truncated: bool) {
        match source {
            Source::Stderr => self.raw(Log::Stderr, line, truncated),
            Source::Stdout => self.raw(Log::Stdout, line, truncated),
        }
        let at = (self.now)();
        for event in self.reader.line(source, line, truncated, at) {
            self.event(at, event);
        }
    }
}
