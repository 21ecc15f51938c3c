//! A new definition from one there is: the same text under another name, and for an agent with another backend. Must
//! not change anything else, so that the author's comments and order stay.

use super::{MODELINE, scalar, schema_line};
use crate::diagnostic::DefinitionError;
use crate::library::Library;
use crate::loading::{Loaded, invalid};
use crate::node::{Entry, Shape};
use crate::page::Place;
use crate::source::{Kind, Source};
use crate::yaml;

pub(super) fn copy(
    library: &Library,
    kind: Kind,
    name: &str,
    from: &str,
    backend: Option<&str>,
) -> Result<String, DefinitionError> {
    let loaded = library.read(kind, from)?;
    let again = Loaded::new(loaded.source.clone(), loaded.text.clone(), loaded.place_name.clone());
    library.parse(kind, again)?;
    let not_here = |place: Place, field: &str| {
        invalid(loaded.page.problem(
            place,
            format!("the field `{field}` cannot be changed where it stands"),
            format!("write `{field}: …` on one line of its own, or copy the file by hand"),
        ))
    };
    let parts = loaded.page.parts().map_err(invalid)?;
    let entries = yaml::read(&loaded.page, &parts).map_err(crate::library::in_order)?;
    if let Some(at) = namesake(&loaded, &entries).filter(|_| loaded.place_name.as_deref() != Some(name)) {
        return Err(invalid(loaded.page.problem(
            at,
            "this means the bundled definition of that name, and would mean this file in a copy under another name",
            format!("make a definition with `extends: {from}`, or copy the bundled one by hand"),
        )));
    }
    let mut lines: Vec<String> = parts.front.lines().map(str::to_owned).collect();
    let named = match kind {
        Kind::Agent | Kind::Assignment => "name",
        Kind::Task => "id",
    };
    let changes = [(named, Some(name)), ("backend", backend)];
    for (field, value) in changes.into_iter().filter_map(|(field, value)| Some((field, value?))) {
        let Some(entry) = entries.iter().find(|entry| entry.key == field) else {
            // A task's id may be left to its place, and a backend to the agent that is extended.
            if field == "backend" {
                lines.push(format!("{field}: {}", scalar(value)));
            }
            continue;
        };
        let line =
            replaced(entry, parts.front_offset, &lines).ok_or_else(|| not_here(entry.key_at, field))?;
        if let Some(old) = lines.get_mut(line) {
            *old = format!("{field}: {}", scalar(value));
        }
    }
    lines.retain(|line| !line.starts_with(MODELINE));
    lines.insert(0, schema_line(kind, name));
    Ok(format!("---\n{}\n---\n{}", lines.join("\n"), parts.body))
}

/// Where a definition extends the bundled one that it hides.
fn namesake(loaded: &Loaded, entries: &[Entry]) -> Option<Place> {
    let hidden = loaded.place_name.as_deref().filter(|_| matches!(loaded.source, Source::Config(_)))?;
    let extends = &entries.iter().find(|entry| entry.key == "extends")?.value;
    match &extends.shape {
        Shape::Plain(text) | Shape::Text(text) => (text == hidden).then_some(extends.at),
        Shape::List(_) | Shape::Map(_) => None,
    }
}

/// The line that holds the field and its whole value, and nothing else.
fn replaced(entry: &Entry, offset: u32, lines: &[String]) -> Option<usize> {
    let one_line = match &entry.value.shape {
        Shape::Plain(text) | Shape::Text(text) => {
            !text.contains('\n') && entry.value.at.line == entry.key_at.line
        }
        Shape::List(_) | Shape::Map(_) => false,
    };
    let line = usize::try_from(entry.key_at.line.checked_sub(offset + 1)?).ok()?;
    let text = lines.get(line)?;
    let goes_on = lines
        .get(line + 1)
        .is_some_and(|next| next.starts_with([' ', '\t']) && !next.trim_start().starts_with('#'));
    (one_line && !goes_on && entry.key_at.column == 1 && !text.trim_end().ends_with(['|', '>']))
        .then_some(line)
}
