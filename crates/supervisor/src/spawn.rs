//! Owns the ways in which starting a program fails, and telling them apart: the operating system says "not
//! found" for a missing program, a missing interpreter and a missing directory alike. It must not start anything.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::program;

#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("program {program:?} not found")]
    NotFound { program: OsString },
    #[error("program {program:?} cannot be executed")]
    NotExecutable { program: OsString, source: io::Error },
    #[error("working directory {path:?} cannot be used")]
    MissingDirectory { path: PathBuf, source: io::Error },
    /// The arguments and environment, or one of them alone (128 KiB on Linux), exceed what the system passes on.
    #[error("arguments and environment of {program:?} are too large ({bytes} bytes)")]
    TooLarge { program: OsString, bytes: usize, source: io::Error },
    #[error("cannot start {program:?}")]
    Failed { program: OsString, source: io::Error },
}

/// What was to be started, for naming it in an error.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub argv: &'a [OsString],
    pub env: &'a [(OsString, OsString)],
    pub cwd: &'a Path,
}

impl Request<'_> {
    fn program(&self) -> OsString {
        self.argv.first().cloned().unwrap_or_default()
    }

    /// An error that has nothing to do with the program itself.
    pub fn failed(&self, source: impl Into<io::Error>) -> SpawnError {
        SpawnError::Failed { program: self.program(), source: source.into() }
    }

    pub fn no_program(&self) -> SpawnError {
        self.failed(io::Error::new(io::ErrorKind::InvalidInput, "the argument list is empty"))
    }

    /// Checked beforehand, because afterwards it cannot be told from a missing program.
    pub fn check_directory(&self) -> Result<(), SpawnError> {
        let missing = |source| SpawnError::MissingDirectory { path: self.cwd.to_path_buf(), source };
        let metadata = std::fs::metadata(self.cwd).map_err(missing)?;
        if !metadata.is_dir() {
            return Err(missing(Errno::NOTDIR.into()));
        }
        rustix::fs::access(self.cwd, rustix::fs::Access::EXEC_OK).map_err(|errno| missing(errno.into()))
    }

    pub fn classify(&self, source: io::Error) -> SpawnError {
        let program = self.program();
        match Errno::from_io_error(&source) {
            Some(Errno::TOOBIG) => SpawnError::TooLarge { program, bytes: self.size(), source },
            Some(Errno::ACCESS | Errno::PERM | Errno::NOEXEC | Errno::LOOP | Errno::TXTBSY) => {
                SpawnError::NotExecutable { program, source }
            }
            Some(Errno::NOENT | Errno::NOTDIR) if self.program_exists(&program) => {
                let text = "the file exists, but the interpreter it names does not";
                SpawnError::NotExecutable { program, source: io::Error::new(source.kind(), text) }
            }
            Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => SpawnError::NotFound { program },
            _ => SpawnError::Failed { program, source },
        }
    }

    fn program_exists(&self, program: &OsStr) -> bool {
        if program.as_encoded_bytes().contains(&b'/') {
            return self.cwd.join(program).exists();
        }
        program::search_path(self.env).is_some_and(|path| {
            std::env::split_paths(path).any(|dir| self.cwd.join(dir).join(program).is_file())
        })
    }

    fn size(&self) -> usize {
        let arguments: usize = self.argv.iter().map(|argument| argument.len() + 1).sum();
        let environment: usize = self.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        arguments + environment
    }
}
