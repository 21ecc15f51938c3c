//! Assignments: what there is to do. Must not know how tasks are worked through, nor where named tasks are stored.

use std::collections::{BTreeMap, HashMap};

use agent_runner_model::hook::HookSpec;
use agent_runner_model::ids::TaskId;
use agent_runner_model::phase::PromptKind;
use agent_runner_model::spec::{LockableField, MAX_RETRIES, TemplateEngine};
use agent_runner_model::task::{MAX_TASKS, TaskSpec};
use agent_runner_model::vars::VarSpec;

use crate::agent::Budget;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::fields::{ASSIGNMENT_CLEARS, Fields, Known, text_of};
use crate::forms::{
    AssignmentForm, FormatVersion, InlineTaskForm, TaskItemForm, WorktreeAskForm, WorktreeForm,
};
use crate::hooks::FindHook;
use crate::inheritance::{Authored, Heritage, Wishes};
use crate::loading::{Front, Loaded, check_name};
use crate::node::{Entry, Node, Shape};
use crate::page::{Page, Place};
use crate::scalars::is_text;
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
    pub tasks: Vec<AssignedTask>,
    /// The variables it declares, in the order of the file.
    pub vars: Vec<VarSpec>,
    /// Code that runs at fixed points of a run: that of tasks in their order, then the rest by phase.
    pub hooks: Vec<HookSpec>,
    /// What the worker is told after an attempt that left work open, where it is not the usual.
    pub prompts: BTreeMap<PromptKind, String>,
    /// The git worktree that a run works in.
    pub worktree: Option<WorktreeAsk>,
    /// Ceilings on what a run may use.
    pub budget: Option<Budget>,
    /// How values are put into its texts.
    pub template: Option<TemplateEngine>,
    /// Fields that cannot be overridden when a run is created.
    pub locked_fields: Vec<LockableField>,
    /// Work instructions: the trimmed text below the front matter.
    pub instructions: String,
    /// What it has from assignments that it extends; all of it is in the fields above.
    pub heritage: Heritage,
}

/// What a run's git worktree is to be like. What is missing is left to the runner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorktreeAsk {
    /// The branch that is checked out there.
    pub branch: Option<String>,
    /// What a new branch starts at.
    pub from: Option<String>,
    /// Its directory.
    pub path: Option<String>,
}

/// A task of an assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignedTask {
    /// The task itself.
    pub spec: TaskSpec,
    /// The task file it comes from; nothing when it is written out in the assignment.
    pub source: Option<Source>,
}

/// A task as far as one file says it.
#[derive(Debug, Clone)]
pub(crate) struct AuthoredTask {
    pub id: TaskId,
    pub title: Option<String>,
    pub body: Option<String>,
    /// The task file it comes from.
    pub source: Option<Source>,
    /// What is asked about its changes.
    pub hooks: Vec<HookSpec>,
    /// Where a complaint about it points.
    pub at: Place,
}

/// What one file says of an assignment.
#[derive(Debug)]
pub(crate) struct OwnAssignment {
    /// All but the tasks.
    pub rest: Assignment,
    /// The tasks; in one that extends another they may lack a title.
    pub tasks: Vec<AuthoredTask>,
    /// Whether it says that there is to be no worktree, whatever it extends.
    pub refuses_worktree: bool,
}

impl Assignment {
    /// The tasks as a run takes them over.
    pub fn task_specs(&self) -> Vec<TaskSpec> {
        self.tasks.iter().map(|task| task.spec.clone()).collect()
    }
}

pub(crate) const KNOWN: Known = Known {
    what: "an assignment",
    fields: &[
        "schemaVersion",
        "name",
        "extends",
        "baseInstructions",
        "unlock",
        "clear",
        "removeTasks",
        "cwd",
        "message",
        "maxRetries",
        "callerInstructions",
        "tasks",
        "vars",
        "hooks",
        "prompts",
        "worktree",
        "budget",
        "template",
        "lockedFields",
    ],
    later: &["schedule", "launcher", "executionEnvironment"],
    elsewhere: &[
        ("backend", "an agent"),
        ("model", "an agent"),
        ("effort", "an agent"),
        ("timeoutSec", "an agent"),
        ("unrestricted", "an agent"),
        ("backendConfig", "an agent"),
        ("backendArgs", "an agent"),
        ("commitAs", "an agent"),
    ],
    instead: &[
        ("instructions", WORK_BELOW),
        ("prompt", WORK_BELOW),
        ("description", WORK_BELOW),
        ("body", WORK_BELOW),
        ("agent", "delete it; the agent is named when a run is started: --agent NAME"),
        ("retries", "write `maxRetries`"),
    ],
};

const WORK_BELOW: &str = "write what belongs to the work as a whole as Markdown below the second ---";

pub(crate) const KNOWN_TASK: Known = Known {
    what: "a task",
    fields: &["id", "title", "body", "hooks"],
    later: &[],
    elsewhere: &[],
    instead: &[
        ("name", "rename it to `id`"),
        ("description", "write it as `body: |` with the text on the lines below"),
        ("status", "delete it; every task of a new run is pending"),
    ],
};

/// Finds the task definition that a reference in an assignment names.
pub(crate) type FindTask<'a> = &'a dyn Fn(&str) -> Result<TaskDefinition, DefinitionError>;

/// How what an assignment names is found.
#[derive(Clone, Copy)]
pub(crate) struct Finds<'a> {
    pub task: FindTask<'a>,
    pub hook: FindHook<'a>,
}

/// Reads what one file says of an assignment.
pub(crate) fn authored(loaded: Loaded, find: Finds<'_>) -> Result<Authored<OwnAssignment>, Vec<Diagnostic>> {
    let front = loaded.front()?;
    let mut problems = Vec::new();
    match form(&loaded, &front, find, &mut problems) {
        Some(form) if problems.is_empty() => Ok(assignment(form, loaded, front)),
        _ => Err(problems),
    }
}

/// Everything in the front matter; nothing when a required field is missing.
fn form(
    loaded: &Loaded,
    front: &Front,
    find: Finds<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<AssignmentForm> {
    let page = &loaded.page;
    let mut fields = Fields::new(page, String::new(), Place::START, &front.entries, KNOWN, problems);
    let schema_version = fields.schema_version();
    let name = fields.required_text("name", loaded.place_name.as_deref().unwrap_or("my-assignment"));
    check_name(&mut fields, "name", name.as_deref(), loaded.place_name.as_deref(), Kind::Assignment);
    let extends = fields.extends();
    let base_instructions = fields.base_instructions();
    let unlock = fields.unlock();
    let clear = fields.clear(ASSIGNMENT_CLEARS);
    let remove_tasks = fields.remove_tasks();
    let cwd = fields.text("cwd");
    if let Some(why) = cwd.as_deref().and_then(not_expanded) {
        let at = fields.place("cwd");
        fields.complain(
            at,
            why,
            "write the path itself, such as /srv/work; or delete the field and start the run there, or with --cwd",
        );
    }
    let message = fields.text("message");
    let max_retries = fields.number("maxRetries", 0, MAX_RETRIES);
    let caller_instructions = fields.free_text("callerInstructions");
    let vars = fields.vars();
    let hooks = fields.hooks(find.hook);
    let prompts = fields.prompts();
    let worktree = fields.worktree();
    let budget = fields.budget();
    let template = fields.word("template", TemplateEngine::ALL, TemplateEngine::as_str);
    let locked_fields = fields.locked_fields();
    let nodes = fields.list("tasks");
    if let Some(first_too_many) = nodes.get(MAX_TASKS) {
        fields.complain(
            first_too_many.at,
            format!("an assignment lists at most {MAX_TASKS} tasks, this one has {}", nodes.len()),
            "split the work into several assignments, or put steps that belong together into one task",
        );
    }
    let is_heir = fields.is_heir();
    let mut tasks = Tasks { page, find, is_heir, first_lines: HashMap::new(), problems };
    let nodes = nodes.iter().take(MAX_TASKS).enumerate();
    let tasks = nodes.filter_map(|(index, node)| tasks.task(index, node)).collect();
    Some(AssignmentForm {
        schema_version: schema_version?,
        name: name?,
        extends,
        base_instructions,
        unlock,
        clear,
        remove_tasks,
        cwd,
        message,
        max_retries,
        caller_instructions,
        tasks,
        vars,
        hooks,
        prompts,
        worktree,
        budget,
        template,
        locked_fields,
    })
}

fn assignment(form: AssignmentForm, loaded: Loaded, front: Front) -> Authored<OwnAssignment> {
    let AssignmentForm {
        schema_version: FormatVersion,
        name,
        extends,
        base_instructions,
        unlock,
        clear,
        remove_tasks,
        cwd,
        message,
        max_retries,
        caller_instructions,
        tasks,
        vars,
        hooks,
        prompts,
        worktree,
        budget,
        template,
        locked_fields,
    } = form;
    let (entries, instructions) = front.divided();
    let refuses_worktree = matches!(worktree, Some(WorktreeForm::Flag(false)));
    let rest = Assignment {
        name: name.clone(),
        cwd,
        message,
        max_retries,
        caller_instructions,
        tasks: Vec::new(),
        vars,
        hooks,
        prompts: prompts.written().collect(),
        worktree: match worktree {
            Some(WorktreeForm::Flag(true)) => Some(WorktreeAsk::default()),
            Some(WorktreeForm::Ask(WorktreeAskForm { branch, from, path })) => {
                Some(WorktreeAsk { branch, from, path })
            }
            Some(WorktreeForm::Flag(false)) | None => None,
        },
        budget: budget.map(Budget::from),
        template,
        locked_fields,
        instructions,
        source: loaded.source.clone(),
        text: loaded.text,
        heritage: Heritage::default(),
    };
    let base_instructions = base_instructions.unwrap_or_default();
    let wishes = Wishes { extends, base_instructions, unlock, clear, remove_tasks };
    let (page, source, place_name) = (loaded.page, loaded.source, loaded.place_name);
    Authored {
        page,
        entries,
        name,
        source,
        place_name,
        wishes,
        own: OwnAssignment { rest, tasks, refuses_worktree },
    }
}

struct Tasks<'a> {
    page: &'a Page,
    find: Finds<'a>,
    /// Whether titles may be left to the assignment that is extended.
    is_heir: bool,
    /// Where each id was used first.
    first_lines: HashMap<String, u32>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Tasks<'_> {
    fn task(&mut self, index: usize, node: &Node) -> Option<AuthoredTask> {
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

/// Why a working directory would not be the one that is meant.
fn not_expanded(cwd: &str) -> Option<&'static str> {
    let is_variable =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '{'));
    if cwd.starts_with('~') {
        return Some("cwd starts with ~, which is not expanded");
    }
    cwd.split('$').skip(1).any(is_variable).then_some("cwd holds a variable, and variables are not expanded")
}
