//! `du`: what runs take on the disk.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::GetDiskUse;

use super::definitions::directory_of;
use crate::app::App;
use crate::args::{DiskUseArgs, OutputFormat, SpaceScopeArgs};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::{clean, disk_use};

pub(crate) async fn du(app: &App, args: DiskUseArgs) -> Outcome {
    let DiskUseArgs { runs, scope: SpaceScopeArgs { cwd, repo, global }, limit, output } = args;
    let everywhere = global || repo.is_some() || !runs.is_empty();
    let cwd = directory_of(app, cwd, everywhere)?;
    let scope = cwd.clone();
    let taken = app.engine.call(GetDiskUse { runs, cwd, repo, limit }).await?;
    reply(output.output_format, &taken, |taken| disk_use(taken, scope.as_deref()))?;
    if output.output_format == OutputFormat::Text {
        if scope.is_some() {
            warn_of(&taken.problems);
        }
        for path in &taken.unread {
            eprintln!("warning: {} cannot be looked into, and is not counted", clean(path));
        }
    }
    Ok(0)
}
