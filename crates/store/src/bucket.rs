//! The bucket of a run: the name of the repository that encloses its working directory. Reads git's files by hand and
//! must never start git.

use std::fs;
use std::path::{Path, PathBuf};

use crate::file::{CREATE_LOCK, GRAPH_LOCK};

/// The bucket of runs outside any repository.
const UNKNOWN: &str = "unknown";
/// Longest bucket name, in bytes.
const MAX: usize = 100;

/// The name of the git repository that encloses a directory, the same for all its work trees: that of the directory of
/// its main work tree, or of a bare repository without `.git`. `unknown` outside any.
pub fn repo_bucket(cwd: &Path) -> String {
    let start = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_path_buf());
    start.ancestors().find_map(repository_name).map_or_else(|| UNKNOWN.to_owned(), |name| sanitised(&name))
}

/// The repository a directory is the top of, if it is one.
fn repository_name(dir: &Path) -> Option<String> {
    let dot_git = dir.join(".git");
    if let Some(git_dir) = linked(&dot_git) {
        return match common_dir(&git_dir) {
            Some(common) => name_of_common(&common),
            // A submodule, or a repository that keeps its files elsewhere: this is its main work tree.
            None if is_git_dir(&git_dir) => name_of(dir),
            None => None,
        };
    }
    if is_git_dir(&dot_git) {
        return name_of(dir);
    }
    if let Some(common) = common_dir(dir) {
        return name_of_common(&common);
    }
    if is_git_dir(dir) { name_of_common(dir) } else { None }
}

/// What a `.git` file points to.
fn linked(dot_git: &Path) -> Option<PathBuf> {
    if !dot_git.is_file() {
        return None;
    }
    let text = short_text(dot_git)?;
    let target = text.strip_prefix("gitdir:")?.trim();
    resolved(dot_git.parent()?, target)
}

/// The directory that the work trees of a repository share, as one of them names it.
fn common_dir(git_dir: &Path) -> Option<PathBuf> {
    if !git_dir.join("HEAD").is_file() {
        return None;
    }
    let text = short_text(&git_dir.join("commondir"))?;
    resolved(git_dir, text.trim())
}

fn resolved(base: &Path, target: &str) -> Option<PathBuf> {
    if target.is_empty() { None } else { fs::canonicalize(base.join(target)).ok() }
}

fn is_git_dir(dir: &Path) -> bool {
    dir.join("HEAD").is_file() && dir.join("objects").is_dir() && dir.join("refs").is_dir()
}

/// `/x/name/.git` and `/x/name/.bare` are called `name`; `/x/name.git` is bare and called `name`.
fn name_of_common(common: &Path) -> Option<String> {
    let own = name_of(common)?;
    if own.starts_with('.') {
        return name_of(common.parent()?);
    }
    Some(own.strip_suffix(".git").unwrap_or(&own).to_owned())
}

fn name_of(dir: &Path) -> Option<String> {
    dir.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn short_text(path: &Path) -> Option<String> {
    let len = fs::metadata(path).ok()?.len();
    if len > 64 * 1024 { None } else { fs::read_to_string(path).ok() }
}

/// The bucket of a repository that has that name elsewhere.
pub fn bucket_named(name: &str) -> String {
    sanitised(name)
}

fn sanitised(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let safe: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).take(MAX).collect();
    // The store's own locks lie beside the buckets.
    let safe = if is_stores_own(&safe) { safe.replacen('.', "_", 1) } else { safe };
    if check(&safe).is_ok() { safe } else { UNKNOWN.to_owned() }
}

fn is_stores_own(name: &str) -> bool {
    name == CREATE_LOCK || name == GRAPH_LOCK
}

/// Whether a text may be the name of a bucket; errors say why not.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        "" => Err("it is empty"),
        _ if name.len() > MAX => Err("it is too long"),
        _ if !name.chars().all(allowed) => Err("only A-Z, a-z, 0-9 and . _ - are allowed"),
        _ if name.chars().all(|c| c == '.') => Err("it is a place, not a name"),
        _ if is_stores_own(name) => Err("what is called so beside the runs is the store's own"),
        _ => Ok(()),
    }
}
