//! Where a definition came from and which kinds of definition there are. Must not read files.

use std::fmt;
use std::path::PathBuf;

/// Where the text of a definition was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that was named by its path.
    Path(PathBuf),
    /// A file at its place below the configuration directory.
    Config(PathBuf),
    /// Compiled into the program; the place below the library's root, such as `agents/test/agent.md`.
    Bundled(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) | Self::Config(path) => write!(f, "{}", path.display()),
            Self::Bundled(place) => write!(f, "bundled:{place}"),
        }
    }
}

/// A kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Who works: backend, limits and role instructions.
    Agent,
    /// What there is to do: a task list and work instructions.
    Assignment,
    /// One task that several assignments can list.
    Task,
}

impl Kind {
    /// Every kind, in the order they are documented.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Assignment, Self::Task];

    /// The kind in a sentence: `agent`, `assignment` or `task`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Assignment => "assignment",
            Self::Task => "task",
        }
    }

    /// The folder below a library's root that holds this kind.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Agent => "agents",
            Self::Assignment => "assignments",
            Self::Task => "tasks",
        }
    }

    /// The file name of a definition that has a folder of its own; tasks have none.
    pub(crate) fn file_name(self) -> Option<&'static str> {
        match self {
            Self::Agent => Some("agent.md"),
            Self::Assignment => Some("assignment.md"),
            Self::Task => None,
        }
    }

    /// Where a definition with that name lies below a library's root.
    pub fn place(self, name: &str) -> String {
        match self.file_name() {
            Some(file) => format!("{}/{name}/{file}", self.folder()),
            None => format!("{}/{name}.md", self.folder()),
        }
    }

    /// The name of the definition at that place below a library's root, if it is a place of this kind.
    pub(crate) fn name_of_place(self, place: &str) -> Option<&str> {
        let inside = place.strip_prefix(self.folder())?.strip_prefix('/')?;
        let name = match self.file_name() {
            Some(file) => inside.strip_suffix(file)?.strip_suffix('/')?,
            None => inside.strip_suffix(".md")?,
        };
        (!name.is_empty()).then_some(name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
