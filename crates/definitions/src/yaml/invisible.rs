//! Characters that look like a blank or like nothing and are neither to a YAML reader. Must not look into texts, where
//! they are as good as any other.

use crate::page::{Page, Place};

/// What is said about one: the message and what to do.
pub(super) fn complaint(found: char, name: &str) -> (String, String) {
    let hint = match found.is_whitespace() {
        true => "write an ordinary blank in its place; it looks like one in most editors",
        false => "delete it; most editors do not show it",
    };
    (format!("invisible character U+{:04X} ({name}) outside a text", u32::from(found)), hint.to_owned())
}

/// The first one in a field's name: characters before it, itself, what it is called.
pub(super) fn in_name(name: &str) -> Option<(u32, char, &'static str)> {
    let found = name.chars().enumerate().find_map(|(index, c)| Some((index, c, called(c)?)));
    found.map(|(index, c, name)| (u32::try_from(index).unwrap_or(u32::MAX), c, name))
}

/// One at that place, or in the indentation, the dashes, the name or right behind the colon of that line or the one above.
pub(super) fn near(page: &Page, first_line: u32, at: Place) -> Option<(Place, String, String)> {
    let here = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
    let here = page.line(at.line).chars().nth(here).and_then(|c| Some((at, c, called(c)?)));
    let lines = [at.line, at.line.saturating_sub(1)].into_iter().filter(|line| *line >= first_line);
    let mut around = lines.filter_map(|line| {
        let (index, c, name) = in_name(outside_texts(page.line(line)))?;
        Some((Place { line, column: index.saturating_add(1) }, c, name))
    });
    let (place, c, name) = here.or_else(|| around.next())?;
    let (message, hint) = complaint(c, name);
    Some((place, message, hint))
}

/// The start of a line that is no text: up to the colon and the character behind it.
fn outside_texts(line: &str) -> &str {
    let is_edge = |c: char| c == ' ' || c == '-' || called(c).is_some();
    let is_name = |c: char| is_edge(c) || c.is_alphanumeric() || c == '_';
    let end = match line.find(|c| !is_name(c)) {
        Some(colon) if line.get(colon..).is_some_and(|rest| rest.starts_with(':')) => {
            let behind = line.get(colon + 1..).and_then(|rest| rest.chars().next());
            colon + 1 + behind.map_or(0, char::len_utf8)
        }
        _ => line.find(|c| !is_edge(c)).unwrap_or(line.len()),
    };
    line.get(..end).unwrap_or_default()
}

fn called(c: char) -> Option<&'static str> {
    match c {
        '\u{a0}' => Some("no-break space"),
        '\u{ad}' => Some("soft hyphen"),
        '\u{200b}' => Some("zero-width space"),
        '\u{200c}' => Some("zero-width non-joiner"),
        '\u{200d}' => Some("zero-width joiner"),
        '\u{2028}' | '\u{2029}' => Some("line separator"),
        '\u{2060}' => Some("word joiner"),
        '\u{3000}' => Some("ideographic space"),
        '\u{feff}' => Some("byte-order mark"),
        '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => Some("space of another width"),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some("direction mark"),
        _ => None,
    }
}
