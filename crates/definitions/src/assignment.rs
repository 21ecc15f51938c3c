//! Assignments: what there is to do. Must not know how tasks are worked through, nor where named tasks are stored.

mod items;

use std::collections::BTreeMap;

use agent_runner_model::hook::HookSpec;
use agent_runner_model::ids::TaskId;
use agent_runner_model::phase::PromptKind;
use agent_runner_model::spec::{LockableField, MAX_RETRIES, TemplateEngine};
use agent_runner_model::task::{MAX_TASKS, TaskSpec};
use agent_runner_model::vars::VarSpec;

use crate::agent::Budget;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::fields::{ASSIGNMENT_CLEARS, Fields, Known};
use crate::forms::{AssignmentForm, FormatVersion, WorktreeAskForm, WorktreeForm};
use crate::hooks::FindHook;
use crate::inheritance::{Authored, Heritage, Wishes};
use crate::loading::{Front, Loaded, check_name};
use crate::page::Place;
use crate::source::{Kind, Source};
use crate::task::TaskDefinition;
use items::Tasks;

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
    let mut fields = Fields::new(&loaded.page, String::new(), Place::START, &front.entries, KNOWN, problems);
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
    let mut tasks = Tasks::new(&loaded.page, find, is_heir, problems);
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
        worktree: worktree.and_then(worktree_ask),
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

/// The worktree that is asked for, if one is.
fn worktree_ask(form: WorktreeForm) -> Option<WorktreeAsk> {
    match form {
        WorktreeForm::Flag(false) => None,
        WorktreeForm::Flag(true) => Some(WorktreeAsk::default()),
        WorktreeForm::Ask(WorktreeAskForm { branch, from, path }) => Some(WorktreeAsk { branch, from, path }),
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
