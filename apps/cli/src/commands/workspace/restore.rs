//! `workspace restore`: give back what was put aside.

use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::RestoreWorkspace;

use crate::app::App;
use crate::args::RestoreArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{aside_line, clean};

pub(crate) async fn restore(app: &App, args: RestoreArgs) -> Outcome {
    let RestoreArgs { run, number, to, output } = args;
    let to = match to {
        Some(to) => Some(Path::new(app.settings.caller_dir()?).join(to).to_string_lossy().into_owned()),
        None => None,
    };
    let restored = app.engine.call(RestoreWorkspace { run, number, to }).await?;
    reply(output.output_format, &restored, |restored| {
        let line = format!(
            "Restored snapshot {} of run {} to {}\n",
            restored.number, restored.run_id, restored.path
        );
        clean(&(aside_line(restored.before.as_ref()) + &line))
    })?;
    Ok(0)
}
