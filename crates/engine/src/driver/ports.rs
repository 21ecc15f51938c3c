//! What connects a driver with the command that started it: the leash it is held by, the pipe it wakes its watcher
//! with, signals, and where it says what went wrong.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use agent_runner_model::Secrets;
use agent_runner_model::manifest::Urgency;
use agent_runner_model::spec::OrphanPolicy;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::control::Control;

/// On the leash: end the run.
pub const LEASH_ABORT: u8 = b'a';
/// On the leash: end the run at once.
pub const LEASH_ABORT_NOW: u8 = b'k';
/// On the leash: the terminal is gone, go on.
pub const LEASH_HANG_UP: u8 = b'h';

/// On the wake-up pipe: there is something to look at. The first one says that the driver holds the lease.
pub const WAKE_LOOK: u8 = b'.';
/// On the wake-up pipe: somebody else holds the lease.
pub const WAKE_BUSY: u8 = b'b';

/// A signal the driver process was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End, in whatever way fits.
    Terminate,
}

/// A driver's connections. Each may be missing.
pub struct Ports {
    /// The reading end of the leash.
    pub leash: Option<OwnedFd>,
    /// The writing end of the wake-up pipe.
    pub wake: Option<OwnedFd>,
    /// Signals, as they come.
    pub signals: mpsc::Receiver<Signal>,
    /// Takes what cannot be said anywhere else.
    pub say: fn(&str),
}

/// The driver's log: a plain file, so that values which are shown to nobody are kept out of it.
#[derive(Clone)]
pub(super) struct Say {
    to: fn(&str),
    secrets: Secrets,
}

impl Say {
    /// For the driver of a run with these values.
    pub(super) fn new(to: fn(&str), secrets: Secrets) -> Self {
        Self { to, secrets }
    }

    pub(super) fn words(&self, text: &str) {
        (self.to)(&self.secrets.hide(text));
    }

    /// A line that somebody else wrote. What was cut off is not told from what would have followed.
    pub(super) fn line(&self, whose: &str, line: &[u8], is_cut: bool) {
        let line = self.secrets.hide_bytes(line, is_cut);
        (self.to)(&format!("{whose}: {}", String::from_utf8_lossy(&line)));
    }
}

/// Prompts whoever watches to look again. A full or broken pipe is no concern of the driver's.
pub(super) struct Wake(Option<File>);

impl Wake {
    /// Written to directly: the runtime refuses to write until it has looked at the pipe once, and a driver that is
    /// done before that would never have said that it was there.
    pub(super) fn new(fd: Option<OwnedFd>) -> Self {
        let unblocked = |fd| pipe::Sender::from_owned_fd(fd)?.into_nonblocking_fd();
        Self(fd.and_then(|fd| unblocked(fd).ok()).map(File::from))
    }

    pub(super) fn signal(&self) {
        self.say(WAKE_LOOK);
    }

    /// Somebody else holds the lease: whoever started this driver should hear that, not only that it ended.
    pub(super) fn say_busy(&self) {
        self.say(WAKE_BUSY);
    }

    fn say(&self, word: u8) {
        if let Some(mut pipe) = self.0.as_ref() {
            let _ = pipe.write(&[word]);
        }
    }
}

/// Listens to the leash until it is let go. Who lets go without a word was killed.
pub(super) async fn hold_leash(fd: OwnedFd, on_orphan: OrphanPolicy, control: mpsc::Sender<Control>) {
    let Ok(mut leash) = pipe::Receiver::from_owned_fd(fd) else { return };
    let mut byte = [0u8; 1];
    loop {
        let word = match leash.read(&mut byte).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(byte[0]),
        };
        let (message, is_last) = match word {
            Some(LEASH_ABORT) => (abort(Urgency::Graceful), false),
            Some(LEASH_ABORT_NOW) => (abort(Urgency::AtOnce), false),
            Some(LEASH_HANG_UP) => {
                let detail = "the terminal went away; the run goes on".to_owned();
                (Control::StarterLost { detail }, true)
            }
            Some(_) => continue,
            None => match on_orphan {
                OrphanPolicy::Continue => {
                    let detail = "the command that started the run was killed; the run goes on".to_owned();
                    (Control::StarterLost { detail }, true)
                }
                OrphanPolicy::Abort => {
                    let by = "the command that started the run was killed".to_owned();
                    (Control::Abort { urgency: Urgency::Graceful, by }, true)
                }
            },
        };
        if control.send(message).await.is_err() || is_last {
            return;
        }
    }
}

fn abort(urgency: Urgency) -> Control {
    Control::Abort { urgency, by: "the command that started the run was told to stop".to_owned() }
}
