//! `attachment download`: write a copy of a file. It appears under its name whole and checked, or not at all, and never
//! in place of something else.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use agent_runner_api::view::AttachmentView;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with};
use rustix::io::Errno;
use serde::Serialize;

use crate::app::App;
use crate::args::DownloadArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::render::clean;

/// What was written, and where.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Downloaded {
    path: String,
    #[serde(flatten)]
    view: AttachmentView,
}

pub(crate) async fn download(app: &App, args: DownloadArgs) -> Outcome {
    let DownloadArgs { run, attachment, target, output } = args;
    let view = app.engine.attachment(&run, &attachment).await?;
    let target = target_of(target, &view);
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if !parent.is_dir() {
        let words = format!("{} is not a directory", parent.display());
        return Err(usage(words, "make it first, or name another place"));
    }
    if std::fs::symlink_metadata(&target).is_ok() {
        return Err(there_already(&target));
    }
    let mut place = Place::open(parent, &target)?;
    let copied = app.engine.copy_attachment(&view, place.file()).await;
    match copied {
        Ok(()) => place.keep()?,
        Err(error) => {
            place.give_up();
            return Err(error.into());
        }
    }
    let done = Downloaded { path: target.to_string_lossy().into_owned(), view };
    reply(output.output_format, &done, |done| {
        let attachment = &done.view.attachment;
        clean(&format!("Wrote {} ({} bytes) to {}\n", attachment.id, attachment.size, done.path))
    })?;
    Ok(0)
}

/// In a directory it gets the name it was handed over with, but is never hidden.
fn target_of(target: PathBuf, view: &AttachmentView) -> PathBuf {
    if !target.as_os_str().as_bytes().ends_with(b"/") {
        return target;
    }
    let name = view.attachment.name.trim_start_matches('.');
    target.join(if name.is_empty() { view.attachment.id.as_str() } else { name })
}

fn there_already(target: &Path) -> Failure {
    let message = format!("{} is there already", target.display());
    match target.is_dir() {
        true => usage(message, "it is a directory: with a `/` at its end the file is written into it"),
        false => usage(message, "name another file, or move this one away"),
    }
}

/// Where bytes go until they are known to be right.
enum Place {
    /// A file without a name, of which nothing is left if this process dies.
    Nameless { file: File, target: PathBuf },
    /// Where there is no such thing, a hidden file beside it.
    Beside { file: File, hidden: PathBuf, target: PathBuf },
}

impl Place {
    fn open(parent: &Path, target: &Path) -> Result<Self, Failure> {
        let target = target.to_path_buf();
        let mode = Mode::from_raw_mode(0o666);
        if let Ok(file) = openat(CWD, parent, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode) {
            return Ok(Self::Nameless { file: File::from(file), target });
        }
        Self::beside(parent, target)
    }

    fn beside(parent: &Path, target: PathBuf) -> Result<Self, Failure> {
        let hidden = parent.join(format!(".agent-runner-download-{}", std::process::id()));
        match File::options().write(true).create_new(true).open(&hidden) {
            Ok(file) => Ok(Self::Beside { file, hidden, target }),
            Err(error) => Err(cannot(&hidden, &error)),
        }
    }

    fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless { file, .. } | Self::Beside { file, .. } => file,
        }
    }

    fn keep(self) -> Result<(), Failure> {
        match self {
            Self::Nameless { file, target } => {
                let name = format!("/proc/self/fd/{}", file.as_raw_fd());
                linkat(CWD, name, CWD, &target, AtFlags::SYMLINK_FOLLOW)
                    .map_err(|error| cannot(&target, &io::Error::from(error)))
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

    fn give_up(self) {
        match self {
            Self::Nameless { .. } => {}
            Self::Beside { hidden, .. } => {
                let _ = std::fs::remove_file(hidden);
            }
        }
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
