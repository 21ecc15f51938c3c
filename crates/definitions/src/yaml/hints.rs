//! Turns what the YAML parser stumbled over into what the author meant. Must not accept or refuse anything itself.

use serde_saphyr::granit_parser::ErrorKind;

use super::{invisible, texts};
use crate::node::shortened;
use crate::page::{Page, Parts, Place};

/// The value on a `key: value` or `- value` line, if there is one.
pub(crate) fn value_of(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    let value = match rest.find(": ") {
        Some(colon) if !rest.starts_with(['"', '\'', '{', '[', '*', '&', '!', '@', '`', '%']) => {
            rest.get(colon + 1..)?
        }
        _ => rest,
    };
    let value = value.trim();
    (!value.is_empty()).then_some(value)
}

pub(super) fn quoted(value: &str) -> String {
    if value.contains('\n') || value.contains(['"', '\\']) {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        format!("\"{value}\"")
    }
}

/// `instead`, or how to quote the value of that line.
pub(crate) fn quote(line: &str, instead: &str) -> String {
    match value_of(line) {
        Some(value) => {
            format!("if it is meant as text, quote it: {}; otherwise {instead}", quoted(&shortened(value)))
        }
        None => format!("if it is meant as text, quote it; otherwise {instead}"),
    }
}

/// What to say about `*name` where a value is expected.
pub(super) fn alias(line: &str) -> (String, String) {
    if let Some(cron) = value_of(line).filter(|value| looks_like_cron(value)) {
        return (
            "an unquoted value that starts with * is a YAML alias, not a cron expression".to_owned(),
            format!("quote it: {}", quoted(cron)),
        );
    }
    (
        "a value that starts with * is a YAML alias, and aliases are not supported".to_owned(),
        quote(line, "write the value out"),
    )
}

/// Five or six fields of times.
fn looks_like_cron(value: &str) -> bool {
    let fields = value.split_whitespace();
    (5..=6).contains(&fields.clone().count())
        && fields
            .into_iter()
            .all(|field| field.chars().all(|c| c.is_ascii_alphanumeric() || "*/,-?#".contains(c)))
}

/// The word with braces in a value, and what is glued to it.
fn template(value: &str) -> &str {
    let Some(start) = value.find("{{") else { return value };
    let ends = |c: char| matches!(c, ',' | ']') || c.is_whitespace();
    let before = value.get(..start).unwrap_or_default();
    let start = before.rfind(|c: char| ends(c) || c == '[').map_or(0, |at| at + 1);
    let rest = value.get(start..).unwrap_or_default();
    let inside = rest.find("}}").map_or(rest.len(), |at| at + 2);
    let end = rest.get(inside..).and_then(|after| after.find(ends)).map_or(rest.len(), |at| inside + at);
    rest.get(..end).unwrap_or(rest)
}

/// What to say about a key that is not a word.
pub(super) fn odd_key(line: &str) -> (String, String) {
    match value_of(line) {
        Some(value) if value.contains("{{") => (
            "an unquoted value that starts with {{ is a YAML map".to_owned(),
            format!("quote it: {}", quoted(&shortened(template(value)))),
        ),
        _ => (
            "a field name must be a word, found a list, a map or an alias".to_owned(),
            "write `name: value`; quote a value that starts with {, [ or *".to_owned(),
        ),
    }
}

const NO_CLOSING_QUOTE: (&str, &str) = (
    "a quoted value has no closing quote",
    "add the closing quote; a quote inside the value is written \\\" between \" and '' between '",
);

/// The column of the first colon that a blank follows.
fn first_colon(line: &str) -> Option<u32> {
    let before = line.get(..line.find(": ")?)?.chars().count();
    u32::try_from(before + 1).ok()
}

/// `name: value` for a line that says `name:value`.
fn glued(line: &str) -> Option<String> {
    let (name, value) = line.trim().split_once(':')?;
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    (word && !value.is_empty()).then(|| format!("`{name}: {}`", shortened(value)))
}

/// A field that starts in another column than those around it.
fn misindented(line: &str, at: Place, kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::MappingValueNotAllowed => first_colon(line) == Some(at.column),
        ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation => first_colon(line).is_some() || line.trim_end().ends_with(':'),
        _ => false,
    }
}

/// `name: value` for a line that says `name = value`.
fn equated(line: &str) -> Option<String> {
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    (word && !value.is_empty()).then(|| format!("`{name}: {}`", shortened(value)))
}

/// `- id: one` for a line that says `-id: one`.
fn dashed(line: &str) -> Option<String> {
    let item = line.trim().strip_prefix('-')?;
    item.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| format!("`- {}`", shortened(item)))
}

/// A list that starts behind its field: `tasks: - id: one`.
fn list_on_line(line: &str) -> Option<(String, String)> {
    let (name, item) = line.trim().split_once(": - ")?;
    Some((name.to_owned(), format!("- {}", shortened(item))))
}

/// Where to point, what is wrong and what to change, for an error of the parser.
pub(super) fn scan_error(
    page: &Page,
    parts: &Parts<'_>,
    at: Place,
    kind: &ErrorKind,
) -> (Place, String, String) {
    if let Some(found) = beside(page, parts, at, kind) {
        return found;
    }
    let line = page.line(at.line);
    let (message, hint) = match list_on_line(line) {
        Some((name, item)) => (
            "a list cannot start on the line of its field".to_owned(),
            format!("put `{item}` on a line of its own below `{name}:`, indented by two blanks"),
        ),
        None => on_the_line(line, at, kind),
    };
    (at, message, hint)
}

/// What the parser stumbled over further on, or one line too late.
fn beside(page: &Page, parts: &Parts<'_>, at: Place, kind: &ErrorKind) -> Option<(Place, String, String)> {
    if let Some(tabbed) = tab_near(page, at) {
        return Some((
            tabbed,
            "a tab is used as indentation".to_owned(),
            "indent with blanks; YAML does not allow tabs there".to_owned(),
        ));
    }
    let found = invisible::near(page, parts.front_offset + 1, at).or_else(|| template_near(page, parts, at));
    if let Some(found) = found.or_else(|| texts::near(page, at)) {
        return Some(found);
    }
    let above = Place { line: at.line.saturating_sub(1), column: 1 };
    if let Some(dashed) = dashed(page.line(above.line)).filter(|_| above.line > parts.front_offset) {
        return Some((above, "a blank is missing after the dash".to_owned(), format!("write {dashed}")));
    }
    matches!(kind, ErrorKind::InvalidQuotedScalarIndent)
        .then(|| (above, NO_CLOSING_QUOTE.0.to_owned(), NO_CLOSING_QUOTE.1.to_owned()))
}

/// What is wrong on the line itself, and what to change.
fn on_the_line(line: &str, at: Place, kind: &ErrorKind) -> (String, String) {
    let first = value_of(line).and_then(|value| value.chars().next());
    match (kind, first) {
        (ErrorKind::DirectiveDisallowed, _) => {
            ("a line that starts with % is a YAML directive".to_owned(), "delete the line".to_owned())
        }
        (_, Some('@' | '`' | '%' | '*' | '&' | '!')) => {
            let value = value_of(line).unwrap_or_default();
            (
                format!("a value cannot start with {} unless it is quoted", value.chars().next().unwrap_or('*')),
                format!("quote it: {}", quoted(&shortened(value))),
            )
        }
        (ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar, _) => {
            (NO_CLOSING_QUOTE.0.to_owned(), NO_CLOSING_QUOTE.1.to_owned())
        }
        (ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar, _) => (
            "a quoted text ends before the end of its line, and nothing may follow it".to_owned(),
            "a quote inside the text is written \\\" between \" and '' between '".to_owned(),
        ),
        (
            ErrorKind::UnknownQuotedScalarEscape
            | ErrorKind::InvalidQuotedScalarHexEscape
            | ErrorKind::InvalidUnicodeEscape,
            _,
        ) => (
            "a backslash in a \"quoted\" value starts an escape that does not exist".to_owned(),
            "write \\\\ for a backslash, or put the value between single quotes".to_owned(),
        ),
        _ if misindented(line, at, kind) => (
            "this line is not indented like the field above it".to_owned(),
            "start it in the same column as the field above it; if it continues that field's text, put | after that \
             field's colon and the whole text on the lines below"
                .to_owned(),
        ),
        (ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement, _) => (
            "a colon followed by a blank is not allowed inside an unquoted value".to_owned(),
            quote(line, "check that this line is indented like the fields around it"),
        ),
        (ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey, _) if glued(line).is_some() => (
            "a blank is missing after the colon".to_owned(),
            format!("write {}", glued(line).unwrap_or_default()),
        ),
        (ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey, _) if equated(line).is_some() => (
            "this line is not a field: it has = in place of a colon".to_owned(),
            format!("write {}", equated(line).unwrap_or_default()),
        ),
        (ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey, _) => (
            "this line is not a field: the colon is missing".to_owned(),
            "write `name: value` with a blank after the colon; indent a line that continues the text above it \
             further than that text's field"
                .to_owned(),
        ),
        (
            ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::MismatchedFlowCollectionEnd { .. }
            | ErrorKind::MisplacedFlowCollectionEnd,
            _,
        ) => (
            "the brackets of a [list] or {map} do not match".to_owned(),
            "close every [ with ] and every { with }, with commas between the values; quote a text that holds brackets"
                .to_owned(),
        ),
        (other, _) => (
            format!("the front matter is not valid YAML: {other}"),
            "check the indentation and the colon of this line and the one above; quote values with special characters"
                .to_owned(),
        ),
    }
}

/// A tab in the indentation of that line or of the one above.
fn tab_near(page: &Page, at: Place) -> Option<Place> {
    [at.line, at.line.saturating_sub(1)].into_iter().filter(|line| *line > 1).find_map(|number| {
        let indentation =
            page.line(number).chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t')?;
        Some(Place { line: number, column: u32::try_from(indentation + 1).unwrap_or(1) })
    })
}

/// An unquoted `{{…}}` value on that line or on the one above.
fn template_near(page: &Page, parts: &Parts<'_>, at: Place) -> Option<(Place, String, String)> {
    let candidates = [at.line, at.line.saturating_sub(1)];
    candidates.into_iter().filter(|line| *line > parts.front_offset).find_map(|number| {
        let line = page.line(number);
        let value = value_of(line).filter(|value| value.starts_with("{{"))?;
        let before = line.get(..line.rfind(value)?)?.chars().count();
        Some((
            Place { line: number, column: u32::try_from(before + 1).unwrap_or(1) },
            "an unquoted value that starts with {{ is a YAML map".to_owned(),
            format!("quote it: {}", quoted(&shortened(value))),
        ))
    })
}
