//! Following a run: look, show, wait for a prompt, look again. Must not decide what is shown of it.

use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadRun;
use agent_runner_api::view::{RunDetail, RunReading};
use agent_runner_engine::driver::{LEASH_ABORT, LEASH_ABORT_NOW};
use agent_runner_model::RunId;
use agent_runner_model::phase::RunStatus;
use agent_runner_store::failpoint;
use agent_runner_supervisor::reap_detached;
use tokio::time::Instant;

use crate::app::App;
use crate::exit::Failure;
use crate::hearing::{Heard, Hearing, Told};
use crate::pace::until;
use crate::prompts::Prompts;
use crate::render::View;
use crate::signals::{ScreenSignals, Signals};

/// How long the driver may take to leave after it recorded the end.
const PARTING: Duration = Duration::from_secs(5);
/// The same where everything ends with this command: longer than a notification may take.
const LAST_PARTING: Duration = Duration::from_secs(35);
/// How long somebody who watches waits for another driver when one is gone.
const REPLACEMENT: Duration = Duration::from_secs(3);
/// How long a terminal may take to be given back.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = 130;
/// Exit code of a command whose terminal went away: 128 + SIGHUP.
const HUNG_UP: u8 = 129;

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

/// What is followed, and how far.
pub(crate) struct Followed {
    pub(crate) run_id: RunId,
    /// Events up to this cursor are not shown.
    pub(crate) after: u64,
    /// What workers did up to the end of this attempt is not shown either.
    pub(crate) past: Option<u32>,
    /// Whether another driver may take the place of one that is gone.
    pub(crate) replaceable: bool,
}

/// What is to be done about something that happened.
enum Next {
    /// Look at the run again.
    Look,
    /// Keep waiting.
    Wait,
    /// Stop following.
    Leave(u8),
}

/// Follows a run until it is over or let go. However that ends, the terminal is as it was.
pub(crate) async fn follow(
    app: &App,
    followed: Followed,
    prompts: Prompts,
    watch: &mut Watch,
) -> Result<End, Failure> {
    failpoint::hit("command.following");
    let end = Following::new(app, followed, prompts, watch)?.run_to_the_end().await;
    match end {
        // What is said at the end takes the picture's place.
        Ok(End::Over(_)) => {}
        Ok(End::LetGo(_)) | Err(_) => leave(&mut watch.view).await,
    }
    end
}

/// Gives the terminal back, if it takes anything.
async fn leave(view: &mut View) {
    let _ = tokio::time::timeout(LAST_WORDS, view.leave()).await;
}

/// A run that is followed.
struct Following<'a> {
    app: &'a App,
    followed: Followed,
    prompts: Prompts,
    watch: &'a mut Watch,
    screen: ScreenSignals,
    hearing: Hearing,
    /// Heard, but not shown: it belongs to an attempt that has not been seen to begin.
    early: Vec<Told>,
    driver_gone: bool,
}

impl<'a> Following<'a> {
    fn new(
        app: &'a App,
        followed: Followed,
        prompts: Prompts,
        watch: &'a mut Watch,
    ) -> Result<Self, Failure> {
        let screen = if watch.view.is_live() { ScreenSignals::new()? } else { ScreenSignals::none() };
        let hearing = Hearing::new(app, &followed.run_id, watch.view.shows_workers(), followed.past);
        Ok(Self { app, followed, prompts, watch, screen, hearing, early: Vec::new(), driver_gone: false })
    }

    fn holds(&self) -> bool {
        matches!(self.prompts, Prompts::Driver { .. })
    }

    async fn run_to_the_end(mut self) -> Result<End, Failure> {
        let mut patience = None;
        loop {
            let reading = self.look().await?;
            let newest = reading.run.attempts.last().map(|attempt| attempt.attempt_number);
            if self.goes_on(&reading.run, &mut patience) {
                self.hearing.listen();
            } else {
                if self.holds() && !self.driver_gone {
                    part(&mut self.prompts, &mut self.watch.signals).await;
                }
                return Ok(End::Over(Box::new(reading.run)));
            }
            loop {
                match self.wait(newest, patience).await {
                    Next::Look => break,
                    Next::Wait => {}
                    Next::Leave(code) => return Ok(End::LetGo(code)),
                }
            }
        }
    }

    /// Whether there is more to see; `patience` is until when a run without a driver is given another one.
    fn goes_on(&self, run: &RunDetail, patience: &mut Option<Instant>) -> bool {
        match run.summary.effective_status {
            RunStatus::Running => {
                *patience = None;
                !self.driver_gone
            }
            RunStatus::Interrupted => {
                let now = Instant::now();
                self.followed.replaceable && now < *patience.get_or_insert(now + REPLACEMENT)
            }
            RunStatus::Initialized
            | RunStatus::Ready
            | RunStatus::Success
            | RunStatus::Blocked
            | RunStatus::Exhausted
            | RunStatus::Aborted
            | RunStatus::Error => false,
        }
    }

    async fn look(&mut self) -> Result<RunReading, Failure> {
        let Followed { run_id, after, .. } = &self.followed;
        let request = ReadRun { run: run_id.to_string(), after: *after, limit: None };
        let reading = self.app.engine.call(request).await?;
        self.followed.after = reading.last_cursor;
        let mut told = self.hearing.complete(self.app, &reading).await;
        told.append(&mut self.early);
        self.watch.view.update(&reading, &told);
        Ok(reading)
    }

    /// Waits for something to happen. `newest` is the newest attempt that was shown.
    async fn wait(&mut self, newest: Option<u32>, patience: Option<Instant>) -> Next {
        let signals = &mut self.watch.signals;
        tokio::select! {
            there = self.prompts.next() => {
                if !there {
                    // A process that dies closes its pipes before it lets go of its lease: what the run has come to is
                    // seen only when it is gone.
                    part(&mut self.prompts, signals).await;
                    self.driver_gone = true;
                }
                Next::Look
            }
            heard = self.hearing.next() => {
                // When a driver is gone, another one may be there already.
                let look = matches!(heard, Heard::Gone);
                let told = self.hearing.take_in(self.app, heard).await;
                if look || told.iter().any(|told| Some(told.attempt_number()) > newest) {
                    self.early.extend(told);
                    return Next::Look;
                }
                self.watch.view.told(&told);
                Next::Wait
            }
            () = until(patience) => Next::Look,
            () = self.watch.view.due() => {
                self.watch.view.draw();
                Next::Wait
            }
            () = self.screen.resized.recv() => {
                self.watch.view.draw();
                Next::Wait
            }
            () = self.screen.suspend.recv() => {
                leave(&mut self.watch.view).await;
                ScreenSignals::pause();
                Next::Wait
            }
            () = self.screen.quit.recv() => {
                leave(&mut self.watch.view).await;
                ScreenSignals::give_in();
                Next::Wait
            }
            () = signals.interrupt.recv() => self.stop(true),
            () = signals.terminate.recv() => self.stop(false),
            () = signals.hang_up.recv() => {
                // Nobody is there to read anything any more, so nothing is printed.
                self.prompts.hang_up();
                Next::Leave(HUNG_UP)
            }
            () = signals.child.recv() => {
                reap_as_first_process();
                Next::Wait
            }
        }
    }

    /// Somebody wants this command to end: a person at the keyboard, or another program.
    fn stop(&mut self, by_person: bool) -> Next {
        if !self.holds() {
            return Next::Leave(INTERRUPTED);
        }
        let again = std::mem::replace(&mut self.watch.told_to_stop, true);
        self.prompts.say(if again { LEASH_ABORT_NOW } else { LEASH_ABORT });
        if by_person {
            self.watch.view.aborting(again);
        }
        Next::Wait
    }
}

/// Waits until the driver has left and collects it, so that nothing of the run is there when this command returns.
async fn part(prompts: &mut Prompts, signals: &mut Signals) {
    let child = &mut signals.child;
    let gone = async {
        while prompts.next().await {}
        while reap_detached() == 0 {
            child.recv().await;
        }
    };
    // What the driver still does, such as telling somebody, ends with the first process of a container.
    let patience = if std::process::id() == 1 { LAST_PARTING } else { PARTING };
    // The run is over: whoever wants this command to end may have that.
    let over = async {
        tokio::select! {
            () = gone => {}
            _ = signals.interrupt.recv() => {}
            _ = signals.terminate.recv() => {}
            _ = signals.hang_up.recv() => {}
        }
    };
    let _ = tokio::time::timeout(patience, over).await;
}

/// As the first process of a container this command inherits what others leave behind, and has to collect it.
fn reap_as_first_process() {
    if std::process::id() != 1 {
        return;
    }
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
}
