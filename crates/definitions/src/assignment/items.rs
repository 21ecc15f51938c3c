//! The items of an assignment's task list: tasks that are written out, and the names of task files. Must not know where
//! those lie.

use std::collections::HashMap;

use agent_runner_model::task::TaskSpec;

use super::{AuthoredTask, Finds, KNOWN_TASK};
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::fields::{Fields, text_of};
use crate::forms::{InlineTaskForm, TaskItemForm};
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::scalars::is_text;
use crate::task::{self, TaskDefinition};

/// Reads the items one by one.
pub(super) struct Tasks<'a> {
    page: &'a Page,
    find: Finds<'a>,
    /// Whether titles may be left to the assignment that is extended.
    is_heir: bool,
    /// Where each id was used first.
    first_lines: HashMap<String, u32>,
    problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Tasks<'a> {
    pub(super) fn new(
        page: &'a Page,
        find: Finds<'a>,
        is_heir: bool,
        problems: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self { page, find, is_heir, first_lines: HashMap::new(), problems }
    }

    /// The task at that place of the list.
    pub(super) fn task(&mut self, index: usize, node: &Node) -> Option<AuthoredTask> {
        let (item, at) = self.item(index, node)?;
        let task = match item {
            TaskItemForm::Inline(InlineTaskForm { id, title, body, hooks }) => {
                let body = body.map(|body| body.trim_end().to_owned());
                AuthoredTask { id, title, body, source: None, hooks, at }
            }
            TaskItemForm::Reference(reference) => self.found(&reference, at)?,
        };
        let id = &task.id;
        match self.first_lines.get(id.as_str()) {
            Some(first) => self.problems.push(self.page.problem(
                at,
                format!("task id `{id}` is used twice; the first is on line {first}"),
                "give each task an id of its own",
            )),
            None => {
                self.first_lines.insert(id.as_str().to_owned(), at.line);
            }
        }
        Some(task)
    }

    /// What is written at that item of the list, and where a complaint about it points.
    fn item(&mut self, index: usize, node: &Node) -> Option<(TaskItemForm, Place)> {
        match &node.shape {
            Shape::Map(entries) => self.inline(index, node.at, entries),
            Shape::Plain(text) if !is_text(text) => {
                self.no_task(index, node);
                None
            }
            Shape::Plain(_) | Shape::Text(_) => {
                let reference = text_of(self.page, &format!("tasks[{index}]"), node, self.problems)?;
                Some((TaskItemForm::Reference(reference), node.at))
            }
            Shape::List(_) => {
                self.no_task(index, node);
                None
            }
        }
    }

    fn no_task(&mut self, index: usize, node: &Node) {
        self.problems.push(self.page.problem(
            node.at,
            format!("tasks[{index}] must be a task or the name of one, found {}", node.described()),
            match node.is_empty() {
                true => "delete the dash, or write `- id: some-id` with `title:` below it",
                false => "write `- id: some-id` with `title:` below it, or `- name-of-a-task-file`",
            },
        ));
    }

    fn inline(&mut self, index: usize, start: Place, entries: &[Entry]) -> Option<(TaskItemForm, Place)> {
        if let Some(reference) = reference_in_a_map(entries) {
            self.problems.push(self.page.problem(
                start,
                format!("tasks[{index}] is a map, but the name of a task file stands alone"),
                format!("write `- {reference}`"),
            ));
            return None;
        }
        let prefix = format!("tasks[{index}].");
        let before = self.problems.len();
        let mut fields = Fields::new(self.page, prefix, start, entries, KNOWN_TASK, self.problems);
        let id = fields.required_text("id", "run-tests");
        let id = id.and_then(|id| task::task_id(&mut fields, &id));
        let has_title = !self.is_heir || fields.is_written("title");
        let title = if has_title { task::title(&mut fields).map(Some) } else { Some(None) };
        let body = fields.free_text("body");
        let at = fields.place("id");
        let hooks = id.as_ref().map(|id| fields.task_hooks(id, self.find.hook)).unwrap_or_default();
        match (id, title) {
            (Some(id), Some(title)) if self.problems.len() == before => {
                Some((TaskItemForm::Inline(InlineTaskForm { id, title, body, hooks }), at))
            }
            _ => None,
        }
    }

    /// The task that a reference names.
    fn found(&mut self, reference: &str, at: Place) -> Option<AuthoredTask> {
        match (self.find.task)(reference) {
            Ok(TaskDefinition { spec: TaskSpec { id, title, body }, source, hooks, .. }) => {
                Some(AuthoredTask {
                    id,
                    title: Some(title),
                    body: Some(body),
                    source: Some(source),
                    hooks,
                    at,
                })
            }
            Err(DefinitionError::Invalid { diagnostics }) => {
                self.problems.extend(diagnostics);
                None
            }
            Err(error) => {
                let reason =
                    std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
                let hint =
                    error.hint().unwrap_or_else(|| "check the path and the file's permissions".to_owned());
                let hint = match is_title(reference, &error) {
                    true => format!(
                        "a task that has no file is written out:\n{}\nelse it is the name of one: {hint}",
                        task::written_out(reference)
                    ),
                    false => hint,
                };
                self.problems.push(self.page.problem(at, format!("{error}{reason}"), hint));
                None
            }
        }
    }
}

/// The name of a task file that was put below a field of its own: `- ref: review/security`.
fn reference_in_a_map(entries: &[Entry]) -> Option<&str> {
    const FIELDS: &[&str] = &["ref", "$ref", "task", "use", "uses", "file", "path", "include", "import"];
    let [Entry { key, value, .. }] = entries else { return None };
    match &value.shape {
        Shape::Plain(text) | Shape::Text(text) => {
            (FIELDS.contains(&key.as_str()) && !text.is_empty()).then_some(text.as_str())
        }
        Shape::List(_) | Shape::Map(_) => None,
    }
}

/// Whether a reference that leads nowhere was rather meant as what there is to do.
fn is_title(reference: &str, error: &DefinitionError) -> bool {
    let has_blank = reference.contains(char::is_whitespace);
    match error {
        DefinitionError::NotFound { similar, .. } => {
            similar.is_empty()
                && !reference.starts_with(['.', '/'])
                && (has_blank || reference.contains(char::is_uppercase))
        }
        DefinitionError::Name { .. } => has_blank,
        DefinitionError::NewName { .. }
        | DefinitionError::Launcher { .. }
        | DefinitionError::Nothing { .. }
        | DefinitionError::Read { .. }
        | DefinitionError::Invalid { .. } => false,
    }
}
