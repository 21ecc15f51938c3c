//! What prompts a command that watches a run to look at it again, and how it speaks to a driver that it holds.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use agent_runner_engine::driver::{LEASH_ABORT, LEASH_HANG_UP};
use agent_runner_engine::talk::{socket_path, until_gone};
use agent_runner_model::RunId;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_store::{Changes as _, FileChanges, RunStore as _};
use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::app::App;
use crate::exit::Failure;

/// How often the lease is looked at where no socket tells that the driver is gone.
const LOOK: Duration = Duration::from_secs(1);

/// What prompts another look.
pub(crate) enum Prompts {
    /// The driver this command holds, and what it is told when the terminal goes away.
    Driver { leash: pipe::Sender, wake: pipe::Receiver, hang_up: u8 },
    /// The run's files, and the end of the driver, which no file tells.
    Files { changes: FileChanges, gone: mpsc::Receiver<()> },
}

impl Prompts {
    pub(crate) fn held(leash: OwnedFd, wake: OwnedFd, on_hang_up: OrphanPolicy) -> Result<Self, Failure> {
        let leash = pipe::Sender::from_owned_fd(leash).context("cannot use the leash")?;
        let wake = pipe::Receiver::from_owned_fd(wake).context("cannot use the wake-up pipe")?;
        let hang_up = match on_hang_up {
            OrphanPolicy::Continue => LEASH_HANG_UP,
            OrphanPolicy::Abort => LEASH_ABORT,
        };
        Ok(Self::Driver { leash, wake, hang_up })
    }

    /// The files and the driver of a run that somebody else started.
    pub(crate) async fn files(app: &App, run_id: &RunId) -> Result<Self, Failure> {
        let changes = app.store.changes(run_id).await.context("cannot watch the run")?;
        let (sender, gone) = mpsc::channel(1);
        let socket = socket_of(app, run_id);
        tokio::spawn(async move {
            loop {
                until_gone(&socket).await;
                // Nobody listens, or nobody listens yet: then the lease is looked at from time to time.
                if sender.send(()).await.is_err() {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(Self::Files { changes, gone })
    }

    /// Another look is due; `false` when whoever prompted is gone.
    pub(crate) async fn next(&mut self) -> bool {
        match self {
            Self::Driver { wake, .. } => {
                let mut bytes = [0u8; 256];
                matches!(wake.read(&mut bytes).await, Ok(count) if count > 0)
            }
            Self::Files { changes, gone } => {
                tokio::select! {
                    () = changes.next() => {}
                    _ = gone.recv() => {}
                }
                true
            }
        }
    }

    /// Says one word to the driver. A driver that is gone needs to hear nothing.
    pub(crate) fn say(&self, word: u8) {
        match self {
            Self::Driver { leash, .. } => {
                // Not through the runtime: it writes only once it has seen that the pipe takes something, and a signal
                // may have come before that.
                let _ = rustix::io::write(leash, &[word]);
            }
            Self::Files { .. } => {}
        }
    }

    /// The terminal went away.
    pub(crate) fn hang_up(&self) {
        match self {
            Self::Driver { hang_up, .. } => self.say(*hang_up),
            Self::Files { .. } => {}
        }
    }
}

fn socket_of(app: &App, run_id: &RunId) -> PathBuf {
    let config = app.engine.config();
    socket_path(&config.runtime_dir, &config.state_dir, run_id)
}
