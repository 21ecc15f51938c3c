//! Where definitions are looked up: explicit path, then the configuration directory, then what is compiled in.
//! Must not read directories except to suggest names, and must not know fields.

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use agent_runner_model::hook::HookSource;

use crate::agent::Agent;
use crate::assignment::{self, Assignment, Finds, OwnAssignment};
use crate::bundled;
use crate::check::{self, Checkup};
use crate::checklist;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::hooks::find_hook;
use crate::inheritance::{self, Authored};
use crate::listing::{self, Listing};
use crate::loading::{Loaded, no_such_file, read_file};
use crate::names::{Reference, parse_reference};
use crate::similar::similar;
use crate::source::{Kind, Source};
use crate::surroundings::Surroundings;
use crate::task::{self, TaskDefinition};

/// Most things that are reported as wrong at once.
const MAX_SHOWN: usize = 50;

/// A valid definition of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// Who works.
    Agent(Agent),
    /// What there is to do.
    Assignment(Assignment),
    /// One task.
    Task(TaskDefinition),
}

impl Definition {
    /// Its name; a task's id.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.name,
            Self::Assignment(assignment) => &assignment.name,
            Self::Task(task) => task.spec.id.as_str(),
        }
    }
}

/// Finds definitions by reference.
#[derive(Debug, Clone)]
pub struct Library {
    /// Holds `agents/`, `assignments/` and `tasks/`; need not exist.
    pub config_dir: PathBuf,
    /// What relative paths are relative to.
    pub caller_dir: PathBuf,
    /// What environment expressions in definitions stand for.
    surroundings: Surroundings,
    /// The names there are, by kind: looked up when a name is not found, and not again for each one that is not.
    names: [OnceLock<Vec<String>>; Kind::ALL.len()],
}

impl Library {
    /// A library that looks into this configuration directory. Relative paths start at the caller's directory.
    pub fn new(config_dir: impl Into<PathBuf>, caller_dir: impl Into<PathBuf>) -> Self {
        Self {
            config_dir: config_dir.into(),
            caller_dir: caller_dir.into(),
            surroundings: Surroundings::default(),
            names: Default::default(),
        }
    }

    /// The same where these environment variables are set.
    pub fn within(self, surroundings: Surroundings) -> Self {
        Self { surroundings, ..self }
    }

    pub(crate) fn loaded(&self, source: Source, text: String, place_name: Option<String>) -> Loaded {
        Loaded::new(source, text, place_name).within(&self.surroundings)
    }

    /// The agent that the reference names. Errors say what was looked for or what is wrong at which line.
    pub fn agent(&self, reference: &str) -> Result<Agent, DefinitionError> {
        let loaded = self.read(Kind::Agent, reference)?;
        inheritance::resolve(self, loaded).map_err(in_order)
    }

    /// The assignment that the reference names, its task references resolved.
    pub fn assignment(&self, reference: &str) -> Result<Assignment, DefinitionError> {
        let loaded = self.read(Kind::Assignment, reference)?;
        inheritance::resolve(self, loaded).map_err(in_order)
    }

    /// The reusable task that the reference names.
    pub fn task(&self, reference: &str) -> Result<TaskDefinition, DefinitionError> {
        self.task_from(reference, Some(&self.caller_dir))
    }

    /// A Markdown checklist as an assignment: every open item is a task. A relative path is relative to the caller.
    pub fn checklist(&self, path: &Path) -> Result<Assignment, DefinitionError> {
        let path = self.caller_dir.join(path);
        match read_file(&path)? {
            Some(text) => {
                let loaded = self.loaded(Source::Path(path), text, None);
                checklist::parse(loaded).map_err(in_order)
            }
            None => Err(no_such_file(path)),
        }
    }

    /// The text of a definition as it was authored, whatever is wrong with it; or of a file in its folder, such as
    /// `plan-feature/template.md`.
    pub fn text(&self, kind: Kind, reference: &str) -> Result<(Source, String), DefinitionError> {
        match self.read(kind, reference) {
            Ok(loaded) => Ok((loaded.source, loaded.text)),
            Err(error @ DefinitionError::NotFound { .. }) => self.beside(kind, reference)?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// A file in the folder of a definition that can be named.
    fn beside(&self, kind: Kind, reference: &str) -> Result<Option<(Source, String)>, DefinitionError> {
        let (Ok(Reference::Name(name)), Some(_)) = (parse_reference(reference), kind.file_name()) else {
            return Ok(None);
        };
        let place = format!("{}/{name}", kind.folder());
        let file = self.config_dir.join(&place);
        // A folder of that name holds other definitions.
        if let Some(text) = if file.is_dir() { None } else { read_file(&file)? } {
            return Ok(Some((Source::Config(file), text)));
        }
        Ok(bundled::find_beside(&place).map(|(place, text)| (Source::Bundled(place), text.to_owned())))
    }

    /// Every definition of that kind that can be named, by name. Broken ones are listed with what is wrong.
    pub fn list(&self, kind: Kind) -> Listing {
        listing::list(self, kind)
    }

    /// Checks files and directory trees; the configuration directory when there are no paths.
    pub fn validate(&self, paths: &[PathBuf]) -> Checkup {
        check::validate(self, paths)
    }

    pub(crate) fn read(&self, kind: Kind, reference: &str) -> Result<Loaded, DefinitionError> {
        self.load(kind, reference, Some(&self.caller_dir))
    }

    /// Reads a text as the definition it will be in that file, under the name of its place.
    pub fn parse_new(
        &self,
        kind: Kind,
        name: &str,
        file: &Path,
        text: &str,
    ) -> Result<Definition, DefinitionError> {
        let source = Source::Config(file.to_owned());
        self.parse(kind, self.loaded(source, text.to_owned(), Some(name.to_owned())))
    }

    pub(crate) fn parse(&self, kind: Kind, loaded: Loaded) -> Result<Definition, DefinitionError> {
        match kind {
            Kind::Agent => inheritance::resolve(self, loaded).map(Definition::Agent).map_err(in_order),
            Kind::Assignment => {
                inheritance::resolve(self, loaded).map(Definition::Assignment).map_err(in_order)
            }
            Kind::Task => self.parse_task(loaded).map(Definition::Task),
        }
    }

    /// What one file says of an assignment, its task references resolved.
    pub(crate) fn authored_assignment(
        &self,
        loaded: Loaded,
    ) -> Result<Authored<OwnAssignment>, Vec<Diagnostic>> {
        let base = match &loaded.source {
            Source::Path(path) | Source::Config(path) => path.parent().map(Path::to_owned),
            Source::Bundled(_) => None,
        };
        let task = |reference: &str| self.task_from(reference, base.as_deref());
        let source = loaded.source.clone();
        let hook = |hook: &HookSource| find_hook(&self.config_dir, &source, hook);
        assignment::authored(loaded, Finds { task: &task, hook: &hook })
    }

    fn task_from(&self, reference: &str, base: Option<&Path>) -> Result<TaskDefinition, DefinitionError> {
        self.parse_task(self.load(Kind::Task, reference, base)?)
    }

    /// A task's own hooks lie where its file says, whichever assignment lists it.
    fn parse_task(&self, loaded: Loaded) -> Result<TaskDefinition, DefinitionError> {
        let source = loaded.source.clone();
        task::parse(loaded, &|hook| find_hook(&self.config_dir, &source, hook)).map_err(in_order)
    }

    /// The text that the reference names; `base` is what a relative path is relative to.
    pub(crate) fn load(
        &self,
        kind: Kind,
        reference: &str,
        base: Option<&Path>,
    ) -> Result<Loaded, DefinitionError> {
        let bad = |reason| DefinitionError::Name { kind, reference: reference.to_owned(), reason };
        match (parse_reference(reference).map_err(bad)?, base) {
            (Reference::Path(path), Some(base)) => self.load_path(kind, reference, &base.join(path)),
            (Reference::Path(_), None) => Err(bad("a bundled definition cannot name a file")),
            (Reference::Name(name), _) => self.load_name(kind, name),
        }
    }

    fn load_path(&self, kind: Kind, reference: &str, path: &Path) -> Result<Loaded, DefinitionError> {
        let path = tidy(path);
        let file = match kind.file_name() {
            Some(name) if path.is_dir() => path.join(name),
            _ => path,
        };
        match read_file(&file)? {
            Some(text) => Ok(self.at_path(kind, without_detours(&file), text)),
            None => Err(DefinitionError::NotFound {
                kind,
                reference: reference.to_owned(),
                searched: vec![file.display().to_string()],
                similar: Vec::new(),
            }),
        }
    }

    /// A file that was named by path; at a place in the configuration directory it has that place's name.
    pub(crate) fn at_path(&self, kind: Kind, file: PathBuf, text: String) -> Loaded {
        let file = match file.components().any(|part| part == Component::ParentDir) {
            true => match self.plain_place(&file) {
                Some(file) => file,
                None => return self.loaded(Source::Path(file), text, None),
            },
            false => file,
        };
        let inside =
            file.strip_prefix(tidy(&self.config_dir)).ok().map(|place| place.to_string_lossy().into_owned());
        let place_name = inside.as_deref().and_then(|place| kind.name_of_place(place)).map(str::to_owned);
        let source = if place_name.is_some() { Source::Config(file) } else { Source::Path(file) };
        self.loaded(source, text, place_name)
    }

    /// The same file without `..`, if it is in the configuration directory.
    fn plain_place(&self, file: &Path) -> Option<PathBuf> {
        let real = std::fs::canonicalize(file).ok()?;
        let inside = real.strip_prefix(std::fs::canonicalize(&self.config_dir).ok()?).ok()?;
        Some(tidy(&self.config_dir).join(inside))
    }

    fn load_name(&self, kind: Kind, name: &str) -> Result<Loaded, DefinitionError> {
        let place = kind.place(name);
        let file = self.config_dir.join(&place);
        if let Some(text) = read_file(&file)? {
            return Ok(self.loaded(Source::Config(file), text, Some(name.to_owned())));
        }
        match bundled::find(&place) {
            Some((place, text)) => {
                Ok(Loaded::new(Source::Bundled(place), text.to_owned(), Some(name.to_owned())))
            }
            None => Err(DefinitionError::NotFound {
                kind,
                reference: name.to_owned(),
                searched: vec![file.display().to_string(), format!("bundled:{place}")],
                similar: self.similar_to(kind, name),
            }),
        }
    }

    fn similar_to(&self, kind: Kind, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        if self.caller_dir.join(name).exists() {
            found.push(format!("./{name}"));
        }
        let names = match kind {
            Kind::Agent => &self.names[0],
            Kind::Assignment => &self.names[1],
            Kind::Task => &self.names[2],
        };
        let names = names.get_or_init(|| listing::names(self, kind));
        found.extend(similar(name, names.iter().map(String::as_str)).into_iter().map(str::to_owned));
        found
    }
}

pub(crate) fn in_order(mut diagnostics: Vec<Diagnostic>) -> DefinitionError {
    diagnostics.sort_by(|a, b| a.file.cmp(&b.file).then(a.line.cmp(&b.line)).then(a.column.cmp(&b.column)));
    diagnostics.truncate(MAX_SHOWN);
    DefinitionError::Invalid { diagnostics }
}

/// The path without `.`: `/a/./b` is `/a/b`. A `..` stays, because it may follow a link.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// The path without `folder/..` where the folder is no link, so that it leads to the same file.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let is_folder = || std::fs::symlink_metadata(&plain).is_ok_and(|about| about.is_dir());
        let goes_back = part == Component::ParentDir
            && matches!(plain.components().next_back(), Some(Component::Normal(_)))
            && is_folder();
        match goes_back {
            true => drop(plain.pop()),
            false => plain.push(part),
        }
    }
    plain
}
