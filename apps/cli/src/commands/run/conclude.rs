//! The end of a watched run: how it ended, in words or as JSON, and the exit code that goes with it.

use std::io::Write as _;
use std::time::Duration;

use agent_runner_api::view::RunDetail;

use crate::app::App;
use crate::args::OutputFormat;
use crate::exit::Outcome;
use crate::follow::Watch;
use crate::output::json_text;
use crate::render::{closing, exit_code};

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
        OutputFormat::Text => closing(detail, &app.settings.display.wall),
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
