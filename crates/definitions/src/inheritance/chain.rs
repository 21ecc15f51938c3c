//! Finds the definitions that one extends, up to the last, and lays each over the one it extends. Circles, chains without
//! end and broken links are said at the `extends` that makes them.

use std::path::{Path, PathBuf};

use super::{Authored, MAX_BASES};
use crate::bundled;
use crate::check::kind_by_fields;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::library::Library;
use crate::loading::Loaded;
use crate::source::{Kind, Source};

/// A kind of definition that can extend others of its kind.
pub(crate) trait Heir: Sized {
    /// What one file says of it.
    type Own;
    /// The kind.
    const KIND: Kind;

    /// Reads one file.
    fn authored(library: &Library, loaded: Loaded) -> Result<Authored<Self::Own>, Vec<Diagnostic>>;
    /// A definition that extends nothing.
    fn alone(authored: Authored<Self::Own>) -> Self;
    /// A base that is a checklist; nothing if it is none.
    fn checklist(loaded: &Loaded) -> Option<Result<Self, Vec<Diagnostic>>>;
    /// A definition over the one it extends.
    fn over(base: Self, authored: Authored<Self::Own>, problems: &mut Vec<Diagnostic>) -> Self;
    /// What is wrong with it as a whole: what a file says may only make sense with what it inherits.
    fn check(&self) -> Vec<Diagnostic>;
}

/// The definition with everything it inherits.
pub(crate) fn resolve<T: Heir>(library: &Library, loaded: Loaded) -> Result<T, Vec<Diagnostic>> {
    let mut chain: Vec<Authored<T::Own>> = vec![T::authored(library, loaded)?];
    let end = loop {
        let Some(last) = chain.last() else { return Err(Vec::new()) };
        let Some(reference) = last.wishes.extends.clone() else { break None };
        let loaded = match base(library, T::KIND, &reference, last) {
            Ok(loaded) => loaded,
            Err(problems) => return Err(noted(&chain, problems)),
        };
        if let Some(problem) = endless(&chain, &loaded.source) {
            return Err(noted(&chain, vec![problem]));
        }
        match T::checklist(&loaded) {
            Some(Ok(checklist)) => break Some(checklist),
            Some(Err(problems)) => return Err(noted(&chain, problems)),
            None => match T::authored(library, loaded) {
                Ok(next) => chain.push(next),
                Err(problems) => return Err(noted(&chain, problems)),
            },
        }
    };
    let found = laid(chain, end)?;
    let problems = found.check();
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// The last definition, and each of the others over it in turn.
fn laid<T: Heir>(mut chain: Vec<Authored<T::Own>>, end: Option<T>) -> Result<T, Vec<Diagnostic>> {
    let Some(mut found) = end.or_else(|| chain.pop().map(T::alone)) else { return Err(Vec::new()) };
    while let Some(next) = chain.pop() {
        let mut problems = Vec::new();
        found = T::over(found, next, &mut problems);
        if !problems.is_empty() {
            return Err(noted(&chain, problems));
        }
    }
    Ok(found)
}

/// The text of the definition that is extended.
fn base<T>(
    library: &Library,
    kind: Kind,
    reference: &str,
    heir: &Authored<T>,
) -> Result<Loaded, Vec<Diagnostic>> {
    if let Some(loaded) = namesake(kind, reference, heir) {
        return Ok(loaded);
    }
    let folder = match &heir.source {
        Source::Path(path) | Source::Config(path) => path.parent(),
        Source::Bundled(_) => None,
    };
    let at = heir.extends_at();
    let other = match kind {
        Kind::Agent => Kind::Assignment,
        Kind::Assignment | Kind::Task => Kind::Agent,
    };
    let wrong = |name: &str| {
        vec![heir.problem(
            at,
            format!("`{reference}` is the {name} of that name, and an {kind} can only extend an {kind}"),
            format!("name an {kind}; `agent-runner list {}` shows those there are", kind.folder()),
        )]
    };
    match library.load(kind, reference, folder) {
        Ok(loaded) => match other_kind(&loaded, kind) {
            Some(found) => Err(vec![heir.problem(
                at,
                format!("{} is no {kind} but an {found}", loaded.source),
                format!("an {kind} can only extend an {kind}: name the file of one"),
            )]),
            None => Ok(loaded),
        },
        Err(DefinitionError::Invalid { diagnostics }) => Err(diagnostics),
        Err(DefinitionError::NotFound { .. }) if library.load(other, reference, folder).is_ok() => {
            Err(wrong(other.as_str()))
        }
        Err(error) => {
            let reason =
                std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            let hint = error.hint().unwrap_or_else(|| "check the path and the file's permissions".to_owned());
            Err(vec![heir.problem(at, format!("cannot extend this: {error}{reason}"), hint)])
        }
    }
}

/// A definition in the configuration directory that extends its own name means the bundled one that it hides.
fn namesake<T>(kind: Kind, reference: &str, heir: &Authored<T>) -> Option<Loaded> {
    let is_own = heir.place_name.as_deref() == Some(reference) && matches!(heir.source, Source::Config(_));
    let (place, text) = bundled::find(&kind.place(reference)).filter(|_| is_own)?;
    Some(Loaded::new(Source::Bundled(place), text.to_owned(), Some(reference.to_owned())))
}

/// What the file is, if it is plain that it is something else.
fn other_kind(loaded: &Loaded, kind: Kind) -> Option<Kind> {
    let file = match &loaded.source {
        Source::Path(path) | Source::Config(path) => path.file_name().and_then(|name| name.to_str()),
        Source::Bundled(_) => None,
    };
    let named = Kind::ALL.into_iter().find(|kind| kind.file_name().is_some_and(|name| file == Some(name)));
    let found = named.or_else(|| kind_by_fields(&loaded.front().ok()?.entries));
    found.filter(|found| *found != kind)
}

/// Why the chain must not go on with that file.
fn endless<T>(chain: &[Authored<T>], next: &Source) -> Option<Diagnostic> {
    let last = chain.last()?;
    let next = identity(next);
    let mut names: Vec<&str> = chain.iter().map(|link| link.name.as_str()).collect();
    if let Some(start) = chain.iter().position(|link| identity(&link.source) == next) {
        let circle = chain.get(start..).unwrap_or_default();
        names.extend(circle.first().map(|link| link.name.as_str()));
        let message = match circle.len() {
            1 => format!("`{}` extends itself: {}", last.name, names.join(" → ")),
            _ => format!("definitions extend each other in a circle: {}", names.join(" → ")),
        };
        let hint = "let the definition in this line extend another one, or nothing";
        return Some(last.problem(last.extends_at(), message, hint));
    }
    (chain.len() > MAX_BASES).then(|| {
        last.problem(
            last.extends_at(),
            format!(
                "`{}` extends more than {MAX_BASES} definitions, one through the other: {} → …",
                names.first().copied().unwrap_or_default(),
                names.join(" → ")
            ),
            "extend one that is nearer to the end, or put some of them together",
        )
    })
}

/// One name for a file, however it is reached.
fn identity(source: &Source) -> PathBuf {
    match source {
        Source::Path(path) | Source::Config(path) => {
            std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())
        }
        Source::Bundled(place) => Path::new("bundled:").join(place),
    }
}

/// The same with a word at the definition that was asked for, where it is not to blame itself.
fn noted<T>(chain: &[Authored<T>], problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let note = chain.first().and_then(|first| note(first, &problems));
    problems.into_iter().chain(note).collect()
}

fn note<T>(heir: &Authored<T>, problems: &[Diagnostic]) -> Option<Diagnostic> {
    let first = problems.first()?;
    (!problems.iter().any(|problem| heir.page.is_of(&problem.file))).then(|| {
        heir.problem(
            heir.extends_at(),
            format!("what `{}` extends is not valid", heir.name),
            format!("correct what is wrong at {}", first.position()),
        )
    })
}
