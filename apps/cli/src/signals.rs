//! The signals a command that watches a run listens to. Taken up before the run is created, so that none is lost.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

pub(crate) struct Signals {
    pub(crate) interrupt: Signal,
    pub(crate) terminate: Signal,
    pub(crate) hang_up: Signal,
    pub(crate) child: Signal,
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            child: listen(SignalKind::child())?,
        })
    }

    /// Somebody wants this command to end.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
