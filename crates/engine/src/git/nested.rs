//! Repositories inside a work tree, wherever they are: git itself does not look into what it ignores, and takes no notice
//! of one that was made around files it knows. Must not enter one, follow a link or change anything.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::command::GitError;
use super::real::Real;
use super::trouble::{WorktreeError, failed};

/// The name by which a repository is recognised, whatever is behind it.
const DOT_GIT: &str = ".git";
/// Where git keeps the repositories of submodules, also of those whose files are not checked out.
const MODULES: &str = "modules";

/// The repositories inside a work tree.
pub(super) struct Nested {
    /// Where they begin, below the top, in bytes.
    places: BTreeSet<Vec<u8>>,
    /// Repositories of submodules that are in the work tree's own part of the repository, and go with it.
    modules: Vec<PathBuf>,
}

impl Nested {
    /// Looks everywhere.
    pub(super) async fn find(real: &Real<'_>) -> Result<Self, WorktreeError> {
        let (top, until) = (real.repository.work_tree.clone(), real.tools.until);
        let walked = tokio::task::spawn_blocking(move || walk(&top, until)).await;
        let stopped = |error: tokio::task::JoinError| {
            failed("looking through", &real.repository.work_tree)(io::Error::other(error))
        };
        let places = walked.map_err(stopped)??;
        let modules = if real.is_linked() { modules(&real.repository.git_dir)? } else { Vec::new() };
        Ok(Self { places, modules })
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        let places = self.places.iter().map(|place| format!("{}/", String::from_utf8_lossy(place)));
        let modules = self.modules.iter().map(|path| format!("{}/", path.display()));
        places.chain(modules).collect()
    }

    /// The one that a path is inside of.
    pub(super) fn around(&self, path: &[u8]) -> Option<&[u8]> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        slashes.filter_map(|end| self.places.get(path.get(..end)?)).map(Vec::as_slice).next()
    }

    /// One that would have to go for a file to be at a path.
    pub(super) fn at_or_below(&self, path: &[u8]) -> Option<&[u8]> {
        let below = [path, b"/"].concat();
        let next = self.places.range(below.clone()..).next().filter(|next| next.starts_with(&below));
        self.places.get(path).or(next).map(Vec::as_slice)
    }
}

fn walk(top: &Path, until: Instant) -> Result<BTreeSet<Vec<u8>>, WorktreeError> {
    let mut found = BTreeSet::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        if Instant::now() > until {
            return Err(GitError::Late.into());
        }
        let dir = top.join(&below);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            // Somebody has taken it away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed("looking into", &dir)(error)),
        };
        let mut inside = Vec::new();
        let mut is_repository = false;
        for entry in entries {
            let entry = entry.map_err(failed("looking into", &dir))?;
            if entry.file_name() == DOT_GIT {
                is_repository = true;
            } else if entry.file_type().map_err(failed("looking at", &entry.path()))?.is_dir() {
                inside.push(below.join(entry.file_name()));
            }
        }
        if is_repository && !below.as_os_str().is_empty() {
            found.insert(below.as_os_str().as_bytes().to_vec());
        } else {
            left.append(&mut inside);
        }
    }
    Ok(found)
}

fn modules(git_dir: &Path) -> Result<Vec<PathBuf>, WorktreeError> {
    let dir = git_dir.join(MODULES);
    match fs::read_dir(&dir) {
        Ok(entries) => {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<Result<_, _>>().map_err(failed("looking into", &dir))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("looking into", &dir)(error)),
    }
}
