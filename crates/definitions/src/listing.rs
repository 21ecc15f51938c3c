//! Lists the definitions that can be named. Must not know how directories are walked.

use std::collections::BTreeMap;

use crate::bundled;
use crate::diagnostic::DefinitionError;
use crate::library::Library;
use crate::names::check_name;
use crate::source::{Kind, Source};
use crate::tree::Tree;

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
    /// The title of a task; the first sentence of the instructions of the others.
    pub title: String,
    /// An agent's backend.
    pub backend: Option<String>,
    /// How many tasks an assignment lists.
    pub tasks: Option<usize>,
    /// Why it cannot be used.
    pub problem: Option<DefinitionError>,
}

/// The definitions of a kind.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be named, by name. Broken ones are there with what is wrong.
    pub definitions: Vec<Listed>,
    /// Directories that could not be looked into.
    pub problems: Vec<DefinitionError>,
}

type Sources = BTreeMap<String, Vec<Source>>;

/// The names of a kind and where each is found, best first.
fn sources(library: &Library, kind: Kind) -> (Sources, Vec<DefinitionError>) {
    let mut found = Sources::new();
    let tree = Tree::walk(&library.config_dir.join(kind.folder()));
    for inner in tree.places {
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
    (found, tree.problems)
}

/// The names of a kind.
pub(crate) fn names(library: &Library, kind: Kind) -> Vec<String> {
    sources(library, kind).0.into_keys().collect()
}

/// Every definition of a kind that can be named.
pub(crate) fn list(library: &Library, kind: Kind) -> Listing {
    let (found, problems) = sources(library, kind);
    let definitions = found.into_iter().filter_map(|(name, mut sources)| {
        let source = if sources.is_empty() { return None } else { sources.remove(0) };
        Some(listed(library, kind, name, source, sources))
    });
    Listing { definitions: definitions.collect(), problems }
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
            listed.title = first_sentence(agent.heritage.lead(&agent.instructions));
            listed.backend = Some(agent.backend);
        }),
        Kind::Assignment => library.assignment(&listed.name).map(|assignment| {
            listed.title = first_sentence(assignment.heritage.lead(&assignment.instructions));
            listed.tasks = Some(assignment.tasks.len());
        }),
        Kind::Task => library.task(&listed.name).map(|task| listed.title = task.spec.title),
    };
    listed.problem = outcome.err();
    listed
}

/// The first sentence of a text; its heading where it starts with one.
fn first_sentence(text: &str) -> String {
    let text = text.trim_start();
    let line = text.lines().next().unwrap_or_default();
    if line.starts_with('#') {
        return line.trim_start_matches('#').trim().to_owned();
    }
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    match paragraph.find(". ") {
        Some(end) => paragraph.get(..=end).unwrap_or_default().to_owned(),
        None => paragraph,
    }
}
