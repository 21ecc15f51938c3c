//! The live view: what is known of a run and its worker, and the picture of it as it is now.

use agent_runner_api::view::{RunDetail, RunReading};
use agent_runner_model::event::EventBody;
use agent_runner_model::phase::Cause;

use super::activity::Activity;
use super::blocks::{self, live_attempt};
use super::layout::{Parts, picture};
use super::line::{Line, Look};
use super::news::{Kind, News};
use super::screen::{Screen, Size, is_in_front};
use crate::hearing::Told;
use crate::render::events::{event_line, is_worth_watching};
use crate::render::usage::{totals_words, with_running};
use crate::wall::Wall;

/// What the command that shows the view is to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It started the run and holds it.
    Holds,
    /// It only watches.
    Watches,
}

/// A live view.
pub(crate) struct Live {
    role: Role,
    colour: bool,
    run: Option<Box<RunDetail>>,
    activity: Activity,
    news: News,
    asked: Option<&'static str>,
    screen: Screen,
}

impl Live {
    pub(crate) fn new(role: Role, colour: bool) -> Self {
        Self {
            role,
            colour,
            run: None,
            activity: Activity::default(),
            news: News::default(),
            asked: None,
            screen: Screen::default(),
        }
    }

    /// Something was committed.
    pub(crate) fn update(&mut self, reading: &RunReading) {
        for event in &reading.events {
            match event.body() {
                // A wait has a line of its own for as long as it lasts.
                Some(EventBody::Waiting { .. }) => continue,
                // That it was started is no news to whoever started it.
                Some(EventBody::RunStarted { cause: Cause::First, .. }) => continue,
                Some(EventBody::AttemptRecorded { attempt_number, .. }) => {
                    self.activity.ended(attempt_number)
                }
                Some(_) | None => {}
            }
            if is_worth_watching(event) {
                self.news.add(event.at, Kind::Run, &event_line(event));
            }
        }
        self.run = Some(Box::new(reading.run.clone()));
    }

    /// The worker did something.
    pub(crate) fn told(&mut self, told: &Told) {
        match told {
            Told::Event(event) => self.activity.take(event.attempt_number, &event.record, &mut self.news),
            // Only what is newest is shown anyway.
            Told::Missed { .. } => {}
        }
    }

    /// The person asked for something.
    pub(crate) fn asked(&mut self, words: &'static str) {
        self.asked = Some(words);
    }

    /// The picture as it is now, over the one before; nothing where another program is in front.
    pub(crate) fn draw(&mut self, wall: &Wall) -> String {
        if !is_in_front() {
            return self.screen.leave();
        }
        let size = Size::of_terminal();
        // The last row is the cursor's.
        let lines = self.lines(size.columns, size.rows.saturating_sub(1).max(1), wall);
        if lines.is_empty() { String::new() } else { self.screen.draw(&lines, size, self.colour) }
    }

    /// Takes the picture away: what is said at the end takes its place.
    pub(crate) fn erase(&mut self) -> String {
        self.screen.erase(Size::of_terminal())
    }

    /// Leaves the picture where it is: the next one is drawn below whatever comes in between.
    pub(crate) fn leave(&mut self) -> String {
        self.screen.leave()
    }

    pub(super) fn lines(&self, columns: usize, rows: usize, wall: &Wall) -> Vec<Line> {
        let Some(run) = self.run.as_deref() else { return Vec::new() };
        let (head, about) = blocks::head(run, columns);
        let parts = Parts {
            head,
            about,
            attempt: blocks::attempt(run, columns, wall),
            tasks: run.tasks.len(),
            notes: blocks::notes(run),
            task_lines: &|room, notes| blocks::tasks(run, room, notes),
            news: self.news.len(),
            news_lines: &|count, columns| self.news.lines(count, columns, wall),
            now: self.now(run, columns, wall),
            used: self.used(run, columns),
            asked: self.asked.map(|words| Line::of(Look::Strong, words)),
            keys: self.keys(),
        };
        picture(parts, columns, rows)
    }

    fn now(&self, run: &RunDetail, columns: usize, wall: &Wall) -> Option<Line> {
        const NOW: &str = "now ";
        if let Some(attempt) = live_attempt(run) {
            let room = columns.saturating_sub(NOW.len());
            let line = self.activity.line(attempt.attempt_number, attempt.started_at, room, wall);
            return Some(Line::of(Look::Faint, NOW).join(line));
        }
        blocks::wait(run, columns, wall)
    }

    fn used(&self, run: &RunDetail, columns: usize) -> Option<Line> {
        let finished = &run.summary.usage;
        let totals = match live_attempt(run) {
            Some(attempt) => with_running(finished, &self.activity.usage(attempt.attempt_number)),
            None => *finished,
        };
        let words = totals_words(&totals);
        match (totals.usage.is_unknown(), columns < blocks::NARROW) {
            (true, _) => None,
            (false, true) => Some(Line::plain(words.replace(" tokens", ""))),
            (false, false) => Some(Line::of(Look::Faint, "used ").and(Look::Plain, words)),
        }
    }

    fn keys(&self) -> Option<Line> {
        let words = match (self.asked, self.role) {
            (Some(_), _) => return None,
            (None, Role::Holds) => "Ctrl-C aborts the run",
            (None, Role::Watches) => "Ctrl-C ends the watching, not the run",
        };
        Some(Line::of(Look::Faint, words))
    }
}
