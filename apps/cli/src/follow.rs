//! Following a run: look, show, wait for a prompt, look again. Holds the leash of a run this command started.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadRun;
use agent_runner_api::view::RunDetail;
use agent_runner_engine::driver::{LEASH_ABORT, LEASH_ABORT_NOW, LEASH_HANG_UP};
use agent_runner_engine::talk::{Seen, socket_path, until_gone, watch_events};
use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_store::{Changes as _, FileChanges, RunStore as _, failpoint};
use agent_runner_supervisor::reap_detached;
use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::app::App;
use crate::exit::Failure;
use crate::render::View;
use crate::signals::Signals;

/// How long the driver may take to leave after it recorded the end.
const PARTING: Duration = Duration::from_secs(5);
/// How often a live view shows that time passes.
const TICK: Duration = Duration::from_secs(1);
/// Events of the worker that are read ahead of what is shown.
const LIVE_BACKLOG: usize = 64;
/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = 130;
/// Exit code of a command whose terminal went away: 128 + SIGHUP.
const HUNG_UP: u8 = 129;

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
                tokio::time::sleep(TICK).await;
            }
        });
        Ok(Self::Files { changes, gone })
    }

    /// Another look is due; `false` when whoever prompted is gone.
    async fn next(&mut self) -> bool {
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
    fn say(&self, word: u8) {
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
    fn hang_up(&self) {
        match self {
            Self::Driver { hang_up, .. } => self.say(*hang_up),
            Self::Files { .. } => {}
        }
    }
}

/// How following ended.
pub(crate) enum End {
    /// The run is over, or its driver is gone.
    Over(Box<RunDetail>),
    /// This command let go of a run that goes on.
    LetGo(u8),
}

/// What a command that follows a run shows and hears.
pub(crate) struct Watch {
    pub(crate) view: View,
    pub(crate) signals: Signals,
    /// Somebody wanted this command to end.
    pub(crate) told_to_stop: bool,
}

impl Watch {
    pub(crate) fn new(view: View, signals: Signals) -> Self {
        Self { view, signals, told_to_stop: false }
    }
}

/// Follows a run until it is over or let go. Events up to the cursor `after` are not shown.
pub(crate) async fn follow(
    app: &App,
    run_id: &RunId,
    after: u64,
    mut prompts: Prompts,
    watch: &mut Watch,
) -> Result<End, Failure> {
    failpoint::hit("command.following");
    let Watch { view, signals, told_to_stop } = watch;
    let mut driver_gone = false;
    let mut cursor = after;
    let mut events = live_events(app, run_id, view);
    let holds = matches!(prompts, Prompts::Driver { .. });
    loop {
        let reading =
            app.engine.call(ReadRun { run: run_id.to_string(), after: cursor, limit: None }).await?;
        cursor = reading.last_cursor;
        view.update(&reading);
        let status = reading.run.summary.effective_status;
        if !matches!(status, RunStatus::Running) || driver_gone {
            if holds && !driver_gone {
                part(&mut prompts, signals).await;
            }
            return Ok(End::Over(Box::new(reading.run)));
        }
        // Inner waits end with a reason to look again.
        loop {
            tokio::select! {
                there = prompts.next() => {
                    if !there {
                        // A process that dies closes its pipes before it lets go of its lease: what the run has come
                        // to is seen only when it is gone.
                        part(&mut prompts, signals).await;
                        driver_gone = true;
                    }
                    break;
                }
                Some(seen) = events.recv() => match seen {
                    Seen::Watching => {}
                    Seen::Event(event) => view.event(&event),
                },
                () = tokio::time::sleep(TICK), if view.is_live() => view.tick(),
                _ = signals.interrupt.recv() => {
                    if !holds {
                        return Ok(End::LetGo(INTERRUPTED));
                    }
                    prompts.say(if *told_to_stop { LEASH_ABORT_NOW } else { LEASH_ABORT });
                    view.aborting(*told_to_stop);
                    *told_to_stop = true;
                }
                _ = signals.terminate.recv() => {
                    if !holds {
                        return Ok(End::LetGo(INTERRUPTED));
                    }
                    prompts.say(if *told_to_stop { LEASH_ABORT_NOW } else { LEASH_ABORT });
                    *told_to_stop = true;
                }
                _ = signals.hang_up.recv() => {
                    // Nobody is there to read anything any more, so nothing is printed.
                    prompts.hang_up();
                    return Ok(End::LetGo(HUNG_UP));
                }
                _ = signals.child.recv() => reap_as_first_process(),
            }
        }
    }
}

/// Waits until the driver has left and collects it, so that nothing of the run is there when this command returns.
async fn part(prompts: &mut Prompts, signals: &mut Signals) {
    let gone = async {
        while prompts.next().await {}
        while reap_detached() == 0 {
            signals.child.recv().await;
        }
    };
    let _ = tokio::time::timeout(PARTING, gone).await;
}

/// As the first process of a container this command inherits what others leave behind, and has to collect it.
fn reap_as_first_process() {
    if std::process::id() != 1 {
        return;
    }
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}

/// What the worker does, for a view that shows it.
fn live_events(app: &App, run_id: &RunId, view: &View) -> mpsc::Receiver<Seen> {
    let (sender, events) = mpsc::channel(LIVE_BACKLOG);
    let socket = socket_of(app, run_id);
    if view.is_live() {
        tokio::spawn(async move { watch_events(&socket, sender).await });
    }
    events
}

fn socket_of(app: &App, run_id: &RunId) -> PathBuf {
    let config = app.engine.config();
    socket_path(&config.runtime_dir, &config.state_dir, run_id)
}
