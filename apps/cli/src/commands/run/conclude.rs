//! The end of a watched run: how it ended, in words or as JSON, and the exit code that goes with it.

use std::io::Write as _;

use agent_runner_api::view::RunDetail;

use crate::args::OutputFormat;
use crate::exit::Outcome;
use crate::follow::Watch;
use crate::output::json_text;
use crate::render::{closing, exit_code};

/// Says how the run ended. The exit code is the run's, whether or not somebody could be told.
pub(super) async fn conclude(watch: &mut Watch, detail: &RunDetail, format: OutputFormat) -> Outcome {
    show(watch, detail, format).await?;
    Ok(exit_code(detail))
}

/// Prints the end of a run; somebody who wants this command to end need not wait for a reader that stalls.
pub(super) async fn show(watch: &mut Watch, detail: &RunDetail, format: OutputFormat) -> Outcome {
    let ending = match format {
        OutputFormat::Json => json_text(detail)?,
        OutputFormat::Text => closing(detail),
    };
    let Watch { view, signals } = watch;
    tokio::select! {
        printed = view.close(ending) => {
            if let Err(error) = printed {
                let _ = writeln!(std::io::stderr().lock(), "error: cannot write to standard output: {error}");
            }
        }
        () = signals.stop() => {}
    }
    Ok(0)
}
