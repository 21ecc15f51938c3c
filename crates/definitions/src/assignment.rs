//! Assignments: what there is to do. Must not know how tasks are worked through, nor where named tasks are stored.

use std::collections::HashMap;

use agent_runner_model::spec::{LockableField, MAX_RETRIES};
use agent_runner_model::task::{MAX_TASKS, TaskSpec};

use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::fields::{Fields, Known, text_of};
use crate::loading::{Loaded, check_place_name};
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::source::{Kind, Source};
use crate::task::{self, TaskDefinition};

/// A validated assignment definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Its name; the name of its place in a library, the file's stem for a checklist.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// The whole file as it was authored.
    pub text: String,
    /// The working directory, absolute or relative to the caller's.
    pub cwd: Option<String>,
    /// The message when the caller gives none.
    pub message: Option<String>,
    /// Retries after the first attempt of a session.
    pub max_retries: Option<u32>,
    /// For the person or program that starts the run; never sent to the worker.
    pub caller_instructions: Option<String>,
    /// The task list, references resolved.
    pub tasks: Vec<TaskSpec>,
    /// Fields that cannot be overridden when a run is created.
    pub locked_fields: Vec<LockableField>,
    /// Work instructions: the trimmed text below the front matter.
    pub instructions: String,
}

pub(crate) const KNOWN: Known = Known {
    what: "an assignment",
    fields: &[
        "schemaVersion",
        "name",
        "cwd",
        "message",
        "maxRetries",
        "callerInstructions",
        "tasks",
        "lockedFields",
    ],
    later: &["vars", "schedule", "hooks", "launcher", "executionEnvironment"],
    elsewhere: &[
        ("backend", "an agent"),
        ("model", "an agent"),
        ("effort", "an agent"),
        ("timeoutSec", "an agent"),
        ("unrestricted", "an agent"),
        ("backendConfig", "an agent"),
        ("backendArgs", "an agent"),
    ],
};

const KNOWN_TASK: Known =
    Known { what: "a task", fields: &["id", "title", "body"], later: &["hooks"], elsewhere: &[] };

/// Finds the task definition that a reference in an assignment names.
pub(crate) type FindTask<'a> = &'a dyn Fn(&str) -> Result<TaskDefinition, DefinitionError>;

/// Reads an assignment from its text.
pub(crate) fn parse(loaded: Loaded, find: FindTask<'_>) -> Result<Assignment, Vec<Diagnostic>> {
    let front = loaded.front()?;
    let mut problems = Vec::new();
    let mut fields =
        Fields::new(&loaded.page, String::new(), Place::START, &front.entries, KNOWN, &mut problems);
    fields.schema_version();
    let name = fields.required_text("name", "my-assignment");
    check_place_name(&mut fields, "name", name.as_deref(), loaded.place_name.as_deref(), Kind::Assignment);
    let cwd = fields.text("cwd");
    let message = fields.text("message");
    let max_retries = fields.number("maxRetries", 0, MAX_RETRIES);
    let caller_instructions = fields.free_text("callerInstructions");
    let locked_fields = fields.locked_fields();
    let nodes = fields.list("tasks");
    if let Some(first_too_many) = nodes.get(MAX_TASKS) {
        fields.complain(
            first_too_many.at,
            format!("an assignment lists at most {MAX_TASKS} tasks, this one has {}", nodes.len()),
            "split the work into several assignments, or put steps that belong together into one task",
        );
    }
    let mut tasks = Tasks { page: &loaded.page, find, first_lines: HashMap::new(), problems: &mut problems };
    let tasks: Vec<TaskSpec> = nodes
        .iter()
        .take(MAX_TASKS)
        .enumerate()
        .filter_map(|(index, node)| tasks.task(index, node))
        .collect();
    match name {
        Some(name) if problems.is_empty() => Ok(Assignment {
            name,
            cwd,
            message,
            max_retries,
            caller_instructions,
            tasks,
            locked_fields,
            instructions: front.body,
            source: loaded.source,
            text: loaded.text,
        }),
        _ => Err(problems),
    }
}

struct Tasks<'a> {
    page: &'a Page,
    find: FindTask<'a>,
    /// Where each id was used first.
    first_lines: HashMap<String, u32>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Tasks<'_> {
    fn task(&mut self, index: usize, node: &Node) -> Option<TaskSpec> {
        let (spec, at) = match &node.shape {
            Shape::Map(entries) => self.inline(index, node.at, entries)?,
            Shape::Plain(_) | Shape::Text(_) => (self.reference(index, node)?, node.at),
            Shape::List(_) => {
                self.problems.push(self.page.problem(
                    node.at,
                    format!("tasks[{index}] must be a task or the name of one, found a list"),
                    "write `- id: some-id` with `title:` below it, or `- name-of-a-task-file`",
                ));
                return None;
            }
        };
        match self.first_lines.get(spec.id.as_str()) {
            Some(first) => self.problems.push(self.page.problem(
                at,
                format!("task id `{}` is used twice; the first is on line {first}", spec.id),
                "give each task an id of its own",
            )),
            None => {
                self.first_lines.insert(spec.id.as_str().to_owned(), at.line);
            }
        }
        Some(spec)
    }

    fn inline(&mut self, index: usize, start: Place, entries: &[Entry]) -> Option<(TaskSpec, Place)> {
        let prefix = format!("tasks[{index}].");
        let before = self.problems.len();
        let mut fields = Fields::new(self.page, prefix, start, entries, KNOWN_TASK, self.problems);
        let id = fields.required_text("id", "run-tests");
        let id = id.and_then(|id| task::task_id(&mut fields, &id));
        let title = task::title(&mut fields);
        let body = fields.free_text("body").unwrap_or_default();
        let at = fields.place("id");
        match (id, title) {
            (Some(id), Some(title)) if self.problems.len() == before => {
                Some((TaskSpec { id, title, body: body.trim_end().to_owned() }, at))
            }
            _ => None,
        }
    }

    fn reference(&mut self, index: usize, node: &Node) -> Option<TaskSpec> {
        let reference = text_of(self.page, &format!("tasks[{index}]"), node, self.problems)?;
        match (self.find)(&reference) {
            Ok(found) => Some(found.spec),
            Err(DefinitionError::Invalid { diagnostics }) => {
                self.problems.extend(diagnostics);
                None
            }
            Err(error) => {
                let reason =
                    std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
                let hint =
                    error.hint().unwrap_or_else(|| "check the path and the file's permissions".to_owned());
                self.problems.push(self.page.problem(node.at, format!("{error}{reason}"), hint));
                None
            }
        }
    }
}
