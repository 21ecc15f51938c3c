//! `attachment list`: files that were handed over.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{AttachmentScope, ListAttachments};
use agent_runner_api::view::AttachmentList;

use crate::app::App;
use crate::args::{ListAttachmentsArgs, OutputFormat, ScopeChoice};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::columns;

pub(crate) async fn list(app: &App, args: ListAttachmentsArgs) -> Outcome {
    let ListAttachmentsArgs { run, scope, output } = args;
    let scope = match scope {
        ScopeChoice::Run => AttachmentScope::Run,
        ScopeChoice::Group => AttachmentScope::Group,
    };
    let list = app.engine.call(ListAttachments { run, scope }).await?;
    reply(output.output_format, &list, text)?;
    if output.output_format == OutputFormat::Text {
        warn_of(&list.problems);
    }
    Ok(0)
}

fn text(list: &AttachmentList) -> String {
    if list.attachments.is_empty() {
        return match list.scope {
            AttachmentScope::Run => format!("Run {} has no attachments.\n", list.run_id),
            AttachmentScope::Group => format!("No run of group {} has attachments.\n", list.run_group_id),
        };
    }
    let rows: Vec<Vec<String>> = list
        .attachments
        .iter()
        .map(|view| {
            let attachment = &view.attachment;
            vec![
                attachment.id.clone(),
                view.owner_run_id.to_string(),
                attachment.size.to_string(),
                attachment.mime_type.clone(),
                attachment.name.clone(),
            ]
        })
        .collect();
    columns(&rows)
}
