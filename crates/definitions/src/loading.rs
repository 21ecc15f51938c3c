//! Reads definition files from the disk, within bounds, and divides them. Must not know what is in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::expressions::Expressions;
use crate::fields::Fields;
use crate::node::Entry;
use crate::page::{MAX_FILE, Page, Place};
use crate::source::{Kind, Source};
use crate::surroundings::Surroundings;
use crate::yaml;

/// One definition's text on its way to become a definition.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub source: Source,
    pub text: String,
    pub page: Page,
    /// The name its place in a library demands; nothing for a file named by path.
    pub place_name: Option<String>,
    /// What its environment expressions stand for.
    pub surroundings: Surroundings,
}

/// The front matter's fields and the trimmed text below.
#[derive(Debug)]
pub(crate) struct Front {
    pub entries: Vec<Entry>,
    pub body: String,
}

impl Loaded {
    pub(crate) fn new(source: Source, text: String, place_name: Option<String>) -> Self {
        let page = Page::new(source.to_string(), &text);
        Self { source, text, page, place_name, surroundings: Surroundings::default() }
    }

    /// The same where these environment variables are set.
    pub(crate) fn within(self, surroundings: &Surroundings) -> Self {
        Self { surroundings: surroundings.clone(), ..self }
    }

    pub(crate) fn front(&self) -> Result<Front, Vec<Diagnostic>> {
        let parts = self.page.parts().map_err(|problem| vec![problem])?;
        let mut entries = yaml::read(&self.page, &parts)?;
        let mut expressions = Expressions::new(&self.page, &self.surroundings);
        expressions.resolve_fields(&mut entries, "");
        let body = expressions.resolve_body(parts.body);
        expressions.finish()?;
        Ok(Front { entries, body })
    }
}

impl Source {
    /// The file name without `.md`.
    pub(crate) fn stem(&self) -> String {
        let path = match self {
            Self::Path(path) | Self::Config(path) => path.as_path(),
            Self::Bundled(place) => Path::new(place),
        };
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Reads a definition file. `Ok(None)` when there is no such file.
pub(crate) fn read_file(path: &Path) -> Result<Option<String>, DefinitionError> {
    let unreadable = |source| DefinitionError::Read { path: path.to_owned(), source };
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return match std::fs::read_link(path) {
                // Somebody put it there: going on without it would use something else in its place.
                Ok(target) => Err(unreadable(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("it is a link to {}, which does not exist", target.display()),
                ))),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(unreadable(error)),
    };
    if !about.is_file() {
        return Err(unreadable(match about.is_dir() {
            true => io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"),
            false => io::Error::other("it is not a regular file"),
        }));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    let name = path.display().to_string();
    if bytes.len() > MAX_FILE {
        let page = Page::new(name, &String::from_utf8_lossy(&bytes));
        return Err(invalid(page.problem(
            Place::START,
            format!("the file is larger than {} KiB", MAX_FILE / 1024),
            "a definition is short; move long material into a file of its own and name that file in the instructions",
        )));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(invalid(Page::new(name, "").problem(
            Place::START,
            "the file is UTF-16 text",
            "save the file with the encoding UTF-8",
        )));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let page = Page::new(name, &text);
            let before = text.get(..valid).unwrap_or_default();
            let at = Page::new(String::new(), before);
            let place = at.place_of(at.text().len());
            Err(invalid(page.problem(
                place,
                "the file is not UTF-8 text from here on",
                "save the file with the encoding UTF-8",
            )))
        }
    }
}

pub(crate) fn no_such_file(path: PathBuf) -> DefinitionError {
    let source = io::Error::new(io::ErrorKind::NotFound, "there is no such file");
    DefinitionError::Read { path, source }
}

pub(crate) fn invalid(problem: Diagnostic) -> DefinitionError {
    DefinitionError::Invalid { diagnostics: vec![problem] }
}

/// Complains about a name that is not one line, and when a definition in a library does not carry the name of its place.
pub(crate) fn check_name(
    fields: &mut Fields<'_, '_>,
    field: &str,
    given: Option<&str>,
    expected: Option<&str>,
    kind: Kind,
) {
    if given.is_some_and(|given| given.contains(|c: char| c.is_control())) {
        let at = fields.place(field);
        fields.complain(
            at,
            format!("{field} must be one line without control characters"),
            format!("write a short name, such as `{field}: review/security`"),
        );
        return;
    }
    let (Some(given), Some(expected)) = (given, expected) else { return };
    if given != expected {
        let at = fields.place(field);
        fields.complain(
            at,
            format!("{field} is `{given}`, but a definition at this place is called `{expected}`"),
            format!("write `{field}: {expected}`, or move the file to {}", kind.place(given)),
        );
    }
}
