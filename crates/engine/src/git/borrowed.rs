//! A git directory of our own for a repository of somebody else's: it borrows the objects, the index and the files, and
//! has a configuration that we wrote. So filters, external diffs, file-system monitors, helpers for missing objects and
//! whatever else a repository can name are unknown to the git that works with it. Must not write to the repository itself;
//! what it is told to keep goes among the repository's objects.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_runner_model::manifest::GitHead;

use crate::clock::random_text;
use crate::talk::private_directory;
use crate::workspace::{Repository, contents};

/// Settings that change how files are read and compared and cannot start anything. They are carried over, in words that
/// git uses for them.
const CARRIED: [&str; 11] = [
    "core.filemode",
    "core.symlinks",
    IGNORE_CASE,
    "core.precomposeunicode",
    "core.autocrlf",
    "core.eol",
    "core.trustctime",
    "core.checkstat",
    "core.bigfilethreshold",
    "core.sharedrepository",
    "extensions.objectformat",
];
/// Those of them that let git overlook a change. Where something may be destroyed, nothing is overlooked.
const OVERLOOKING: [&str; 3] = ["core.filemode", "core.trustctime", "core.checkstat"];
/// Counts only where it is true: elsewhere a second file would hide behind the first one's name.
const IGNORE_CASE: &str = "core.ignorecase";
/// Those of them that change what is read from a file before it is kept.
const CONVERTING: [&str; 2] = ["core.autocrlf", "core.eol"];
/// Attributes by which every file is kept as it is, byte for byte, whatever the repository's own attributes say.
const AS_IT_IS: &str = "* -text !eol -ident -filter !working-tree-encoding\n";
/// Who commits what is set aside: nobody's configuration says.
const IDENTITY: &str = "[user]\n\tname = agent-runner\n\temail = agent-runner@localhost\n";
/// Longest value of one of them, in bytes.
const MAX_VALUE: usize = 16;
/// Longest file of the repository that is copied, in bytes.
const MAX_COPY: u64 = 1024 * 1024;
/// Files that say what is ignored, what is text, and where history was cut off. Attributes may name programs; without a
/// configuration that says which, they are only names.
const COPIED: [&str; 3] = ["info/exclude", "info/attributes", "shallow"];

/// What the names of these directories begin with.
const PREFIX: &str = "git-";
/// No question takes this long.
const STALE: Duration = Duration::from_secs(3600);

/// A directory that git takes for the repository's. Dropping it removes it.
pub(super) struct Borrowed {
    pub(super) dir: PathBuf,
    pub(super) repository: Repository,
    /// Whether files are taken as they are.
    exact: bool,
    /// Whether every change is seen, also such that the repository's settings hide.
    pub(super) sees_all: bool,
}

impl Borrowed {
    /// Makes it below a directory that is this user's alone, as if `head` were checked out.
    pub(super) fn new(place: &Path, repository: Repository, head: &GitHead) -> io::Result<Self> {
        private_directory(place)?;
        clear_away(place);
        let dir = place.join(format!("{PREFIX}{}", random_text(12).map_err(io::Error::other)?));
        let private = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        private(&dir)?;
        let borrowed = Self { dir, repository, exact: false, sees_all: false };
        for folder in ["refs", "info"] {
            private(&borrowed.dir.join(folder))?;
        }
        fs::write(borrowed.dir.join("HEAD"), head_text(head))?;
        for name in COPIED {
            // What is not there, or is no plain file of a sane size, is not needed for an answer.
            if let Some(bytes) = contents(&borrowed.repository.common_dir.join(name), MAX_COPY) {
                fs::write(borrowed.dir.join(name), bytes)?;
            }
        }
        borrowed.link_shared_index()?;
        borrowed.configure(head, &[])?;
        Ok(borrowed)
    }

    /// The same, but every file is taken as it is: nothing converts it on its way in or out.
    pub(super) fn exact(place: &Path, repository: Repository, head: &GitHead) -> io::Result<Self> {
        let mut borrowed = Self::new(place, repository, head)?;
        borrowed.exact = true;
        fs::write(borrowed.dir.join("info/attributes"), AS_IT_IS)?;
        Ok(borrowed)
    }

    /// An index may leave most of itself to a second file, which git looks for beside its configuration.
    fn link_shared_index(&self) -> io::Result<()> {
        let Ok(entries) = fs::read_dir(&self.repository.git_dir) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let hash = name.to_str().and_then(|name| name.strip_prefix("sharedindex."));
            if hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                symlink(entry.path(), self.dir.join(name))?;
            }
        }
        Ok(())
    }

    /// The repository's configuration, to be read as text.
    pub(super) fn foreign_settings(&self) -> Option<Vec<u8>> {
        contents(&self.repository.common_dir.join("config"), MAX_COPY)
    }

    /// Carries over what is harmless of the settings that git has listed, one `name=value` a line.
    pub(super) fn carry(&self, head: &GitHead, listed: &[Vec<u8>]) -> io::Result<()> {
        let settings: Vec<(&str, &str)> = listed
            .iter()
            .filter_map(|line| std::str::from_utf8(line).ok()?.split_once('='))
            .filter(|(name, value)| CARRIED.contains(name) && is_plain(value))
            .filter(|(name, _)| !(self.exact && CONVERTING.contains(name)))
            .filter(|(name, _)| !(self.sees_all && OVERLOOKING.contains(name)))
            .filter(|(name, _)| *name != IGNORE_CASE || self.ignores_case())
            .collect();
        self.configure(head, &settings)
    }

    /// Whether the file system takes names that differ in capitals for the same.
    fn ignores_case(&self) -> bool {
        self.repository.git_dir.join("hEaD").symlink_metadata().is_ok()
    }

    fn configure(&self, head: &GitHead, settings: &[(&str, &str)]) -> io::Result<()> {
        let mut text =
            "[core]\n\trepositoryFormatVersion = 1\n\tbare = false\n\tquotePath = false\n".to_owned();
        text.push_str(IDENTITY);
        for (name, value) in settings {
            if let Some((section, name)) = name.split_once('.') {
                text.push_str(&format!("[{section}]\n\t{name} = {value}\n"));
            }
        }
        if head.commit.as_ref().is_some_and(|commit| commit.len() == 64) {
            text.push_str("[extensions]\n\tobjectFormat = sha256\n");
        }
        fs::write(self.dir.join("config"), text)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Commands that were killed have left theirs.
fn clear_away(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let age = entry.metadata().and_then(|found| found.modified()).map(|modified| modified.elapsed());
        if is_ours && age.is_ok_and(|age| age.is_ok_and(|age| age > STALE)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn head_text(head: &GitHead) -> String {
    match (&head.commit, &head.branch) {
        (Some(commit), _) => format!("{commit}\n"),
        (None, Some(branch)) => format!("ref: refs/heads/{branch}\n"),
        (None, None) => "ref: refs/heads/none\n".to_owned(),
    }
}
