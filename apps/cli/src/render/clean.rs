//! Text from workers and files is data: it must not steer a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text without control characters other than line ends and tabs.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{FFFD}' } else { c }).collect()
}

/// The text with two blanks before each line.
pub(crate) fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The text on one line of at most `width` columns of a terminal.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.width() <= width {
        return line;
    }
    let mut cut = String::new();
    let mut columns = 0;
    for c in line.chars() {
        columns += c.width().unwrap_or(0);
        // One column is kept for the mark that something is missing.
        if columns >= width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// The text on one line, filled with blanks or cut to exactly `width` columns.
pub(crate) fn cell(text: &str, width: usize) -> String {
    let mut line = one_line(text, width);
    let missing = width.saturating_sub(line.width());
    line.extend(std::iter::repeat_n(' ', missing));
    line
}
