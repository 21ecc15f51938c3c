//! Recognises texts that lack the quotes or the indentation they need. Must not accept or refuse anything itself.

use super::hints::{quote, quoted, value_of};
use crate::node::shortened;
use crate::page::{Page, Place};

/// What is meant as a text at that place and is not written as one: where, what is wrong, what to change.
pub(super) fn near(page: &Page, at: Place) -> Option<(Place, String, String)> {
    let line = page.line(at.line);
    if let Some((message, hint)) = not_below_its_field(page, at.line) {
        return Some((Place { column: indent(line) + 1, ..at }, message, hint));
    }
    if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
        return Some((
            at,
            "a code fence is indented less than the text it belongs to".to_owned(),
            "a text of several lines has | behind its field's colon; indent all of its lines like the first one, the \
             fences and what is between them, too"
                .to_owned(),
        ));
    }
    let value = value_of(line)?;
    let (message, hint) = checkbox(line, value)
        .or_else(|| bracket(value))
        .or_else(|| quotes(value))
        .or_else(|| mark(line, value))?;
    Some((at, message, hint))
}

/// A line below `name: |` that is not indented further than `name`.
pub(crate) fn not_below_its_field(page: &Page, line: u32) -> Option<(String, String)> {
    let own = indent(page.line(line));
    // The first line is the one that opens the front matter.
    let above = (2..line).rev().map(|number| page.line(number)).filter(|above| !above.trim().is_empty());
    for above in above {
        if let Some((name, mark)) = opened(above) {
            let start = above.find(name).and_then(|start| u32::try_from(start).ok()).unwrap_or(0);
            return (own <= start).then(|| {
                (
                    format!("this line is not indented further than `{name}`, so it is no part of its text"),
                    format!("indent every line of the text below `{name}: {mark}` by two more blanks than `{name}`"),
                )
            });
        }
        if indent(above) != own {
            return None;
        }
    }
    None
}

/// The name and the mark of a line such as `body: |`.
fn opened(line: &str) -> Option<(&str, char)> {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let (field, marks) = line.rsplit_once(' ')?;
    let mark = marks.chars().next().filter(|c| matches!(c, '|' | '>'))?;
    let rest = marks.get(1..)?.chars();
    let name = field.trim_end().strip_suffix(':')?.trim_start_matches(['-', ' ']);
    (!name.is_empty() && rest.into_iter().all(is_modifier)).then_some((name, mark))
}

/// What may stand behind | and >.
fn is_modifier(c: char) -> bool {
    matches!(c, '-' | '+' | '1'..='9')
}

fn indent(line: &str) -> u32 {
    u32::try_from(line.len() - line.trim_start_matches(' ').len()).unwrap_or(u32::MAX)
}

/// `- [ ] text`.
fn checkbox(line: &str, value: &str) -> Option<(String, String)> {
    let boxed = ["[ ]", "[]", "[x]", "[X]"].iter().find_map(|mark| value.strip_prefix(mark))?;
    (line.trim_start().starts_with('-') && !boxed.trim().is_empty()).then(|| {
        (
            "a checkbox is a YAML list, and nothing may follow it".to_owned(),
            format!(
                "if it is meant as text, quote it: {}; a list of checkboxes goes into a file of its own, a checklist, \
                 which is used with --checklist FILE",
                quoted(&shortened(value))
            ),
        )
    })
}

/// `[text] text`.
fn bracket(value: &str) -> Option<(String, String)> {
    let (open, close, what) = match value.chars().next()? {
        '[' => ('[', ']', "list"),
        '{' => ('{', '}', "map"),
        _ => return None,
    };
    let rest = value.split_once(close)?.1.trim();
    let plain = !rest.is_empty() && !rest.starts_with(['#', ',', ':']) && !rest.contains(close);
    plain.then(|| {
        (
            format!("a value that starts with {open} is a YAML {what}, and nothing may follow its {close}"),
            format!("quote it: {}", quoted(&shortened(value))),
        )
    })
}

/// `"text "quoted" text"`, `'don't'`.
fn quotes(value: &str) -> Option<(String, String)> {
    let mark = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = value.get(1..)?;
    let rest = behind_the_end(inside, mark)?.trim();
    if rest.is_empty() || rest.starts_with(['#', ':', ',']) {
        return None;
    }
    let whole = inside.strip_suffix(mark).unwrap_or(inside);
    Some((
        format!("the quoted text ends at its second {mark}, and nothing may follow it"),
        format!("write it as {}", quoted(&shortened(whole))),
    ))
}

/// What follows the quote that ends a text; nothing if none does.
fn behind_the_end(inside: &str, mark: char) -> Option<&str> {
    let mut letters = inside.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        if c == '\\' && mark == '"' {
            letters.next();
        } else if c == mark {
            let doubled = mark == '\'' && letters.next_if(|(_, next)| *next == mark).is_some();
            if !doubled {
                return inside.get(at + 1..);
            }
        }
    }
    None
}

/// `|text` and `>text`.
fn mark(line: &str, value: &str) -> Option<(String, String)> {
    let mark = value.chars().next().filter(|c| matches!(c, '|' | '>'))?;
    let text = value.get(1..)?.trim_start_matches(is_modifier).trim_start();
    (!text.is_empty() && !text.starts_with('#')).then(|| {
        (
            format!("a value that starts with {mark} is a text on the lines below, and this line goes on"),
            quote(
                line,
                &format!("leave the {mark} out, or put `{}` on the line below, indented", shortened(text)),
            ),
        )
    })
}
