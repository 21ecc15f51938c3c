//! Owns cutting a stream of bytes into lines within a fixed amount of memory. It must not read anything itself
//! and must not interpret a line.

use std::io::BufRead;

/// The longest line of text for people that is delivered whole, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// Where a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Stdout,
    Stderr,
}

/// Takes what a program writes, line by line. Called between reads, so it must be fast and must not block.
pub trait LineSink: Send {
    /// One line without its newline, as it was written: any bytes. `truncated` when the line was longer than
    /// the program's `max_line` and the rest of it is dropped.
    fn line(&mut self, source: Source, line: &[u8], truncated: bool);
}

pub(crate) struct LineSplitter {
    source: Source,
    /// Bytes of a line that are delivered.
    max_line: usize,
    /// The beginning of a line whose end has not been seen; never longer than that.
    partial: Vec<u8>,
    /// The current line was delivered already; what remains of it is dropped.
    skipping: bool,
}

impl LineSplitter {
    pub fn new(source: Source, max_line: usize) -> Self {
        Self { source, max_line, partial: Vec::new(), skipping: false }
    }

    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut dyn LineSink) {
        while !bytes.is_empty() {
            let rest = bytes;
            // Finds the newline with the standard library's own search; a slice cannot fail to be read.
            let length = bytes.skip_until(b'\n').unwrap_or(rest.len());
            let (piece, ended) = match rest[..length].strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (&rest[..length], false),
            };
            self.piece(piece, ended, sink);
        }
    }

    /// Delivers a last line that no newline follows.
    pub fn finish(&mut self, sink: &mut dyn LineSink) {
        if !self.partial.is_empty() {
            sink.line(self.source, &self.partial, false);
            self.partial.clear();
        }
        self.skipping = false;
    }

    fn piece(&mut self, piece: &[u8], ended: bool, sink: &mut dyn LineSink) {
        if self.skipping {
            self.skipping = !ended;
            return;
        }
        if self.partial.is_empty() && ended && piece.len() <= self.max_line {
            sink.line(self.source, piece, false);
            return;
        }
        let room = self.max_line - self.partial.len();
        let cut = piece.len() > room;
        self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
        if cut || ended {
            sink.line(self.source, &self.partial, cut);
            self.partial.clear();
            // One long line must not be paid for to the end.
            self.partial.shrink_to(MAX_LINE);
            self.skipping = !ended;
        }
    }
}
