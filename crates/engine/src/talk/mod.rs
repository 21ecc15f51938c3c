//! The conversation with a driver over its socket: aborts, task commands of workers that cannot write the state
//! directory, live lines. One JSON object a line each way.

mod client;
mod server;
mod words;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;

pub use client::{TalkError, ask, ping, watch_lines};
pub(crate) use server::{Listening, Talk, serve};
pub use words::{Answer, Request};

/// Where a run's driver listens. Short, because the system allows hardly more than a hundred bytes, and distinct
/// for each state directory.
pub fn socket_path(runtime_dir: &Path, state_dir: &Path, run_id: &RunId) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    state_dir.hash(&mut hasher);
    runtime_dir.join(format!("{:08x}-{run_id}.sock", hasher.finish() & 0xffff_ffff))
}
