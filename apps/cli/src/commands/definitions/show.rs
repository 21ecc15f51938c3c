//! `show agent`, `show assignment`, `show task`.

use std::io::IsTerminal as _;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, ReadDefinition, ShowDefinition};

use crate::app::App;
use crate::args::ShowOneArgs;
use crate::exit::Outcome;
use crate::output::{reply, screen_width};
use crate::render::{clean, definition};

pub(crate) async fn show(app: &App, kind: DefinitionKind, args: ShowOneArgs) -> Outcome {
    let ShowOneArgs { reference, raw, resolved, output } = args;
    let caller_dir = app.settings.caller_dir()?.to_owned();
    if raw {
        let found = app.engine.call(ReadDefinition { kind, reference, caller_dir }).await?;
        reply(output.output_format, &found, |found| authored(&found.text))?;
        return Ok(0);
    }
    let detail = app.engine.call(ShowDefinition { kind, reference, caller_dir, resolved }).await?;
    reply(output.output_format, &detail, |detail| definition(detail, screen_width()))?;
    Ok(0)
}

/// What goes into a file is the file; what goes to a terminal must not steer it.
pub(super) fn authored(text: &str) -> String {
    match std::io::stdout().is_terminal() {
        true => clean(text),
        false => text.to_owned(),
    }
}
