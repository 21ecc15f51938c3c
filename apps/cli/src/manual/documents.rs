//! Tables of the documentation: exit codes, environment variables, directories and files are described there once.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

const README: &str = include_str!("../../../../README.md");
const CONFIGURATION: &str = include_str!("../../../../docs/configuration.md");

/// Columns that are said to nobody in the manual.
const LEFT_OUT: &[&str] = &["back it up?"];

/// A row of a table: what it is about, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) term: String,
    pub(super) about: String,
}

/// The exit codes.
pub(super) fn exit_codes() -> Vec<Entry> {
    table(README, "Exit codes")
}

/// The environment variables that are read.
pub(super) fn variables() -> Vec<Entry> {
    table(CONFIGURATION, "Variables that are read")
}

/// The directories.
pub(super) fn directories() -> Vec<Entry> {
    table(CONFIGURATION, "Directories")
}

/// The files of a run.
pub(super) fn files() -> Vec<Entry> {
    table(CONFIGURATION, "Files of a run")
}

/// The first table below a heading.
fn table(document: &str, heading: &str) -> Vec<Entry> {
    let rows = rows(document, heading);
    let Some((head, body)) = rows.split_first() else { return Vec::new() };
    body.iter().map(|row| entry(head, row)).collect()
}

/// The first column is the term; defaults are said as such, everything else as it stands.
fn entry(head: &[String], row: &[String]) -> Entry {
    let mut cells = head.iter().zip(row);
    let term = cells.next().map(|(_, cell)| cell.clone()).unwrap_or_default();
    let (mut about, mut default) = (Vec::new(), None);
    for (column, cell) in
        cells.filter(|(column, cell)| !cell.is_empty() && !LEFT_OUT.contains(&column.as_str()))
    {
        match column.as_str() {
            "default" => default = Some(format!("[default: {cell}]")),
            _ => about.push(cell.clone()),
        }
    }
    about.extend(default);
    Entry { term, about: about.join("\n") }
}

fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut in_heading, mut title, mut wanted) = (false, String::new(), false);
    for event in Parser::new_ext(document, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                (in_heading, wanted) = (true, false);
                title.clear();
            }
            Event::End(TagEnd::Heading(_)) => {
                wanted |= in_heading && title == heading;
                in_heading = false;
            }
            Event::Text(text) | Event::Code(text) if in_heading => title.push_str(&text),
            Event::Start(Tag::TableHead | Tag::TableRow) if wanted => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) if wanted => {
                rows.last_mut().into_iter().for_each(|row| row.push(String::new()))
            }
            Event::Text(text) | Event::Code(text) if wanted => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&text);
                }
            }
            Event::End(TagEnd::Table) if wanted => break,
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_found() {
        assert!(exit_codes().iter().any(|entry| entry.term == "130" && entry.about == "cancelled"));
        let codes: Vec<u8> = exit_codes().iter().map(|entry| entry.term.parse().unwrap()).collect();
        assert!(codes.is_sorted() && codes.contains(&124), "{codes:?}");
        let state = variables().into_iter().find(|entry| entry.term == "AGENT_RUNNER_STATE_DIR").unwrap();
        assert!(
            state.about.starts_with("where runs live\n[default: $XDG_STATE_HOME/agent-runner"),
            "{state:?}"
        );
        assert!(directories().iter().any(|entry| entry.term == "state" && entry.about.contains("runs/")));
        assert!(files().iter().any(|entry| entry.term == "run.json"));
    }
}
