//! Which time it is where: the zone that the environment names, or the one this machine is set to. No database of zones
//! is carried along; where the system has none, and where something cannot be understood, it is UTC.

use std::path::{Path, PathBuf};

use super::posix::Rule;
use super::tzif::Table;

/// The file of the zone this machine is set to.
const OF_THIS_MACHINE: &str = "/etc/localtime";
/// Where the system keeps its zones, if it does.
const OF_THE_SYSTEM: &str = "/usr/share/zoneinfo";

/// How far local time is ahead of UTC, and when that changes.
#[derive(Debug, Default)]
pub(crate) enum Zone {
    #[default]
    Utc,
    /// By a rule that is the same every year.
    Rule(Rule),
    /// By a table of changes.
    Table(Table),
}

impl Zone {
    /// The zone that the variable `TZ` names, or without it the machine's own. `read` gives the content of a file.
    pub(crate) fn find(tz: Option<&str>, read: impl Fn(&Path) -> Option<Vec<u8>>) -> Self {
        let table = |path: &Path| read(path).and_then(|bytes| Table::parse(&bytes)).map(Self::Table);
        let Some(name) = tz else {
            return table(Path::new(OF_THIS_MACHINE)).unwrap_or_default();
        };
        // A colon says that a file is meant; many leave it out.
        let path = name.strip_prefix(':').unwrap_or(name);
        let file: PathBuf = Path::new(OF_THE_SYSTEM).join(path);
        let inside = !Path::new(path).components().any(|part| part == std::path::Component::ParentDir);
        let named = if inside { table(&file) } else { None };
        named.or_else(|| Rule::parse(name).map(Self::Rule)).unwrap_or_default()
    }

    /// Seconds ahead of UTC at a moment, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn offset_at(&self, seconds: i64) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Rule(rule) => rule.offset_at(seconds),
            Self::Table(table) => table.offset_at(seconds),
        }
    }
}
