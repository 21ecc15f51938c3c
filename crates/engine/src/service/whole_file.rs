//! Writes a file as a whole or not at all: whoever looks sees what was there before or all of the new text, also after
//! a full disk or a kill. Nothing that was there is destroyed. Must not know what is in the file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::clock::random_text;

/// What to do with a file that is there already and says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfThere {
    /// Leave it; that is an error.
    Refuse,
    /// Give it another name.
    Keep,
    /// Put the new text in its place; for files that can be made again at any time.
    Overwrite,
}

/// What became of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// It is new.
    Created,
    /// It was there already, word for word.
    Unchanged,
    /// It took the place of another one, which has this name now, unless it was to be overwritten.
    Replaced(Option<PathBuf>),
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error("{} is there already", .0.display())]
    There(PathBuf),
    #[error("cannot make the directory {}", path.display())]
    MakeDir { path: PathBuf, source: io::Error },
    #[error("cannot look at {}", path.display())]
    Look { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Who may use what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// The user alone.
    Private,
    /// Whoever the user's own settings let.
    Usual,
}

impl Rights {
    fn modes(self) -> (u32, u32) {
        match self {
            Self::Private => (0o700, 0o600),
            Self::Usual => (0o777, 0o666),
        }
    }
}

/// Puts a text into a file, making the directories above it.
pub(super) fn put(path: &Path, text: &str, if_there: IfThere, rights: Rights) -> Result<Put, PutError> {
    let failed = |source| PutError::Write { path: path.to_owned(), source };
    let before = look(path)?;
    if before.as_deref() == Some(text.as_bytes()) {
        return Ok(Put::Unchanged);
    }
    if before.is_some() && if_there == IfThere::Refuse {
        return Err(PutError::There(path.to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    make_dirs(folder, rights)?;
    let new =
        beside(path, &format!(".{}.new", random_text(8).map_err(|error| failed(io::Error::other(error)))?));
    let written = write_new(&new, text, rights).and_then(|()| match (&before, if_there) {
        (Some(_), IfThere::Keep) => {
            let kept = keep(path)?;
            std::fs::rename(&new, path)?;
            Ok(Put::Replaced(Some(kept)))
        }
        (Some(_), IfThere::Overwrite) => std::fs::rename(&new, path).map(|()| Put::Replaced(None)),
        (Some(_), IfThere::Refuse) | (None, _) => rename_new(&new, path).map(|()| Put::Created),
    });
    let put = match written {
        Ok(put) => put,
        Err(error) => {
            // What is left of the attempt is hidden and harmless; the error is what counts.
            let _ = std::fs::remove_file(&new);
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => PutError::There(path.to_owned()),
                _ => failed(error),
            });
        }
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(put)
}

/// The bytes of a file; nothing if there is no such file. What is no file (a directory, a pipe, a link that leads
/// nowhere) is there, and has no bytes to compare.
fn look(path: &Path) -> Result<Option<Vec<u8>>, PutError> {
    let failed = |source| PutError::Look { path: path.to_owned(), source };
    match path.symlink_metadata() {
        Ok(_) if path.is_file() => std::fs::read(path).map(Some).map_err(failed),
        Ok(_) => Ok(Some(Vec::new())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// A hidden name in the same directory.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{ending}"))
}

fn write_new(path: &Path, text: &str, rights: Rights) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(rights.modes().1).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames, and fails if there is a file of the new name already.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can do it in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if to.symlink_metadata().is_err() => {
            std::fs::rename(from, to)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::AlreadyExists.into()),
        done => done.map_err(io::Error::from),
    }
}

/// Gives what is there a second name, so that it outlives its first one.
fn keep(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for number in 1..10_000 {
        let ending = if number == 1 { "old".to_owned() } else { format!("old.{number}") };
        let kept = path.with_file_name(format!("{name}.{ending}"));
        match std::fs::hard_link(path, &kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without hard links, where the first name is gone for a moment.
            Err(_) if kept.symlink_metadata().is_err() => return rename_new(path, &kept).map(|()| kept),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many old versions beside it"))
}

/// Makes a directory and those above it, each durable in the one above.
fn make_dirs(path: &Path, rights: Rights) -> Result<(), PutError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_dirs(above, rights)?;
    }
    let failed = |source| PutError::MakeDir { path: path.to_owned(), source };
    match DirBuilder::new().mode(rights.modes().0).create(path) {
        Ok(()) => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(above).and_then(|above| above.sync_all()).map_err(failed)
        }
        // Somebody else may have made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(source) => Err(failed(source)),
    }
}
