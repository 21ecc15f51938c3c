//! A directory inside of a run's directory, held open, so that nobody can put something else in its place meanwhile.
//! Must not follow links: what is behind one does not belong to the run.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, mkdirat, open, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::error::StoreError;

use super::durable;

const LOOK: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A directory that is held open.
#[derive(Debug)]
pub(crate) struct Folder {
    file: File,
    /// Where it was found; for messages.
    path: PathBuf,
}

impl Folder {
    /// The directory of a run.
    pub(crate) fn of_run(dir: &Path) -> Result<Self, StoreError> {
        match open(dir, LOOK, Mode::empty()) {
            Ok(fd) => Ok(Self { file: File::from(fd), path: dir.to_path_buf() }),
            Err(error) => Err(StoreError::Open { path: dir.to_path_buf(), source: error.into() }),
        }
    }

    /// A directory in it; nothing if there is none. A link, or anything else that is no directory, is refused.
    pub(crate) fn enter(&self, name: &str) -> Result<Option<Self>, StoreError> {
        let path = self.path.join(name);
        match openat(&self.file, name, LOOK | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { file: File::from(fd), path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(StoreError::Foreign { path }),
            Err(error) => Err(StoreError::Open { path, source: error.into() }),
        }
    }

    /// A directory in it, made if there is none.
    pub(crate) fn make(&self, name: &str) -> Result<Self, StoreError> {
        let path = self.path.join(name);
        match mkdirat(&self.file, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(StoreError::MakeDir { path, source: error.into() }),
        }
        match self.enter(name)? {
            Some(folder) => Ok(folder),
            None => Err(StoreError::MakeDir { path, source: Errno::NOENT.into() }),
        }
    }

    /// Follows names from directory to directory; nothing if one is not there.
    pub(crate) fn descend<'a>(
        self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Self>, StoreError> {
        let mut folder = self;
        for name in names {
            match folder.enter(name)? {
                Some(next) => folder = next,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// A new file of that name.
    pub(crate) fn create(&self, name: &str) -> Result<File, StoreError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(File::from(fd)),
            Err(error) => Err(StoreError::Write { path: self.path.join(name), source: error.into() }),
        }
    }

    /// The file of that name; nothing if there is none. A pipe is not waited for.
    pub(crate) fn read(&self, name: &str) -> Result<Option<File>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(&self.file, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::Read { path: self.path.join(name), source: error.into() }),
        }
    }

    /// Gives a file in it another name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        renameat(&self.file, from, &self.file, to).map_err(|error| StoreError::Rename {
            from: self.path.join(from),
            to: self.path.join(to),
            source: error.into(),
        })
    }

    /// Takes a name away that is no directory; the link, not what it leads to. One that is gone is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        match unlinkat(&self.file, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(StoreError::Remove { path: self.path.join(name), source: error.into() }),
        }
    }

    /// Takes an empty directory away; says whether it was one.
    pub(crate) fn remove_empty(&self, name: &str) -> bool {
        unlinkat(&self.file, name, AtFlags::REMOVEDIR).is_ok()
    }

    /// Makes its names durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        durable::sync_folder(&self.file, &self.path)
    }

    /// What is in it, and what it is.
    pub(crate) fn entries(&self) -> Result<Vec<(String, FileType)>, StoreError> {
        let fail =
            |error: Errno| StoreError::List { path: self.path.clone(), source: io::Error::from(error) };
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.file).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            entries.push((name, self.kind(entry.file_name(), entry.file_type()).map_err(fail)?));
        }
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(entries)
    }

    /// Not every file system says it in the listing.
    fn kind(&self, name: &std::ffi::CStr, listed: FileType) -> Result<FileType, Errno> {
        if listed != FileType::Unknown {
            return Ok(listed);
        }
        let stat = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
