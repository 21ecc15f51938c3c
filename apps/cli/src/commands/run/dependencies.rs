//! `run add-dep`, `run remove-dep` and `run clear-deps`: what has to end well before a run may start.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{AddDependency, ClearDependencies, RemoveDependency, Upstream};
use agent_runner_api::view::RunDetail;

use crate::app::App;
use crate::args::{ClearDependenciesArgs, DependencyArgs, UpstreamArgs};
use crate::exit::{Failure, Outcome, usage};
use crate::output::reply;
use crate::render::{clean, dependency_lines};

pub(super) async fn add(app: &App, args: DependencyArgs) -> Outcome {
    let DependencyArgs { run, upstream, output } = args;
    let detail = app.engine.call(AddDependency { run, upstream: upstream_of(upstream)? }).await?;
    reply(output.output_format, &detail, text)?;
    Ok(0)
}

pub(super) async fn remove(app: &App, args: DependencyArgs) -> Outcome {
    let DependencyArgs { run, upstream, output } = args;
    let detail = app.engine.call(RemoveDependency { run, upstream: upstream_of(upstream)? }).await?;
    reply(output.output_format, &detail, text)?;
    Ok(0)
}

pub(super) async fn clear(app: &App, args: ClearDependenciesArgs) -> Outcome {
    let ClearDependenciesArgs { run, output } = args;
    let detail = app.engine.call(ClearDependencies { run }).await?;
    reply(output.output_format, &detail, text)?;
    Ok(0)
}

fn upstream_of(args: UpstreamArgs) -> Result<Upstream, Failure> {
    let UpstreamArgs { upstream_run, upstream_group } = args;
    match (upstream_run, upstream_group) {
        (Some(run), None) => Ok(Upstream::Run { run }),
        (None, Some(group_id)) => Ok(Upstream::Group { group_id }),
        (Some(_), Some(_)) | (None, None) => {
            Err(usage("a dependency is one run or one group", "give either --run or --group"))
        }
    }
}

fn text(detail: &RunDetail) -> String {
    let run = &detail.summary.run_id;
    if detail.dependencies.is_empty() {
        return format!("Run {run} depends on nothing.\n");
    }
    clean(&format!("Run {run} depends on\n{}", dependency_lines(&detail.dependencies)))
}
