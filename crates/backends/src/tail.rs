//! Keeps the end of a stream of lines in bounded memory.

use std::collections::VecDeque;

/// Bytes of output that a turn's report has. An attempt's record keeps fewer: values may be taken out of them before that,
/// and of one that begins before the record does, the rest must not stay.
pub(crate) const TAIL_BYTES: usize = 16 * 1024;

/// The last bytes of some output.
#[derive(Debug, Clone)]
pub struct Tail {
    bytes: VecDeque<u8>,
    capacity: usize,
    cut: bool,
}

impl Tail {
    /// Keeps at most `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { bytes: VecDeque::new(), capacity, cut: false }
    }

    /// Adds a line and its newline.
    pub fn push_line(&mut self, line: &[u8]) {
        self.push(line);
        self.push(b"\n");
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(self.capacity)..];
        let over = (self.bytes.len() + kept.len()).saturating_sub(self.capacity);
        self.cut |= over > 0 || kept.len() < bytes.len();
        self.bytes.drain(..over.min(self.bytes.len()));
        self.bytes.extend(kept);
    }

    /// What was kept, lossy: bytes that are not UTF-8 and control characters other than line ends and tabs are
    /// replaced, so that a worker's output cannot steer a terminal.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        // A cut can fall into the middle of a character: its rest is not worth a replacement mark.
        let start =
            if self.cut { bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count() } else { 0 };
        let text = String::from_utf8_lossy(&bytes[start..]);
        let clean = text.chars().map(|c| if is_unprintable(c) { '\u{FFFD}' } else { c });
        clean.collect::<String>().trim_end().to_owned()
    }
}

fn is_unprintable(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// One line of output, fit for a terminal and at most `width` characters.
pub(crate) fn display_line(line: &[u8], width: usize) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(width * 4)]);
    let text = text.trim_end_matches('\r');
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(width).collect();
    if text.chars().nth(width).is_some() || line.len() > width * 4 {
        shown.pop();
        shown.push('…');
    }
    shown
}
