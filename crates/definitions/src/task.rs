//! Reusable tasks, and the fields that every task has. Must not know which assignments list them.

use agent_runner_model::hook::HookSpec;
use agent_runner_model::ids::TaskId;
use agent_runner_model::task::{TaskSpec, check_title};

use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, Known};
use crate::forms::{FormatVersion, TaskForm};
use crate::hooks::{FindHook, arranged};
use crate::loading::{Loaded, check_name};
use crate::page::Place;
use crate::scalars::scalar;
use crate::slug::Slugs;
use crate::source::{Kind, Source};

/// A validated task definition.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDefinition {
    /// Where it was found.
    pub source: Source,
    /// The whole file as it was authored.
    pub text: String,
    /// The task as an assignment lists it.
    pub spec: TaskSpec,
    /// Code that is asked about each change of it.
    pub hooks: Vec<HookSpec>,
}

pub(crate) const KNOWN: Known = Known {
    what: "a task file",
    fields: &["schemaVersion", "id", "title", "hooks"],
    later: &["vars"],
    elsewhere: &[],
    instead: &[
        ("body", "write the body as Markdown below the second ---"),
        ("description", "write the body as Markdown below the second ---"),
        ("name", "rename it to `id`"),
    ],
};

/// Reads a task definition from its text.
pub(crate) fn parse(loaded: Loaded, find: FindHook<'_>) -> Result<TaskDefinition, Vec<Diagnostic>> {
    let front = loaded.front()?;
    let mut problems = Vec::new();
    let mut fields =
        Fields::new(&loaded.page, String::new(), Place::START, &front.entries, KNOWN, &mut problems);
    let form = form(&mut fields, &loaded, find);
    match form {
        Some(form) if problems.is_empty() => {
            let TaskForm { schema_version: FormatVersion, id, title, hooks } = form;
            let hooks = arranged([&id], hooks);
            let spec = TaskSpec { id, title, body: front.body };
            Ok(TaskDefinition { spec, hooks, source: loaded.source, text: loaded.text })
        }
        _ => Err(problems),
    }
}

/// Everything in the front matter; nothing when a required field is missing.
fn form(fields: &mut Fields<'_, '_>, loaded: &Loaded, find: FindHook<'_>) -> Option<TaskForm> {
    let schema_version = fields.schema_version();
    let authored = fields.text("id");
    check_name(fields, "id", authored.as_deref(), loaded.place_name.as_deref(), Kind::Task);
    let id = authored.or_else(|| loaded.place_name.clone()).unwrap_or_else(|| loaded.source.stem());
    let id = task_id(fields, &id);
    let title = title(fields);
    let id = id?;
    let hooks = fields.task_hooks(&id, find);
    Some(TaskForm { schema_version: schema_version?, id, title: title?, hooks })
}

/// How a task of that title is written out in an assignment.
pub(crate) fn written_out(title: &str) -> String {
    let id = Slugs::default().next(title).map_or_else(|| "some-id".to_owned(), |id| id.to_string());
    format!("- id: {id}\n  title: {}", scalar(title))
}

/// Checks the spelling of a task id and complains at the field `id`.
pub(crate) fn task_id(fields: &mut Fields<'_, '_>, id: &str) -> Option<TaskId> {
    match TaskId::parse(id) {
        Ok(id) => Some(id),
        Err(error) => {
            let at = fields.place("id");
            fields.complain(
                at,
                format!("{id:?} cannot be the id of a task: {error}"),
                "write a short word such as `id: run-tests`",
            );
            None
        }
    }
}

/// The title, checked.
pub(crate) fn title(fields: &mut Fields<'_, '_>) -> Option<String> {
    let title = fields.required_text("title", "Run the tests")?;
    match check_title(&title) {
        Ok(()) => Some(title),
        Err(error) => {
            let at = fields.place("title");
            fields.complain(
                at,
                error.to_string(),
                "keep the title to one short line; details belong in the body",
            );
            None
        }
    }
}
