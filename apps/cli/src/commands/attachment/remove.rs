//! `attachment remove`: take a file away from a run.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::RemoveAttachment;

use crate::app::App;
use crate::args::RemoveAttachmentArgs;
use crate::exit::Outcome;
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn remove(app: &App, args: RemoveAttachmentArgs) -> Outcome {
    let RemoveAttachmentArgs { run, attachment, output } = args;
    let view = app.engine.call(RemoveAttachment { run, attachment }).await?;
    reply(output.output_format, &view, |view| {
        let attachment = &view.attachment;
        clean(&format!("Removed {} from run {}: {}\n", attachment.id, view.owner_run_id, attachment.name))
    })?;
    Ok(0)
}
