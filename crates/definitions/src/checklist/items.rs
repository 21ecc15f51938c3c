//! Finds the items of a checklist in its Markdown. Must not judge them.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// An item with a checkbox at the outermost level of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// Where its line's content starts, in bytes of the text.
    pub start: usize,
    /// Ticked off.
    pub checked: bool,
    /// The text of its first line, without Markdown marks.
    pub title: String,
    /// Everything of the item, whole lines.
    lines: Range<usize>,
    /// Where its second line starts.
    rest: usize,
    /// Columns that its nested text is indented by.
    indent: usize,
}

/// What a text holds.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// In the order of the text.
    pub items: Vec<Item>,
    /// Lines that look like a checkbox and are none.
    pub broken: Vec<usize>,
    /// Open checkboxes below an item that is no task.
    pub stray: Vec<usize>,
}

impl Items {
    pub(super) fn find(text: &str) -> Self {
        let mut search =
            Search { text, lists: 0, quotes: 0, outer: None, markers: Vec::new(), quiet: Vec::new() };
        let mut found = Self::default();
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TASKLISTS).into_offset_iter() {
            search.event(event, range, &mut found);
        }
        found.broken = search.broken();
        found
    }

    /// The text around the items.
    pub(super) fn around(&self, text: &str) -> String {
        let mut pieces = Vec::new();
        let mut at = 0;
        for item in &self.items {
            pieces.push(text.get(at..item.lines.start).unwrap_or_default());
            at = at.max(item.lines.end);
        }
        pieces.push(text.get(at..).unwrap_or_default());
        let pieces = pieces.into_iter().map(|piece| piece.trim_matches('\n').trim_end());
        pieces.filter(|piece| !piece.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

impl Item {
    /// The nested text without the item's indentation.
    pub(super) fn body(&self, text: &str) -> String {
        let nested = text.get(self.rest..self.lines.end).unwrap_or_default();
        let lines: Vec<String> = nested.lines().map(|line| outdented(line, self.indent)).collect();
        let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(lines.len());
        lines.get(first..).unwrap_or_default().join("\n").trim_end().to_owned()
    }
}

/// The line without its first `columns` columns of white space; tab stops are four columns apart.
fn outdented(line: &str, columns: usize) -> String {
    let mut column = 0;
    for (byte, character) in line.char_indices() {
        let next = match character {
            _ if column >= columns => column,
            ' ' => column + 1,
            '\t' => column / 4 * 4 + 4,
            _ => column,
        };
        if next == column {
            let rest = line.get(byte..).unwrap_or_default();
            return format!("{}{rest}", " ".repeat(column.saturating_sub(columns)));
        }
        column = next;
    }
    String::new()
}

/// The outermost item that is being read.
struct Outer {
    range: Range<usize>,
    /// Ticked off or not, and where its first line ends; nothing when it has no checkbox.
    checkbox: Option<(bool, usize)>,
    title: String,
}

struct Search<'a> {
    text: &'a str,
    lists: usize,
    quotes: usize,
    outer: Option<Outer>,
    /// Where checkboxes are.
    markers: Vec<usize>,
    /// Code and HTML, where nothing is a checkbox.
    quiet: Vec<Range<usize>>,
}

impl Search<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>, found: &mut Items) {
        match event {
            Event::Start(Tag::BlockQuote(_)) => self.quotes += 1,
            Event::End(TagEnd::BlockQuote(_)) => self.quotes = self.quotes.saturating_sub(1),
            Event::Start(Tag::List(_)) => self.lists += 1,
            Event::End(TagEnd::List(_)) => self.lists = self.lists.saturating_sub(1),
            Event::Start(Tag::Item) if self.lists == 1 && self.quotes == 0 => {
                self.outer = Some(Outer { range, checkbox: None, title: String::new() });
            }
            Event::End(TagEnd::Item) if self.lists == 1 && self.quotes == 0 => {
                if let Some(outer) = self.outer.take() {
                    found.items.extend(self.item(outer));
                }
            }
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => self.quiet.push(range),
            Event::TaskListMarker(checked) => self.marker(checked, &range, found),
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => self.title(&text, &range),
            Event::SoftBreak | Event::HardBreak => self.title(" ", &range),
            _ => {}
        }
    }

    fn marker(&mut self, checked: bool, range: &Range<usize>, found: &mut Items) {
        self.markers.push(range.start);
        let Some(outer) = &mut self.outer else { return };
        if self.lists == 1 && self.quotes == 0 {
            let rest = self.text.get(range.end..).unwrap_or_default();
            let line_end = rest.find('\n').map_or(self.text.len(), |length| range.end + length);
            outer.checkbox = Some((checked, line_end));
        } else if !checked && !matches!(outer.checkbox, Some((false, _))) {
            found.stray.push(range.start);
        }
    }

    fn title(&mut self, text: &str, range: &Range<usize>) {
        if let Some(Outer { checkbox: Some((_, line_end)), title, .. }) = &mut self.outer
            && range.start < *line_end
        {
            title.push_str(text);
        }
    }

    fn item(&self, outer: Outer) -> Option<Item> {
        let (checked, line_end) = outer.checkbox?;
        let item = self.text.get(outer.range.clone()).unwrap_or_default();
        let start = outer.range.start + (item.len() - item.trim_start().len());
        let line_start = self.text.get(..start).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
        let marker = self.text.get(start..line_end).unwrap_or_default();
        let bullet = marker.find(|c: char| !c.is_ascii_digit()).map_or(1, |digits| digits + 1);
        let blanks =
            marker.get(bullet..).unwrap_or_default().bytes().take_while(|byte| *byte == b' ').count();
        let blanks = if (1..=4).contains(&blanks) { blanks } else { 1 };
        Some(Item {
            start,
            checked,
            title: outer.title.split_whitespace().collect::<Vec<_>>().join(" "),
            lines: line_start..outer.range.end.max(line_end),
            rest: (line_end + 1).min(self.text.len()),
            indent: start - line_start + bullet + blanks,
        })
    }

    /// Lines that start like an open checkbox although Markdown sees none there.
    fn broken(&self) -> Vec<usize> {
        let mut broken = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            if looks_open(line) && !self.is_marker(&range) && !self.is_quiet(range.start) {
                broken.push(range.start + (line.len() - line.trim_start().len()));
            }
        }
        broken
    }

    fn is_marker(&self, line: &Range<usize>) -> bool {
        let next = self.markers.partition_point(|marker| *marker < line.start);
        self.markers.get(next).is_some_and(|marker| line.contains(marker))
    }

    fn is_quiet(&self, byte: usize) -> bool {
        let before = self.quiet.partition_point(|quiet| quiet.start <= byte);
        before.checked_sub(1).and_then(|last| self.quiet.get(last)).is_some_and(|quiet| quiet.contains(&byte))
    }
}

/// `-[ ] x`, `- [] x`, `- [  ] x`, `- [ ]x`, `- [-] x`, `- ( ) x`, `- ☐ x`, `☐ x` at the left margin.
pub(super) fn looks_open(line: &str) -> bool {
    if line.len() - line.trim_start().len() > 1 {
        return false;
    }
    let line = line.trim_start();
    let numberless = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let bullets: &[char] = if numberless.len() < line.len() { &['.', ')'] } else { &['-', '*', '+'] };
    let Some(item) = numberless.strip_prefix(bullets) else { return line.starts_with(DRAWN) };
    let item = item.trim_start();
    if let Some(inside) = item.strip_prefix('(') {
        return inside.starts_with(' ') && inside.trim_start().starts_with(')');
    }
    let Some(inside) = item.strip_prefix('[') else { return item.starts_with(DRAWN) };
    let inside = inside.trim_start();
    let inside = inside.strip_prefix(|c: char| SIGNS.contains(&c)).unwrap_or(inside).trim_start();
    match inside.strip_prefix(']') {
        Some(after) => !after.starts_with(['(', '[', ':']),
        None => false,
    }
}

/// Boxes drawn by a single letter.
const DRAWN: [char; 4] = ['☐', '□', '▢', '◻'];
/// What some write into a box for an item that is under way, put off or given up.
const SIGNS: [char; 7] = ['-', '/', '~', '>', '<', '?', '!'];
