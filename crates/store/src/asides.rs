//! What a store does for directories of another program that lie among its runs: they are moved out of the way of the runs that
//! are made of them, and kept. Must not look into them.

use std::path::{Path, PathBuf};

use agent_runner_model::RunId;

use crate::error::StoreError;

/// A directory of another program that was moved out of the way of a run that is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is, until its run is in place.
    pub place: PathBuf,
    /// The id its run gets, if it is another one than it had.
    pub new_id: Option<RunId>,
}

/// A store among whose runs another program may have its own.
pub trait Asides {
    /// The turn of whoever makes runs of such directories. Dropping it ends it; so does dying.
    type Turn: Send + Sync;

    /// Waits for its turn.
    fn hold_imports(&self) -> impl Future<Output = Result<Self::Turn, StoreError>> + Send;

    /// Moves a directory out of the runs, as it is; nothing if it is none of them. At every moment it has one of the two
    /// names. The id that its run gets, if that is another one, is known to whoever finds it later.
    fn set_aside(
        &self,
        turn: &Self::Turn,
        dir: &Path,
        new_id: Option<&RunId>,
    ) -> impl Future<Output = Result<Option<Aside>, StoreError>> + Send;

    /// The run that was made of it is in place: it is kept. Says where.
    fn settle_aside(
        &self,
        turn: &Self::Turn,
        aside: &Aside,
    ) -> impl Future<Output = Result<PathBuf, StoreError>> + Send;

    /// No run could be made of it: moves it back.
    fn put_back(
        &self,
        turn: &Self::Turn,
        aside: &Aside,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Those that somebody was killed at.
    fn unfinished_asides(
        &self,
        turn: &Self::Turn,
    ) -> impl Future<Output = Result<Vec<Aside>, StoreError>> + Send;

    /// What bears that id among the runs, be it a run or not, but for that directory.
    fn bearers(&self, id: &RunId, but: &Path) -> Result<Vec<PathBuf>, StoreError>;

    /// The directories that are kept and had that name.
    fn kept_asides(&self, name: &str) -> Result<Vec<PathBuf>, StoreError>;
}
