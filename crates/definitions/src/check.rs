//! Checks files and whole trees of definitions. Must not change what a lookup would accept.

use std::path::{Path, PathBuf};

use crate::agent::{self, Agent};
use crate::checklist;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::hooks;
use crate::library::{Definition, Library, in_order, tidy};
use crate::loading::{Loaded, invalid, no_such_file, read_file};
use crate::node::Entry;
use crate::page::{Page, Place};
use crate::source::{Kind, Source};
use crate::tree::{SkipReason, Skipped, Tree};

/// The outcome of checking one file.
#[derive(Debug)]
pub struct Checked {
    /// The file, or a directory that could not be looked into or in which nothing was found.
    pub path: PathBuf,
    /// What it was recognised as; a checklist is an assignment.
    pub kind: Option<Kind>,
    /// The definition's name, a task's id, when it is valid.
    pub name: Option<String>,
    /// What is wrong.
    pub problem: Option<DefinitionError>,
    /// What is worth knowing about a valid definition.
    pub remarks: Vec<Diagnostic>,
    /// The definition, when it is a valid agent: whether there is a backend for it is not for this room to say.
    pub agent: Option<Agent>,
}

/// The outcome of checking files and directories.
#[derive(Debug, Default)]
pub struct Checkup {
    /// Every file that was checked.
    pub checked: Vec<Checked>,
    /// What was passed by in directories.
    pub skipped: Vec<Skipped>,
}

impl Checked {
    fn wrong(path: PathBuf, kind: Option<Kind>, problem: DefinitionError) -> Self {
        Self { path, kind, name: None, problem: Some(problem), remarks: Vec::new(), agent: None }
    }
}

/// Checks files and directory trees; the configuration directory when there are no paths.
pub(crate) fn validate(library: &Library, paths: &[PathBuf]) -> Checkup {
    let mut checkup = Checkup::default();
    if paths.is_empty() {
        tree(library, &tidy(&library.config_dir), &mut checkup);
    }
    for path in paths {
        let path = tidy(&library.caller_dir.join(path));
        if !path.is_dir() {
            checkup.checked.push(file(library, path));
            continue;
        }
        let before = checkup.checked.len();
        tree(library, &path, &mut checkup);
        if checkup.checked.len() == before {
            let problem = DefinitionError::Nothing { path: path.clone() };
            checkup.checked.push(Checked::wrong(path, None, problem));
        }
    }
    checkup
}

/// Checks every definition in a tree.
fn tree(library: &Library, root: &Path, checkup: &mut Checkup) {
    let tree = Tree::walk(root);
    checkup.skipped.extend(tree.skipped);
    for place in &tree.places {
        let path = root.join(place);
        match kind_by_name(&path, root) {
            Some(kind) => checkup.checked.push(known(library, path, kind)),
            None => checkup.skipped.push(Skipped { path, reason: SkipReason::NoDefinition }),
        }
    }
    for problem in tree.problems {
        let path = match &problem {
            DefinitionError::Read { path, .. } => path.clone(),
            _ => root.to_owned(),
        };
        checkup.checked.push(Checked::wrong(path, None, problem));
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
        Err(problem) => return Checked::wrong(path, Some(kind), problem),
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
    let remarks = match kind {
        Kind::Agent => agent::remarks(&loaded),
        Kind::Assignment | Kind::Task => Vec::new(),
    };
    let again = library.loaded(loaded.source.clone(), loaded.text.clone(), None);
    match library.parse(kind, loaded) {
        Ok(found) => {
            let mut remarks = remarks;
            if let Definition::Assignment(assignment) = &found {
                remarks.extend(hooks::remarks(&again, assignment));
            }
            let name = Some(found.name().to_owned());
            let agent = match found {
                Definition::Agent(agent) => Some(agent),
                Definition::Assignment(_) | Definition::Task(_) => None,
            };
            Checked { path, kind: Some(kind), name, problem: None, remarks, agent }
        }
        Err(problem) => Checked::wrong(path, Some(kind), problem),
    }
}

/// A file that was named: recognised by its name, else by its fields, else by its checkboxes.
fn file(library: &Library, path: PathBuf) -> Checked {
    let text = match read(&path) {
        Ok(text) => text,
        Err(problem) => return Checked::wrong(path, None, problem),
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
    let has_boxes = checklist::has_boxes(page.text());
    if checklist::is_one(&page) {
        let loaded = Loaded::new(Source::Path(path.clone()), text, None);
        return match checklist::parse(loaded) {
            Ok(checklist) => Checked {
                path,
                kind: Some(Kind::Assignment),
                name: Some(checklist.name),
                problem: None,
                remarks: Vec::new(),
                agent: None,
            },
            Err(diagnostics) => Checked::wrong(path, Some(Kind::Assignment), in_order(diagnostics)),
        };
    }
    let loaded = library.loaded(Source::Path(path.clone()), text.clone(), None);
    match loaded.front() {
        Ok(front) if has_boxes && are_notes(&front.entries) => {
            Checked::wrong(path, Some(Kind::Assignment), invalid(checklist::front_matter(&page)))
        }
        Ok(front) => match kind_by_fields(&front.entries) {
            Some(kind) => outcome(library, path, text, kind),
            None => {
                let problem = page.problem(
                    Place::START,
                    "cannot tell what this file defines",
                    "an agent has a field `backend`, an assignment has `tasks`, a task has `title`; \
                     or call the file agent.md or assignment.md, or put it into a folder called tasks",
                );
                Checked::wrong(path, None, invalid(problem))
            }
        },
        Err(mut diagnostics) => {
            if let (false, [only]) = (starts_fields, diagnostics.as_mut_slice()) {
                only.hint.push_str("; a checklist has no front matter, but items such as `- [ ] What to do`");
            }
            Checked::wrong(path, None, in_order(diagnostics))
        }
    }
}

/// Whether the fields are rather those that a file of notes has for other programs.
fn are_notes(entries: &[Entry]) -> bool {
    let of_work = matches!(kind_by_fields(entries), Some(Kind::Agent | Kind::Assignment));
    !of_work && entries.iter().all(|entry| entry.key != "schemaVersion")
}

pub(crate) fn kind_by_fields(entries: &[Entry]) -> Option<Kind> {
    let has = |name: &str| entries.iter().any(|entry| entry.key == name);
    if has("backend") {
        return Some(Kind::Agent);
    }
    if has("tasks") || has("maxRetries") || has("callerInstructions") || has("removeTasks") {
        return Some(Kind::Assignment);
    }
    // One that extends another may say as little as it likes.
    if has("extends") {
        let agents = [
            "model",
            "effort",
            "timeoutSec",
            "unrestricted",
            "backendConfig",
            "backendArgs",
            "launcher",
            "commitAs",
        ];
        let is_agent = agents.into_iter().any(has);
        let is_assignment = ["cwd", "message", "vars", "hooks", "prompts", "worktree"].into_iter().any(has);
        return match (is_agent, is_assignment) {
            (true, false) => Some(Kind::Agent),
            (false, true) => Some(Kind::Assignment),
            (true, true) | (false, false) => None,
        };
    }
    has("title").then_some(Kind::Task)
}
