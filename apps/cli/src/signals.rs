//! The signals a command that watches a run listens to. Taken up before the run is created, so that none is lost.

use agent_runner_supervisor::StopRequest;
use anyhow::Context as _;
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Failure;

pub(crate) struct Signals {
    pub(crate) interrupt: Heard,
    pub(crate) terminate: Heard,
    pub(crate) hang_up: Heard,
    pub(crate) child: Heard,
}

/// A signal that is listened to, or that whoever started this process has shielded it from (`nohup`, a job in the
/// background of a script): that choice stands.
pub(crate) struct Heard(Option<tokio::signal::unix::Signal>);

impl Heard {
    fn new(kind: SignalKind, ignored: u64) -> Result<Self, Failure> {
        let bit = kind.as_raw_value() - 1;
        if ignored >> bit & 1 == 1 {
            return Ok(Self(None));
        }
        Ok(Self(Some(signal(kind).context("cannot listen to signals")?)))
    }

    /// The next one; never, if it is not listened to.
    pub(crate) async fn recv(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                if signal.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
            None => std::future::pending().await,
        }
    }
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Failure> {
        let ignored = ignored_signals();
        Ok(Self {
            interrupt: Heard::new(SignalKind::interrupt(), ignored)?,
            terminate: Heard::new(SignalKind::terminate(), ignored)?,
            hang_up: Heard::new(SignalKind::hangup(), ignored)?,
            // How children end must be heard, whatever was inherited.
            child: Heard::new(SignalKind::child(), 0)?,
        })
    }

    /// Somebody wants this command to end.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            () = self.interrupt.recv() => {}
            () = self.terminate.recv() => {}
            () = self.hang_up.recv() => {}
        }
    }
}

/// The signals that concern a picture in a terminal. Only taken up where there is one.
pub(crate) struct ScreenSignals {
    /// The terminal has another size.
    pub(crate) resized: Heard,
    /// Somebody wants this process to pause (Ctrl-Z).
    pub(crate) suspend: Heard,
    /// Somebody wants this process to be gone (Ctrl-\).
    pub(crate) quit: Heard,
}

impl ScreenSignals {
    pub(crate) fn new() -> Result<Self, Failure> {
        let ignored = ignored_signals();
        Ok(Self {
            resized: Heard::new(SignalKind::window_change(), 0)?,
            suspend: Heard::new(SignalKind::from_raw(Signal::TSTP.as_raw()), ignored)?,
            quit: Heard::new(SignalKind::quit(), ignored)?,
        })
    }

    /// Listens to none of them.
    pub(crate) fn none() -> Self {
        Self { resized: Heard(None), suspend: Heard(None), quit: Heard(None) }
    }

    /// Pauses this process until it is told to go on.
    pub(crate) fn pause() {
        let _ = kill_process(getpid(), Signal::STOP);
    }

    /// Ends this process as if nobody had listened.
    pub(crate) fn give_in() {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// The signals this process ignores, a bit each, as the system tells; none where it does not.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Says when somebody wants this command to end what it has started. From then on those signals do nothing else.
pub(crate) fn stop_requests() -> watch::Receiver<StopRequest> {
    let (sender, receiver) = watch::channel(StopRequest::None);
    if let Ok(mut signals) = Signals::new() {
        tokio::spawn(async move {
            signals.stop().await;
            let _ = sender.send(StopRequest::Graceful);
            signals.stop().await;
            let _ = sender.send(StopRequest::Now);
            sender.closed().await;
        });
    }
    receiver
}
