//! What is kept of a worker's turn, as far as it can be read, and words about what cannot. Must not say what it means.

use agent_runner_model::Manifest;
use agent_runner_model::turn::{TurnEvent, TurnRecord};
use agent_runner_store::StoreError;

use crate::driver::events_log;
use crate::engine::Engine;
use crate::failure::chain;
use crate::place::Places;
use crate::words::last_bytes;

/// Most bytes of what a worker said that are handed on; the end counts.
const MAX_SAID: usize = 256 * 1024;

impl<S: Places + 'static> Engine<S> {
    /// What the worker of an attempt said, as far as it can be read.
    pub(crate) async fn said_in(&self, manifest: &Manifest, attempt_number: u32) -> Option<String> {
        let log = self.turn_log(manifest, attempt_number, &mut Vec::new()).await?;
        let mut said = String::new();
        for line in log.split(|byte| *byte == b'\n') {
            let Ok(TurnRecord { event: TurnEvent::Message { text }, .. }) = serde_json::from_slice(line)
            else {
                continue;
            };
            said.push_str(&text);
            said.push('\n');
            if said.len() > 2 * MAX_SAID {
                said = last_bytes(&said, MAX_SAID).to_owned();
            }
        }
        Some(last_bytes(&said, MAX_SAID).to_owned())
    }

    /// An attempt's log of events; nothing if it cannot be read. What is missing of it is said in `warnings`.
    pub(super) async fn turn_log(
        &self,
        manifest: &Manifest,
        attempt_number: u32,
        warnings: &mut Vec<String>,
    ) -> Option<Vec<u8>> {
        let mut records = manifest.state.attempt_records.iter();
        let record = records.find(|record| record.attempt_number == attempt_number);
        if let Some(why) = record.and_then(|record| record.events_missing.as_ref()) {
            warnings.push(format!("events of attempt {attempt_number} are missing: {why}"));
        }
        match self.store.get_blob(&manifest.spec.run_id, &events_log(attempt_number)).await {
            Ok(found) => Some(found.unwrap_or_default()),
            Err(StoreError::Damaged { bytes, .. }) => {
                warnings.push(format!(
                    "the events of attempt {attempt_number} are damaged: they are read as far as it goes"
                ));
                Some(bytes)
            }
            Err(error) => {
                let why = chain(&error);
                warnings.push(format!("the events of attempt {attempt_number} cannot be read: {why}"));
                None
            }
        }
    }
}
