//! `list agents`, `list assignments`, `list tasks`.

use std::io::Write as _;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, ListDefinitions};
use agent_runner_api::view::DefinitionProblem;

use crate::app::App;
use crate::args::{Output, OutputFormat};
use crate::exit::Outcome;
use crate::output::{reply, screen_width};
use crate::render::{clean, definition_list};

pub(crate) async fn list(app: &App, kind: DefinitionKind, output: Output) -> Outcome {
    let list = app.engine.call(ListDefinitions { kind }).await?;
    reply(output.output_format, &list, |list| definition_list(list, screen_width()))?;
    warn(output, &list.warnings);
    Ok(0)
}

/// Says what was left out; whoever reads JSON finds it there.
pub(super) fn warn(output: Output, warnings: &[DefinitionProblem]) {
    if output.output_format == OutputFormat::Text {
        let mut err = std::io::stderr().lock();
        for warning in warnings {
            let _ =
                writeln!(err, "warning: {} was left out: {}", clean(&warning.name), clean(&warning.message));
        }
    }
}
