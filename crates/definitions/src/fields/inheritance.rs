//! The fields of a definition that extends another one. Must not look for that one.

use agent_runner_model::ids::{MAX_TASK_ID, TaskId};
use agent_runner_model::spec::LockableField;

use super::{Fields, text_of};
use crate::forms::BaseInstructions;

/// Settings that need not be taken over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clears {
    /// Whole fields.
    pub fields: &'static [&'static str],
    /// Those of them whose entries can be named one by one.
    pub maps: &'static [&'static str],
    /// The same for schemas.
    pub pattern: &'static str,
}

/// What an agent can do without.
pub(crate) const AGENT_CLEARS: Clears = Clears {
    fields: &[
        "model",
        "effort",
        "timeoutSec",
        "unrestricted",
        "backendConfig",
        "backendArgs",
        "launcher",
        "commitAs",
        "budget",
    ],
    maps: &["backendConfig", "backendArgs", "budget"],
    pattern: r"^(model|effort|timeoutSec|unrestricted|launcher|commitAs|(backendConfig|backendArgs)(\.[\s\S]+)?|budget(\.(wallClock|tokens|costUsd|attempts|turns|soft|onUnmeasured))?)$",
};

/// What an assignment can do without.
pub(crate) const ASSIGNMENT_CLEARS: Clears = Clears {
    fields: &[
        "cwd",
        "message",
        "maxRetries",
        "callerInstructions",
        "vars",
        "hooks",
        "prompts",
        "worktree",
        "budget",
    ],
    maps: &["vars", "hooks", "prompts", "budget"],
    pattern: r"^(cwd|message|maxRetries|callerInstructions|worktree|vars(\.[\s\S]+)?|hooks(\.(prepare|beforeAttempt|afterAttempt|afterExit|taskTransition))?|prompts(\.(nudge|afterTimeout|afterCrash|afterInterrupt))?|budget(\.(wallClock|tokens|costUsd|attempts|turns|soft|onUnmeasured))?)$",
};

impl Clears {
    fn allow(&self, name: &str) -> bool {
        match name.split_once('.') {
            None => self.fields.contains(&name),
            Some(("budget", ceiling)) => super::budget::KNOWN.fields.contains(&ceiling),
            Some(("hooks", phase)) => {
                super::hooks::KNOWN.fields.contains(&phase) && self.fields.contains(&"hooks")
            }
            Some(("prompts", kind)) => {
                super::PROMPT_KINDS.iter().any(|(_, name)| *name == kind) && self.fields.contains(&"prompts")
            }
            Some((map, entry)) => self.maps.contains(&map) && !entry.is_empty(),
        }
    }

    fn hint(&self, name: &str) -> String {
        match name.split('.').next().unwrap_or_default() {
            "tasks" => "name the tasks in `removeTasks`".to_owned(),
            "lockedFields" => "name the fields in `unlock`".to_owned(),
            "instructions" => "write `baseInstructions: none`".to_owned(),
            "backend" => "every agent has a backend: write another one as `backend`".to_owned(),
            _ => format!(
                "what can be cleared is {}, and one entry of {}, such as `budget.tokens`",
                self.fields.join(", "),
                self.maps.join(", ")
            ),
        }
    }
}

impl Fields<'_, '_> {
    /// `extends`. Without it there must be none of the fields that say what becomes of what is inherited.
    pub(crate) fn extends(&mut self) -> Option<String> {
        if self.has("extends") {
            return self.text("extends");
        }
        for name in ["baseInstructions", "unlock", "clear", "removeTasks"] {
            let Some(entry) = self.entry(name) else { continue };
            self.complain(
                entry.key_at,
                format!("`{name}` is for definitions that extend another one"),
                "delete it, or name the other one: `extends: NAME`",
            );
        }
        None
    }

    /// Whether the definition has something from another one.
    pub(crate) fn is_heir(&self) -> bool {
        self.has("extends")
    }

    /// Whether the field is written, whatever it holds.
    pub(crate) fn is_written(&self, name: &str) -> bool {
        self.has(name)
    }

    /// `baseInstructions`.
    pub(crate) fn base_instructions(&mut self) -> Option<BaseInstructions> {
        self.word("baseInstructions", BaseInstructions::ALL, BaseInstructions::as_str)
    }

    /// `unlock`.
    pub(crate) fn unlock(&mut self) -> Vec<LockableField> {
        self.lockable("unlock")
    }

    /// `clear`: names of settings, each once.
    pub(crate) fn clear(&mut self, clears: Clears) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (index, item) in self.list("clear").iter().enumerate() {
            let path = format!("clear[{index}]");
            match text_of(self.page, &path, item, self.problems) {
                Some(name) if !clears.allow(&name) => {
                    let found = item.described();
                    self.complain(
                        item.at,
                        format!("{path} cannot be {found}: no setting that can be cleared"),
                        clears.hint(&name),
                    );
                }
                Some(name) if !names.contains(&name) => names.push(name),
                Some(_) | None => {}
            }
        }
        names
    }

    /// `removeTasks`: ids, each once.
    pub(crate) fn remove_tasks(&mut self) -> Vec<TaskId> {
        let mut ids: Vec<TaskId> = Vec::new();
        for (index, item) in self.list("removeTasks").iter().enumerate() {
            let path = format!("removeTasks[{index}]");
            let Some(text) = text_of(self.page, &path, item, self.problems) else { continue };
            match TaskId::parse(&text) {
                Ok(id) if !ids.contains(&id) => ids.push(id),
                Ok(_) => {}
                Err(error) => self.complain(
                    item.at,
                    format!("{path} cannot be the id of a task: {error}"),
                    format!("write the id of a task that is inherited, of at most {MAX_TASK_ID} characters"),
                ),
            }
        }
        ids
    }
}
