//! `list runs`.

use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ListRuns;

use crate::app::App;
use crate::args::{ListRunsArgs, OutputFormat};
use crate::exit::Outcome;
use crate::output::{reply, screen_width, warn_of};
use crate::render::run_list;

pub(crate) async fn list_runs(app: &App, args: ListRunsArgs) -> Outcome {
    let ListRunsArgs { cwd, repo, global, group_id, include_archived, output } = args;
    let everywhere = global || repo.is_some() || group_id.is_some();
    let cwd = match everywhere {
        true => None,
        false => {
            let wanted = Path::new(app.settings.caller_dir()?).join(cwd.unwrap_or_default());
            // A run keeps its directory's real path; one that is gone can only be named by it.
            let real = wanted.canonicalize().unwrap_or_else(|_| tidy(&wanted));
            Some(real.to_string_lossy().into_owned())
        }
    };
    let request = ListRuns { cwd, repo, run_group_id: group_id, include_archived };
    let scope = request.cwd.clone();
    let list = app.engine.call(request).await?;
    let wall = &app.settings.display.wall;
    reply(output.output_format, &list, |list| run_list(list, scope.as_deref(), wall, screen_width()))?;
    if output.output_format == OutputFormat::Text {
        warn_of(&list.problems);
    }
    Ok(0)
}

fn tidy(path: &Path) -> std::path::PathBuf {
    path.components().collect()
}
