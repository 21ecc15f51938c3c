//! The conversation with a driver over its socket: aborts, task commands of workers that cannot write the state
//! directory, live lines. One JSON object a line each way.

mod client;
mod words;

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;

pub use client::{Seen, TalkError, ask, ping, until_gone, watch_events};
pub use words::{Answer, LiveEvent, Request};

/// Where a run's driver listens. Short, because the system allows hardly more than a hundred bytes, and distinct
/// for each state directory.
pub fn socket_path(runtime_dir: &Path, state_dir: &Path, run_id: &RunId) -> PathBuf {
    // FNV-1a: drivers of other versions of this program have to be found under the same name.
    let digest = state_dir.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    runtime_dir.join(format!("{:08x}-{run_id}.sock", digest & 0xffff_ffff))
}

/// The directory of sockets: made if it is missing, refused if it is not ours alone.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    check_private(path)
}

/// Whether a directory of sockets is ours alone. In a place where everybody may make directories, somebody else may
/// have made it and listen there in a driver's name.
pub(crate) fn check_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::symlink_metadata(directory)?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !found.is_dir() || !ours || found.mode() & 0o077 != 0 {
        let message = format!("{} is not a directory for this user alone", directory.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}
