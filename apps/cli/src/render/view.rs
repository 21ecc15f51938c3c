//! What a watched run shows: nothing, lines, or a live view. What cannot be shown changes nothing about the run.

use std::io::{self, IsTerminal as _};

use agent_runner_api::view::RunReading;
use agent_runner_engine::talk::LiveEvent;

use super::clean::clean;
use super::events::{event_line, is_worth_watching};
use super::live::Live;
use crate::args::OutputFormat;
use crate::printer::Printer;

/// What a watched run shows.
pub(crate) struct View {
    kind: Kind,
    printer: Printer,
}

enum Kind {
    /// Nothing: a program waits for the JSON at the end.
    Silent,
    /// A line for each event, for pipes and logs.
    Lines { headed: bool },
    /// Tasks that change in place, for a person at a terminal.
    Live(Box<Live>),
}

impl View {
    /// The view that fits the output.
    pub(crate) fn for_format(format: OutputFormat) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        let kind = match format {
            OutputFormat::Json => Kind::Silent,
            OutputFormat::Text if io::stdout().is_terminal() && !dumb => Kind::Live(Box::default()),
            OutputFormat::Text => Kind::Lines { headed: false },
        };
        Self { kind, printer: Printer::new() }
    }

    /// A view that shows nothing until the end.
    pub(crate) fn silent() -> Self {
        Self { kind: Kind::Silent, printer: Printer::new() }
    }

    pub(crate) fn is_live(&self) -> bool {
        match self.kind {
            Kind::Live(_) => true,
            Kind::Silent | Kind::Lines { .. } => false,
        }
    }

    /// Something was committed.
    pub(crate) fn update(&mut self, reading: &RunReading) {
        match &mut self.kind {
            Kind::Silent => {}
            Kind::Lines { headed } => {
                let text = lines(reading, !*headed);
                *headed = true;
                self.printer.print(text);
            }
            Kind::Live(live) => {
                live.update(reading);
                self.draw();
            }
        }
    }

    /// The worker did something.
    pub(crate) fn event(&mut self, event: &LiveEvent) {
        if let Kind::Live(live) = &mut self.kind {
            live.event(event);
            self.draw();
        }
    }

    /// Time passed.
    pub(crate) fn tick(&mut self) {
        self.draw();
    }

    /// The person asked to stop; `again` for the second time.
    pub(crate) fn aborting(&mut self, again: bool) {
        let words = if again {
            "ending the worker at once"
        } else {
            "stopping the worker; once more ends it at once"
        };
        match &mut self.kind {
            Kind::Silent => {}
            Kind::Lines { .. } => self.printer.print(format!("{words}\n")),
            Kind::Live(live) => {
                live.say(words);
                self.draw();
            }
        }
    }

    /// The view is over, and this is what is said at the end. Waits until it is printed; errors say why it was not.
    pub(crate) async fn close(&mut self, ending: String) -> io::Result<()> {
        match &mut self.kind {
            Kind::Silent => {}
            Kind::Lines { headed: true } => self.printer.print("\n".to_owned()),
            Kind::Lines { headed: false } => {}
            Kind::Live(live) => self.printer.print(live.erase()),
        }
        self.printer.print(ending);
        self.printer.flushed().await
    }

    fn draw(&mut self) {
        if let Kind::Live(live) = &mut self.kind
            && !self.printer.is_behind()
        {
            self.printer.print(live.draw());
        }
    }
}

fn lines(reading: &RunReading, with_head: bool) -> String {
    let mut text = String::new();
    if with_head {
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
    clean(&text)
}
