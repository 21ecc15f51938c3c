//! `attachment download`: write a copy of a file. It appears under its name whole and checked, or not at all, and never
//! in place of something else.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use agent_runner_api::view::AttachmentView;
use serde::Serialize;

use crate::app::App;
use crate::args::DownloadArgs;
use crate::exit::{Outcome, usage};
use crate::output::reply;
use crate::placing::{Place, there_already};
use crate::render::clean;

/// What was written, and where.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Downloaded {
    path: String,
    #[serde(flatten)]
    view: AttachmentView,
}

pub(crate) async fn download(app: &App, args: DownloadArgs) -> Outcome {
    let DownloadArgs { run, attachment, target, output } = args;
    let view = app.engine.attachment(&run, &attachment).await?;
    let target = target_of(target, &view);
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if !parent.is_dir() {
        let words = format!("{} is not a directory", parent.display());
        return Err(usage(words, "make it first, or name another place"));
    }
    if std::fs::symlink_metadata(&target).is_ok() {
        return Err(there_already(&target));
    }
    let mut place = Place::open(parent, &target, 0o666)?;
    let copied = app.engine.copy_attachment(&view, place.file()).await;
    match copied {
        Ok(()) => place.keep()?,
        Err(error) => {
            place.give_up();
            return Err(error.into());
        }
    }
    let done = Downloaded { path: target.to_string_lossy().into_owned(), view };
    reply(output.output_format, &done, |done| {
        let attachment = &done.view.attachment;
        clean(&format!("Wrote {} ({} bytes) to {}\n", attachment.id, attachment.size, done.path))
    })?;
    Ok(0)
}

/// In a directory it gets the name it was handed over with, but is never hidden.
fn target_of(target: PathBuf, view: &AttachmentView) -> PathBuf {
    if !target.as_os_str().as_bytes().ends_with(b"/") {
        return target;
    }
    let name = view.attachment.name.trim_start_matches('.');
    target.join(if name.is_empty() { view.attachment.id.as_str() } else { name })
}
