//! `list runs`.

use std::path::Path;

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ListRuns;
use agent_runner_api::view::{RunList, RunSummary};
use agent_runner_model::phase::RunStatus;

use crate::app::App;
use crate::args::{ListRunsArgs, OutputFormat};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::{columns, reason_words};
use crate::wall::Wall;

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
    reply(output.output_format, &list, |list| text(list, scope.as_deref(), wall))?;
    if output.output_format == OutputFormat::Text {
        warn_of(&list.problems);
    }
    Ok(0)
}

fn tidy(path: &Path) -> std::path::PathBuf {
    path.components().collect()
}

fn text(list: &RunList, scope: Option<&str>, wall: &Wall) -> String {
    if list.runs.is_empty() {
        return match scope {
            Some(cwd) => {
                format!("There are no runs of {cwd}; `agent-runner list runs --global` lists all.\n")
            }
            None => "There are no such runs.\n".to_owned(),
        };
    }
    let mut rows = Vec::new();
    for run in &list.runs {
        let what = run.name.clone().or_else(|| run.assignment_name.clone()).unwrap_or_else(|| "-".to_owned());
        rows.push(vec![
            run.run_id.to_string(),
            status(run, wall),
            format!("{}/{}", run.tasks_completed, run.tasks_total),
            run.backend.clone(),
            what,
            run.created_at.to_string(),
            if scope.is_some() { String::new() } else { run.cwd.clone() },
        ]);
    }
    columns(&rows)
}

/// The status, and until when the run waits, if it does.
fn status(run: &RunSummary, wall: &Wall) -> String {
    let status = run.effective_status.as_str();
    match (&run.wait, run.effective_status) {
        (Some(wait), RunStatus::Running) => match wait.until {
            Some(until) => {
                format!("{status}, waits until {} ({})", wall.moment(until), reason_words(wait.why))
            }
            None => format!("{status}, waits ({})", reason_words(wait.why)),
        },
        (Some(_) | None, _) => status.to_owned(),
    }
}
