//! The hooks a run is made with, and what they need besides. Must not run any.

use std::collections::BTreeMap;

use agent_runner_api::operations::CreateRun;
use agent_runner_definitions::{Agent, Assignment, WorktreeAsk};
use agent_runner_model::hook::{DEFAULT_HOOK_TIMEOUT_SEC, HookPhase, HookSource, HookSpec, HookWhen};
use agent_runner_model::spec::BackendSettings;

/// The builtin that nobody writes down: the runner puts it in front of the others of a run that is to have a worktree.
pub(crate) const OWN_WORKTREE: &str = "own-worktree";

/// The hooks of the assignment, behind the one that makes a worktree, if there is to be one.
pub(super) fn hooks(request: &CreateRun, assignment: Option<&Assignment>) -> Vec<HookSpec> {
    let authored = assignment.and_then(|assignment| assignment.worktree.clone());
    let asked = match &request.worktree {
        Some(wanted) => Some(WorktreeAsk {
            branch: wanted.branch.clone().or_else(|| authored.as_ref().and_then(|ask| ask.branch.clone())),
            ..authored.unwrap_or_default()
        }),
        None => authored,
    };
    let own = asked.map(|ask| own_worktree(&ask));
    own.into_iter().chain(assignment.map(|found| found.hooks.clone()).unwrap_or_default()).collect()
}

/// The hook that gives a run a worktree of its own.
fn own_worktree(ask: &WorktreeAsk) -> HookSpec {
    let asked = [("branch", &ask.branch), ("from", &ask.from), ("path", &ask.path)];
    let asked = asked.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?.into())));
    HookSpec {
        hook_id: format!("{}:worktree", HookPhase::Prepare.as_str()),
        phase: HookPhase::Prepare,
        source: HookSource { builtin: Some(OWN_WORKTREE.to_owned()), ..HookSource::default() },
        resolved_path: None,
        sha256: None,
        task_scope_id: None,
        when: HookWhen::default(),
        config: serde_json::Value::Object(asked.collect()),
        timeout_sec: DEFAULT_HOOK_TIMEOUT_SEC,
    }
}

/// What the agent says about each backend.
pub(super) fn backend_settings(agent: Option<&Agent>) -> BTreeMap<String, BackendSettings> {
    let mut settings: BTreeMap<String, BackendSettings> = BTreeMap::new();
    let Some(agent) = agent else { return settings };
    for (backend, config) in &agent.backend_config {
        settings.entry(backend.clone()).or_default().config.clone_from(config);
    }
    for (backend, args) in &agent.backend_args {
        settings.entry(backend.clone()).or_default().args.clone_from(args);
    }
    settings
}
