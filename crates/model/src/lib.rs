//! What a run is and what may happen next, as pure data and functions. Must never contain files, networks, the
//! environment, a clock, randomness, an async runtime or logging.
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod apply;
pub mod attachment;
pub mod attempt;
pub mod budget;
pub mod capabilities;
pub mod digest;
pub mod event;
pub mod fact;
pub mod hook;
pub mod ids;
pub mod import;
pub mod manifest;
pub mod phase;
pub mod redact;
pub mod retention;
pub mod schedule;
pub mod spec;
pub mod step;
pub mod task;
pub mod time;
pub mod turn;
pub mod usage;
pub mod vars;

#[cfg(test)]
mod tests;

pub use apply::{
    Applied, apply, apply_all, check_backend_session_id, check_group_id, configured, transition_of,
};
pub use capabilities::{Capabilities, Lease, TaskCapabilities, capabilities};
pub use digest::{Digest, Words};
pub use fact::{Author, ControlFact, DriverFact, EndReport, Fact, Refusal, TaskFact};
pub use hook::{HookPhase, HookSpec};
pub use ids::{Epoch, Fence, RunId, TaskId};
pub use import::{Import, ImportSource, Journey};
pub use manifest::Manifest;
pub use redact::{REDACTED, Secrets, redacted};
pub use step::{Gate, Observation, Step, next_step};
pub use time::Timestamp;
