//! Reads the documentation's Markdown, as far as the tests need it, and checks what binds the documents together.

use std::path::Path;

use crate::repository::{documents, files, read, report, root};

/// A heading and what stands below it, up to the next heading.
pub struct Section {
    pub heading: String,
    pub text: String,
}

impl Section {
    /// The name by which links lead here.
    pub fn anchor(&self) -> String {
        let kept = self.heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    }
}

/// A fenced block.
pub struct Fence {
    /// What follows the opening fence: `sh`, `sh no-run`, `json` …
    pub info: String,
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

enum Piece<'a> {
    Prose(&'a str),
    Code(&'a str),
    Open(&'a str),
    Close,
}

/// The lines of a document, told apart.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut fence: Option<(usize, usize)> = None;
    let mut pieces = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        pieces.push(match fence {
            None if ticks >= 3 => {
                fence = Some((ticks, indent));
                Piece::Open(line.trim_start().trim_start_matches('`').trim())
            }
            // Markdown closes a fence by one of at least its length that is hardly indented.
            Some((open, margin))
                if ticks >= open && indent <= margin + 3 && line.trim().chars().all(|c| c == '`') =>
            {
                fence = None;
                Piece::Close
            }
            Some(_) => Piece::Code(line),
            None => Piece::Prose(line),
        });
    }
    pieces
}

/// The sections of a document.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for piece in pieces(text) {
        let line = match piece {
            Piece::Prose(line) if line.starts_with('#') => {
                let heading = line.trim_start_matches('#').trim().to_owned();
                sections.push(Section { heading, text: String::new() });
                continue;
            }
            Piece::Prose(line) | Piece::Code(line) => line,
            Piece::Open(_) | Piece::Close => continue,
        };
        if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections
}

/// The fenced blocks of a document.
pub fn fences(text: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    for (index, piece) in pieces(text).into_iter().enumerate() {
        match piece {
            Piece::Open(info) => {
                fences.push(Fence { info: info.to_owned(), text: String::new(), line: index + 1 });
            }
            Piece::Code(line) => {
                if let Some(fence) = fences.last_mut() {
                    fence.text.push_str(line);
                    fence.text.push('\n');
                }
            }
            Piece::Prose(_) | Piece::Close => {}
        }
    }
    fences
}

/// The text between single backticks, outside fenced blocks.
pub fn inline_code(text: &str) -> Vec<String> {
    let prose = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Prose(line) => Some(line),
        Piece::Code(_) | Piece::Open(_) | Piece::Close => None,
    });
    let prose: Vec<&str> = prose.collect();
    let code = prose.join("\n");
    let paragraphs = code.split("\n\n").flat_map(|paragraph| {
        paragraph.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ").replace("\\|", "|"))
    });
    paragraphs.collect()
}

/// The targets of links, outside fenced blocks.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for piece in pieces(text) {
        let Piece::Prose(line) = piece else { continue };
        let openings = line.match_indices("](");
        targets.extend(openings.filter_map(|(at, _)| Some(line[at + 2..].split_once(')')?.0.to_owned())));
    }
    targets
}

#[test]
fn links_lead_somewhere() {
    let mut findings = Vec::new();
    for document in documents() {
        let text = read(&document);
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
            let target =
                if path.is_empty() { root().join(&document) } else { root().join(folder).join(path) };
            let Ok(target_text) = std::fs::read_to_string(&target) else {
                if !target.is_dir() {
                    findings.push(format!("{document}: {link}"));
                }
                continue;
            };
            let known = sections(&target_text).iter().any(|section| section.anchor() == anchor);
            if !anchor.is_empty() && !known {
                findings.push(format!("{document}: {link} (no such heading)"));
            }
        }
    }
    report("links that lead nowhere:", &findings);
}

#[test]
fn every_document_can_be_reached_from_the_readme() {
    let readme = read("README.md");
    let index = format!("{readme}\n{}", read("docs/architecture.md"));
    let unlinked = documents().into_iter().filter(|document| {
        let name = document.trim_start_matches("docs/");
        document.starts_with("docs/") && !index.contains(&format!("{name})"))
    });
    report("documents without a link in README.md or docs/architecture.md:", &unlinked.collect::<Vec<_>>());
}

#[test]
fn every_bundled_definition_is_named() {
    let text = read("docs/agents-and-assignments.md");
    let mut missing = Vec::new();
    for file in files() {
        let named = |kind: &str, folder: &str, end: &str| {
            let name = file.strip_prefix(folder)?.strip_suffix(end)?;
            Some(format!("{kind} `{name}`"))
        };
        let name = named("agent", "agents/", "/agent.md")
            .or_else(|| named("assignment", "assignments/", "/assignment.md"))
            .or_else(|| named("task", "tasks/", ".md"));
        missing.extend(name.filter(|name| !text.contains(name)));
    }
    report("docs/agents-and-assignments.md does not name:", &missing);
}

#[test]
fn markdown_is_told_apart() {
    let text = "# A `b` c\ntext `x\ny`\n```sh no-run\n# not a heading\n```\n## D\n[l](m#n)\n";
    let found = sections(text);
    assert_eq!(found.iter().map(|section| section.anchor()).collect::<Vec<_>>(), ["a-b-c", "d"]);
    assert_eq!((fences(text)[0].info.as_str(), fences(text)[0].line), ("sh no-run", 4));
    assert_eq!(inline_code(text), ["b", "x y"]);
    assert_eq!(links(text), ["m#n"]);
}
