//! `run reconfigure`: other values or words for an initialized run.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ReconfigureRun;

use super::create::{message, variables};
use crate::app::App;
use crate::args::ReconfigureArgs;
use crate::exit::Outcome;
use crate::output::{reply, screen_width};
use crate::render::initialized;

pub(crate) async fn reconfigure(app: &App, args: ReconfigureArgs) -> Outcome {
    let ReconfigureArgs { run, var, message_file, message: words, output } = args;
    let message = message(message_file.as_deref(), &words)?;
    let detail = app.engine.call(ReconfigureRun { run, vars: variables(var)?, message }).await?;
    reply(output.output_format, &detail, |detail| {
        initialized(detail, &app.settings.display.wall, screen_width())
    })?;
    Ok(0)
}
