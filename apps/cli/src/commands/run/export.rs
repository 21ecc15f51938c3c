//! `run export`: write a run as an archive. It appears under its name whole, or not at all.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use agent_runner_api::view::ExportedRun;
use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_engine::Export;
use serde::Serialize;

use crate::app::App;
use crate::args::{ExportArgs, OutputFormat};
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::placing::{Place, there_already};
use crate::render::{clean, exported};

/// What was written, and where.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    path: String,
    #[serde(flatten)]
    view: ExportedRun,
}

pub(crate) async fn export(app: &App, args: ExportArgs) -> Outcome {
    let ExportArgs { run, file, force, snapshot, output } = args;
    let to_stdout = file.as_deref().is_some_and(|file| file.as_os_str() == "-");
    if to_stdout {
        check_stdout(output.output_format)?;
    }
    let export = app.engine.exportable(&run, snapshot).await?;
    if to_stdout {
        let mut out = BufWriter::new(Target::new(std::io::stdout()));
        let written = app.engine.export(export, &mut out).await;
        let view = written.map_err(|error| out.get_ref().failure(error, "standard output"))?;
        let text = exported(&view, "standard output");
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        return Ok(0);
    }
    let target = file.unwrap_or_else(|| PathBuf::from(format!("{}.agent-run.tar.gz", export.run_id())));
    let view = write(app, export, &target, force).await?;
    let done = Written { path: target.to_string_lossy().into_owned(), view };
    reply(output.output_format, &done, |done| exported(&done.view, &clean(&done.path)))?;
    Ok(0)
}

/// Where an archive is written to. Keeps in mind what went wrong there: elsewhere it is not known what that place is.
struct Target<W> {
    to: W,
    broken: Option<io::Error>,
}

impl<W> Target<W> {
    fn new(to: W) -> Self {
        Self { to, broken: None }
    }

    fn keep_in_mind<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && error.kind() != ErrorKind::Interrupted
        {
            let same = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.broken = Some(same);
        }
        done
    }

    /// What is said of an export that failed.
    fn failure(&self, error: ApiError, name: &str) -> Failure {
        match &self.broken {
            Some(broken) if broken.kind() == ErrorKind::BrokenPipe => Failure::Gone,
            Some(broken) => {
                let message = format!("cannot write the archive to {name}");
                let mut said = ApiError::new(ErrorCode::Storage, message)
                    .hint("make room there, or name another place with --output");
                said.causes = vec![broken.to_string()];
                Failure::Error(said)
            }
            None => error.into(),
        }
    }
}

impl<W: Write> Write for Target<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes);
        self.keep_in_mind(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        self.keep_in_mind(flushed)
    }
}

fn check_stdout(format: OutputFormat) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return Err(usage(
            "an archive is not written to a terminal",
            "leave `--output -` out, or send it to a file or to a program",
        ));
    }
    match format {
        OutputFormat::Text => Ok(()),
        OutputFormat::Json => Err(usage(
            "standard output cannot take both the archive and JSON",
            "leave --output-format out, or write the archive to a file",
        )),
    }
}

async fn write(app: &App, export: Export, target: &Path, force: bool) -> Result<ExportedRun, Failure> {
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if !parent.is_dir() {
        let words = format!("{} is not a directory", parent.display());
        return Err(usage(words, "make it first, or name another place"));
    }
    check_target(target, force)?;
    // Briefs and notes are nobody else's business.
    let mut place = Place::open(parent, target, 0o600)?;
    let mut out = BufWriter::new(Target::new(place.file()));
    let written = app.engine.export(export, &mut out).await;
    let written = written.map_err(|error| out.get_ref().failure(error, &target.display().to_string()));
    drop(out);
    let synced = place.file().sync_data();
    match (written, synced) {
        (Ok(view), Ok(())) => {
            if force {
                place.keep_instead()?
            } else {
                place.keep()?
            }
            Ok(view)
        }
        (Ok(_), Err(error)) => {
            place.give_up();
            let message = format!("cannot write {}", target.display());
            Err(anyhow::Error::new(error).context(message).into())
        }
        (Err(error), _) => {
            place.give_up();
            Err(error)
        }
    }
}

/// Something that is no file is never replaced.
fn check_target(target: &Path, force: bool) -> Result<(), Failure> {
    match std::fs::symlink_metadata(target) {
        Err(_) => Ok(()),
        Ok(found) if force && found.is_file() => Ok(()),
        Ok(found) if found.is_file() => Err(usage(
            format!("{} is there already", target.display()),
            "--force replaces it; --output names another file",
        )),
        Ok(_) => Err(there_already(target)),
    }
}
