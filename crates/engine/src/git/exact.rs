//! The files of a work tree, byte for byte, in an index of our own. Nothing converts them, no flag of the repository's
//! index hides them, and no repository inside is entered. Must not change the work tree or the repository's index.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use agent_runner_model::manifest::GitHead;
use agent_runner_supervisor::Stdin;

use super::borrowed::Borrowed;
use super::command::{Git, GitError};
use super::compare::carry_settings;
use super::nested::Nested;
use super::quoted::{unquoted, unquoted_bytes};
use super::real::{Real, Tools, first_line};
use super::trouble::{WorktreeError, failed};

/// Most bytes of a list of files.
const FILES_LIMIT: usize = 512 * 1024 * 1024;
/// The mode of a repository inside another one.
const LINK: &[u8] = b"160000";

/// What a repository's index says of a path.
struct Entry {
    /// How git marks it: `H`, `S` for one that is not checked out, `M` for one of a conflict, in small letters if it is
    /// taken for unchanged.
    tag: u8,
    mode: Vec<u8>,
    hash: Vec<u8>,
    /// 0, or which side of a conflict it is.
    stage: u8,
    /// As git prints it.
    path: Vec<u8>,
}

impl Entry {
    /// `tag mode hash stage<tab>path`
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(2, |byte| *byte == b'\t');
        let (head, path) = (parts.next()?, parts.next()?);
        let words: Vec<&[u8]> = head.split(|byte| *byte == b' ').collect();
        let [tag, mode, hash, stage] = words.as_slice() else { return None };
        let (tag, stage) = (*tag.first()?, stage.first()?.checked_sub(b'0')?);
        Some(Self { tag, mode: mode.to_vec(), hash: hash.to_vec(), stage, path: path.to_vec() })
    }

    fn is_link(&self) -> bool {
        self.mode == LINK
    }

    fn is_left_out(&self) -> bool {
        self.tag.eq_ignore_ascii_case(&b's')
    }

    fn line(&self) -> Vec<u8> {
        [&self.mode[..], b" ", &self.hash, b" 0\t", &self.path, b"\n"].concat()
    }
}

/// A place where files are put into an index of our own.
pub(super) struct Desk<'a> {
    pub(super) borrowed: Borrowed,
    tools: Tools<'a>,
    entries: Vec<Entry>,
    /// When the repository's index was written; nothing if there is none.
    written: Option<SystemTime>,
}

/// What is staged.
#[derive(Default)]
pub(super) struct Staged {
    /// As a tree; in a conflict with our side of it.
    pub(super) tree: String,
    /// In a conflict, the other sides as trees: what it began from, and theirs.
    pub(super) sides: Vec<String>,
}

/// The files as they are.
pub(super) struct Files {
    /// The index, which fits to what is on the disk.
    pub(super) index: PathBuf,
    /// All of them as one tree.
    pub(super) tree: String,
    /// Repositories inside that are none of this one's files.
    pub(super) nested: Vec<String>,
}

impl<'a> Desk<'a> {
    /// Reads the repository's index. With `exact`, files are taken as they are; else as git would commit them, but for
    /// filters.
    pub(super) async fn new(real: &Real<'a>, head: &GitHead, exact: bool) -> Result<Self, WorktreeError> {
        let tools = real.tools;
        let make = if exact { Borrowed::exact } else { Borrowed::new };
        let made = make(tools.place, real.repository.clone(), head);
        let mut desk = Self {
            borrowed: made.map_err(failed("making a place for git in", tools.place))?,
            tools,
            entries: Vec::new(),
            written: None,
        };
        desk.borrowed.sees_all = true;
        carry_settings(&desk.git(), head).await?;
        let index = real.repository.git_dir.join("index");
        if index.symlink_metadata().is_ok() {
            desk.written = Some(copied(&index, &desk.copy()).map_err(failed("copying", &index))?);
            desk.age_copy()?;
        }
        let listed = desk.lines(&desk.copy(), &["ls-files", "--stage", "-v"]).await?;
        desk.entries = listed.iter().filter_map(|line| Entry::parse(line)).collect();
        if desk.entries.len() != listed.len() {
            return Err(GitError::Refused("its index cannot be understood".to_owned()).into());
        }
        Ok(desk)
    }

    pub(super) fn git(&self) -> Git<'_> {
        Git { borrowed: &self.borrowed, search_path: self.tools.search_path, until: self.tools.until }
    }

    /// A copy of the repository's index, to do with as we like.
    pub(super) fn copy(&self) -> PathBuf {
        self.borrowed.dir.join("index-copy")
    }

    /// Gives the copy of the index the time of the index. Git reads a file that may have changed after the index was
    /// written; by the time of a copy, none could have.
    fn age_copy(&self) -> Result<(), WorktreeError> {
        let Some(written) = self.written else { return Ok(()) };
        let copy = fs::File::options().write(true).open(self.copy());
        copy.and_then(|copy| copy.set_modified(written)).map_err(failed("changing the time of", &self.copy()))
    }

    async fn lines(&self, index: &Path, args: &[&str]) -> Result<Vec<Vec<u8>>, WorktreeError> {
        let answer = self.git().ask_with(index, args, Stdin::Null, FILES_LIMIT).await?;
        if answer.cut { Err(WorktreeError::TooMany) } else { Ok(answer.lines) }
    }

    async fn feed(&self, index: &Path, args: &[&str], lines: Vec<u8>) -> Result<(), GitError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.git().ask_with(index, args, Stdin::Bytes(lines), FILES_LIMIT).await.map(|_| ())
    }

    pub(super) async fn line(&self, index: &Path, args: &[&str]) -> Result<String, GitError> {
        Ok(first_line(&self.git().ask_with(index, args, Stdin::Null, 4096).await?))
    }

    fn on_disk(&self, path: &[u8]) -> PathBuf {
        self.borrowed.repository.work_tree.join(OsStr::from_bytes(&unquoted_bytes(path)))
    }

    /// What differs from the last commit, as git sees it: paths, and repositories inside that are not this one's.
    /// Marks that let git overlook a file are taken off its copy of the index first.
    pub(super) async fn status(&self) -> Result<(Vec<String>, Vec<String>), WorktreeError> {
        let joined = |entries: Vec<&Entry>| -> Vec<u8> {
            entries.iter().flat_map(|entry| [&entry.path[..], b"\n"].concat()).collect()
        };
        let trusted = self.entries.iter().filter(|entry| entry.tag.is_ascii_lowercase());
        let trusted = joined(trusted.collect());
        let args = ["update-index", "--no-assume-unchanged", "--stdin"];
        self.feed(&self.copy(), &args, trusted).await?;
        let out = self.entries.iter().filter(|entry| entry.is_left_out());
        let present = out.filter(|entry| self.on_disk(&entry.path).symlink_metadata().is_ok());
        let args = ["update-index", "--no-skip-worktree", "--stdin"];
        self.feed(&self.copy(), &args, joined(present.collect())).await?;
        self.age_copy()?;
        let args =
            ["status", "--porcelain=v1", "--untracked-files=all", "--ignore-submodules=all", "--no-renames"];
        let lines = self.lines(&self.copy(), &args).await?;
        let paths = lines.iter().filter_map(|line| Some((line.get(..2)?, unquoted(line.get(3..)?))));
        let (nested, dirty): (Vec<_>, Vec<_>) =
            paths.partition(|(state, path)| *state == b"??" && path.ends_with('/'));
        let names = |found: Vec<(&[u8], String)>| found.into_iter().map(|(_, path)| path).collect();
        Ok((names(dirty), names(nested)))
    }

    /// What is staged.
    pub(super) async fn staged(&self) -> Result<Staged, WorktreeError> {
        if self.entries.iter().all(|entry| entry.stage == 0) {
            let tree = self.line(&self.copy(), &["write-tree", "--missing-ok"]).await?;
            return Ok(Staged { tree, sides: Vec::new() });
        }
        let tree = self.side(&[0, 2]).await?;
        let sides = vec![self.side(&[1]).await?, self.side(&[3]).await?];
        Ok(Staged { tree, sides })
    }

    /// What the index holds of these stages, as a tree.
    async fn side(&self, stages: &[u8]) -> Result<String, WorktreeError> {
        let index = self.borrowed.dir.join("index-side");
        if index.symlink_metadata().is_ok() {
            fs::remove_file(&index).map_err(failed("removing", &index))?;
        }
        let chosen = self.entries.iter().filter(|entry| stages.contains(&entry.stage));
        let lines = chosen.flat_map(Entry::line).collect();
        self.feed(&index, &["update-index", "--index-info"], lines).await?;
        Ok(self.line(&index, &["write-tree", "--missing-ok"]).await?)
    }

    /// Whether something is at a path that no tree can hold: a pipe, a socket, a device.
    fn is_special(&self, path: &Path) -> bool {
        let place = self.borrowed.repository.work_tree.join(path);
        place.symlink_metadata().is_ok_and(|found| {
            let kind = found.file_type();
            !(kind.is_file() || kind.is_dir() || kind.is_symlink())
        })
    }

    /// Puts every file that is not ignored into an index of its own.
    pub(super) async fn files(&self) -> Result<Files, WorktreeError> {
        let index = self.borrowed.dir.join("index-exact");
        // An index without times and marks: every file is read.
        let is_absent =
            |entry: &&Entry| entry.is_left_out() && self.on_disk(&entry.path).symlink_metadata().is_err();
        let is_file = |entry: &&Entry| {
            let path = unquoted_bytes(&entry.path);
            !entry.is_link() && !is_absent(entry) && !self.is_special(Path::new(OsStr::from_bytes(&path)))
        };
        let known = self.entries.iter().filter(is_file);
        let lines = known.flat_map(Entry::line).collect();
        self.feed(&index, &["update-index", "--index-info"], lines).await?;
        self.lines(&index, &["add", "--update"]).await?;
        let (inner, new) = self.others(&index).await?;
        let added: Vec<u8> = new.iter().flat_map(|path| [&path[..], b"\n"].concat()).collect();
        self.feed(&index, &["update-index", "--add", "--stdin"], added).await?;
        // Git only warns about a name that it keeps no file under.
        let (_, left) = self.others(&index).await?;
        if !left.is_empty() {
            let paths = left.iter().map(|path| unquoted(path)).collect();
            return Err(WorktreeError::CannotKeep { paths });
        }
        let new: BTreeSet<Vec<u8>> = new.iter().map(|path| unquoted_bytes(path)).collect();
        let links = self.entries.iter().filter(|entry| entry.is_link() && self.is_still_link(entry, &new));
        let links: Vec<&Entry> = links.collect();
        let absent = self.entries.iter().filter(|entry| !entry.is_link()).filter(is_absent);
        let rest = links.iter().copied().chain(absent).flat_map(Entry::line).collect();
        self.feed(&index, &["update-index", "--index-info"], rest).await?;
        let tree = self.line(&index, &["write-tree", "--missing-ok"]).await?;
        let own: BTreeSet<String> = links.iter().map(|entry| format!("{}/", unquoted(&entry.path))).collect();
        let nested = inner.iter().map(|path| unquoted(path)).filter(|path| !own.contains(path)).collect();
        Ok(Files { index, tree, nested })
    }

    /// Repositories and files that are not in an index and not ignored.
    async fn others(&self, index: &Path) -> Result<(Vec<Vec<u8>>, Vec<Vec<u8>>), WorktreeError> {
        let others = self.lines(index, &["ls-files", "--others", "--exclude-standard"]).await?;
        Ok(others.into_iter().partition(|path| path.ends_with(b"/") || path.ends_with(b"/\"")))
    }

    /// Refuses to go from one tree to another if something that no snapshot holds is in the way, because it is ignored or
    /// none of the repository's files: git would overwrite it.
    pub(super) async fn refuse_overwriting(
        &self,
        real: &Real<'_>,
        files: &Files,
        wanted: &str,
    ) -> Result<(), WorktreeError> {
        let args = ["diff-tree", "-r", "--raw", "--no-renames", "--end-of-options", &files.tree, wanted];
        let lines = self.lines(&files.index, &args).await?;
        let steps: Vec<Step> = lines.iter().filter_map(|line| Step::parse(line)).collect();
        if steps.len() != lines.len() {
            return Err(GitError::Refused("what differs cannot be understood".to_owned()).into());
        }
        if steps.is_empty() {
            return Ok(());
        }
        let nested = Nested::find(real).await?;
        let touched = |step: &Step| match nested.around(&step.path) {
            Some(around) => Some(around.to_vec()),
            None if step.makes_file => nested.at_or_below(&step.path).map(<[u8]>::to_vec),
            None => None,
        };
        let inside: BTreeSet<Vec<u8>> = steps.iter().filter_map(touched).collect();
        if !inside.is_empty() {
            let paths = inside.iter().map(|path| format!("{}/", String::from_utf8_lossy(path))).collect();
            return Err(WorktreeError::NestedInTheWay { paths });
        }
        let new: BTreeSet<Vec<u8>> =
            steps.into_iter().filter(|step| step.is_new).map(|step| step.path).collect();
        if new.is_empty() {
            return Ok(());
        }
        let args = ["ls-files", "--others", "--ignored", "--exclude-standard"];
        let ignored = self.lines(&files.index, &args).await?;
        let in_the_way = |path: &[u8]| {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            let below = [path, b"/"].concat();
            slashes.chain([path.len()]).any(|end| new.contains(&path[..end]))
                || new.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
        };
        let ignored = ignored.iter().filter(|path| in_the_way(&unquoted_bytes(path)));
        let mut found: BTreeSet<String> = ignored.map(|path| unquoted(path)).collect();
        let special = new.iter().flat_map(|path| {
            let whole = Path::new(OsStr::from_bytes(path));
            whole.ancestors().find(|place| !place.as_os_str().is_empty() && self.is_special(place))
        });
        found.extend(special.map(|path| path.display().to_string()));
        let paths: Vec<String> = found.into_iter().collect();
        if paths.is_empty() { Ok(()) } else { Err(WorktreeError::InTheWay { paths }) }
    }

    /// Whether a repository inside is still what is there: a directory, and no files of it are this repository's.
    fn is_still_link(&self, entry: &Entry, files: &BTreeSet<Vec<u8>>) -> bool {
        let place = self.on_disk(&entry.path);
        let prefix = [&unquoted_bytes(&entry.path)[..], b"/"].concat();
        let mut below = files.range(prefix.clone()..);
        let has_files = below.next().is_some_and(|path| path.starts_with(&prefix));
        place.symlink_metadata().is_ok_and(|found| found.is_dir()) && !has_files
    }
}

/// A path that has to change.
struct Step {
    path: Vec<u8>,
    /// Whether nothing of the kind was there.
    is_new: bool,
    /// Whether a file has to be there afterwards, and not a repository or nothing.
    makes_file: bool,
}

impl Step {
    /// `:mode mode hash hash status<tab>path`
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.strip_prefix(b":")?.splitn(2, |byte| *byte == b'\t');
        let (head, path) = (parts.next()?, unquoted_bytes(parts.next()?));
        let words: Vec<&[u8]> = head.split(|byte| *byte == b' ').collect();
        let [_, mode, _, _, status] = words.as_slice() else { return None };
        let is_new = matches!(status.first(), Some(b'A' | b'T'));
        Some(Self { path, is_new, makes_file: *mode != LINK && *status != b"D" })
    }
}

/// Copies a file and says when it was written.
fn copied(from: &Path, to: &Path) -> io::Result<SystemTime> {
    let mut source = fs::File::open(from)?;
    io::copy(&mut source, &mut fs::File::create(to)?)?;
    source.metadata()?.modified()
}
