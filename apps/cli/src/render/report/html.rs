//! Writes a page as one HTML file without scripts and without anything from elsewhere. Every text goes through one
//! function that escapes it. Must not decide what is said.

use super::block::{Block, Column, Line, Page, Part, Section, Span, Tone};
use super::foreign::plain;
use super::notes;

/// The page's looks. Nothing in it comes from a run.
const STYLE: &str = include_str!("report.css");
/// What a browser may do with the page: show it, with its own style. Nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page as HTML.
pub(crate) fn html(page: &Page<'_>) -> String {
    let mut out = String::with_capacity(32 * 1024);
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"");
    out.push_str(POLICY);
    out.push_str("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    escape(&mut out, &page.title);
    out.push_str("</title>\n<style>\n");
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<main>\n");
    tagged(&mut out, "h1", Some(tone_class(page.tone)), |out| escape(out, &page.title));
    contents(&mut out, page);
    for section in &page.sections {
        section_html(&mut out, section);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(out: &mut String, page: &Page<'_>) {
    out.push_str("<nav>\n");
    for section in &page.sections {
        link(out, &section.anchor, |out| spans(out, &section.heading));
        out.push('\n');
    }
    out.push_str("</nav>\n");
}

fn section_html(out: &mut String, section: &Section<'_>) {
    out.push_str("<section id=\"");
    escape(out, &section.anchor);
    out.push_str("\">\n");
    tagged(out, "h2", None, |out| spans(out, &section.heading));
    blocks(out, &section.blocks);
    for part in &section.parts {
        part_html(out, part);
    }
    out.push_str("</section>\n");
}

fn part_html(out: &mut String, part: &Part<'_>) {
    out.push_str("<details id=\"");
    escape(out, &part.anchor);
    out.push_str(if part.folded { "\">\n<summary>" } else { "\" open>\n<summary>" });
    out.push_str("<h3>");
    spans(out, &part.heading);
    out.push_str("</h3></summary>\n");
    blocks(out, &part.blocks);
    out.push_str("</details>\n");
}

fn blocks(out: &mut String, blocks: &[Block<'_>]) {
    for block in blocks {
        match block {
            Block::Paragraph(words) => tagged(out, "p", None, |out| spans(out, words)),
            Block::List(items) => {
                out.push_str("<ul>\n");
                for item in items {
                    tagged(out, "li", None, |out| spans(out, item));
                }
                out.push_str("</ul>\n");
            }
            Block::Facts(facts) => facts_html(out, facts),
            Block::Table { columns, rows } => table(out, columns, rows),
            Block::Words(words) => {
                out.push_str("<blockquote>\n");
                notes::html(out, &plain(words));
                out.push_str("</blockquote>\n");
            }
            Block::Literal(words) => tagged(out, "pre", None, |out| escape(out, words)),
        }
    }
}

fn facts_html(out: &mut String, facts: &[(&'static str, Line<'_>)]) {
    out.push_str("<dl>\n");
    for (name, value) in facts {
        tagged(out, "dt", None, |out| escape(out, name));
        tagged(out, "dd", None, |out| spans(out, value));
    }
    out.push_str("</dl>\n");
}

fn table(out: &mut String, columns: &[Column], rows: &[Vec<Line<'_>>]) {
    let class = |column: Option<&Column>| column.and_then(|column| column.is_number.then_some("number"));
    out.push_str("<div class=\"wide\">\n<table>\n<thead>\n<tr>\n");
    for column in columns {
        tagged(out, "th", class(Some(column)), |out| escape(out, column.name));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>\n");
        for (index, cell) in row.iter().enumerate() {
            tagged(out, "td", class(columns.get(index)), |out| spans(out, cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn spans(out: &mut String, words: &[Span<'_>]) {
    for span in words {
        match span {
            Span::Text(text) => escape(out, text),
            Span::Strong(text) => within(out, "strong", None, |out| escape(out, text)),
            Span::Code(text) => within(out, "code", None, |out| escape(out, text)),
            Span::Badge(tone, word) => within(out, "b", Some(tone_class(*tone)), |out| escape(out, word)),
            Span::Link { anchor, text } => link(out, anchor, |out| escape(out, text)),
        }
    }
}

fn link(out: &mut String, anchor: &str, content: impl FnOnce(&mut String)) {
    out.push_str("<a href=\"#");
    escape(out, anchor);
    out.push_str("\">");
    content(out);
    out.push_str("</a>");
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Careful => "careful",
        Tone::Plain => "plain",
    }
}

/// An element on a line of its own.
fn tagged(
    out: &mut String,
    tag: &'static str,
    class: Option<&'static str>,
    content: impl FnOnce(&mut String),
) {
    within(out, tag, class, content);
    out.push('\n');
}

fn within(
    out: &mut String,
    tag: &'static str,
    class: Option<&'static str>,
    content: impl FnOnce(&mut String),
) {
    out.push('<');
    out.push_str(tag);
    if let Some(class) = class {
        out.push_str(" class=\"");
        out.push_str(class);
        out.push('"');
    }
    out.push('>');
    content(out);
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

/// Text, as text: in an element and in a quoted attribute alike.
pub(super) fn escape(out: &mut String, text: &str) {
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
