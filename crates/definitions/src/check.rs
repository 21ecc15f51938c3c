//! Checks files and whole trees of definitions. Must not change what a lookup would accept.

use std::path::{Path, PathBuf};

use crate::agent;
use crate::checklist;
use crate::diagnostic::DefinitionError;
use crate::library::{Library, tidy};
use crate::listing::Tree;
use crate::loading::{Loaded, invalid, no_such_file, read_file};
use crate::node::Entry;
use crate::page::{Page, Place};
use crate::source::{Kind, Source};
use crate::task;

/// The outcome of checking one file.
#[derive(Debug)]
pub struct Checked {
    /// The file, or the directory in which nothing was found.
    pub path: PathBuf,
    /// What it was recognised as; a checklist is an assignment.
    pub kind: Option<Kind>,
    /// The definition's name, a task's id, when it is valid.
    pub name: Option<String>,
    /// What is wrong.
    pub problem: Option<DefinitionError>,
}

/// Checks files and directory trees; the configuration directory when there are no paths.
pub(crate) fn validate(library: &Library, paths: &[PathBuf]) -> Vec<Checked> {
    if paths.is_empty() {
        return tree(library, &tidy(&library.config_dir)).unwrap_or_default();
    }
    let mut checked = Vec::new();
    for path in paths {
        let path = tidy(&library.caller_dir.join(path));
        if !path.is_dir() {
            checked.push(file(library, path));
            continue;
        }
        match tree(library, &path) {
            Some(found) => checked.extend(found),
            None => checked.push(Checked { problem: Some(nothing_in(&path)), path, kind: None, name: None }),
        }
    }
    checked
}

/// Every definition in a tree; nothing when there is none.
fn tree(library: &Library, root: &Path) -> Option<Vec<Checked>> {
    let places = Tree::walk(root).places;
    let recognised = places.iter().map(|place| root.join(place)).filter_map(|path| {
        let kind = kind_by_name(&path, root)?;
        Some(known(library, path, kind))
    });
    let checked: Vec<Checked> = recognised.collect();
    (!checked.is_empty()).then_some(checked)
}

fn nothing_in(path: &Path) -> DefinitionError {
    DefinitionError::Read {
        path: path.to_owned(),
        source: std::io::Error::other(
            "no definition in this directory; expected files called agent.md or assignment.md, or tasks/<id>.md",
        ),
    }
}

/// The kind by the file's name, or by a `tasks` folder around it (not further up than `root`'s own name).
fn kind_by_name(path: &Path, root: &Path) -> Option<Kind> {
    let name = path.file_name()?;
    let by_name =
        [Kind::Agent, Kind::Assignment].into_iter().find(|kind| kind.file_name().is_some_and(|n| name == n));
    if by_name.is_some() {
        return by_name;
    }
    let inside = path.strip_prefix(root).ok()?;
    let folders = inside.parent().into_iter().flat_map(Path::components).map(|part| part.as_os_str());
    let mut folders = root.file_name().into_iter().chain(folders);
    (folders.any(|folder| folder == Kind::Task.folder()) && path.extension().is_some_and(|ext| ext == "md"))
        .then_some(Kind::Task)
}

fn known(library: &Library, path: PathBuf, kind: Kind) -> Checked {
    let text = match read(&path) {
        Ok(text) => text,
        Err(problem) => return Checked { path, kind: Some(kind), name: None, problem: Some(problem) },
    };
    outcome(library, path, text, kind)
}

fn read(path: &Path) -> Result<String, DefinitionError> {
    match read_file(path)? {
        Some(text) => Ok(text),
        None => Err(no_such_file(path.to_owned())),
    }
}

fn outcome(library: &Library, path: PathBuf, text: String, kind: Kind) -> Checked {
    let loaded = library.at_path(kind, path.clone(), text);
    let name = match kind {
        Kind::Agent => agent::parse(loaded).map(|agent| agent.name).map_err(all),
        Kind::Assignment => library.parse_assignment(loaded).map(|assignment| assignment.name),
        Kind::Task => task::parse(loaded).map(|task| task.spec.id.to_string()).map_err(all),
    };
    let (name, problem) = match name {
        Ok(name) => (Some(name), None),
        Err(problem) => (None, Some(problem)),
    };
    Checked { path, kind: Some(kind), name, problem }
}

fn all(diagnostics: Vec<crate::Diagnostic>) -> DefinitionError {
    crate::library::in_order(diagnostics)
}

/// A file that was named: recognised by its name, else by its fields, else by its checkboxes.
fn file(library: &Library, path: PathBuf) -> Checked {
    let text = match read(&path) {
        Ok(text) => text,
        Err(problem) => return Checked { path, kind: None, name: None, problem: Some(problem) },
    };
    let root = path.parent().map(Path::to_owned).unwrap_or_default();
    let in_config = path.strip_prefix(tidy(&library.config_dir)).is_ok();
    let by_name =
        if in_config { kind_by_name(&path, &tidy(&library.config_dir)) } else { kind_by_name(&path, &root) };
    if let Some(kind) = by_name {
        return outcome(library, path, text, kind);
    }
    let page = Page::new(path.display().to_string(), &text);
    let starts_fields = page.text().starts_with("---");
    if !starts_fields && page.text().lines().any(|line| line.contains("[ ]") || line.contains("[x]")) {
        let loaded = Loaded::new(Source::Path(path.clone()), text, None);
        let (name, problem) = match checklist::parse(loaded) {
            Ok(checklist) => (Some(checklist.name), None),
            Err(diagnostics) => (None, Some(all(diagnostics))),
        };
        return Checked { path, kind: Some(Kind::Assignment), name, problem };
    }
    let loaded = Loaded::new(Source::Path(path.clone()), text.clone(), None);
    match loaded.front() {
        Ok(front) => match kind_by_fields(&front.entries) {
            Some(kind) => outcome(library, path, text, kind),
            None => {
                let problem = page.problem(
                    Place::START,
                    "cannot tell what this file defines",
                    "an agent has a field `backend`, an assignment has `tasks`, a task has `title`; \
                     or call the file agent.md or assignment.md, or put it into a folder called tasks",
                );
                Checked { path, kind: None, name: None, problem: Some(invalid(problem)) }
            }
        },
        Err(diagnostics) => Checked { path, kind: None, name: None, problem: Some(all(diagnostics)) },
    }
}

fn kind_by_fields(entries: &[Entry]) -> Option<Kind> {
    let has = |name: &str| entries.iter().any(|entry| entry.key == name);
    if has("backend") {
        return Some(Kind::Agent);
    }
    if has("tasks") || has("maxRetries") || has("callerInstructions") {
        return Some(Kind::Assignment);
    }
    has("title").then_some(Kind::Task)
}
