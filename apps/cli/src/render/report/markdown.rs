//! Writes a page as Markdown, for a terminal and for places that render it. Texts of others end up in code or escaped, so
//! that nothing in them becomes a heading, a table, a link or HTML. Must not decide what is said.

use std::borrow::Cow;

use super::block::{Block, Column, Line, Page, Span};
use super::foreign::{plain, plain_line};

/// Fewest backticks around a block.
const MIN_FENCE: usize = 3;

/// Where a line is written: what has a meaning differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A heading, a paragraph, an item of a list: what it begins with can have a meaning.
    Block,
    /// A table's cell.
    Cell,
}

/// The page as Markdown.
pub(crate) fn markdown(page: &Page<'_>) -> String {
    let mut out = String::with_capacity(16 * 1024);
    heading(&mut out, 1, &[Span::Text(Cow::Borrowed(&page.title))]);
    for section in &page.sections {
        heading(&mut out, 2, &section.heading);
        blocks(&mut out, &section.blocks);
        for part in &section.parts {
            heading(&mut out, 3, &part.heading);
            blocks(&mut out, &part.blocks);
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn heading(out: &mut String, level: usize, words: &[Span<'_>]) {
    out.extend(std::iter::repeat_n('#', level));
    out.push(' ');
    let start = out.len();
    spans(out, words, Place::Block);
    // Marks at the end of a heading would be taken for its own.
    if out.get(start..).is_some_and(|words| words.ends_with('#')) {
        out.pop();
        out.push_str("\\#");
    }
    out.push_str("\n\n");
}

fn blocks(out: &mut String, blocks: &[Block<'_>]) {
    for block in blocks {
        match block {
            Block::Paragraph(words) => {
                spans(out, words, Place::Block);
                out.push('\n');
            }
            Block::List(items) => {
                for item in items {
                    out.push_str("- ");
                    spans(out, item, Place::Block);
                    out.push('\n');
                }
            }
            Block::Facts(facts) => facts_table(out, facts),
            Block::Table { columns, rows } => table(out, columns, rows),
            Block::Words(words) | Block::Literal(words) => fenced(out, words),
        }
        out.push('\n');
    }
}

fn facts_table(out: &mut String, facts: &[(&'static str, Line<'_>)]) {
    out.push_str("| | |\n|---|---|\n");
    for (name, value) in facts {
        out.push_str("| ");
        out.push_str(name);
        out.push_str(" | ");
        spans(out, value, Place::Cell);
        out.push_str(" |\n");
    }
}

fn table(out: &mut String, columns: &[Column], rows: &[Vec<Line<'_>>]) {
    for column in columns {
        out.push_str("| ");
        out.push_str(column.name);
        out.push(' ');
    }
    out.push_str("|\n");
    for column in columns {
        out.push_str(if column.is_number { "|---:" } else { "|---" });
    }
    out.push_str("|\n");
    for row in rows {
        for cell in row {
            out.push_str("| ");
            spans(out, cell, Place::Cell);
            out.push(' ');
        }
        out.push_str("|\n");
    }
}

/// Words in a block of code whose fence is longer than any in them.
fn fenced(out: &mut String, words: &str) {
    let words = plain(words);
    let fence = longest_run(&words, '`').saturating_add(1).max(MIN_FENCE);
    out.extend(std::iter::repeat_n('`', fence));
    out.push_str("text\n");
    out.push_str(&words);
    if !words.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n('`', fence));
    out.push('\n');
}

fn spans(out: &mut String, words: &[Span<'_>], place: Place) {
    let mut is_start = place == Place::Block;
    for span in words {
        let before = out.len();
        match span {
            Span::Text(text) => {
                // Blanks between pieces count, so a piece keeps its own.
                let text = plain(text);
                escaped(out, &text.replace(['\n', '\t'], " "), is_start);
            }
            Span::Strong(text) => {
                out.push_str("**");
                escaped(out, &plain_line(text), false);
                out.push_str("**");
            }
            Span::Badge(_, word) => {
                out.push_str("**");
                out.push_str(word);
                out.push_str("**");
            }
            Span::Code(text) => inline_code(out, &plain_line(text), place),
            Span::Link { text, .. } => {
                let text = plain_line(text);
                let is_number = text.chars().all(|c| c.is_ascii_digit());
                if is_number { out.push_str(&text) } else { inline_code(out, &text, place) }
            }
        }
        is_start &= out.len() == before;
    }
}

/// Text that stands for itself.
fn escaped(out: &mut String, text: &str, is_start: bool) {
    let text = if is_start { text.trim_start() } else { text };
    let mut before = out.chars().next_back().unwrap_or(' ');
    let mut rest = text.chars().peekable();
    if is_start {
        // Only at the beginning of a block: a list's number, a heading's or a quote's mark.
        let number: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
        out.push_str(&number);
        let opens = |c: &char| if number.is_empty() { "#>+-=".contains(*c) } else { ".)".contains(*c) };
        if let Some(c) = rest.next_if(opens) {
            out.push('\\');
            out.push(c);
            before = c;
        } else if let Some(last) = number.chars().next_back() {
            before = last;
        }
    }
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Backslashes would not do: in a cell, what stands before them is read differently here and there.
            '|' => out.push_str("&#124;"),
            '\\' => out.push_str("&#92;"),
            '`' | '*' | '[' | ']' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '_' => {
                let is_inside =
                    before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
                out.push_str(if is_inside { "_" } else { "\\_" });
            }
            c => out.push(c),
        }
        before = c;
    }
}

/// A name or a command, as code where that can be written.
fn inline_code(out: &mut String, text: &str, place: Place) {
    let is_splitting = place == Place::Cell && text.contains(['|', '\\']);
    if text.is_empty() || is_splitting {
        return escaped(out, text, false);
    }
    let ticks = longest_run(text, '`');
    let fence = if ticks == 0 { 1 } else { ticks + 1 };
    let pad = text.starts_with('`') || text.ends_with('`');
    out.extend(std::iter::repeat_n('`', fence));
    out.extend(pad.then_some(' '));
    out.push_str(text);
    out.extend(pad.then_some(' '));
    out.extend(std::iter::repeat_n('`', fence));
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
