//! `run import` of directories: runs of the TypeScript agent-runner become runs here.

use std::path::PathBuf;

use agent_runner_api::operations::ImportReference;
use agent_runner_api::view::{DirectoryAction, DirectoryImport, ImportedDirectory};
use agent_runner_api::{ApiError, Handle as _};

use crate::app::App;
use crate::args::Output;
use crate::exit::{Outcome, tell, usage};
use crate::output::reply;
use crate::render::clean;

/// What is asked for.
pub(super) struct Directories {
    pub(super) paths: Vec<PathBuf>,
    pub(super) all: bool,
    pub(super) as_new_id: bool,
    pub(super) dry_run: bool,
    pub(super) output: Output,
}

pub(super) async fn import(app: &App, asked: Directories) -> Outcome {
    let Directories { paths, all, as_new_id, dry_run, output } = asked;
    let text_of = |path: PathBuf| path.into_os_string().into_string();
    let paths: Result<Vec<String>, _> = paths.into_iter().map(text_of).collect();
    let paths =
        paths.map_err(|path| usage(format!("the path {path:?} is not UTF-8"), "give it another name"))?;
    let report = app.engine.call(ImportReference { paths, all, as_new_id, dry_run }).await?;
    reply(output.output_format, &report, text)?;
    let refused = report.runs.iter().filter_map(|run| Some((run, run.error.as_ref()?)));
    let mut code = None;
    for (run, error) in refused {
        code = code.or(Some(error.code.exit_code()));
        tell(&ApiError { message: format!("{}: {}", run.path, error.message), ..error.clone() });
    }
    Ok(code.unwrap_or(0))
}

fn text(report: &DirectoryImport) -> String {
    let mut text = String::new();
    for run in &report.runs {
        text.push_str(&lines(run));
    }
    let count = |action| report.runs.iter().filter(|run| run.action == action).count();
    let counts = [
        (count(DirectoryAction::Imported), "imported"),
        (count(DirectoryAction::WouldImport), "would be imported"),
        (count(DirectoryAction::Present), "already there"),
        (count(DirectoryAction::Refused), "could not be imported"),
    ];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match said.is_empty() {
        true => text.push_str("Nothing to import.\n"),
        false => text.push_str(&format!("{}.\n", said.join(", "))),
    }
    clean(&text)
}

fn lines(run: &ImportedDirectory) -> String {
    let Some(id) = &run.run_id else { return String::new() };
    let what = match run.action {
        DirectoryAction::Imported => "imported",
        DirectoryAction::WouldImport => "would be imported",
        DirectoryAction::Present => "already there",
        // Said on standard error, with the reason.
        DirectoryAction::Refused => return String::new(),
    };
    let status = run.status.map_or_else(String::new, |status| format!(", {}", status.as_str()));
    let name = run.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
    let mut text = format!("{id}  {what}{status}{name}\n");
    for remark in &run.remarks {
        text.push_str(&format!("  {remark}\n"));
    }
    if let Some(kept) = &run.kept_at {
        text.push_str(&format!("  the original is kept in {kept}\n"));
    }
    text
}
