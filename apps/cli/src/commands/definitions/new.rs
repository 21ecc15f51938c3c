//! `new agent`, `new assignment`, `new task`.

use std::io::Write as _;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, NewDefinition, Writing};

use crate::app::App;
use crate::args::{NewOneArgs, OutputFormat};
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, new_definition};

pub(crate) async fn new(
    app: &App,
    kind: DefinitionKind,
    backend: Option<String>,
    args: NewOneArgs,
) -> Outcome {
    let NewOneArgs { name, from, dir, force, print, output } = args;
    let in_config = dir.is_none();
    let caller_dir = app.settings.caller_dir()?.to_owned();
    let writing = match (print, force) {
        (true, _) => Writing::Nothing,
        (false, true) => Writing::Replace,
        (false, false) => Writing::IfAbsent,
    };
    let made = app.engine.call(NewDefinition { kind, name, backend, from, dir, caller_dir, writing }).await?;
    reply(output.output_format, &made, |made| new_definition(made, in_config))?;
    if output.output_format == OutputFormat::Text {
        let mut err = std::io::stderr().lock();
        for warning in &made.warnings {
            let _ = writeln!(err, "warning: {}", clean(warning));
        }
    }
    Ok(0)
}
