//! What a watched run shows: nothing, lines, or a live view.

use std::io::IsTerminal as _;

use agent_runner_api::view::RunReading;

use super::clean::clean;
use super::events::{event_line, is_worth_watching};
use super::live::Live;
use crate::args::OutputFormat;
use crate::exit::Failure;
use crate::output::print;

/// What a watched run shows.
pub(crate) enum View {
    /// Nothing: a program waits for the JSON at the end.
    Silent,
    /// A line for each event, for pipes and logs.
    Lines(Lines),
    /// Tasks that change in place, for a person at a terminal.
    Live(Box<Live>),
}

/// The state of a view of lines.
#[derive(Default)]
pub(crate) struct Lines {
    headed: bool,
}

impl View {
    /// The view that fits the output.
    pub(crate) fn for_format(format: OutputFormat) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        match format {
            OutputFormat::Json => Self::Silent,
            OutputFormat::Text if std::io::stdout().is_terminal() && !dumb => Self::Live(Box::default()),
            OutputFormat::Text => Self::Lines(Lines::default()),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Silent | Self::Lines(_) => false,
        }
    }

    /// Something was committed.
    pub(crate) fn update(&mut self, reading: &RunReading) -> Result<(), Failure> {
        let shown = match self {
            Self::Silent => Ok(()),
            Self::Lines(lines) => lines.update(reading),
            Self::Live(live) => live.update(reading),
        };
        self.or_silent(shown)
    }

    /// The worker printed a line.
    pub(crate) fn line(&mut self, line: String) -> Result<(), Failure> {
        let shown = match self {
            Self::Silent | Self::Lines(_) => Ok(()),
            Self::Live(live) => live.line(line),
        };
        self.or_silent(shown)
    }

    /// Time passed.
    pub(crate) fn tick(&mut self) -> Result<(), Failure> {
        let shown = match self {
            Self::Silent | Self::Lines(_) => Ok(()),
            Self::Live(live) => live.draw(),
        };
        self.or_silent(shown)
    }

    /// The person asked to stop; `again` for the second time.
    pub(crate) fn aborting(&mut self, again: bool) -> Result<(), Failure> {
        let words = if again {
            "ending the worker at once"
        } else {
            "stopping the worker; once more ends it at once"
        };
        let shown = match self {
            Self::Silent => Ok(()),
            Self::Lines(_) => print(&format!("{words}\n")),
            Self::Live(live) => live.line(words.to_owned()),
        };
        self.or_silent(shown)
    }

    /// The view is over; what comes next starts on a fresh line.
    pub(crate) fn close(&mut self) -> Result<(), Failure> {
        let shown = match self {
            Self::Silent => Ok(()),
            Self::Lines(_) => print("\n"),
            Self::Live(live) => live.close(),
        };
        self.or_silent(shown)
    }

    /// A view that lost its reader goes on in silence: the run is held and its exit code counts all the same.
    fn or_silent(&mut self, shown: Result<(), Failure>) -> Result<(), Failure> {
        match shown {
            Err(Failure::Gone) => {
                *self = Self::Silent;
                Ok(())
            }
            Ok(()) | Err(Failure::Error(_)) => shown,
        }
    }
}

impl Lines {
    fn update(&mut self, reading: &RunReading) -> Result<(), Failure> {
        let mut text = String::new();
        if !self.headed {
            self.headed = true;
            let run = &reading.run.summary;
            text.push_str(&format!(
                "Run {}: agent {}, backend {}, {} tasks, in {}\n",
                run.run_id, run.agent_name, run.backend, run.tasks_total, run.cwd
            ));
        }
        for event in reading.events.iter().filter(|event| is_worth_watching(event)) {
            text.push_str(&event_line(event));
            text.push('\n');
        }
        print(&clean(&text))
    }
}
