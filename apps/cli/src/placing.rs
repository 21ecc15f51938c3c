//! Files whose bytes come in pieces: there under their name when they are whole, or not at all. Must not put one in place of
//! another unless that was asked for.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with};
use rustix::io::Errno;

use crate::exit::{Failure, usage};

/// Where bytes go until they are known to be right.
pub(crate) enum Place {
    /// A file without a name, of which nothing is left if this process dies.
    Nameless { file: File, target: PathBuf },
    /// Where there is no such thing, a hidden file beside it.
    Beside { file: File, hidden: PathBuf, target: PathBuf },
}

impl Place {
    /// A place for a file in that directory, with these rights.
    pub(crate) fn open(parent: &Path, target: &Path, mode: u32) -> Result<Self, Failure> {
        let target = target.to_path_buf();
        let rights = Mode::from_raw_mode(mode);
        if let Ok(file) = openat(CWD, parent, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, rights) {
            return Ok(Self::Nameless { file: File::from(file), target });
        }
        Self::beside(parent, target, mode)
    }

    fn beside(parent: &Path, target: PathBuf, mode: u32) -> Result<Self, Failure> {
        let hidden = hidden(parent);
        match File::options().write(true).create_new(true).mode(mode).open(&hidden) {
            Ok(file) => Ok(Self::Beside { file, hidden, target }),
            Err(error) => Err(cannot(&hidden, &error)),
        }
    }

    /// Where to write.
    pub(crate) fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless { file, .. } | Self::Beside { file, .. } => file,
        }
    }

    /// Gives it its name, which nobody else may have.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        match self {
            Self::Nameless { file, target } => {
                link(&file, &target).map_err(|error| cannot(&target, &io::Error::from(error)))
            }
            Self::Beside { file: _, hidden, target } => {
                // Not every file system can do the one, nor every other one the other.
                let named = match renameat_with(CWD, &hidden, CWD, &target, RenameFlags::NOREPLACE) {
                    Err(Errno::INVAL | Errno::NOSYS) => linkat(CWD, &hidden, CWD, &target, AtFlags::empty()),
                    named => named,
                };
                let _ = std::fs::remove_file(&hidden);
                named.map_err(|error| cannot(&target, &io::Error::from(error)))
            }
        }
    }

    /// Gives it its name, whoever has it.
    pub(crate) fn keep_instead(self) -> Result<(), Failure> {
        let (hidden, target) = match self {
            Self::Nameless { file, target } => {
                let hidden = hidden(target.parent().unwrap_or(Path::new(".")));
                link(&file, &hidden).map_err(|error| cannot(&target, &io::Error::from(error)))?;
                (hidden, target)
            }
            Self::Beside { file: _, hidden, target } => (hidden, target),
        };
        std::fs::rename(&hidden, &target).map_err(|error| {
            let _ = std::fs::remove_file(&hidden);
            cannot(&target, &error)
        })
    }

    /// Leaves nothing.
    pub(crate) fn give_up(self) {
        match self {
            Self::Nameless { .. } => {}
            Self::Beside { hidden, .. } => {
                let _ = std::fs::remove_file(hidden);
            }
        }
    }
}

fn hidden(parent: &Path) -> PathBuf {
    parent.join(format!(".agent-runner-download-{}", std::process::id()))
}

fn link(file: &File, target: &Path) -> Result<(), Errno> {
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, name, CWD, target, AtFlags::SYMLINK_FOLLOW)
}

/// The failure that says that a name is taken.
pub(crate) fn there_already(target: &Path) -> Failure {
    let message = format!("{} is there already", target.display());
    match target.is_dir() {
        true => usage(message, "it is a directory: with a `/` at its end the file is written into it"),
        false => usage(message, "name another file, or move this one away"),
    }
}

fn cannot(target: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return there_already(target);
    }
    usage(format!("cannot write {}: {error}", target.display()), "name a place that can be written to")
}

#[cfg(test)]
mod tests;
