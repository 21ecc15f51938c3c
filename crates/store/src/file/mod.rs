//! The store on a local disk. Declares its parts and joins them into a `RunStore`.

mod blobs;
mod changed;
mod changes;
mod commit;
mod create;
mod delete;
mod document;
mod durable;
mod folder;
mod graph;
mod handed;
mod index;
mod layout;
mod leftovers;
mod lock;
mod log;
mod names;
mod network;
mod owner;
mod query;
mod reserve;
mod store;
mod tail;
mod usage;
mod workspace;

pub use changes::FileChanges;
pub use durable::syncs;
pub use graph::FileGraph;
pub use handed::FileHold;
pub(crate) use layout::CREATE_LOCK;
pub use layout::{AGENT_SEED, ASSIGNMENT_SEED};
pub use owner::FileLease;
pub use reserve::RESERVE_BYTES;
pub use store::{FileOptions, FileStore};
pub use workspace::FilePlace;
