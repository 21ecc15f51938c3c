//! The end of a watched run: how it ended, in words or as JSON, and the exit code that goes with it.

use std::io::Write as _;
use std::time::Duration;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReadReport;
use agent_runner_api::view::RunDetail;

use crate::app::App;
use crate::args::OutputFormat;
use crate::exit::Outcome;
use crate::follow::Watch;
use crate::output::{json_text, screen_width};
use crate::render::{closing, exit_code, is_told_in_words};

/// How long a command that was told to stop waits for a reader of its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Says how the run ended. The exit code is the run's, whether or not somebody could be told.
pub(super) async fn conclude(
    app: &App,
    watch: &mut Watch,
    detail: &RunDetail,
    format: OutputFormat,
) -> Outcome {
    show(app, watch, detail, format).await?;
    Ok(exit_code(detail))
}

/// This command stops watching a run that goes on. What was on its way to the reader still gets there.
pub(super) async fn let_go(watch: &mut Watch, code: u8) -> Outcome {
    let _ = tokio::time::timeout(LAST_WORDS, watch.view.close(String::new())).await;
    Ok(code)
}

/// Prints the end of a run; somebody who wants this command to end need not wait for a reader that stalls.
pub(super) async fn show(app: &App, watch: &mut Watch, detail: &RunDetail, format: OutputFormat) -> Outcome {
    let ending = match format {
        OutputFormat::Json => json_text(detail)?,
        OutputFormat::Text => {
            let words = last_words(app, detail).await;
            closing(detail, words.as_deref(), &app.settings.display.wall, screen_width())
        }
    };
    let Watch { view, signals, told_to_stop } = watch;
    let printed = if *told_to_stop {
        tokio::time::timeout(LAST_WORDS, view.close(ending)).await.unwrap_or(Ok(()))
    } else {
        tokio::select! {
            printed = view.close(ending) => printed,
            () = signals.stop() => Ok(()),
        }
    };
    if let Err(error) = printed {
        let _ = writeln!(std::io::stderr().lock(), "error: cannot write to standard output: {error}");
    }
    Ok(0)
}

/// What the worker of a run without tasks said in the end. What cannot be read is not shown; the run is the same.
async fn last_words(app: &App, detail: &RunDetail) -> Option<String> {
    if !is_told_in_words(detail) {
        return None;
    }
    let run = detail.summary.run_id.to_string();
    let report = app.engine.call(ReadReport { run, with_dependents: false }).await.ok()?;
    report.digests.into_iter().next_back()?.last_words
}
