//! The only code that touches the state directory: manifests, event logs, leases and blobs of runs. Must never
//! decide anything about a run; what a fact means is the model's business.

mod bucket;
mod error;
pub mod failpoint;
mod file;
mod host;
mod run_store;
mod similar;
mod space;

pub use bucket::repo_bucket;
pub use error::{AcquireError, CommitError, StoreError};
pub use file::{
    AGENT_SEED, ASSIGNMENT_SEED, FileChanges, FileGraph, FileHold, FileLease, FileOptions, FilePlace,
    FileStore, RESERVE_BYTES, syncs,
};
pub use host::Holder;
pub use run_store::{
    ActiveRun, AmongCheck, Changes, Entry, Kin, Kindred, ListQuery, ListedRun, Listing, Member, NewRun,
    OwnerLease, OwnerView, Page, PageRow, Problem, ProblemKind, RunQuery, RunStore, Seeds, Sort, Stored,
    Tail, Takeover,
};
pub use space::{Accounts, DeadCache, DeadWhy, Loose, LooseKind, RunSpace, Space, SpaceQuery};
