//! `attachment add`: hand a file over. Reads regular files only: nothing that could wait for somebody, or never end.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use agent_runner_engine::NewAttachment;
use rustix::fs::OFlags;

use crate::app::App;
use crate::args::AddAttachmentArgs;
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn add(app: &App, args: AddAttachmentArgs) -> Outcome {
    let AddAttachmentArgs { run, file: path, name, mime_type, output } = args;
    let name = match name {
        Some(name) => name,
        None => own_name(&path)?,
    };
    let (mut file, size) = open(&path)?;
    let new = NewAttachment { run, name, mime_type, size };
    let view = app.engine.add_attachment(new, &mut file).await?;
    reply(output.output_format, &view, |view| {
        let attachment = &view.attachment;
        clean(&format!(
            "Attached {} to run {}: {} ({} bytes, {})\n",
            attachment.id, view.owner_run_id, attachment.name, attachment.size, attachment.mime_type
        ))
    })?;
    Ok(0)
}

fn own_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| {
        usage(format!("{} has no name that can be kept", path.display()), "give one with --name")
    })
}

/// A link to a regular file will do. Pipes and devices are not even opened; what takes a file's place between the look
/// and the opening is seen then, without waiting for it.
fn open(path: &Path) -> Result<(File, u64), Failure> {
    let hint = "name a regular file that can be read";
    let fail = |error: std::io::Error| usage(format!("cannot read {}: {error}", path.display()), hint);
    let other = || usage(format!("{} is not a regular file", path.display()), hint);
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        return Err(other());
    }
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?;
    if !found.is_file() {
        return Err(other());
    }
    Ok((file, found.len()))
}
