//! `show agent`, `show assignment`, `show task`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{DefinitionKind, ShowDefinition};
use agent_runner_api::view::DefinitionDetail;

use crate::app::App;
use crate::args::ShowOneArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::{clean, indent};

pub(crate) async fn show(app: &App, kind: DefinitionKind, args: ShowOneArgs) -> Outcome {
    let ShowOneArgs { reference, output } = args;
    let caller_dir = app.settings.caller_dir()?.to_owned();
    let detail = app.engine.call(ShowDefinition { kind, reference, caller_dir }).await?;
    reply(output.output_format, &detail, text)?;
    Ok(0)
}

fn text(detail: &DefinitionDetail) -> String {
    let mut text = format!("{} {}\nsource: {}\n", detail.kind.as_str(), detail.name, detail.source);
    for (name, value) in &detail.settings {
        match value.as_str() {
            Some(value) if value.contains('\n') => {
                text.push_str(&format!("{name}:\n{}\n", indent(value.trim_end())))
            }
            Some(value) => text.push_str(&format!("{name}: {value}\n")),
            None => text.push_str(&format!("{name}: {value}\n")),
        }
    }
    if !detail.tasks.is_empty() {
        text.push_str("\ntasks:\n");
        for task in &detail.tasks {
            text.push_str(&format!("  {}  {}\n", task.id, task.title));
            if !task.body.trim().is_empty() {
                text.push_str(&format!("{}\n", indent(&indent(task.body.trim_end()))));
            }
        }
    }
    if !detail.instructions.trim().is_empty() {
        text.push_str(&format!("\n{}\n", detail.instructions.trim_end()));
    }
    clean(&text)
}
