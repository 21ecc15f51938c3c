//! A page as data: sections, tables, words. Everything in it may come from a worker, a task or a commit; nothing in it is
//! markup. Must not know how it will be written.

use std::borrow::Cow;

/// A whole page.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// Its name, on one line.
    pub(super) title: String,
    /// How the run stands.
    pub(super) tone: Tone,
    /// Its sections.
    pub(super) sections: Vec<Section<'a>>,
}

/// A part of a page with a heading.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Its heading, on one line.
    pub(super) heading: Line<'a>,
    /// By which links within the page find it: letters, digits and `-`.
    pub(super) anchor: String,
    /// What it says.
    pub(super) blocks: Vec<Block<'a>>,
    /// The parts it has in turn.
    pub(super) parts: Vec<Part<'a>>,
}

/// A part of a section with a heading of its own.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) heading: Line<'a>,
    pub(super) anchor: String,
    /// Whether a reader has to ask for it, where the page can be folded.
    pub(super) folded: bool,
    pub(super) blocks: Vec<Block<'a>>,
}

/// A piece of a page.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// A paragraph.
    Paragraph(Line<'a>),
    /// A list.
    List(Vec<Line<'a>>),
    /// Names and values.
    Facts(Vec<(&'static str, Line<'a>)>),
    /// A table. Columns with numbers are told apart.
    Table { columns: Vec<Column>, rows: Vec<Vec<Line<'a>>> },
    /// Words of somebody else: Markdown, as far as they are.
    Words(Cow<'a, str>),
    /// What a program printed, or a person types.
    Literal(Cow<'a, str>),
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) is_number: bool,
}

/// Text without a line break.
pub(super) type Line<'a> = Vec<Span<'a>>;

/// A piece of a line.
#[derive(Debug, Clone)]
pub(super) enum Span<'a> {
    Text(Cow<'a, str>),
    Strong(Cow<'a, str>),
    /// A name, a path, a command.
    Code(Cow<'a, str>),
    /// A word about how something stands.
    Badge(Tone, &'static str),
    /// A name or a number that leads to a part of this page.
    Link {
        anchor: String,
        text: Cow<'a, str>,
    },
}

/// Whether something is good or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Careful,
    Plain,
}

pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Span<'a> {
    Span::Text(text.into())
}

pub(super) fn strong<'a>(text: impl Into<Cow<'a, str>>) -> Span<'a> {
    Span::Strong(text.into())
}

pub(super) fn code<'a>(text: impl Into<Cow<'a, str>>) -> Span<'a> {
    Span::Code(text.into())
}

/// A line of one piece.
pub(super) fn line<'a>(line: impl Into<Cow<'a, str>>) -> Line<'a> {
    vec![text(line)]
}

pub(super) fn paragraph<'a>(words: impl Into<Cow<'a, str>>) -> Block<'a> {
    Block::Paragraph(line(words))
}

pub(super) fn column(name: &'static str) -> Column {
    Column { name, is_number: false }
}

pub(super) fn numbers(name: &'static str) -> Column {
    Column { name, is_number: true }
}

impl<'a> Section<'a> {
    pub(super) fn new(heading: &'static str, anchor: &str, blocks: Vec<Block<'a>>) -> Self {
        Self { heading: line(heading), anchor: anchor.to_owned(), blocks, parts: Vec::new() }
    }
}
