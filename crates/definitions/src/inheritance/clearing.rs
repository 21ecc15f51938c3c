//! Takes settings out of a base that the definition which extends it does not take over.

use std::collections::BTreeMap;

use agent_runner_model::budget::BudgetKind;
use agent_runner_model::hook::HookSpec;

use super::Authored;
use crate::agent::{Agent, Budget};
use crate::assignment::Assignment;
use crate::diagnostic::Diagnostic;
use crate::fields::PROMPT_KINDS;

/// Something settings can be taken out of by their names.
pub(super) trait Clearable {
    /// Takes the field out; whether it was there.
    fn clear_field(&mut self, field: &str) -> bool;
    /// Takes one entry of the field out; whether it was there.
    fn clear_entry(&mut self, field: &str, key: &str) -> bool;
}

/// Takes out what the definition asks for, and complains about what is not there.
pub(super) fn clear<T>(base: &mut impl Clearable, authored: &Authored<T>, problems: &mut Vec<Diagnostic>) {
    for name in &authored.wishes.clear {
        let found = match name.split_once('.') {
            None => base.clear_field(name),
            Some((field, key)) => base.clear_entry(field, key),
        };
        if !found {
            problems.push(authored.problem(
                authored.item_at("clear", name),
                format!("there is no `{name}` in what this extends"),
                "delete it, or correct the name; `agent-runner show` with `--resolved` shows what is there",
            ));
        }
    }
}

fn took<T: Default + PartialEq>(setting: &mut T) -> bool {
    std::mem::take(setting) != T::default()
}

fn took_ceiling(budget: &mut Option<Budget>, name: &str) -> bool {
    let Some(budget) = budget else { return false };
    match BudgetKind::ALL.into_iter().find(|kind| kind.as_str() == name) {
        Some(kind) => {
            let found = budget.hard.get(kind).is_some();
            budget.hard = budget.hard.with(kind, None);
            found
        }
        None if name == "soft" => took(&mut budget.soft_percent),
        None => took(&mut budget.on_unmeasured),
    }
}

fn took_key<T>(map: &mut BTreeMap<String, T>, key: &str) -> bool {
    map.remove(key).is_some()
}

/// Takes out the hooks of that phase, or of all; those of tasks go with their tasks.
fn took_hooks(hooks: &mut Vec<HookSpec>, phase: Option<&str>) -> bool {
    let before = hooks.len();
    hooks.retain(|hook| {
        hook.task_scope_id.is_some() || phase.is_some_and(|phase| hook.phase.as_str() != phase)
    });
    hooks.len() < before
}

impl Clearable for Agent {
    fn clear_field(&mut self, field: &str) -> bool {
        match field {
            "model" => took(&mut self.model),
            "effort" => took(&mut self.effort),
            "timeoutSec" => took(&mut self.timeout_sec),
            "unrestricted" => took(&mut self.unrestricted),
            "backendConfig" => took(&mut self.backend_config),
            "backendArgs" => took(&mut self.backend_args),
            "commitAs" => took(&mut self.commit_as),
            "launcher" => took(&mut self.launcher),
            "budget" => took(&mut self.budget),
            _ => false,
        }
    }

    fn clear_entry(&mut self, field: &str, key: &str) -> bool {
        match field {
            "backendConfig" => took_key(&mut self.backend_config, key),
            "backendArgs" => took_key(&mut self.backend_args, key),
            _ => took_ceiling(&mut self.budget, key),
        }
    }
}

impl Clearable for Assignment {
    fn clear_field(&mut self, field: &str) -> bool {
        match field {
            "cwd" => took(&mut self.cwd),
            "message" => took(&mut self.message),
            "maxRetries" => took(&mut self.max_retries),
            "callerInstructions" => took(&mut self.caller_instructions),
            "vars" => took(&mut self.vars),
            "hooks" => took_hooks(&mut self.hooks, None),
            "prompts" => took(&mut self.prompts),
            "worktree" => took(&mut self.worktree),
            "budget" => took(&mut self.budget),
            _ => false,
        }
    }

    fn clear_entry(&mut self, field: &str, key: &str) -> bool {
        match field {
            "vars" => {
                let before = self.vars.len();
                self.vars.retain(|var| var.name != key);
                self.vars.len() < before
            }
            "hooks" => took_hooks(&mut self.hooks, Some(key)),
            "prompts" => {
                let kind = PROMPT_KINDS.iter().find(|(_, name)| *name == key);
                kind.is_some_and(|(kind, _)| self.prompts.remove(kind).is_some())
            }
            _ => took_ceiling(&mut self.budget, key),
        }
    }
}
