//! Starts, watches, captures and stops one process tree.
//!
//! Owns: spawning with captured output ([`Job`]), limits and stop requests, ending whatever a tree leaves
//! behind, starting a process that outlives its parent ([`spawn_detached`]), and telling processes apart
//! ([`Identity`]). It knows nothing about why a program is started, and must not: no product word, no disk
//! access outside `/proc`, no logging, no retry.
//!
//! # Which processes belong to a tree
//!
//! 1. Members of the leader's process group.
//! 2. Processes whose environment carries the tree's [`Marker`].
//! 3. After [`become_subreaper`]: children this process was given when their own parent died. They are taken
//!    for members because **a process that became a subreaper drives one job at a time**. Exempt are children
//!    that were there before the job started, children this crate started itself (other jobs and detached
//!    processes), and children in this process's own process group (started directly by the caller).
//! 4. Descendants of the above.
//!
//! Nobody is a member who carries the marker's *name* with another *value*: that is a nested tree with a
//! supervisor of its own, and neither it nor its descendants are touched (signals to the whole group, sent
//! while the leader is still alive, are the one exception: a nested tree that shares the group gets them too).
//!
//! What cannot be found without a subreaper: a process that left the group *and* cleared its environment *and*
//! whose parent is gone.

mod descriptors;
mod detached;
mod identity;
mod job;
mod leader;
mod lines;
mod pipes;
mod procfs;
mod program;
mod registry;
mod spawn;
mod sweep;
mod tree;

pub use descriptors::keep_inherited_private;
pub use detached::{Detached, reap_detached, spawn_detached};
pub use identity::{
    Beginning, EndSignal, Identity, beginning_of, descends_from, identity_of, is_same_process, signal_process,
};
pub use job::{Exit, Job, JobReport, Limits, StopReason, StopRequest};
pub use lines::{LineSink, MAX_LINE, Source};
pub use program::{Marker, Program, Stdin};
pub use registry::become_subreaper;
pub use spawn::SpawnError;
pub use sweep::{Leftover, end_leftovers, find_leftovers, marker_values};

#[cfg(test)]
mod tests;
