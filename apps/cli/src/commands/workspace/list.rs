//! `workspace list`: the runs that have a worktree.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ListWorkspaces;
use agent_runner_api::view::WorkspaceList;

use crate::app::App;
use crate::args::{ListWorkspacesArgs, OutputFormat};
use crate::exit::Outcome;
use crate::output::{reply, warn_of};
use crate::render::columns;

pub(crate) async fn list(app: &App, args: ListWorkspacesArgs) -> Outcome {
    let ListWorkspacesArgs { repo, output } = args;
    let list = app.engine.call(ListWorkspaces { repo }).await?;
    reply(output.output_format, &list, text)?;
    if output.output_format == OutputFormat::Text {
        warn_of(&list.problems);
    }
    Ok(0)
}

fn text(list: &WorkspaceList) -> String {
    if list.workspaces.is_empty() {
        return "No run has a worktree of its own.\n".to_owned();
    }
    let head = ["RUN", "STATUS", "STATE", "SNAPSHOTS", "REMOVABLE", "BRANCH", "PATH"].map(str::to_owned);
    let rows = list.workspaces.iter().map(|view| {
        vec![
            view.run_id.to_string(),
            view.status.as_str().to_owned(),
            view.state.as_str().to_owned(),
            view.snapshots.map_or("?".to_owned(), |count| count.to_string()),
            if view.removable { "yes" } else { "no" }.to_owned(),
            view.branch.clone(),
            match &view.why {
                Some(why) => format!("{} ({why})", view.path),
                None => view.path.clone(),
            },
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(rows).collect();
    columns(&rows)
}
