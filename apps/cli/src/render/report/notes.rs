//! Markdown of others as HTML: a few elements that are written here, and nothing that stands in the text. HTML in it is
//! shown as text, pictures are not loaded, links lead to the web or to mail only. Must not be used for anything of ours.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::html::escape;

/// Elements within one another; deeper ones are left out, their text is not.
const MAX_DEPTH: usize = 16;
/// What a link may begin with.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];

/// Adds the text as HTML.
pub(super) fn html(out: &mut String, text: &str) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // What closes the elements that are open, in their order.
    let mut open: Vec<&'static str> = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(tag) => {
                let end = if open.len() < MAX_DEPTH { start(out, &tag) } else { "" };
                open.push(end);
            }
            Event::End(_) => out.push_str(open.pop().unwrap_or_default()),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => escape(out, &text),
            Event::Code(text) => {
                out.push_str("<code>");
                escape(out, &text);
                out.push_str("</code>");
            }
            // A worker that goes to the next line means it.
            Event::SoftBreak | Event::HardBreak => out.push_str("<br>\n"),
            Event::Rule => out.push_str("<hr>\n"),
            Event::TaskListMarker(is_done) => out.push_str(if is_done { "☑ " } else { "☐ " }),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                escape(out, &text);
            }
        }
    }
    for end in open.into_iter().rev() {
        out.push_str(end);
    }
}

/// Opens an element, and says what closes it.
fn start(out: &mut String, tag: &Tag<'_>) -> &'static str {
    let (begin, end) = match tag {
        Tag::Paragraph | Tag::HtmlBlock => ("<p>", "</p>\n"),
        // The page's headings are its own.
        Tag::Heading { .. } => ("<p><strong>", "</strong></p>\n"),
        Tag::BlockQuote(_) => ("<blockquote>\n", "</blockquote>\n"),
        Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => ("<pre>", "</pre>\n"),
        Tag::List(None) => ("<ul>\n", "</ul>\n"),
        Tag::List(Some(first)) => {
            out.push_str("<ol start=\"");
            out.push_str(&first.to_string());
            ("\">\n", "</ol>\n")
        }
        Tag::Item => ("<li>", "</li>\n"),
        Tag::Table(_) => ("<div class=\"wide\">\n<table>\n", "</table>\n</div>\n"),
        Tag::TableHead | Tag::TableRow => ("<tr>", "</tr>\n"),
        Tag::TableCell => ("<td>", "</td>"),
        Tag::Emphasis => ("<em>", "</em>"),
        Tag::Strong => ("<strong>", "</strong>"),
        Tag::Strikethrough => ("<s>", "</s>"),
        Tag::Link { dest_url, .. } if is_harmless(dest_url) => {
            out.push_str("<a rel=\"noopener noreferrer nofollow\" href=\"");
            escape(out, dest_url);
            ("\">", "</a>")
        }
        // What they say is shown, where they lead is not.
        Tag::Link { .. } | Tag::Image { .. } => ("", ""),
        // Not asked for when the text is read.
        Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::Superscript
        | Tag::Subscript
        | Tag::MetadataBlock(_) => ("", ""),
    };
    out.push_str(begin);
    end
}

fn is_harmless(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    SCHEMES.iter().any(|scheme| lower.starts_with(scheme))
}
