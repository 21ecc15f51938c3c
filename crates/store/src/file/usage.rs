//! What the state directory takes on the disk, run by run. Looks at names and sizes only, follows no link, and takes what
//! vanishes meanwhile for gone. Must not open what it counts, nor change anything.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use agent_runner_model::RunId;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use crate::bucket;
use crate::error::StoreError;
use crate::space::{Accounts, Loose, LooseKind, RunSpace, Space, SpaceQuery};

use super::blobs::SEAL_FROM;
use super::layout::{DELETED, EVENTS, Layout, MANIFEST};

/// Deepest directory that is looked into; what is deeper is named as not read.
const DEEPEST: usize = 64;
/// Threads that count at most: the disk's answers come from memory, mostly.
const THREADS: usize = 4;
const ATTEMPTS: &str = "attempts";
const ATTACHMENTS: &str = "attachments";
const WORKTREES: &str = "worktrees";
/// What logs of attempts end with, before they are compressed.
const LOGS: [&str; 3] = [".events.jsonl", ".stderr.log", ".stdout.log"];

pub(crate) fn survey(layout: &Layout, query: &SpaceQuery) -> Result<Accounts, StoreError> {
    let mut accounts = Accounts::default();
    let mut places = Vec::new();
    for bucket in wanted_buckets(layout, query)? {
        for (name, is_dir) in names(&bucket, &mut accounts.unread) {
            let path = bucket.join(&name);
            match name.strip_prefix(DELETED) {
                Some(id) => accounts.loose.push(loose(LooseKind::Deletion, path, RunId::parse(id).ok())),
                None if name.starts_with('.') || !is_dir => {
                    accounts.loose.push(loose(LooseKind::Other, path, None));
                }
                None if is_wanted(query, &name) => places.push((bucket.clone(), name)),
                None => {}
            }
        }
    }
    accounts.runs = count_all(&places);
    if query.worktrees {
        add_worktrees(layout, query, &mut accounts);
    }
    if query.repo.is_none() && query.runs.is_none() {
        add_rest(layout, &mut accounts);
    }
    accounts.loose.retain(|loose| loose.space != Space::default());
    Ok(accounts)
}

fn wanted_buckets(layout: &Layout, query: &SpaceQuery) -> Result<Vec<PathBuf>, StoreError> {
    match &query.repo {
        Some(repo) if bucket::check(repo).is_err() => Ok(Vec::new()),
        Some(repo) => Ok(vec![layout.bucket(repo)]),
        None => layout.buckets(),
    }
}

fn is_wanted(query: &SpaceQuery, name: &str) -> bool {
    query.runs.as_ref().is_none_or(|runs| runs.contains(name))
}

fn loose(kind: LooseKind, path: PathBuf, run_id: Option<RunId>) -> Loose {
    let space = space_of(&path);
    Loose { kind, path, run_id, space }
}

/// What is in a directory, and whether it is a directory itself. A directory that cannot be read is named.
fn names(dir: &Path, unread: &mut Vec<PathBuf>) -> Vec<(String, bool)> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            if !super::layout::is_absent(&error) {
                unread.push(dir.to_path_buf());
            }
            return Vec::new();
        }
    };
    let named = |entry: fs::DirEntry| {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        (entry.file_name().to_string_lossy().into_owned(), is_dir)
    };
    entries.filter_map(Result::ok).map(named).collect()
}

/// Counts many places, by several threads: most of it is waiting for the system.
fn count_all(places: &[(PathBuf, String)]) -> Vec<RunSpace> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut counted = Vec::new();
        while let Some((bucket, name)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            counted.extend(count_run(bucket, name));
        }
        counted
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(places.len() / 64);
    let mut counted = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut counted = work();
        for other in others {
            counted.extend(other.join().unwrap_or_default());
        }
        counted
    });
    counted.sort_by(|left, right| (&left.repo, &left.name).cmp(&(&right.repo, &right.name)));
    counted
}

/// What a run takes; nothing if it is gone.
fn count_run(bucket: &Path, name: &str) -> Option<RunSpace> {
    let location = bucket.join(name);
    let repo = bucket.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut run = RunSpace { repo, name: name.to_owned(), location: location.clone(), ..RunSpace::default() };
    let found = statat(CWD, &location, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    run.other = space(&found);
    let mut walk = Walk::new(&found);
    if let Some(mut dir) = walk.enter(CWD, location.as_os_str(), &location) {
        for (name, kind) in entries(&mut dir) {
            let taken = walk.one(&dir, &name, kind, &location, 1);
            match name.to_str().unwrap_or_default() {
                MANIFEST => run.manifest += taken,
                EVENTS => run.history += taken,
                ATTACHMENTS => run.attachments += taken,
                ATTEMPTS => run.attempts += taken,
                _ => run.other += taken,
            }
        }
    }
    run.unsealed = walk.unsealed;
    run.unsealed.sort();
    run.unread = walk.unread;
    Some(run)
}

const LOOK: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// A walk through one tree.
struct Walk {
    device: u64,
    /// Files with several names that were counted.
    linked: HashSet<u64>,
    /// Logs of attempts that are not compressed, though it would be worth it.
    unsealed: Vec<String>,
    unread: Vec<PathBuf>,
}

impl Walk {
    fn new(top: &Stat) -> Self {
        Self { device: top.st_dev, linked: HashSet::new(), unsealed: Vec::new(), unread: Vec::new() }
    }

    /// A directory, opened; nothing if it is none, is gone, or may not be read.
    fn enter(&mut self, above: BorrowedFd<'_>, name: &OsStr, path: &Path) -> Option<Dir> {
        match openat(above, name, LOOK, Mode::empty()).and_then(Dir::new) {
            Ok(dir) => Some(dir),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
            Err(_) => {
                self.unread.push(path.to_path_buf());
                None
            }
        }
    }

    /// What something takes, with all that is below it.
    fn one(&mut self, dir: &Dir, name: &OsStr, kind: FileType, above: &Path, depth: usize) -> Space {
        let Ok(fd) = dir.fd() else { return Space::default() };
        let Ok(stat) = statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) else { return Space::default() };
        let kind = if kind == FileType::Unknown { FileType::from_raw_mode(stat.st_mode) } else { kind };
        let is_dir = kind == FileType::Directory;
        // What somebody mounted there is not in this directory; and a file that has two names is there once.
        let is_elsewhere = stat.st_dev != self.device;
        if is_elsewhere || (!is_dir && stat.st_nlink > 1 && !self.linked.insert(stat.st_ino)) {
            return Space::default();
        }
        let taken = space(&stat);
        if is_dir {
            return taken + self.below(fd, name, above, depth);
        }
        if depth == 2 && kind == FileType::RegularFile && length(&stat) > SEAL_FROM {
            self.note_log(name, above);
        }
        taken
    }

    fn below(&mut self, above: BorrowedFd<'_>, name: &OsStr, path: &Path, depth: usize) -> Space {
        let path = path.join(name);
        if depth > DEEPEST {
            self.unread.push(path);
            return Space::default();
        }
        let Some(mut dir) = self.enter(above, name, &path) else { return Space::default() };
        let found = entries(&mut dir);
        found.into_iter().map(|(name, kind)| self.one(&dir, &name, kind, &path, depth + 1)).sum()
    }

    fn note_log(&mut self, name: &OsStr, above: &Path) {
        let is_of_attempt = above.file_name().is_some_and(|folder| folder == ATTEMPTS);
        let name = name.to_str().filter(|name| LOGS.iter().any(|end| name.ends_with(end)));
        if let Some(name) = name.filter(|_| is_of_attempt) {
            self.unsealed.push(format!("{ATTEMPTS}/{name}"));
        }
    }
}

/// What is in a directory, as far as it can be read.
fn entries(dir: &mut Dir) -> Vec<(OsString, FileType)> {
    let found = dir.filter_map(Result::ok);
    let named =
        found.map(|entry| (OsStr::from_bytes(entry.file_name().to_bytes()).to_owned(), entry.file_type()));
    named.filter(|(name, _)| name != "." && name != "..").collect()
}

/// What a file or a whole tree takes; nothing if there is none.
pub(crate) fn space_of(path: &Path) -> Space {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Space::default() };
    let Ok(above) = openat(CWD, parent, LOOK & !OFlags::NOFOLLOW, Mode::empty()).and_then(Dir::new) else {
        return Space::default();
    };
    let stat =
        above.fd().map_err(|_| Errno::NOENT).and_then(|fd| statat(fd, name, AtFlags::SYMLINK_NOFOLLOW));
    let Ok(stat) = stat else { return Space::default() };
    Walk::new(&stat).one(&above, name, FileType::Unknown, parent, 1)
}

fn space(stat: &Stat) -> Space {
    let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
    Space { allocated: blocks.saturating_mul(512), apparent: length(stat) }
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Worktrees lie beside the runs they are of, in buckets of the same names.
fn add_worktrees(layout: &Layout, query: &SpaceQuery, accounts: &mut Accounts) {
    let below = layout.state_dir().join(WORKTREES);
    for (repo, _) in names(&below, &mut accounts.unread) {
        if query.repo.as_ref().is_some_and(|wanted| *wanted != repo) {
            continue;
        }
        for (name, _) in names(&below.join(&repo), &mut accounts.unread) {
            let path = below.join(&repo).join(&name);
            let found = accounts.runs.binary_search_by(|run| (&run.repo, &run.name).cmp(&(&repo, &name)));
            match found.ok().and_then(|at| accounts.runs.get_mut(at)) {
                Some(run) => run.worktree = space_of(&path),
                None if query.runs.is_some() => {}
                None => accounts.loose.push(loose(LooseKind::Worktree, path, RunId::parse(&name).ok())),
            }
        }
    }
}

/// What is beside the runs.
fn add_rest(layout: &Layout, accounts: &mut Accounts) {
    for (name, _) in names(layout.state_dir(), &mut accounts.unread) {
        let kind = match name.as_str() {
            "runs" | WORKTREES => continue,
            "workspaces" => LooseKind::Locks,
            "changed-runs" | "changed-runs.1" => LooseKind::Changes,
            _ => LooseKind::Other,
        };
        accounts.loose.push(loose(kind, layout.state_dir().join(name), None));
    }
    for lock in [layout.create_lock(), layout.graph_lock()] {
        accounts.loose.push(loose(LooseKind::Locks, lock, None));
    }
}
