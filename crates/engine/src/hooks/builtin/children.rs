//! `require-children-success`: a task is done only when the runs that this one started have ended well.

use agent_runner_model::Manifest;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::task::TaskStatus;
use serde::Deserialize;

use super::choice::some;
use super::settings::settings;
use crate::engine::Engine;
use crate::failure::chain;
use crate::hooks::answer::Verdict;
use crate::hooks::context::Moment;
use crate::hooks::running::NoAnswer;
use crate::place::Places;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    require_any: bool,
}

pub(super) async fn require<S: Places + 'static>(
    engine: &Engine<S>,
    moment: &Moment<'_>,
) -> Result<Verdict, NoAnswer> {
    let settings: Settings = settings(moment)?;
    let Some(judged) = &moment.judged else { return Ok(Verdict::Skipped) };
    if judged.transition.to != TaskStatus::Completed {
        return Ok(Verdict::Continue);
    }
    let own = Some(&moment.manifest.spec.run_id);
    let all = engine.everything().await;
    let all = all.map_err(|error| NoAnswer::failed(format!("the runs cannot be read: {}", chain(&error))))?;
    let mut children: Vec<&Manifest> =
        all.iter().filter(|run| run.spec.parent_run_id.as_ref() == own).collect();
    children.sort_by_key(|run| run.spec.created_at);
    let task = &judged.transition.task_id;
    if children.is_empty() && settings.require_any {
        return Ok(Verdict::Block(format!(
            "task \"{task}\" cannot be completed yet: this run has not started any other run"
        )));
    }
    let open: Vec<String> =
        children.iter().filter(|run| run.status(false) != RunStatus::Success).map(|run| label(run)).collect();
    if open.is_empty() {
        return Ok(Verdict::Continue);
    }
    Ok(Verdict::Block(format!(
        "task \"{task}\" cannot be completed before every run that this one started has ended with success:\n{}",
        some(&open)
    )))
}

fn label(run: &Manifest) -> String {
    let (id, status) = (&run.spec.run_id, run.status(false));
    let assignment = run.spec.assignment.as_ref().map(|assignment| assignment.name.as_str());
    match run.state.name.as_deref().or(assignment) {
        Some(name) => format!("{id} ({}, {name})", status.as_str()),
        None => format!("{id} ({})", status.as_str()),
    }
}
