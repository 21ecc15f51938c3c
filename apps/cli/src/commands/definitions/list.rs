//! `list agents`, `list assignments`, `list tasks`.

use std::io::Write as _;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, ListDefinitions};
use agent_runner_api::view::DefinitionList;

use crate::app::App;
use crate::args::{Output, OutputFormat};
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, columns};

pub(crate) async fn list(app: &App, kind: DefinitionKind, output: Output) -> Outcome {
    let list = app.engine.call(ListDefinitions { kind }).await?;
    reply(output.output_format, &list, text)?;
    if output.output_format == OutputFormat::Text {
        let mut err = std::io::stderr().lock();
        for warning in &list.warnings {
            let _ =
                writeln!(err, "warning: {} was left out: {}", clean(&warning.name), clean(&warning.message));
        }
    }
    Ok(0)
}

fn text(list: &DefinitionList) -> String {
    if list.definitions.is_empty() {
        return format!("There are no {}s.\n", list.kind.as_str());
    }
    let mut rows = Vec::new();
    for definition in &list.definitions {
        let mut source = definition.source.clone();
        if !definition.shadows.is_empty() {
            source.push_str(&format!(" (hides {})", definition.shadows.join(", ")));
        }
        rows.push(vec![definition.name.clone(), definition.summary.clone().unwrap_or_default(), source]);
    }
    columns(&rows)
}
