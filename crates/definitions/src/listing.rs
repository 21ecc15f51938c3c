//! Lists the definitions that can be named. Must not follow more than a bounded tree.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bundled;
use crate::diagnostic::DefinitionError;
use crate::library::Library;
use crate::names::check_name;
use crate::source::{Kind, Source};

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 12;
/// Most directory entries that are looked at.
const MAX_ENTRIES: usize = 20_000;

/// A definition that can be named.
#[derive(Debug)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// The name it is found under.
    pub name: String,
    /// Where a lookup finds it.
    pub source: Source,
    /// Definitions of the same name that a lookup does not reach.
    pub shadows: Vec<Source>,
    /// The title of a task; the first line of the instructions of the others.
    pub title: String,
    /// An agent's backend.
    pub backend: Option<String>,
    /// How many tasks an assignment lists.
    pub tasks: Option<usize>,
    /// Why it cannot be used.
    pub problem: Option<DefinitionError>,
}

/// A file below a directory: its path there with `/` between the parts, and whether it lies too deep.
pub(crate) struct Tree {
    pub places: Vec<String>,
}

impl Tree {
    /// The Markdown files below a directory in order of their names. Hidden ones are left out.
    pub(crate) fn walk(root: &Path) -> Self {
        let mut places = Vec::new();
        let mut left = MAX_ENTRIES;
        let mut open = vec![(String::new(), 0)];
        while let Some((place, depth)) = open.pop() {
            let Ok(entries) = std::fs::read_dir(root.join(&place)) else { continue };
            for entry in entries.flatten() {
                left = left.saturating_sub(1);
                if left == 0 {
                    break;
                }
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name.starts_with('.') || matches!(name.as_str(), "node_modules" | "target") {
                    continue;
                }
                let inner = if place.is_empty() { name } else { format!("{place}/{name}") };
                let is_dir = entry
                    .file_type()
                    .is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && root.join(&inner).is_dir()));
                match is_dir {
                    true if depth < MAX_DEPTH => open.push((inner, depth + 1)),
                    false if inner.ends_with(".md") => places.push(inner),
                    _ => {}
                }
            }
        }
        places.sort();
        Self { places }
    }
}

/// The names of a kind and where each is found, best first.
fn sources(library: &Library, kind: Kind) -> BTreeMap<String, Vec<Source>> {
    let mut found: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    let root = library.config_dir.join(kind.folder());
    for inner in Tree::walk(&root).places {
        let place = format!("{}/{inner}", kind.folder());
        if let Some(name) = kind.name_of_place(&place).filter(|name| check_name(name).is_ok()) {
            found.entry(name.to_owned()).or_default().push(Source::Config(library.config_dir.join(&place)));
        }
    }
    for (place, _) in bundled::FILES {
        if let Some(name) = kind.name_of_place(place) {
            found.entry(name.to_owned()).or_default().push(Source::Bundled(place));
        }
    }
    found
}

/// The names of a kind.
pub(crate) fn names(library: &Library, kind: Kind) -> Vec<String> {
    sources(library, kind).into_keys().collect()
}

/// Every definition of a kind that can be named.
pub(crate) fn list(library: &Library, kind: Kind) -> Vec<Listed> {
    let found = sources(library, kind).into_iter();
    found
        .filter_map(|(name, mut sources)| {
            let source = if sources.is_empty() { return None } else { sources.remove(0) };
            Some(listed(library, kind, name, source, sources))
        })
        .collect()
}

fn listed(library: &Library, kind: Kind, name: String, source: Source, shadows: Vec<Source>) -> Listed {
    let mut listed = Listed {
        kind,
        name,
        source,
        shadows,
        title: String::new(),
        backend: None,
        tasks: None,
        problem: None,
    };
    let outcome = match kind {
        Kind::Agent => library.agent(&listed.name).map(|agent| {
            listed.title = first_line(&agent.instructions);
            listed.backend = Some(agent.backend);
        }),
        Kind::Assignment => library.assignment(&listed.name).map(|assignment| {
            listed.title = first_line(&assignment.instructions);
            listed.tasks = Some(assignment.tasks.len());
        }),
        Kind::Task => library.task(&listed.name).map(|task| listed.title = task.spec.title),
    };
    listed.problem = outcome.err();
    listed
}

/// The first line that says something, without the marks of a heading.
fn first_line(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches('#').trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).next().unwrap_or_default()
}
