//! What the repository around a run's directory has checked out, read from git's files by hand: a look costs
//! microseconds and starts nothing. Must not write, and must never fail a run: whatever looks odd is not told.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use agent_runner_model::manifest::GitHead;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Longest file that names a place, a branch or a commit, in bytes.
const SHORT: u64 = 8 * 1024;
/// Longest list of packed branches that is searched, in bytes: a hundred thousand of them.
const PACKED: u64 = 16 * 1024 * 1024;
/// How many names may stand for one another.
const MAX_LINKS: usize = 5;
/// What stands before the name of a branch.
const BRANCHES: &str = "refs/heads/";
/// Names that each work tree has for itself.
const OWN_NAMES: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The top of the work tree.
    pub(crate) work_tree: PathBuf,
    /// Where this work tree's own files are: what is checked out, the index.
    pub(crate) git_dir: PathBuf,
    /// Where everything is that all its work trees share.
    pub(crate) common_dir: PathBuf,
}

/// Something that this module does not read: another layout, a file that is too large, a link, no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Odd;

/// What a directory is to whoever looks for a repository.
enum Place {
    Top(Repository),
    /// No repository begins here.
    Nothing,
    /// Git itself would look no further up.
    End,
}

/// What the repository around a directory has checked out; nothing outside a repository with a work tree, and where it
/// cannot be told.
pub(crate) fn git_head(cwd: &Path) -> Option<GitHead> {
    find(cwd).and_then(|repository| repository.head())
}

/// The repository around a directory, on the same file system.
pub(crate) fn find(cwd: &Path) -> Option<Repository> {
    let start = fs::canonicalize(cwd).ok()?;
    let device = fs::metadata(&start).ok()?.dev();
    for dir in start.ancestors() {
        if fs::metadata(dir).ok()?.dev() != device {
            return None;
        }
        match look(dir) {
            Ok(Place::Top(repository)) => return Some(repository),
            Ok(Place::Nothing) => {}
            Ok(Place::End) | Err(Odd) => return None,
        }
    }
    None
}

/// A repository that has no work tree of its own, by its directory.
pub(crate) fn bare(dir: &Path) -> Option<Repository> {
    let dir = fs::canonicalize(dir).ok()?;
    let repository = || Repository { work_tree: dir.clone(), git_dir: dir.clone(), common_dir: dir.clone() };
    is_git_dir(&dir, &dir).then(repository)
}

fn look(dir: &Path) -> Result<Place, Odd> {
    let dot_git = dir.join(".git");
    let Ok(found) = fs::metadata(&dot_git) else {
        return Ok(if is_git_dir(dir, dir) { Place::End } else { Place::Nothing });
    };
    if found.is_dir() {
        let common_dir = common(&dot_git)?;
        // Git goes on with the directory above when this one only has the name.
        if !is_git_dir(&dot_git, &common_dir) {
            return Ok(Place::Nothing);
        }
        return Ok(Place::Top(Repository { work_tree: dir.to_path_buf(), git_dir: dot_git, common_dir }));
    }
    let text = short(&dot_git)?.ok_or(Odd)?;
    let target = text.strip_prefix(b"gitdir:").ok_or(Odd)?.trim_ascii();
    let git_dir = resolved(dir, target)?;
    let common_dir = common(&git_dir)?;
    if !is_git_dir(&git_dir, &common_dir) {
        return Err(Odd);
    }
    Ok(Place::Top(Repository { work_tree: dir.to_path_buf(), git_dir, common_dir }))
}

fn is_git_dir(git_dir: &Path, common_dir: &Path) -> bool {
    git_dir.join("HEAD").is_file() && common_dir.join("objects").is_dir() && common_dir.join("refs").is_dir()
}

fn common(git_dir: &Path) -> Result<PathBuf, Odd> {
    match short(&git_dir.join("commondir"))? {
        Some(text) => resolved(git_dir, text.trim_ascii()),
        None => Ok(git_dir.to_path_buf()),
    }
}

fn resolved(base: &Path, target: &[u8]) -> Result<PathBuf, Odd> {
    if target.is_empty() {
        return Err(Odd);
    }
    fs::canonicalize(base.join(OsStr::from_bytes(target))).map_err(|_| Odd)
}

impl Repository {
    /// What is checked out.
    pub(crate) fn head(&self) -> Option<GitHead> {
        self.read_head().ok()
    }

    /// The commit that a branch stands for, by its short name or its full one; nothing if there is none.
    pub(crate) fn named(&self, name: &str) -> Option<String> {
        let full = [name.to_owned(), format!("{BRANCHES}{name}"), format!("refs/remotes/{name}")];
        let mut known = full.into_iter().filter(|name| name.starts_with("refs/") && is_plain_name(name));
        known.find_map(|name| self.commit_of(name).ok().flatten())
    }

    fn read_head(&self) -> Result<GitHead, Odd> {
        let text = short(&self.git_dir.join("HEAD"))?.ok_or(Odd)?;
        match Pointer::parse(&text)? {
            Pointer::Commit(commit) => Ok(GitHead { commit: Some(commit), branch: None }),
            Pointer::Name(name) => {
                let branch = name.strip_prefix(BRANCHES).map(str::to_owned);
                Ok(GitHead { commit: self.commit_of(name)?, branch })
            }
        }
    }

    /// The commit a name stands for; nothing if there is no such name yet.
    fn commit_of(&self, name: String) -> Result<Option<String>, Odd> {
        let mut name = name;
        for _ in 0..MAX_LINKS {
            let own = OWN_NAMES.iter().any(|prefix| name.starts_with(prefix));
            let dir = if own { &self.git_dir } else { &self.common_dir };
            // Packing writes the list before it takes the file away, so this order misses nothing.
            let Some(text) = short(&dir.join(&name))? else { return self.packed(&name) };
            match Pointer::parse(&text)? {
                Pointer::Commit(commit) => return Ok(Some(commit)),
                Pointer::Name(next) => name = next,
            }
        }
        Err(Odd)
    }

    fn packed(&self, name: &str) -> Result<Option<String>, Odd> {
        let Some((file, length)) = open(&self.common_dir.join("packed-refs"))? else { return Ok(None) };
        if length > PACKED {
            return Err(Odd);
        }
        let mut lines = BufReader::with_capacity(64 * 1024, file.take(PACKED));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|_| Odd)? > 0 {
            if let Some(commit) = line.trim_ascii_end().strip_suffix(name.as_bytes())
                && let Some(commit) = commit.strip_suffix(b" ")
            {
                return commit_text(commit).map(Some);
            }
            line.clear();
        }
        Ok(None)
    }
}

/// What a file of a branch, or `HEAD`, says.
enum Pointer {
    Commit(String),
    Name(String),
}

impl Pointer {
    fn parse(text: &[u8]) -> Result<Self, Odd> {
        let text = text.trim_ascii_end();
        match text.strip_prefix(b"ref:") {
            Some(name) => {
                let name = std::str::from_utf8(name.trim_ascii()).map_err(|_| Odd)?;
                if is_plain_name(name) { Ok(Self::Name(name.to_owned())) } else { Err(Odd) }
            }
            None => commit_text(text).map(Self::Commit),
        }
    }
}

fn commit_text(bytes: &[u8]) -> Result<String, Odd> {
    let is_hash = matches!(bytes.len(), 40 | 64) && bytes.iter().all(u8::is_ascii_hexdigit);
    if is_hash { Ok(String::from_utf8_lossy(bytes).to_ascii_lowercase()) } else { Err(Odd) }
}

/// Whether git itself would have made the name. What leads elsewhere on the disk is none; nor is the place-holder in
/// repositories that keep their branches in a table.
fn is_plain_name(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    };
    name.starts_with("refs/")
        && name.split('/').all(is_part)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(is_odd)
}

/// The whole of a plain file that is not longer than that.
pub(crate) fn contents(path: &Path, limit: u64) -> Option<Vec<u8>> {
    read(path, limit).ok().flatten()
}

fn short(path: &Path) -> Result<Option<Vec<u8>>, Odd> {
    read(path, SHORT)
}

/// The whole of a file; nothing if it is not there.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Odd> {
    let Some((file, _)) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|_| Odd)?;
    if bytes.len() as u64 > limit { Err(Odd) } else { Ok(Some(bytes)) }
}

/// A plain file and its length. Opening must not wait for anybody, as opening a pipe would.
fn open(path: &Path) -> Result<Option<(File, u64)>, Odd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(_) => return Err(Odd),
    };
    let found = file.metadata().map_err(|_| Odd)?;
    // A directory stands where a branch is that has no file of its own and others below it.
    match (found.is_file(), found.is_dir()) {
        (true, _) => Ok(Some((file, found.len()))),
        (false, true) => Ok(None),
        (false, false) => Err(Odd),
    }
}
