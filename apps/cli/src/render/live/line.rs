//! A line of the picture: pieces of text with a look, cut to the columns there are.

use crate::render::clean::{one_line, width};

/// How a piece looks. A look never carries a meaning that the text does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Faint,
    Good,
    Busy,
    Bad,
}

impl Look {
    /// The numbers that switch it on.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Busy => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Look, String)>);

impl Line {
    pub(super) fn of(look: Look, text: impl Into<String>) -> Self {
        Self(vec![(look, text.into())])
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::of(Look::Plain, text)
    }

    /// The line and one more piece.
    pub(super) fn and(mut self, look: Look, text: impl Into<String>) -> Self {
        self.0.push((look, text.into()));
        self
    }

    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// The line in at most so many columns.
    pub(super) fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return Self(
                self.0.into_iter().map(|(look, text)| (look, one_line(&text, usize::MAX))).collect(),
            );
        }
        let mut left = columns;
        let mut pieces = Vec::new();
        for (look, text) in self.0 {
            let columns = width(&text);
            // The piece that does not fit is the last one. One that fits to the brim is cut too, for the mark that more
            // would follow.
            if columns < left {
                left -= columns;
                pieces.push((look, one_line(&text, usize::MAX)));
                continue;
            }
            let forced = if columns == left { format!("{text} ") } else { text };
            pieces.push((look, one_line(&forced, left)));
            break;
        }
        Self(pieces)
    }

    /// The line in exactly so many columns.
    pub(super) fn fill(self, columns: usize) -> Self {
        let line = self.cut(columns);
        let missing = columns.saturating_sub(line.width());
        line.and(Look::Plain, " ".repeat(missing))
    }

    /// The pieces of another line behind those of this one.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line as it is sent to the terminal.
    pub(super) fn paint(&self, colour: bool) -> String {
        let mut text = String::new();
        for (look, piece) in &self.0 {
            match look.code().filter(|_| colour && !piece.is_empty()) {
                Some(code) => text.push_str(&format!("\x1b[{code}m{piece}\x1b[0m")),
                None => text.push_str(piece),
            }
        }
        text
    }
}
