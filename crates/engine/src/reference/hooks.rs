//! Hooks of the reference implementation as hooks of ours. Both speak of the same phases and name what is run in the same
//! way; whether it can be run is found out when its turn comes.

use agent_runner_model::hook::{DEFAULT_HOOK_TIMEOUT_SEC, HookOutcome, HookPhase, HookSpec, HookWhen};

use super::schema::{ReferenceHook, ReferenceHookAudit, ReferenceWhen};

pub(super) fn hooks(hooks: &[ReferenceHook]) -> Vec<HookSpec> {
    hooks.iter().map(hook).collect()
}

fn hook(hook: &ReferenceHook) -> HookSpec {
    HookSpec {
        hook_id: hook.hook_id.clone(),
        phase: hook.phase,
        source: hook.source.clone(),
        resolved_path: hook.resolved_path.clone(),
        // Nobody took the sum of the file there.
        sha256: None,
        task_scope_id: hook.task_scope_id.clone(),
        when: hook.when.clone().map(when).unwrap_or_default(),
        config: hook.config.clone(),
        timeout_sec: DEFAULT_HOOK_TIMEOUT_SEC,
    }
}

fn when(when: ReferenceWhen) -> HookWhen {
    HookWhen {
        session_index: when.session_index.into_vec(),
        attempt_index_in_session: when.attempt_index_in_session.into_vec(),
        task_ids: when.task_id.into_iter().chain(when.task_ids).collect(),
        from_status: when.from_status.into_vec(),
        to_status: when.to_status.into_vec(),
        source: when.source.into_vec(),
    }
}

/// The word for what came of running a hook.
pub(super) fn outcome(word: &str) -> Option<HookOutcome> {
    const ALL: [HookOutcome; 7] = [
        HookOutcome::Continue,
        HookOutcome::Reinvoke,
        HookOutcome::Block,
        HookOutcome::Accepted,
        HookOutcome::Rejected,
        HookOutcome::Skipped,
        HookOutcome::Error,
    ];
    ALL.into_iter().find(|outcome| outcome.as_str() == word)
}

/// The phase of that spelling.
pub(super) fn phase(word: &str) -> Option<HookPhase> {
    HookPhase::ALL.into_iter().find(|phase| phase.as_str() == word)
}

/// The hook that blocked the run, as far as that is on record: the last one that had anything to say, if it objected.
pub(super) fn blocker(audits: &[ReferenceHookAudit]) -> Option<&ReferenceHookAudit> {
    let spoke = |audit: &&ReferenceHookAudit| audit.task_id.is_none() && audit.outcome != "skipped";
    audits.iter().rev().find(spoke).filter(|audit| audit.outcome == HookOutcome::Block.as_str())
}
