//! Walks a directory for Markdown files: every directory once, within bounds, and with a word about everything it
//! passes by. Must not read the files it finds.

use std::collections::HashSet;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::DefinitionError;

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 24;
/// Most directory entries that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// Why something in a directory was passed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// A Markdown file that is no definition, going by its name and place.
    NoDefinition,
    /// The name starts with a dot.
    Hidden,
    /// A folder that some tool fills: `node_modules`, or one with a `CACHEDIR.TAG`.
    Generated,
    /// A link to a directory that is looked at anyway, or in a circle.
    SeenAlready,
    /// Further down than anything is looked for.
    TooDeep,
    /// The name is not UTF-8, so no definition can have it.
    OddName,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDefinition => {
                f.write_str("not called agent.md or assignment.md, and in no folder called tasks")
            }
            Self::Hidden => f.write_str("hidden"),
            Self::Generated => f.write_str("a folder of generated files"),
            Self::SeenAlready => f.write_str("a link to a directory that is looked at anyway"),
            Self::TooDeep => write!(f, "more than {MAX_DEPTH} folders deep"),
            Self::OddName => f.write_str("its name is not UTF-8"),
        }
    }
}

/// Something in a directory that was passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why it was passed by.
    pub reason: SkipReason,
}

/// What is below a directory.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The Markdown files, by their paths below the root with `/` between the parts, in order.
    pub places: Vec<String>,
    /// What was passed by.
    pub skipped: Vec<Skipped>,
    /// What could not be looked into, so that the rest is not all there is.
    pub problems: Vec<DefinitionError>,
}

/// A directory that is still to be looked into: its place below the root, and how deep that is.
struct Open {
    place: String,
    depth: usize,
}

struct Walk<'a> {
    root: &'a Path,
    endings: &'a [&'a str],
    /// Device and number of every directory that was looked into.
    seen: HashSet<(u64, u64)>,
    open: Vec<Open>,
    /// Links to directories: looked into last, so that what is really there is found at its real place.
    links: Vec<Open>,
    left: usize,
    tree: Tree,
}

impl Tree {
    /// Everything below a directory; nothing when it is not there.
    pub(crate) fn walk(root: &Path) -> Self {
        Self::walk_for(&[".md"], root)
    }

    /// The same for files whose names end in one of these.
    pub(crate) fn walk_for(endings: &[&str], root: &Path) -> Self {
        let mut walk = Walk {
            root,
            endings,
            seen: HashSet::new(),
            open: vec![Open { place: String::new(), depth: 0 }],
            links: Vec::new(),
            left: MAX_ENTRIES,
            tree: Self::default(),
        };
        while let Some(next) = walk.open.pop().or_else(|| walk.links.pop()) {
            if walk.left > 0 {
                walk.look_into(&next);
            }
        }
        if walk.left == 0 {
            walk.problem(
                root.to_owned(),
                io::Error::other(format!(
                    "it holds more than {MAX_ENTRIES} files and folders; the rest was not looked at"
                )),
            );
        }
        walk.tree.places.sort();
        walk.tree.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        walk.tree
    }
}

impl Walk<'_> {
    fn look_into(&mut self, directory: &Open) {
        let path = self.path(&directory.place);
        let is_new = |about: Metadata| self.seen.insert((about.dev(), about.ino()));
        let entries = match std::fs::metadata(&path).map(is_new) {
            Ok(true) => std::fs::read_dir(&path),
            Ok(false) => return self.skip(path, SkipReason::SeenAlready),
            Err(error) => Err(error),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.depth == 0 => return,
            Err(error) => return self.problem(path, error),
        };
        for entry in entries {
            self.left = self.left.saturating_sub(1);
            match entry {
                _ if self.left == 0 => return,
                Ok(entry) => self.entry(directory, &entry),
                Err(error) => return self.problem(path, error),
            }
        }
    }

    fn entry(&mut self, directory: &Open, entry: &std::fs::DirEntry) {
        let Ok(name) = entry.file_name().into_string() else {
            return self.skip(entry.path(), SkipReason::OddName);
        };
        if name.starts_with('.') {
            return self.skip(entry.path(), SkipReason::Hidden);
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir()) || (is_link && entry.path().is_dir());
        let place =
            if directory.place.is_empty() { name.clone() } else { format!("{}/{name}", directory.place) };
        if !is_dir {
            if self.endings.iter().any(|ending| place.ends_with(ending)) {
                self.tree.places.push(place);
            }
            return;
        }
        if is_generated(&name, &entry.path()) {
            return self.skip(entry.path(), SkipReason::Generated);
        }
        if directory.depth == MAX_DEPTH {
            return self.skip(entry.path(), SkipReason::TooDeep);
        }
        let next = Open { place, depth: directory.depth + 1 };
        if is_link { self.links.push(next) } else { self.open.push(next) }
    }

    fn path(&self, place: &str) -> PathBuf {
        if place.is_empty() { self.root.to_owned() } else { self.root.join(place) }
    }

    fn skip(&mut self, path: PathBuf, reason: SkipReason) {
        self.tree.skipped.push(Skipped { path, reason });
    }

    fn problem(&mut self, path: PathBuf, source: io::Error) {
        self.tree.problems.push(DefinitionError::Read { path, source });
    }
}

/// Build tools mark their folders; the package managers that do not all use one name.
fn is_generated(name: &str, path: &Path) -> bool {
    name == "node_modules" || path.join("CACHEDIR.TAG").is_file()
}
