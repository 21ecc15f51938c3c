//! Text from workers and files is data: it must not steer a terminal, and it must not take more columns than it is given.

use unicode_width::UnicodeWidthChar as _;

/// Characters without a width of their own that may follow one another; more would climb over other lines.
const MAX_MARKS: usize = 8;
/// What is shown in the place of a character that must not reach a terminal.
const REPLACED: char = '\u{FFFD}';

/// The text without control characters other than line ends and tabs.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if steers(c) && !matches!(c, '\n' | '\t') { REPLACED } else { c }).collect()
}

/// Whether a character does something to a terminal instead of being shown: controls, line and paragraph separators,
/// and those that turn around the direction of everything after them.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text with two blanks before each line.
pub(crate) fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// How many columns a text takes at most. Terminals differ about emoji of several characters: each is counted by itself.
pub(crate) fn width(text: &str) -> usize {
    let mut columns = Columns::default();
    text.chars().for_each(|c| columns.take(c));
    columns.total
}

/// Columns, counted character by character.
#[derive(Default)]
struct Columns {
    total: usize,
    last: usize,
}

impl Columns {
    fn take(&mut self, c: char) {
        self.last = match c {
            // Makes an emoji of what is one column wide otherwise.
            '\u{FE0F}' => usize::from(self.last == 1),
            c => c.width().unwrap_or(0),
        };
        self.total += self.last;
    }
}

/// The text on one line: what steers is a blank, and white space is one blank.
pub(crate) fn squeeze(text: &str) -> String {
    let mut line = String::new();
    let mut marks = 0;
    for c in text.chars() {
        let c = if c.is_whitespace() || steers(c) { ' ' } else { c };
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        let repeated = c == ' ' && (line.is_empty() || line.ends_with(' '));
        if !repeated && marks <= MAX_MARKS {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text on one line of at most `columns` columns of a terminal.
pub(crate) fn one_line(text: &str, columns: usize) -> String {
    let line: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    if width(&line) <= columns {
        return line;
    }
    let mut cut = String::new();
    let mut taken = Columns::default();
    for c in line.chars() {
        taken.take(c);
        // One column is kept for the mark that something is missing.
        if taken.total >= columns {
            break;
        }
        cut.push(c);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The end of a text on one line of at most `columns` columns.
pub(crate) fn end_of_line(text: &str, columns: usize) -> String {
    let line = squeeze(text);
    if width(&line) <= columns {
        return line;
    }
    let mut start = line.len();
    for (at, _) in line.char_indices().rev() {
        if width(&line[at..]) >= columns {
            break;
        }
        start = at;
    }
    // A mark without the letter it belongs to would sit on something else.
    let end = line[start..].trim_start_matches(|c: char| c == ' ' || c.width() == Some(0));
    if columns > 0 { format!("…{end}") } else { String::new() }
}

/// The text on one line, filled with blanks or cut to exactly `columns` columns.
pub(crate) fn cell(text: &str, columns: usize) -> String {
    let mut line = one_line(text, columns);
    let missing = columns.saturating_sub(width(&line));
    line.extend(std::iter::repeat_n(' ', missing));
    line
}
