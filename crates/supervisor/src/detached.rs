//! Owns starting a process that shall outlive this one: its own session, nobody waiting for it. It must not
//! watch or stop it; that is done by [`Identity`].

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::identity::Identity;
use crate::procfs::Reader;
use crate::spawn::{Request, SpawnError};
use crate::{program, registry};

/// A program to start in a session of its own. A stream that is `None` is `/dev/null`.
#[derive(Debug)]
pub struct Detached {
    pub argv: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

/// Starts the program in a session of its own and forgets it.
///
/// It stays a child of this process. When it ends before this process does, it remains a zombie until the next
/// call of this function, of [`reap_detached`], or the end of a job; a zombie counts as gone in
/// [`crate::is_same_process`].
pub fn spawn_detached(detached: Detached) -> Result<Identity, SpawnError> {
    let request = Request { argv: &detached.argv, env: &detached.env, cwd: &detached.cwd };
    request.check_directory()?;
    let Some(mut command) = program::command(request.argv, request.env, request.cwd) else {
        return Err(request.no_program());
    };
    let stream = |fd: Option<OwnedFd>| fd.map_or_else(Stdio::null, Stdio::from);
    command.stdin(stream(detached.stdin)).stdout(stream(detached.stdout)).stderr(stream(detached.stderr));
    #[expect(
        unsafe_code,
        reason = "a new session can only be made between fork and exec; setsid is a bare \
                                    system call, so it is safe there"
    )]
    // SAFETY: the closure allocates nothing, takes no lock and calls only setsid(2).
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    let mut children = registry::children();
    children.collect();
    let child = command.spawn().map_err(|source| request.classify(source))?;
    // Before anybody can collect it, in case it ends at once.
    let stat = Reader::new().stat(child.id());
    children.enter_unattended(child.id());
    drop(children);
    stat.map(|stat| Identity::from(&stat)).ok_or_else(|| request.failed(rustix::io::Errno::SRCH))
}

/// Collects detached processes that have ended, and returns how many there were. For a process that lives long;
/// the system's own notice (`SIGCHLD`) is a good occasion to call it.
pub fn reap_detached() -> usize {
    registry::children().collect()
}
