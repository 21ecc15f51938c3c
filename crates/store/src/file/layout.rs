//! What lies where in the state directory, and which run a name or a path means. Must not open what it finds.

use std::fs;
use std::io;
use std::os::unix::fs::DirEntryExt as _;
use std::path::{Path, PathBuf};

use agent_runner_model::RunId;

use crate::error::StoreError;
use crate::similar::similar;

pub(crate) const MANIFEST: &str = "run.json";
pub(crate) const MANIFEST_TMP: &str = "run.json.tmp";
pub(crate) const EVENTS: &str = "run-events.jsonl";
pub(crate) const QUARANTINE: &str = "run-events.quarantine.jsonl";
pub(crate) const RUN_LOCK: &str = "run.lock";
pub(crate) const OWNER_LOCK: &str = "owner.lock";
/// The agent a run was made from, as it was authored.
pub const AGENT_SEED: &str = "agent-seed.md";
/// The assignment a run was made from, as it was authored.
pub const ASSIGNMENT_SEED: &str = "assignment-seed.md";
pub(crate) const RESERVE: &str = "reserve";
pub(crate) const DRIVER_LOG: &str = "driver.log";
pub(crate) const CREATE_LOCK: &str = ".create.lock";
pub(crate) const GRAPH_LOCK: &str = ".graph.lock";
/// Directories that are being deleted begin so; no run id does.
pub(crate) const DELETED: &str = ".deleted-";
/// Directories of runs that are on their way here begin so.
pub(crate) const ARRIVING: &str = ".arriving-";

/// How many ids are named where one is not found.
const MOST_SIMILAR: usize = 3;

/// The state directory's layout.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    state_dir: PathBuf,
    runs: PathBuf,
}

impl Layout {
    pub(crate) fn new(state_dir: PathBuf) -> Self {
        let runs = state_dir.join("runs");
        Self { state_dir, runs }
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    pub(crate) fn runs(&self) -> &Path {
        &self.runs
    }

    pub(crate) fn create_lock(&self) -> PathBuf {
        self.runs.join(CREATE_LOCK)
    }

    /// The lock of whoever changes what runs have to do with one another.
    pub(crate) fn graph_lock(&self) -> PathBuf {
        self.runs.join(GRAPH_LOCK)
    }

    /// Where those who work in directories have their locks.
    pub(crate) fn workspaces(&self) -> PathBuf {
        self.state_dir.join("workspaces")
    }

    pub(crate) fn bucket(&self, repo: &str) -> PathBuf {
        self.runs.join(repo)
    }

    /// The directories that may hold runs; none before the first run.
    pub(crate) fn buckets(&self) -> Result<Vec<PathBuf>, StoreError> {
        children(&self.runs, |name| name != CREATE_LOCK && name != GRAPH_LOCK).map(paths)
    }

    /// The directory of a run that exists.
    pub(crate) fn find(&self, id: &RunId) -> Result<PathBuf, StoreError> {
        let mut found = Vec::new();
        for bucket in self.buckets()? {
            let dir = bucket.join(id.as_str());
            // A directory without a manifest was left by somebody killed while creating; it is not a run.
            let manifest = dir.join(MANIFEST);
            match fs::symlink_metadata(&manifest) {
                Ok(_) => found.push(dir),
                Err(error) if is_absent(&error) => {}
                Err(source) => return Err(StoreError::Read { path: manifest, source }),
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(dir), true) => Ok(dir),
            (None, _) => Err(self.not_found(id)),
            (Some(dir), false) => {
                found.push(dir);
                found.sort();
                Err(StoreError::Ambiguous { id: id.clone(), paths: found })
            }
        }
    }

    /// What is left of a run whose deletion was not finished.
    pub(crate) fn remains(&self, id: &RunId) -> Result<Vec<PathBuf>, StoreError> {
        let places = self.buckets()?.into_iter().map(|bucket| bucket.join(format!("{DELETED}{id}")));
        Ok(places.filter(|path| fs::symlink_metadata(path).is_ok()).collect())
    }

    /// The directory that bears an id, be it a run or not.
    pub(crate) fn taken(&self, id: &RunId) -> Result<Option<PathBuf>, StoreError> {
        Ok(self.all_taken(id)?.into_iter().next())
    }

    /// All directories that bear an id, be they runs or not.
    pub(crate) fn all_taken(&self, id: &RunId) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = Vec::new();
        for bucket in self.buckets()? {
            let path = bucket.join(id.as_str());
            match fs::symlink_metadata(&path) {
                Ok(_) => found.push(path),
                Err(error) if is_absent(&error) => {}
                Err(source) => return Err(StoreError::Read { path, source }),
            }
        }
        found.sort();
        Ok(found)
    }

    /// The error that says so, with the ids that may have been meant.
    pub(crate) fn not_found(&self, id: &RunId) -> StoreError {
        let buckets = self.buckets().unwrap_or_default();
        let mut known = Vec::new();
        for bucket in &buckets {
            let entries = entries(bucket).unwrap_or_default();
            let names = entries.iter().filter_map(|dir| dir.file_name()?.to_str());
            known.extend(names.filter_map(|name| RunId::parse(name).ok()));
        }
        // Only those that are named are looked at: there may be many.
        let is_run =
            |id: &RunId| buckets.iter().any(|bucket| bucket.join(id.as_str()).join(MANIFEST).exists());
        let similar = similar(id, known).into_iter().filter(is_run).take(MOST_SIMILAR).collect();
        StoreError::NotFound { id: id.clone(), state_dir: self.state_dir.clone(), similar }
    }

    /// The run that a run id, the path of a run directory or the path of a `run.json` means.
    pub(crate) fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        let spelling = match RunId::parse(text) {
            Ok(id) => return self.find(&id).map(|_| id),
            Err(source) => source,
        };
        let Ok(path) = fs::canonicalize(text) else {
            return Err(if text.contains('/') {
                self.outside(Path::new(text))
            } else {
                StoreError::Spelling { text: text.to_owned(), source: spelling }
            });
        };
        let dir = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
        let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
        let runs = fs::canonicalize(&self.runs).ok();
        let inside = dir.parent().and_then(Path::parent) == runs.as_deref() && runs.is_some();
        let id = dir.file_name().and_then(|name| name.to_str()).and_then(|name| RunId::parse(name).ok());
        match id {
            Some(id) if inside && (path.is_dir() || is_manifest) => self.find(&id).map(|_| id),
            Some(_) | None => Err(self.outside(Path::new(text))),
        }
    }

    fn outside(&self, path: &Path) -> StoreError {
        StoreError::Outside { path: path.to_path_buf(), state_dir: self.state_dir.clone() }
    }
}

/// What may be a run in a bucket, whatever is in it.
pub(crate) fn entries(bucket: &Path) -> Result<Vec<PathBuf>, StoreError> {
    children(bucket, |name| !name.starts_with('.')).map(paths)
}

/// The same, and what is left of runs whose deletion was not finished, and of those that are on their way here.
pub(crate) fn entries_and_remains(bucket: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), StoreError> {
    let (dirs, remains) = numbered_and_remains(bucket)?;
    Ok((paths(dirs), remains))
}

/// What is in a bucket, with the numbers the file system has for it.
pub(crate) type Numbered = Vec<(PathBuf, u64)>;

/// The same with numbers, which tell a directory from another one of its name.
pub(crate) fn numbered_and_remains(bucket: &Path) -> Result<(Numbered, Vec<PathBuf>), StoreError> {
    let all = children(bucket, |name| !name.starts_with('.') || is_passing(name))?;
    let is_run = |(path, _): &(PathBuf, u64)| {
        !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    let (runs, remains): (Numbered, Numbered) = all.into_iter().partition(is_run);
    Ok((runs, paths(remains)))
}

/// Whether a directory of that name belongs to a run that goes, or to one that comes.
fn is_passing(name: &str) -> bool {
    let of_run = |name: &str| RunId::parse(name).is_ok();
    let comes = |name: &str| name.split_once('.').is_some_and(|(name, _)| of_run(name));
    name.strip_prefix(DELETED).is_some_and(of_run) || name.strip_prefix(ARRIVING).is_some_and(comes)
}

/// Whether it is one that comes.
pub(crate) fn is_arriving(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(ARRIVING))
}

fn children(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Numbered, StoreError> {
    let fail = |source| StoreError::List { path: dir.to_path_buf(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push((entry.path(), entry.ino()));
        }
    }
    Ok(found)
}

fn paths(found: Numbered) -> Vec<PathBuf> {
    found.into_iter().map(|(path, _)| path).collect()
}

/// Whether an error says that there is nothing of that name.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
