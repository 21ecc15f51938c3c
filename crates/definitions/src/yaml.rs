//! Reads front matter into nodes: plain YAML only, within a budget. Anchors, aliases, merge keys, tags and duplicate
//! keys are refused here, because they are refused everywhere. Must not know which fields exist.

mod hints;
mod invisible;
mod texts;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Parts, Place};

pub(crate) use hints::{quote, value_of};
pub(crate) use texts::not_below_its_field;

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 32;
/// Most values in one file.
const MAX_NODES: usize = 20_000;

/// The fields of the front matter. The error holds at least one diagnostic.
pub(crate) fn read(page: &Page, parts: &Parts<'_>) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let mut options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    options.set_emit_comments(false);
    if let Some(problem) = control_character(page, parts) {
        return Err(vec![problem]);
    }
    let parser = Parser::new_from_str_with_options(parts.front, options);
    let mut reader = Reader { page, parts, parser, nodes: 0, problems: Vec::new() };
    match reader.document() {
        Ok(entries) if reader.problems.is_empty() => Ok(entries),
        Ok(_) => Err(reader.problems),
        Err(stop) => {
            // What stopped the reading often follows from something wrong on the same line.
            if reader.problems.iter().all(|problem| problem.line != stop.0.line) {
                reader.problems.push(stop.0);
            }
            Err(reader.problems)
        }
    }
}

fn control_character(page: &Page, parts: &Parts<'_>) -> Option<Diagnostic> {
    let start = page.text().find('\n').map_or(0, |end| end + 1);
    let (byte, found) =
        parts.front.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\t' | '\u{85}'))?;
    Some(page.problem(
        page.place_of(start + byte),
        format!("control character U+{:04X} in the front matter", u32::from(found)),
        "delete it; it is invisible in most editors",
    ))
}

/// Reading cannot go on.
struct Stop(Diagnostic);

struct Reader<'a> {
    page: &'a Page,
    parts: &'a Parts<'a>,
    parser: Parser<'a, StrInput<'a>>,
    nodes: usize,
    problems: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Vec<Entry>, Stop> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(Vec::new()),
                first => {
                    let node = self.node(first, span, 0)?;
                    let entries = match node.shape {
                        Shape::Map(entries) => entries,
                        Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => {
                            return Err(self.stop(
                                node.at,
                                format!("the front matter must be fields, found {}", node.described()),
                                "write one field a line, such as `schemaVersion: 1` (with a blank after the colon)",
                            ));
                        }
                    };
                    self.end()?;
                    return Ok(entries);
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::DocumentEnd => {}
                _ => {
                    return Err(self.stop(
                        self.place(span),
                        "a second document starts inside the front matter",
                        "keep all fields in one block; the front matter ends at the next line that is only ---",
                    ));
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => Err(self.scan_error(&error)),
            None => Err(self.stop(
                Place::START,
                "the front matter ends in the middle of a value",
                "finish the last field before the closing ---",
            )),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        let at = self.place(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.stop(
                at,
                format!("the front matter has more than {MAX_NODES} values"),
                "split the definition, or move long text into the part below the front matter",
            ));
        }
        if depth > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(at, span, anchor != 0, tag.is_some());
                let shape = match style {
                    // The parser gives a value that is not there as `~`.
                    ScalarStyle::Plain if span.is_empty() => Shape::Plain(String::new()),
                    ScalarStyle::Plain => Shape::Plain(text.into_owned()),
                    _ => Shape::Text(text.into_owned()),
                };
                Ok(Node::new(at, shape))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_properties(at, span, anchor != 0, tag.is_some());
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        return Ok(Node::new(at, Shape::List(items)));
                    }
                    items.push(self.node(event, span, depth + 1)?);
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_properties(at, span, anchor != 0, tag.is_some());
                self.map(at, depth)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let (message, hint) = hints::alias(self.page.line(at.line));
                self.problems.push(self.page.problem(at, message, hint));
                Ok(Node::new(at, Shape::Text(String::new())))
            }
            _ => Err(self.stop(
                at,
                "the front matter cannot be read here",
                "check this line and the one above",
            )),
        }
    }

    fn map(&mut self, at: Place, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_lines = std::collections::HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let key_at = self.place(span);
            let key = match event {
                Event::MappingEnd => return Ok(Node::new(at, Shape::Map(entries))),
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_properties(key_at, span, anchor != 0, tag.is_some());
                    if style == ScalarStyle::Plain && text == "<<" {
                        self.problems.push(self.page.problem(
                            key_at,
                            "merge keys (<<) are not supported",
                            "write the fields out here",
                        ));
                    }
                    self.refuse_invisible(key_at, &text);
                    text.into_owned()
                }
                _ => {
                    let (message, hint) = hints::odd_key(self.page.line(key_at.line));
                    return Err(self.stop(key_at, message, hint));
                }
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match first_lines.get(&key) {
                Some(first) => self.problems.push(self.page.problem(
                    key_at,
                    format!("field `{key}` is there twice; the first is on line {first}"),
                    "keep one of them",
                )),
                None => {
                    first_lines.insert(key.clone(), key_at.line);
                    entries.push(Entry { key, key_at, value });
                }
            }
        }
    }

    fn refuse_properties(&mut self, at: Place, span: Span, anchor: bool, tag: bool) {
        let line = self.page.line(at.line);
        if tag {
            let at = span.tag_start().map_or(at, |mark| self.offset(mark.line(), mark.col()));
            self.problems.push(self.page.problem(
                at,
                "YAML tags (a value that starts with !) are not supported",
                hints::quote(self.page.line(at.line), "delete the tag"),
            ));
        }
        if anchor {
            self.problems.push(self.page.problem(
                at,
                "YAML anchors (&name) are not supported",
                hints::quote(line, "delete the &name and write the value out wherever it is needed"),
            ));
        }
    }

    /// Complains about a field name that does not say what it shows.
    fn refuse_invisible(&mut self, key_at: Place, key: &str) {
        if let Some((before, found, name)) = invisible::in_name(key) {
            let (message, hint) = invisible::complaint(found, name);
            let at = Place { column: key_at.column.saturating_add(before), ..key_at };
            self.problems.push(self.page.problem(at, message, hint));
        }
    }

    fn scan_error(&self, error: &ScanError) -> Stop {
        let at = self.offset(error.marker().line(), error.marker().col());
        if matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded) {
            return self.too_deep(at);
        }
        let (at, message, hint) = hints::scan_error(self.page, self.parts, at, error.kind());
        self.stop(at, message, hint)
    }

    fn too_deep(&self, at: Place) -> Stop {
        self.stop(
            at,
            format!("lists and maps are nested more than {MAX_DEPTH} deep"),
            "flatten the value; no field needs that depth",
        )
    }

    fn stop(&self, at: Place, message: impl Into<String>, hint: impl Into<String>) -> Stop {
        Stop(self.page.problem(at, message, hint))
    }

    fn place(&self, span: Span) -> Place {
        self.offset(span.start.line(), span.start.col())
    }

    /// A place of the parser, which counts lines from the start of the fields and columns from 0.
    fn offset(&self, line: usize, column: usize) -> Place {
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(self.parts.front_offset).max(1),
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
        }
    }
}
