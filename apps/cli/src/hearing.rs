//! Hears what workers do: from the driver as it happens, and from the attempts' logs what was not heard. Each thing is
//! told once, in order. Must not show anything.

use std::path::PathBuf;
use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{GetRun, ReadTimeline};
use agent_runner_api::view::{RunReading, TimelineEntry};
use agent_runner_engine::talk::{LiveEvent, Seen, socket_path, watch_events};
use agent_runner_model::RunId;
use agent_runner_model::event::EventBody;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::pace::{Budget, until};

/// Events of the worker that are read ahead of what is shown.
const BACKLOG: usize = 64;
/// How long after somebody began to listen the log of a silent worker is looked at again: what the driver had read before
/// may not have been written yet.
const SECOND_LOOK: Duration = Duration::from_millis(500);
/// Most of what happened unheard that is told: the newest of it.
const MOST_CAUGHT_UP: usize = 200;

/// Something about what a worker did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It did this.
    Event(Box<LiveEvent>),
    /// It did so many things more, which are not told.
    Missed { attempt_number: u32, count: u64 },
}

impl Told {
    pub(crate) fn attempt_number(&self) -> u32 {
        match self {
            Self::Event(event) => event.attempt_number,
            Self::Missed { attempt_number, .. } => *attempt_number,
        }
    }
}

/// What is heard of a driver.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It said this.
    Said(Seen),
    /// It has said nothing for a moment since somebody listens.
    Nothing,
    /// It is gone.
    Gone,
}

/// How far a run's workers have been heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    attempt_number: u32,
    seq: u64,
}

impl Mark {
    /// Everything up to the end of an attempt.
    fn end_of(attempt_number: u32) -> Self {
        Self { attempt_number, seq: u64::MAX }
    }
}

/// Hears what the workers of one run do.
pub(crate) struct Hearing {
    run_id: RunId,
    socket: PathBuf,
    /// What the driver says; nothing while nobody listens to one.
    events: Option<mpsc::Receiver<Seen>>,
    /// Whether it has said anything.
    connected: bool,
    /// When the log is looked at once more.
    second_look: Option<Instant>,
    budget: Budget,
    heard: Option<Mark>,
    /// Whether everything behind the mark was heard as it happened, so that a gap behind it is something missed.
    unbroken: bool,
    wanted: bool,
    /// Whether the run has been looked at.
    begun: bool,
}

impl Hearing {
    /// Hears nothing unless it is `wanted`, and nothing of the attempts up to `past`: they were over before.
    pub(crate) fn new(app: &App, run_id: &RunId, wanted: bool, past: Option<u32>) -> Self {
        let config = app.engine.config();
        Self {
            run_id: run_id.clone(),
            socket: socket_path(&config.runtime_dir, &config.state_dir, run_id),
            events: None,
            connected: false,
            second_look: None,
            budget: Budget::default(),
            heard: past.map(Mark::end_of),
            unbroken: false,
            wanted,
            begun: false,
        }
    }

    /// Listens to the driver there is now, if nobody does yet. Drivers come and go.
    pub(crate) fn listen(&mut self) {
        if !self.wanted || self.events.is_some() {
            return;
        }
        let (sender, events) = mpsc::channel(BACKLOG);
        let socket = self.socket.clone();
        tokio::spawn(async move { watch_events(&socket, sender).await });
        self.events = Some(events);
        self.unbroken = false;
    }

    /// The next thing that is heard; never comes while nobody listens to a driver. Does not take more than can be shown:
    /// a driver whose watchers are slow leaves out something for them and is not held up.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            let Some(events) = &mut self.events else { return std::future::pending().await };
            self.budget.available().await;
            let said = tokio::select! {
                biased;
                said = events.recv() => said,
                () = until(self.second_look) => {
                    self.second_look = None;
                    return Heard::Nothing;
                }
            };
            match said {
                Some(seen) => {
                    self.budget.spend();
                    self.connected = true;
                    return Heard::Said(seen);
                }
                None => self.events = None,
            }
            self.second_look = None;
            // Where nobody listened in the first place there is nothing new.
            if std::mem::take(&mut self.connected) {
                return Heard::Gone;
            }
        }
    }

    /// What follows from what was heard: the event itself, and what came before it unheard.
    pub(crate) async fn take_in(&mut self, app: &App, heard: Heard) -> Vec<Told> {
        let event = match heard {
            // From here on everything is heard: what was before is in the log of the attempt that goes on, if any, or
            // will be there in a moment.
            Heard::Said(Seen::Watching) => {
                self.second_look = Some(Instant::now() + SECOND_LOOK);
                return self.catch_up(app, None).await;
            }
            Heard::Nothing | Heard::Gone => return self.catch_up(app, None).await,
            Heard::Said(Seen::Event(event)) => event,
        };
        self.second_look = None;
        let mark = Mark { attempt_number: event.attempt_number, seq: event.record.seq };
        if self.heard.is_some_and(|heard| mark <= heard) {
            return Vec::new();
        }
        let before = self.heard.filter(|heard| heard.attempt_number == mark.attempt_number);
        let missing = mark.seq.saturating_sub(before.map_or(0, |heard| heard.seq) + 1);
        let mut told = match (missing, self.unbroken && before.is_some()) {
            (0, _) => Vec::new(),
            (count, true) => vec![Told::Missed { attempt_number: mark.attempt_number, count }],
            // What the driver had read but not yet written when the log was looked at is written now.
            (_, false) => self.catch_up(app, Some(mark)).await,
        };
        self.heard = Some(mark);
        self.unbroken = true;
        told.push(Told::Event(event));
        told
    }

    /// What the attempts that ended in this reading did and nobody has heard of, and of the one that goes on what can be
    /// known without its driver.
    pub(crate) async fn complete(&mut self, app: &App, reading: &RunReading) -> Vec<Told> {
        if !self.wanted {
            return Vec::new();
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.heard = before(reading);
        }
        let mut told = Vec::new();
        for event in &reading.events {
            if let Some(EventBody::AttemptRecorded { attempt_number, .. }) = event.body() {
                let end = Mark::end_of(attempt_number);
                told.extend(self.catch_up(app, Some(end)).await);
                self.heard = self.heard.max(Some(end));
            }
        }
        if self.events.is_none() && reading.run.is_live {
            told.extend(self.catch_up(app, None).await);
        }
        told
    }

    /// Reads the log of an attempt behind what was heard, up to `until`; without it, of the newest attempt to its end.
    async fn catch_up(&mut self, app: &App, until: Option<Mark>) -> Vec<Told> {
        let attempt = match until {
            Some(mark) => Some(mark.attempt_number),
            None => self.newest_attempt(app).await,
        };
        let Some(attempt_number) = attempt else { return Vec::new() };
        let request =
            ReadTimeline { run: self.run_id.to_string(), attempt: Some(attempt_number), limit: None };
        // What cannot be read is not told; the run is the same.
        let Ok(timeline) = app.engine.call(request).await else { return Vec::new() };
        let mut told = Vec::new();
        for entry in timeline.entries {
            let TimelineEntry::Worker { attempt_number, record } = entry else { continue };
            let mark = Mark { attempt_number, seq: record.seq };
            if self.heard.is_none_or(|heard| mark > heard) && until.is_none_or(|until| mark < until) {
                self.heard = Some(mark);
                told.push(Told::Event(Box::new(LiveEvent { attempt_number, record })));
            }
        }
        let skipped = told.len().saturating_sub(MOST_CAUGHT_UP);
        if skipped > 0 {
            let count = u64::try_from(skipped).unwrap_or(u64::MAX);
            told.splice(..skipped, [Told::Missed { attempt_number, count }]);
        }
        told
    }

    async fn newest_attempt(&self, app: &App) -> Option<u32> {
        let detail =
            app.engine.call(GetRun { run: self.run_id.to_string(), with_dependents: false }).await.ok()?;
        detail.attempts.last().map(|attempt| attempt.attempt_number)
    }
}

/// How far the run had come before what is shown of it: the attempts whose start is not among the events are over, or
/// were cut off.
fn before(reading: &RunReading) -> Option<Mark> {
    let begins = |number: u32| {
        reading.events.iter().any(|event| {
            matches!(event.body(), Some(EventBody::AttemptStarted { attempt_number, .. }) if attempt_number == number)
        })
    };
    let attempts = reading.run.attempts.iter().map(|attempt| attempt.attempt_number);
    let last = attempts.filter(|number| !begins(*number)).max();
    last.map(|attempt_number| Mark { attempt_number, seq: u64::MAX })
}
