//! What a watched run shows: nothing, lines, or a live view. What cannot be shown changes nothing about the run.

use std::io;
use std::rc::Rc;

use agent_runner_api::view::RunReading;

use super::lines::Lines;
use super::live::{Live, Role};
use crate::args::OutputFormat;
use crate::hearing::Told;
use crate::pace::Frames;
use crate::printer::Printer;
use crate::settings::Display;
use crate::wall::Wall;

/// What a watched run shows.
pub(crate) struct View {
    kind: Kind,
    printer: Printer,
}

enum Kind {
    /// Nothing: a program waits for the JSON at the end.
    Silent,
    /// A line for each thing, for pipes and logs.
    Lines { lines: Box<Lines>, wall: Rc<Wall> },
    /// A picture that changes in place, for a person at a terminal.
    Live { live: Box<Live>, frames: Frames, wall: Rc<Wall> },
}

impl View {
    /// The view that fits the output.
    pub(crate) fn for_format(format: OutputFormat, display: &Display, role: Role) -> Self {
        let wall = Rc::clone(&display.wall);
        let kind = match format {
            OutputFormat::Json => Kind::Silent,
            OutputFormat::Text if display.draws => {
                Kind::Live { live: Box::new(Live::new(role, display.colour)), frames: Frames::new(), wall }
            }
            OutputFormat::Text => Kind::Lines { lines: Box::default(), wall },
        };
        Self { kind, printer: Printer::new() }
    }

    /// A view that shows nothing until the end.
    pub(crate) fn silent() -> Self {
        Self { kind: Kind::Silent, printer: Printer::new() }
    }

    /// Whether something is drawn in place.
    pub(crate) fn is_live(&self) -> bool {
        match self.kind {
            Kind::Live { .. } => true,
            Kind::Silent | Kind::Lines { .. } => false,
        }
    }

    /// Whether it shows what workers do.
    pub(crate) fn shows_workers(&self) -> bool {
        match self.kind {
            Kind::Live { .. } | Kind::Lines { .. } => true,
            Kind::Silent => false,
        }
    }

    /// Something was committed, and workers did something meanwhile of which nothing was heard until now.
    pub(crate) fn update(&mut self, reading: &RunReading, told: &[Told]) {
        match &mut self.kind {
            Kind::Silent => {}
            Kind::Lines { lines, wall } => {
                let text = lines.update(reading, told, wall);
                self.printer.print(text);
            }
            Kind::Live { live, frames, .. } => {
                told.iter().for_each(|told| live.told(told));
                live.update(reading);
                frames.changed();
            }
        }
    }

    /// The worker did something.
    pub(crate) fn told(&mut self, told: &[Told]) {
        match &mut self.kind {
            Kind::Silent => {}
            Kind::Lines { lines, .. } => {
                let text = told.iter().map(|told| lines.told(told)).collect();
                self.printer.print(text);
            }
            Kind::Live { live, frames, .. } => {
                told.iter().for_each(|told| live.told(told));
                frames.changed();
            }
        }
    }

    /// Waits until there is something to draw; for ever, if nothing is drawn in place. Can be dropped and waited for
    /// again.
    pub(crate) async fn due(&self) {
        match &self.kind {
            Kind::Silent | Kind::Lines { .. } => std::future::pending().await,
            Kind::Live { frames, .. } => {
                // A terminal that is slow, or was stopped, gets the newest picture when it is ready, not all of them.
                self.printer.idle().await;
                frames.due().await;
            }
        }
    }

    /// Draws what there is to draw.
    pub(crate) fn draw(&mut self) {
        if let Kind::Live { live, frames, wall } = &mut self.kind {
            let picture = live.draw(wall);
            self.printer.print(picture);
            frames.drew();
        }
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
            Kind::Live { live, frames, .. } => {
                live.asked(words);
                frames.changed();
            }
        }
    }

    /// Gives the terminal back, with the picture as it is. It is drawn anew below when there is something to draw.
    pub(crate) async fn leave(&mut self) {
        if let Kind::Live { live, frames, .. } = &mut self.kind {
            let text = live.leave();
            frames.changed();
            self.printer.print(text);
            let _ = self.printer.flushed().await;
        }
    }

    /// The view is over, and this is what is said at the end. Waits until it is printed; errors say why it was not.
    pub(crate) async fn close(&mut self, ending: String) -> io::Result<()> {
        let text = match &mut self.kind {
            Kind::Silent => ending,
            Kind::Lines { lines, .. } => {
                let rest = lines.rest();
                let apart = if lines.is_empty() { "" } else { "\n" };
                format!("{rest}{apart}{ending}")
            }
            // In one piece: nothing is shown of a terminal without either.
            Kind::Live { live, .. } => live.erase() + &ending,
        };
        self.printer.print(text);
        self.printer.flushed().await
    }
}
