//! What runs have to do with one another, in words.

use agent_runner_api::view::{DependencyState, DependencyView};

/// A line for each thing a run depends on.
pub(crate) fn dependency_lines(dependencies: &[DependencyView]) -> String {
    dependencies.iter().map(|dependency| format!("  {}\n", dependency_words(dependency))).collect()
}

fn dependency_words(dependency: &DependencyView) -> String {
    let mark = if dependency.is_satisfied() { "[x]" } else { "[ ]" };
    match dependency {
        DependencyView::Run { run_id, effective_status, name, .. } => {
            let status = effective_status.map_or("missing", |status| status.as_str());
            let name = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            format!("{mark} run {run_id}{name}: {status}")
        }
        DependencyView::Group { group_id, missing: true, .. } => {
            format!("{mark} group {group_id}: it has no runs")
        }
        DependencyView::Group { group_id, successful, total, .. } => {
            format!("{mark} group {group_id}: {successful} of {total} are success")
        }
    }
}

/// How the dependencies of a run stand together.
pub(crate) fn dependency_state_words(state: &DependencyState) -> String {
    let DependencyState { ready: _, total, satisfied, unsatisfied: _ } = state;
    format!("{satisfied} of {total} dependencies are success")
}
