//! `validate`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ValidateDefinitions;

use crate::app::App;
use crate::args::ValidateArgs;
use crate::exit::{Outcome, USAGE};
use crate::output::reply;
use crate::render::validation;

pub(crate) async fn validate(app: &App, args: ValidateArgs) -> Outcome {
    let ValidateArgs { paths, output } = args;
    let caller_dir = app.settings.caller_dir()?.to_owned();
    let found = app.engine.call(ValidateDefinitions { paths, caller_dir }).await?;
    reply(output.output_format, &found, validation)?;
    Ok(if found.valid { 0 } else { USAGE })
}
