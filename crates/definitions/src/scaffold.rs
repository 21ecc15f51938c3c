//! New definitions: short, commented, valid as they stand, with a reference to the schema beside them; from nothing or
//! from a definition there is. Must not write to the disk.

mod copy;
mod templates;

use crate::diagnostic::DefinitionError;
use crate::library::Library;
use crate::scalars::scalar;
use crate::source::{Kind, Source};
use crate::{bundled, names};

/// What a new definition is to be.
#[derive(Debug, Clone, Copy)]
pub struct Scaffold<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its name; a task's id.
    pub name: &'a str,
    /// An agent's backend; for a copy the original's without one.
    pub backend: Option<&'a str>,
    /// The definition to start from, by name or path.
    pub from: Option<&'a str>,
    /// The backends there are, for the comment that lists them.
    pub backends: &'a [&'a str],
}

/// The backend of a new agent when none is named.
const BACKEND: &str = "claude";

impl Library {
    /// The text of a new definition. Errors say why there cannot be one of that name, or from that original.
    pub fn scaffold(&self, wanted: Scaffold<'_>) -> Result<String, DefinitionError> {
        let Scaffold { kind, name, backend, from, backends } = wanted;
        names::check_new_name(kind, name).map_err(|reason| DefinitionError::NewName {
            kind,
            name: name.to_owned(),
            reason,
        })?;
        if let Some(from) = from {
            return copy::copy(self, kind, name, from, backend);
        }
        Ok(match kind {
            Kind::Agent => templates::agent(name, backend.unwrap_or(BACKEND), backends),
            Kind::Assignment => templates::assignment(name),
            Kind::Task => templates::task(name),
        })
    }
}

/// What comes with the program under that name, and is hidden by a definition in the configuration directory.
pub fn bundled_source(kind: Kind, name: &str) -> Option<Source> {
    bundled::find(&kind.place(name)).map(|(place, _)| Source::Bundled(place))
}

/// Where below a library's root the schema of that kind lies.
pub fn schema_place(kind: Kind) -> String {
    format!("schemas/{}.schema.json", kind.as_str())
}

/// The comment by which editors find the schema.
fn schema_line(kind: Kind, name: &str) -> String {
    let folders = kind.place(name).matches('/').count();
    format!("{MODELINE} $schema={}{}", "../".repeat(folders), schema_place(kind))
}

const MODELINE: &str = "# yaml-language-server:";
