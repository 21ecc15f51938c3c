//! What a worker's output hands on to the driver: bytes for logs, added up until they are written, and the backend's
//! name of its conversation. A channel that costs no more than the bytes in it, whatever a worker floods it with.

use std::sync::{Arc, Mutex, PoisonError};

use agent_runner_model::usage::Usage;
use tokio::sync::Notify;

/// A log of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Events,
    Stderr,
    Stdout,
}

impl Log {
    pub(super) const ALL: [Self; 3] = [Self::Events, Self::Stderr, Self::Stdout];

    /// Its name among the run's files.
    pub(super) fn of_attempt(self, attempt_number: u32) -> String {
        let kind = match self {
            Self::Events => "events.jsonl",
            Self::Stderr => "stderr.log",
            Self::Stdout => "stdout.log",
        };
        format!("attempts/{attempt_number:02}.{kind}")
    }
}

/// The name of an attempt's log of events among the run's files.
pub(crate) fn events_log(attempt_number: u32) -> String {
    Log::Events.of_attempt(attempt_number)
}

/// What came together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) logs: Vec<(Log, Vec<u8>)>,
    /// The newest name of the conversation.
    pub(super) session: Option<String>,
    /// What the turn used so far.
    pub(super) usage: Option<Usage>,
}

#[derive(Default)]
struct Shared {
    batch: Mutex<Batch>,
    filled: Notify,
}

/// The end things are put in at.
pub(super) struct Inlet(Arc<Shared>);

/// The end they are taken out at.
pub(super) struct Outbox(Arc<Shared>);

/// An empty channel.
pub(super) fn outbox() -> (Inlet, Outbox) {
    let shared = Arc::<Shared>::default();
    (Inlet(Arc::clone(&shared)), Outbox(shared))
}

impl Inlet {
    pub(super) fn bytes(&self, log: Log, bytes: &[u8]) {
        self.put(|batch| match batch.logs.iter_mut().find(|(known, _)| *known == log) {
            Some((_, pending)) => pending.extend_from_slice(bytes),
            None => batch.logs.push((log, bytes.to_vec())),
        });
    }

    pub(super) fn session(&self, id: String) {
        self.put(|batch| batch.session = Some(id));
    }

    pub(super) fn usage(&self, usage: Usage) {
        self.put(|batch| batch.usage = Some(usage.or(batch.usage.unwrap_or_default())));
    }

    fn put(&self, put: impl FnOnce(&mut Batch)) {
        // Nothing that is done under this lock can leave half a batch.
        put(&mut self.0.batch.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.filled.notify_one();
    }
}

impl Outbox {
    /// Waits until there is something. Safe to cancel.
    pub(super) async fn next(&mut self) -> Batch {
        loop {
            if let Some(batch) = self.take() {
                return batch;
            }
            self.0.filled.notified().await;
        }
    }

    /// What there is now.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let mut batch = self.0.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let is_empty = batch.logs.is_empty() && batch.session.is_none() && batch.usage.is_none();
        (!is_empty).then(|| std::mem::take(&mut *batch))
    }
}
