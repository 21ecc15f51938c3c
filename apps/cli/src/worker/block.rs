//! Runs one command block in the shell it asks for, in this process's directory and group. Keeps the end of its
//! output and passes all of it on.

use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agent_runner_backends::Tail;
use agent_runner_definitions::{BlockShell, CommandBlock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Bytes of a block's output that are kept.
const TAIL_BYTES: usize = 4096;
/// After the block's shell has ended: how long nothing may come before reading stops, if something it left behind
/// holds the pipe.
const DRAIN: Duration = Duration::from_millis(200);
/// After the block's shell has ended: how long it is read at all, if something it left behind goes on printing.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// How a block ended.
pub(super) struct Ended {
    /// With exit code 0.
    pub(super) passed: bool,
    /// In words.
    pub(super) words: String,
    /// The end of its output.
    pub(super) output: String,
}

/// Runs a block: `sh -e`, or `bash -e -o pipefail`, so that the first command that fails ends it.
pub(super) fn run_block(block: &CommandBlock) -> Ended {
    match execute(block) {
        Ok(ended) => ended,
        Err(error) => {
            Ended { passed: false, words: format!("could not be run: {error}"), output: String::new() }
        }
    }
}

fn execute(block: &CommandBlock) -> io::Result<Ended> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let mut command = match block.shell {
        BlockShell::Sh => Command::new("sh"),
        BlockShell::Bash => Command::new("bash"),
    };
    match block.shell {
        BlockShell::Sh => command.args(["-e", "-c"]),
        BlockShell::Bash => command.args(["-e", "-o", "pipefail", "-c"]),
    };
    // A file name where the shell's own name stands in its messages.
    command.arg(&block.script).arg("block");
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds the writing end; as long as it lives here, the pipe never ends.
    drop(command);
    let mut tail = Tail::new(TAIL_BYTES);
    pass_on(&child, reader, &mut tail)?;
    let status = child.wait()?;
    let words = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    Ok(Ended { passed: status.success(), words, output: tail.text() })
}

/// Copies output until the pipe ends, or until the child has ended and nothing more comes.
fn pass_on(child: &Child, reader: OwnedFd, tail: &mut Tail) -> io::Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut reader = io::PipeReader::from(reader);
    let mut buffer = vec![0u8; 64 * 1024];
    let mut running = true;
    let mut deadline = None;
    loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(());
        }
        let readable = match (&ended, running) {
            (Some(ended), true) => {
                let mut fds = [PollFd::new(&reader, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
                retry(|| poll(&mut fds, None))?;
                running = fds[1].revents().is_empty();
                if !running {
                    deadline = Some(Instant::now() + DRAIN_LIMIT);
                }
                !fds[0].revents().is_empty()
            }
            (Some(_), false) => {
                let mut fds = [PollFd::new(&reader, PollFlags::IN)];
                let timeout = Timespec::try_from(DRAIN).map_err(io::Error::other)?;
                retry(|| poll(&mut fds, Some(&timeout)))?;
                if fds[0].revents().is_empty() {
                    return Ok(());
                }
                true
            }
            (None, _) => true,
        };
        if !readable {
            continue;
        }
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        tail.push(&buffer[..count]);
        // The driver shows the latest line; if it does not listen, the block goes on all the same.
        let _ = io::stdout().write_all(&buffer[..count]).and_then(|()| io::stdout().flush());
    }
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}
