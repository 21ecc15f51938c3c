//! Text of others: what must never get into a page, and how much of it gets there. Must not escape: what has to be escaped
//! depends on where it is written.

use std::borrow::Cow;

/// The text without what could steer a terminal or turn the order of a line around. Line ends are `\n`.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(text.chars().map(|c| if is_harmful(c) { '\u{FFFD}' } else { c }).collect())
}

/// The same on one line, without blanks at its ends.
pub(super) fn plain_line(text: &str) -> Cow<'_, str> {
    match plain(text) {
        Cow::Borrowed(text) if !text.contains(['\n', '\t']) => Cow::Borrowed(text.trim()),
        text => Cow::Owned(text.replace(['\n', '\t'], " ").trim().to_owned()),
    }
}

fn is_harmful(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks that turn text around, and line ends that not everything takes for one.
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' => true,
        c => c.is_control(),
    }
}

/// The first characters of a text, and whether that is all of it.
pub(super) fn beginning(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let border = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}…", text.get(..border).unwrap_or_default()))
}

/// The end of a text that is too long, from a line's beginning on if there is one near; and how many bytes are missing.
pub(super) fn ending(text: &str, bytes: usize) -> (&str, usize) {
    let start = text.len().saturating_sub(bytes);
    if start == 0 {
        return (text, 0);
    }
    let border = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let tail = text.get(border..).unwrap_or_default();
    let tail = match tail.find('\n') {
        Some(end) if end < tail.len() / 2 => tail.get(end + 1..).unwrap_or_default(),
        Some(_) | None => tail,
    };
    (tail, text.len() - tail.len())
}
