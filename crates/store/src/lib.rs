//! The only code that touches the state directory: manifests, event logs, leases and blobs of runs. Must never
//! decide anything about a run; what a fact means is the model's business.

mod adopted;
mod archive;
mod asides;
mod bucket;
mod error;
pub mod failpoint;
mod file;
mod hints;
mod host;
mod listing;
mod run_store;
mod similar;
mod space;

pub use adopted::{AdoptedRun, Arrival, Bring, history_lines};
pub use archive::{
    ArchiveError, ArchiveHead, ArchiveMember, ArchiveReader, Archived, LeftOut, ToArchive, write_archive,
};
pub use asides::{Aside, Asides};
pub use bucket::{bucket_named, repo_bucket};
pub use error::{AcquireError, CommitError, StoreError};
pub use file::{
    AGENT_SEED, ASSIGNMENT_SEED, FileChanges, FileGraph, FileHold, FileLease, FileOptions, FilePlace,
    FileStore, FileTurn, OutsideRun, RESERVE_BYTES, outside_runs, syncs,
};
pub use host::Holder;
pub use listing::{
    ActiveRun, Kin, Kindred, ListQuery, ListedRun, Listing, Page, PageRow, Problem, ProblemKind, RunQuery,
    Sort,
};
pub use run_store::{
    AmongCheck, BlobKind, Changes, Entry, Member, NewRun, OwnerLease, OwnerView, RunStore, Seeds, Stored,
    Tail, Takeover,
};
pub use space::{Accounts, DeadCache, DeadWhy, Loose, LooseKind, RunSpace, Space, SpaceQuery};
