//! The hooks of an assignment in the order they run in, each with its id. Must not know where their files are.

use std::collections::BTreeMap;

use agent_runner_model::hook::{HookPhase, HookSpec};
use agent_runner_model::ids::TaskId;

/// All of them, with ids: those of tasks in the order of the tasks, then the others by phase.
pub(crate) fn arranged<'a>(
    tasks: impl IntoIterator<Item = &'a TaskId>,
    hooks: Vec<HookSpec>,
) -> Vec<HookSpec> {
    let mut of_tasks: BTreeMap<TaskId, Vec<HookSpec>> = BTreeMap::new();
    let mut of_phases: BTreeMap<HookPhase, Vec<HookSpec>> = BTreeMap::new();
    for hook in hooks {
        match &hook.task_scope_id {
            Some(task) => of_tasks.entry(task.clone()).or_default().push(hook),
            None => of_phases.entry(hook.phase).or_default().push(hook),
        }
    }
    let of_tasks = tasks.into_iter().filter_map(|task| of_tasks.remove(task));
    let of_phases = HookPhase::ALL.into_iter().filter_map(|phase| of_phases.remove(&phase));
    let lists: Vec<Vec<HookSpec>> = of_tasks.chain(of_phases).collect();
    lists.into_iter().flat_map(numbered).collect()
}

/// The hooks of a base that stay where these tasks are removed or replaced as a whole.
pub(crate) fn inherited(mut base: Vec<HookSpec>, gone: &[&TaskId]) -> Vec<HookSpec> {
    base.retain(|hook| hook.task_scope_id.as_ref().is_none_or(|task| !gone.contains(&task)));
    base
}

fn numbered(hooks: Vec<HookSpec>) -> impl Iterator<Item = HookSpec> {
    hooks.into_iter().enumerate().map(|(index, hook)| {
        let phase = hook.phase.as_str();
        let task = hook.task_scope_id.as_ref().map_or(String::new(), |task| format!("task:{task}:"));
        let hook_id = format!("{phase}:{task}{index}:{}", hook.source.label());
        HookSpec { hook_id, ..hook }
    })
}
