//! `run import`: take runs over from archives. Each is taken over as a whole or not at all, whatever becomes of the others.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use agent_runner_api::ApiError;
use agent_runner_api::view::ImportedRun;
use agent_runner_engine::NewHome;
use serde::Serialize;

use super::import_reference::{self, Directories};
use crate::app::App;
use crate::args::{ImportArgs, OutputFormat};
use crate::exit::{Failure, Outcome, tell, usage};
use crate::output::{print, print_json};
use crate::render::{clean, imported};

/// What became of each file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    runs: Vec<FromFile>,
    failed: Vec<NotTaken>,
}

/// A run and the file it came from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FromFile {
    file: String,
    #[serde(flatten)]
    view: ImportedRun,
}

/// A file that nothing came from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotTaken {
    file: String,
    #[serde(flatten)]
    error: ApiError,
}

pub(crate) async fn import(app: &App, args: ImportArgs) -> Outcome {
    let ImportArgs { paths: files, all, dry_run, as_new_id, cwd, output } = args;
    let directories = files.iter().filter(|path| path.is_dir()).count();
    if all || directories > 0 {
        if cwd.is_some() {
            let hint = "a run of a directory keeps the directory it works in";
            return Err(usage("--cwd is for archives", hint));
        }
        if let Some(file) = files.iter().find(|path| !path.is_dir()) {
            let message = format!("{} is not a directory, and others are", file.display());
            return Err(usage(message, "import archives and directories with a command each"));
        }
        let asked = Directories { paths: files, all, as_new_id, dry_run, output };
        return import_reference::import(app, asked).await;
    }
    if dry_run {
        return Err(usage("--dry-run is for directories", "name directories, or leave it out"));
    }
    if files.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(usage("standard input is there once", "name `-` once, and files for the other archives"));
    }
    let home = NewHome { as_new_id, cwd: cwd.map(|cwd| directory(&cwd)).transpose()? };
    let alone = files.len() == 1;
    let mut all = Imported { runs: Vec::new(), failed: Vec::new() };
    for path in files {
        let file = path.to_string_lossy().into_owned();
        match import_one(app, &home, &path).await {
            Ok(view) => {
                if let OutputFormat::Text = output.output_format {
                    print(&imported(&view, &clean(&file)))?;
                }
                all.runs.push(FromFile { file, view });
            }
            // There is nothing else to say.
            Err(failure) if alone => return Err(failure),
            Err(Failure::Error(error)) => {
                let message = format!("{file}: {}", error.message);
                tell(&ApiError { message, ..error.clone() });
                all.failed.push(NotTaken { file, error });
            }
            Err(Failure::Gone) => return Err(Failure::Gone),
        }
    }
    if let OutputFormat::Json = output.output_format {
        print_json(&all)?;
    }
    Ok(all.failed.first().map_or(0, |failed| failed.error.code.exit_code()))
}

async fn import_one(app: &App, home: &NewHome, path: &Path) -> Result<ImportedRun, Failure> {
    let source: Box<dyn Read + Send> =
        if is_stdin(path) { Box::new(stdin()?) } else { Box::new(open(path)?) };
    Ok(app.engine.import(home, source).await?)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Standard input, where an archive can come from there.
fn stdin() -> Result<io::Stdin, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(usage(
            "an archive is not read from a terminal",
            "name a file, or send one: `agent-runner run import - < FILE`",
        ));
    }
    let found = stdin.as_fd().try_clone_to_owned().and_then(|input| File::from(input).metadata());
    match found {
        Ok(found) if found.is_dir() => Err(usage(
            "standard input is a directory, not an archive",
            "name the directory itself, which imports runs of the TypeScript agent-runner, or send an archive",
        )),
        Ok(_) | Err(_) => Ok(stdin),
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    let hint = "name an archive that `agent-runner run export` has written, `-` for standard input, or directories of the \
                TypeScript agent-runner";
    File::open(path).map_err(|error| usage(format!("cannot read {}: {error}", path.display()), hint))
}

/// The directory as runs know it.
fn directory(path: &PathBuf) -> Result<String, Failure> {
    let hint = "name a directory that exists";
    let found = std::fs::canonicalize(path)
        .map_err(|error| usage(format!("cannot use {} as --cwd: {error}", path.display()), hint))?;
    if !found.is_dir() {
        return Err(usage(format!("{} is not a directory", path.display()), hint));
    }
    let text = found.into_os_string().into_string();
    text.map_err(|_| usage(format!("the path {} is not UTF-8", path.display()), hint))
}
