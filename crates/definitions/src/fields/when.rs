//! Reads when a hook has anything to do. Must not know which hook.

use agent_runner_model::hook::{HookPhase, HookWhen, TransitionSource};
use agent_runner_model::ids::TaskId;
use agent_runner_model::task::TaskStatus;

use super::hooks::Scope;
use super::{Fields, Known, text_of, word_of};
use crate::node::{Node, Shape};
use crate::scalars::{Meaning, meaning};

/// Around attempts.
const OF_ATTEMPTS: Known = Known {
    what: "`when` around attempts",
    fields: &["sessionIndex", "attemptIndexInSession"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("taskId", TRANSITIONS_ONLY),
        ("taskIds", TRANSITIONS_ONLY),
        ("fromStatus", TRANSITIONS_ONLY),
        ("toStatus", TRANSITIONS_ONLY),
        ("source", TRANSITIONS_ONLY),
    ],
};

/// Around changes of tasks.
const OF_TRANSITIONS: Known = Known {
    what: "`when` around changes of tasks",
    fields: &["taskId", "taskIds", "fromStatus", "toStatus", "source"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("sessionIndex", ATTEMPTS_ONLY),
        ("attemptIndexInSession", ATTEMPTS_ONLY),
        ("status", "write `toStatus` for the status after the change, or `fromStatus` for the one before"),
        ("from", "write `fromStatus`"),
        ("to", "write `toStatus`"),
    ],
};

const TRANSITIONS_ONLY: &str = "delete it; only hooks of the phase taskTransition are about a task";
const ATTEMPTS_ONLY: &str =
    "delete it; only hooks of beforeAttempt, afterAttempt and afterExit are about an attempt";

impl<'a> Fields<'a, '_> {
    /// `when`.
    pub(super) fn hook_when(&mut self, scope: Scope<'_>) -> Option<HookWhen> {
        let known = match scope.phase {
            HookPhase::Prepare => return None,
            HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit => OF_ATTEMPTS,
            HookPhase::TaskTransition => OF_TRANSITIONS,
        };
        let node = self.node("when")?;
        let path = self.path("when");
        let Shape::Map(entries) = &node.shape else {
            self.complain(
                node.at,
                format!("{path} must be a map, found {}", node.described()),
                format!("write {} below it, or delete it", known.fields.join(", ")),
            );
            return None;
        };
        let mut fields = Fields::new(self.page, format!("{path}."), node.at, entries, known, self.problems);
        Some(match scope.phase {
            HookPhase::Prepare
            | HookPhase::BeforeAttempt
            | HookPhase::AfterAttempt
            | HookPhase::AfterExit => HookWhen {
                session_index: fields.indices("sessionIndex"),
                attempt_index_in_session: fields.indices("attemptIndexInSession"),
                ..HookWhen::default()
            },
            HookPhase::TaskTransition => HookWhen {
                task_ids: fields.wanted_tasks(scope.task),
                from_status: fields.some_words("fromStatus", &TaskStatus::ALL, TaskStatus::as_str),
                to_status: fields.some_words("toStatus", &TaskStatus::ALL, TaskStatus::as_str),
                source: fields.some_words("source", &TransitionSource::ALL, TransitionSource::as_str),
                ..HookWhen::default()
            },
        })
    }

    /// A value or a list of values, each with its path.
    fn one_or_more(&mut self, name: &str) -> Vec<(String, &'a Node)> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let path = self.path(name);
        match &node.shape {
            Shape::List(items) if items.is_empty() => {
                self.complain(
                    node.at,
                    format!("{path} must not be empty"),
                    "name at least one, or delete the field: then it does not matter",
                );
                Vec::new()
            }
            Shape::List(items) => {
                items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect()
            }
            Shape::Plain(_) | Shape::Text(_) | Shape::Map(_) => vec![(path, node)],
        }
    }

    /// Whole numbers from 0, each once.
    fn indices(&mut self, name: &str) -> Vec<u32> {
        let mut found = Vec::new();
        for (path, node) in self.one_or_more(name) {
            match index(node) {
                Some(index) if !found.contains(&index) => found.push(index),
                Some(_) => {}
                None => self.complain(
                    node.at,
                    format!("{path} must be a whole number from 0, found {}", node.described()),
                    node.hint(format!("write a number or a list of them, such as `{name}: 0` for the first")),
                ),
            }
        }
        found
    }

    /// Words of a closed list, each once.
    fn some_words<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        all: &[T],
        spell: fn(T) -> &'static str,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for (path, node) in self.one_or_more(name) {
            let word = word_of(self.page, &path, node, all, spell, self.problems);
            found.extend(word.filter(|word| !found.contains(word)));
        }
        found
    }

    /// `taskId` or `taskIds`; those of a task's own hook can only be that task.
    fn wanted_tasks(&mut self, own: Option<&TaskId>) -> Vec<TaskId> {
        if let (true, Some(entry)) = (self.has("taskId"), self.entry("taskIds")) {
            let path = self.path("taskIds");
            self.complain(
                entry.key_at,
                format!("{path} stands beside taskId"),
                "write all of them as `taskIds`, and delete `taskId`",
            );
        }
        let mut nodes = Vec::new();
        nodes.extend(self.node("taskId").map(|node| (self.path("taskId"), node)));
        let many = self.list("taskIds");
        let path = self.path("taskIds");
        if let (true, Some(node)) = (many.is_empty(), self.node("taskIds"))
            && matches!(node.shape, Shape::List(_))
        {
            self.complain(node.at, format!("{path} must not be empty"), "name a task, or delete the field");
        }
        nodes.extend(many.iter().enumerate().map(|(index, node)| (format!("{path}[{index}]"), node)));
        let mut found: Vec<TaskId> = Vec::new();
        for (path, node) in nodes {
            let Some(text) = text_of(self.page, &path, node, self.problems) else { continue };
            match TaskId::parse(&text) {
                Ok(id) if found.contains(&id) => {
                    self.complain(node.at, format!("{path} is there twice"), "name each task once");
                }
                Ok(id) => {
                    if let Some(own) = own.filter(|own| **own != id) {
                        self.complain(
                            node.at,
                            format!("{path} is `{id}`, but this is a hook of task `{own}`"),
                            "delete the line; for other tasks write the hook below `hooks: taskTransition:` of the \
                             assignment",
                        );
                    }
                    found.push(id);
                }
                Err(error) => self.complain(
                    node.at,
                    format!("{path} cannot be the id of a task: {error}"),
                    "write the id of a task, such as `run-tests`; placeholders are not filled here",
                ),
            }
        }
        found
    }
}

fn index(node: &Node) -> Option<u32> {
    let Shape::Plain(text) = &node.shape else { return None };
    match meaning(text) {
        Meaning::Whole(value) => u32::try_from(value).ok(),
        Meaning::Null | Meaning::Bool(_) | Meaning::OtherNumber | Meaning::Ambiguous | Meaning::Text => None,
    }
}
