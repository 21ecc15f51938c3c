//! Files that somebody asked for: there as a whole or not at all, in place of what was there before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

use crate::exit::{Failure, usage};

/// Writes the file, and says where it is.
pub(crate) fn replace_file(file: &Path, text: &str) -> Result<PathBuf, Failure> {
    let shown = file.display();
    let found = fs::metadata(file);
    let names_directory = file.as_os_str().as_encoded_bytes().ends_with(b"/") || file.file_name().is_none();
    if names_directory || found.as_ref().is_ok_and(fs::Metadata::is_dir) {
        return Err(usage(format!("{shown} is a directory"), "name a file, such as report.html"));
    }
    let written = match found {
        // What is behind a link stays where it is, and keeps who may read it.
        Ok(found) if found.is_file() => {
            fs::canonicalize(file).and_then(|target| replace(&target, text, Some(found.permissions())))
        }
        // A pipe or a terminal is not replaced by a file.
        Ok(_) => OpenOptions::new()
            .write(true)
            .open(file)
            .and_then(|mut device| device.write_all(text.as_bytes()))
            .map(|()| file.to_path_buf()),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(file, text, None),
        Err(error) => Err(error),
    };
    written.map_err(|error| cannot_write(file, &error))
}

fn replace(target: &Path, text: &str, permissions: Option<fs::Permissions>) -> io::Result<PathBuf> {
    let target = std::path::absolute(target)?;
    let directory = target.parent().unwrap_or(Path::new("/"));
    let (temporary, mut file) = temporary(directory)?;
    let written = (|| {
        file.write_all(text.as_bytes())?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_data()?;
        fs::rename(&temporary, &target)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| target)
}

/// Writes a file that is not there yet, and says whether it could: not if something has that name.
pub(crate) fn create_file(file: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let created = (|| {
        let (hidden, mut new) = temporary(file.parent().unwrap_or(Path::new(".")))?;
        let named = new.write_all(bytes).and_then(|()| new.sync_data()).and_then(|()| {
            // Not every file system can do the one, nor every other one the other.
            match renameat_with(CWD, &hidden, CWD, file, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                    linkat(CWD, &hidden, CWD, file, AtFlags::empty()).map_err(io::Error::from)
                }
                named => named.map_err(io::Error::from),
            }
        });
        let _ = fs::remove_file(&hidden);
        named
    })();
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot_write(file, &error)),
    }
}

/// A new file beside the target, under a name that nobody has.
fn temporary(directory: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0..100 {
        let path = directory.join(format!(".agent-runner-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn cannot_write(file: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}", file.display());
    let (code, hint) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (ErrorCode::Invalid, "name a file in a directory that exists")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (ErrorCode::Invalid, "name a file that you may write")
        }
        _ => (ErrorCode::Storage, "see to the disk, or name a file elsewhere"),
    };
    let mut failure = ApiError::new(code, message).hint(hint);
    failure.causes.push(error.to_string());
    Failure::Error(failure)
}
