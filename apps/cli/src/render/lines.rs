//! A watched run as lines, for pipes and logs: one for each thing worth it, and never a flood.

use std::collections::VecDeque;

use agent_runner_api::view::{RunDetail, RunReading};
use agent_runner_model::Timestamp;
use agent_runner_model::event::{EventBody, EventRecord};
use agent_runner_model::phase::Wait;
use agent_runner_model::turn::{TurnEvent, TurnRecord};

use super::clean::{clean, one_line, squeeze};
use super::events::{event_line, is_worth_watching};
use super::flood::{Flood, Passed};
use super::span::{clock_words, reason_words};
use crate::hearing::Told;
use crate::wall::Wall;

/// Columns of a line about what a worker does.
const WIDTH: usize = 200;

/// Tools that may be at work at the same time, with names to be told when they fail.
const TOOLS: usize = 64;

/// The lines of one run.
#[derive(Default)]
pub(crate) struct Lines {
    headed: bool,
    run_id: String,
    /// What workers say; a program without a protocol may say anything, and as much as it likes.
    said: Flood,
    /// What went wrong for them, which must not drown in the rest.
    trouble: Flood,
    /// Ids and names of the tools that were begun lately.
    tools: VecDeque<(String, String)>,
}

impl Lines {
    /// Whether nothing was shown yet.
    pub(crate) fn is_empty(&self) -> bool {
        !self.headed
    }

    /// Something was committed; `told` is what workers did of which nothing was heard until now.
    pub(crate) fn update(&mut self, reading: &RunReading, told: &[Told], wall: &Wall) -> String {
        let mut text = String::new();
        if !self.headed {
            text.push_str(&head(&reading.run));
            self.run_id = reading.run.summary.run_id.to_string();
            self.headed = true;
        }
        let mut told = told.iter().peekable();
        for event in &reading.events {
            // In the order in which things happened; what an attempt's worker did comes before its end at the latest.
            while let Some(next) = told.next_if(|told| is_before(told, event)) {
                text.push_str(&self.told(next));
            }
            if let Some(EventBody::AttemptRecorded { .. }) = event.body() {
                text.push_str(&self.rest());
            }
            if is_worth_watching(event) {
                text.push_str(&clean(&run_line(event, wall)));
                text.push('\n');
            }
        }
        text.extend(told.map(|told| self.told(told)));
        text
    }

    /// A worker did something.
    pub(crate) fn told(&mut self, told: &Told) -> String {
        match told {
            Told::Event(event) => self.worker(event.attempt_number, &event.record),
            Told::Missed { attempt_number, count } => {
                self.said.missed(*attempt_number, *count);
                String::new()
            }
        }
    }

    /// What has not been said yet of what was held back.
    pub(crate) fn rest(&mut self) -> String {
        let rest = [self.said.rest(), self.trouble.rest()].into_iter().flatten();
        rest.map(|(attempt, count)| self.held_back(attempt, count)).collect()
    }

    fn worker(&mut self, attempt_number: u32, record: &TurnRecord) -> String {
        if let TurnEvent::ToolStarted { id, name, .. } = &record.event {
            self.tools.push_back((id.clone(), squeeze(name)));
            if self.tools.len() > TOOLS {
                self.tools.pop_front();
            }
        }
        let Some((is_trouble, line)) = self.worker_line(&record.event) else { return String::new() };
        let flood = if is_trouble { &mut self.trouble } else { &mut self.said };
        let Passed { before, passes } = flood.ask(attempt_number, record.at);
        let mut text = before.map(|(attempt, count)| self.held_back(attempt, count)).unwrap_or_default();
        if passes {
            text.push_str(&one_line(&line, WIDTH));
            text.push('\n');
        }
        text
    }

    /// A line about what a worker did, if it is worth one, and whether it is about trouble. The sign in front tells it from
    /// what is said about the run.
    fn worker_line(&self, event: &TurnEvent) -> Option<(bool, String)> {
        let line = |sign: &str, text: String| Some((false, format!("  {sign} {text}")));
        let trouble = |text: String| Some((true, format!("  ! {text}")));
        match event {
            TurnEvent::Message { text } | TurnEvent::Notice { text } => line("|", squeeze(text)),
            TurnEvent::ToolStarted { name, summary, .. } if summary.is_empty() => line(">", squeeze(name)),
            TurnEvent::ToolStarted { name, summary, .. } => {
                line(">", format!("{}: {}", squeeze(name), squeeze(summary)))
            }
            TurnEvent::ToolFinished { id, is_error: true, summary } => {
                let tool = self.tools.iter().rfind(|(known, _)| known == id);
                let name = tool.map_or("a tool", |(_, name)| name.as_str());
                trouble(format!("{name} failed: {}", squeeze(summary)))
            }
            TurnEvent::Limit { reset_at, detail } => {
                let until = reset_at.map(|at| format!(" until {at}")).unwrap_or_default();
                trouble(format!("limit{until}: {}", squeeze(detail)))
            }
            TurnEvent::Permission { tool, detail } => {
                trouble(format!("refused {}: {}", squeeze(tool), squeeze(detail)))
            }
            TurnEvent::Error { text } => trouble(format!("error: {}", squeeze(text))),
            TurnEvent::Session { .. }
            | TurnEvent::TextDelta { .. }
            | TurnEvent::Thinking { .. }
            | TurnEvent::ToolFinished { is_error: false, .. }
            | TurnEvent::Plan { .. }
            | TurnEvent::Usage { .. } => None,
        }
    }

    fn held_back(&self, attempt_number: u32, count: u64) -> String {
        let what = if count == 1 { "1 more line" } else { &format!("{} more lines", grouped(count)) };
        format!("  … {what} (agent-runner run timeline {} --attempt {attempt_number})\n", self.run_id)
    }
}

fn head(run: &RunDetail) -> String {
    let run = &run.summary;
    clean(&format!(
        "Run {}: agent {}, backend {}, {} tasks, in {}\n",
        run.run_id, run.agent_name, run.backend, run.tasks_total, run.cwd
    ))
}

fn is_before(told: &Told, event: &EventRecord) -> bool {
    let (attempt, at): (u32, Option<Timestamp>) = match told {
        Told::Event(event) => (event.attempt_number, Some(event.record.at)),
        Told::Missed { attempt_number, .. } => (*attempt_number, None),
    };
    match event.body() {
        Some(EventBody::AttemptRecorded { attempt_number, .. }) => attempt <= attempt_number,
        Some(EventBody::AttemptStarted { attempt_number, .. }) => attempt < attempt_number,
        Some(_) | None => at.is_some_and(|at| at <= event.at),
    }
}

/// A wait is told with the time on the reader's wall; everything else as the history has it.
fn run_line(event: &EventRecord, wall: &Wall) -> String {
    match event.body() {
        Some(EventBody::Waiting { wait: Wait { until: Some(until), why, detail, .. } }) => {
            let (moment, left) = (wall.moment(until), clock_words(wall.left(until)));
            format!("waiting until {moment} ({left}, {}): {detail}", reason_words(why))
        }
        Some(_) | None => event_line(event),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
