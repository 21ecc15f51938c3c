//! A run that is put in place as a whole: what it is made of, and how its blobs come. Must not know where it comes from.

use std::io::Read;

use agent_runner_model::Manifest;
use agent_runner_model::event::{EventBody, EventRecord};

use crate::error::StoreError;
use crate::run_store::{Seeds, Stored};

/// A run that was made elsewhere and is to be put in place as a whole.
#[derive(Debug, Clone)]
pub struct AdoptedRun {
    /// As it is to be here. The store sets cursor and log length, and counts the revision on.
    pub manifest: Manifest,
    /// Its history so far, a line for each event, as `history_lines` writes them. It is kept byte by byte.
    pub history: Vec<u8>,
    /// What is added to it: that it came, from where, and what that means for it.
    pub events: Vec<EventBody>,
    /// What was authored.
    pub seeds: Seeds,
}

/// Events as the lines of a history.
pub fn history_lines(events: &[EventRecord]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Takes the blobs of a run that is being put in place.
pub trait Arrival {
    /// Keeps what a reader has under a name that must be new: at most `limit` bytes. Says how many they were and their
    /// SHA-256.
    fn put(&mut self, name: &str, source: &mut dyn Read, limit: u64) -> Result<Stored, StoreError>;
}

/// Hands over the blobs of a run that is being put in place. Its error ends that, and nothing is left.
pub type Bring<'a> = dyn FnMut(&mut dyn Arrival) -> Result<(), StoreError> + Send + 'a;
