//! Where a person finds a run, for stores that keep runs where a person can look. Must not be used to read or
//! write: that is the store's.

use std::path::PathBuf;

use agent_runner_model::RunId;
use agent_runner_store::{Asides, FileStore, RunStore, StoreError};

/// A store whose runs have a place.
pub trait Places: RunStore + Asides {
    /// The run a person means by an id or a path.
    fn resolve(&self, text: &str) -> Result<RunId, StoreError>;
    /// The run's directory.
    fn location(&self, run_id: &RunId) -> Option<PathBuf>;
}

impl Places for FileStore {
    fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        Self::resolve(self, text)
    }

    fn location(&self, run_id: &RunId) -> Option<PathBuf> {
        Self::location(self, run_id)
    }
}
