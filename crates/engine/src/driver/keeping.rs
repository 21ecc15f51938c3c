//! Puts on disk what an attempt's worker told: its logs, and the backend's name of its conversation. Keeps account of
//! events that a full disk did not take, so that nobody mistakes what is left for the whole. Must not wait for better
//! times: the work goes on without its logs.

use agent_runner_model::DriverFact;
use agent_runner_model::Timestamp;
use agent_runner_model::turn::{TurnEvent, TurnRecord};

use super::outbox::{Batch, Log};
use super::work::{Driver, Trouble};
use crate::failure::chain;
use crate::place::Places;

/// New names of its conversation that an attempt may put on record at once. Of those after that only the last counts:
/// each one is a commit.
const MAX_NAMES: u32 = 5;

/// What is on its way to the disk.
pub(super) struct Keeping {
    attempt_number: u32,
    names: u32,
    /// The newest name that is not on record.
    pending_name: Option<String>,
    /// Where the log has a gap that it does not speak of yet.
    gap: Option<Gap>,
    /// Why events are missing, if any are.
    missing: Option<String>,
}

/// The place of the first event that was lost.
struct Gap {
    seq: u64,
    at: Timestamp,
}

impl Keeping {
    pub(super) fn of(attempt_number: u32) -> Self {
        Self { attempt_number, names: 0, pending_name: None, gap: None, missing: None }
    }

    /// What the end of the attempt still has to put on record: the conversation's name, and why events are missing.
    pub(super) fn finish(self) -> (Option<String>, Option<String>) {
        (self.pending_name, self.missing)
    }

    /// A line that speaks of the gap, if there is one.
    fn note(&self) -> Vec<u8> {
        let (Some(gap), Some(why)) = (&self.gap, &self.missing) else { return Vec::new() };
        let text = format!("events are missing here: {why}");
        let record = TurnRecord { seq: gap.seq, at: gap.at, event: TurnEvent::Notice { text } };
        let mut line = serde_json::to_vec(&record).unwrap_or_default();
        line.push(b'\n');
        line
    }

    fn lost(&mut self, events: &[u8], why: String) {
        self.missing.get_or_insert(why);
        if self.gap.is_none() {
            let first = events.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let first = serde_json::from_slice::<TurnRecord>(first).ok();
            self.gap = first.map(|record| Gap { seq: record.seq, at: record.at });
        }
    }
}

impl<S: Places + 'static> Driver<S> {
    /// Keeps what came. Fails if a name could not be put on record.
    pub(super) async fn keep(&mut self, keeping: &mut Keeping, batch: Batch) -> Result<(), Trouble> {
        let named = match batch.session {
            Some(id) => self.name(keeping, id).await,
            None => Ok(()),
        };
        for (log, bytes) in batch.logs {
            self.append(keeping, log, bytes).await;
        }
        named
    }

    async fn name(&mut self, keeping: &mut Keeping, id: String) -> Result<(), Trouble> {
        keeping.pending_name = None;
        if self.manifest.state.backend_session_id.as_ref() == Some(&id) {
            return Ok(());
        }
        keeping.names = keeping.names.saturating_add(1);
        if keeping.names > MAX_NAMES {
            keeping.pending_name = Some(id);
            return Ok(());
        }
        self.fact(DriverFact::BackendSession { id });
        self.commit().await
    }

    /// Nothing more will come: says where events are missing, if the disk takes it by now.
    pub(super) async fn close_logs(&mut self, keeping: &mut Keeping) {
        if keeping.gap.is_some() {
            self.append(keeping, Log::Events, Vec::new()).await;
        }
    }

    async fn append(&mut self, keeping: &mut Keeping, log: Log, bytes: Vec<u8>) {
        let name = log.of_attempt(keeping.attempt_number);
        let noted = match log {
            Log::Events => [keeping.note(), bytes].concat(),
            Log::Stderr | Log::Stdout => bytes,
        };
        let written = self.engine.store.append_blob(&self.run_id, &name, &noted).await;
        match (log, written) {
            (Log::Events, Ok(())) => keeping.gap = None,
            (Log::Stderr | Log::Stdout, Ok(())) => {}
            (Log::Events | Log::Stderr | Log::Stdout, Err(error)) => {
                let why = chain(&error);
                self.say.words(&format!("{name} is incomplete: {why}"));
                if log == Log::Events {
                    keeping.lost(&noted, why);
                }
            }
        }
    }
}
