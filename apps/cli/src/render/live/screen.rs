//! The part of the terminal that is drawn in place: where it is, and the sequences that draw over it and take it away.

use std::io;

use super::line::Line;

/// Width when the terminal does not say.
const DEFAULT_WIDTH: u16 = 80;
/// Height when the terminal does not say.
const DEFAULT_HEIGHT: u16 = 24;
/// What comes between these is shown at once, by terminals that know them.
const TOGETHER: (&str, &str) = ("\x1b[?2026h", "\x1b[?2026l");
/// Switches the wrapping of long lines: a terminal may take a character for wider than it is taken for here.
const WRAP: (&str, &str) = ("\x1b[?7h", "\x1b[?7l");
/// Switches the cursor.
const CURSOR: (&str, &str) = ("\x1b[?25h", "\x1b[?25l");

/// The columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// As the terminal at standard output says.
    pub(super) fn of_terminal() -> Self {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let or =
            |value: Option<u16>, default| usize::from(value.filter(|value| *value > 0).unwrap_or(default));
        Self {
            columns: or(size.map(|size| size.ws_col), DEFAULT_WIDTH),
            rows: or(size.map(|size| size.ws_row), DEFAULT_HEIGHT),
        }
    }
}

/// Whether this process may draw: one that was sent to the background must not draw over what is in front.
pub(super) fn is_in_front() -> bool {
    match rustix::termios::tcgetpgrp(io::stdout()) {
        Ok(front) => front == rustix::process::getpgrp(),
        // Not the terminal this process belongs to; then nobody else is in front either.
        Err(_) => true,
    }
}

/// What is drawn, from the top; the cursor is in the first column below.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// Columns that each line takes.
    drawn: Vec<usize>,
    /// Whether the cursor was hidden.
    hidden: bool,
}

impl Screen {
    /// Draws lines over what was drawn before, in one piece: line by line over the old ones, so that nothing flickers.
    pub(super) fn draw(&mut self, lines: &[Line], size: Size, colour: bool) -> String {
        let mut text = format!("{}{}{}", TOGETHER.0, CURSOR.1, WRAP.1);
        text.push_str(&self.up(size));
        for line in lines {
            text.push('\r');
            text.push_str(&line.paint(colour));
            // Behind the last column there is nothing to clear, and the cursor still stands on it.
            if line.width() < size.columns {
                text.push_str("\x1b[K");
            }
            text.push('\n');
        }
        // What is left of a higher picture.
        text.push_str(&format!("\r\x1b[J{}{}", WRAP.0, TOGETHER.1));
        self.drawn = lines.iter().map(Line::width).collect();
        self.hidden = true;
        text
    }

    /// Takes the picture away and gives the cursor back.
    pub(super) fn erase(&mut self, size: Size) -> String {
        let mut text = self.up(size);
        if !self.drawn.is_empty() {
            text.push_str("\r\x1b[J");
        }
        text.push_str(&self.leave());
        text
    }

    /// Leaves the picture as it is and gives the cursor back.
    pub(super) fn leave(&mut self) -> String {
        self.drawn.clear();
        if std::mem::take(&mut self.hidden) { CURSOR.0.to_owned() } else { String::new() }
    }

    /// To the first line of what was drawn. Terminals that were made narrower have folded its lines.
    fn up(&self, size: Size) -> String {
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(size.columns).max(1)).sum();
        match rows {
            0 => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}
