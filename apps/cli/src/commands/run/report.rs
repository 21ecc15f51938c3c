//! `run report`: one page about a run.

use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{GetChanges, ReadReport};

use crate::app::App;
use crate::args::{OutputFormat, ReportArgs, ReportFormat};
use crate::exit::Outcome;
use crate::output::{print, print_json};
use crate::render::{Report, clean, html, markdown, page};
use crate::replace::replace_file;

pub(crate) async fn report(app: &App, args: ReportArgs) -> Outcome {
    let ReportArgs { run, format, file, output } = args;
    // One after the other: what was asked first is what a page cannot do without.
    let found = app.engine.call(ReadReport { run: run.clone(), with_dependents: true }).await?;
    let changes = app.engine.call(GetChanges { run }).await?;
    let report = Report { run: found, changes, version: app.engine.config().version };
    // As elsewhere, `-` is the standard stream.
    let file = file.filter(|file| file.as_os_str() != "-");
    let written = match &file {
        Some(file) => Some(replace_file(file, &text(&report, chosen(format, Some(file))))?),
        None => None,
    };
    match (output.output_format, written) {
        (OutputFormat::Json, _) => print_json(&report)?,
        (OutputFormat::Text, Some(place)) => print(&clean(&format!("Wrote {}\n", place.display())))?,
        (OutputFormat::Text, None) => print(&text(&report, chosen(format, None)))?,
    }
    Ok(0)
}

fn chosen(format: Option<ReportFormat>, file: Option<&Path>) -> ReportFormat {
    let extension = file.and_then(Path::extension).map(|extension| extension.to_ascii_lowercase());
    match (format, extension) {
        (Some(format), _) => format,
        (None, Some(extension)) if extension == "html" || extension == "htm" => ReportFormat::Html,
        (None, _) => ReportFormat::Markdown,
    }
}

fn text(report: &Report, format: ReportFormat) -> String {
    let page = page(report);
    match format {
        ReportFormat::Markdown => markdown(&page),
        ReportFormat::Html => html(&page),
    }
}
