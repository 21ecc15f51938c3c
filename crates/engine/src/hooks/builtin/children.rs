//! `require-children-success`: a task is done only when the runs that this one started have ended well.

use agent_runner_model::phase::{Phase, RunStatus};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::{Fence, Manifest};
use agent_runner_store::Kin;
use serde::Deserialize;

use super::choice::some;
use super::settings::settings;
use crate::engine::Engine;
use crate::failure::chain;
use crate::hooks::answer::Verdict;
use crate::hooks::context::Moment;
use crate::hooks::running::NoAnswer;
use crate::place::Places;

/// The fence of a run's first attempt. They are not counted anew by a reset.
const FIRST: Fence = Fence(1);

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
    let own = &moment.manifest.spec.run_id;
    let found = engine.store.kin(Kin::Children(own)).await;
    let found =
        found.map_err(|error| NoAnswer::failed(format!("the runs cannot be read: {}", chain(&error))))?;
    let own = Some(own);
    let (mut children, made): (Vec<&Manifest>, Vec<&Manifest>) = found
        .runs
        .iter()
        .filter(|run| run.spec.parent_run_id.as_ref() == own)
        .partition(|run| was_started(run));
    children.sort_by_key(|run| run.spec.created_at);
    let task = &judged.transition.task_id;
    if children.is_empty() && settings.require_any {
        let besides = if made.is_empty() { "" } else { "; one that is only made does not count" };
        return Ok(Verdict::Block(format!(
            "task \"{task}\" cannot be completed yet: this run has not started any other run{besides}"
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

/// Whether a run has begun at any time. One that waits for somebody's approval says nothing about the work of its parent;
/// but one that has worked counts for good, even if it was reset: otherwise a reset would get around its end.
fn was_started(run: &Manifest) -> bool {
    match &run.state.phase {
        Phase::Initialized | Phase::Ready => run.state.next_fence > FIRST,
        Phase::Active { .. } | Phase::Ended { .. } => true,
    }
}

fn label(run: &Manifest) -> String {
    let (id, status) = (&run.spec.run_id, run.status(false));
    let assignment = run.spec.assignment.as_ref().map(|assignment| assignment.name.as_str());
    match run.state.name.as_deref().or(assignment) {
        Some(name) => format!("{id} ({}, {name})", status.as_str()),
        None => format!("{id} ({})", status.as_str()),
    }
}
