//! What an author may write in front matter, as types. The readers of `agent`, `assignment` and `task` fill them, and
//! the JSON Schemas are derived from them, with these comments as the descriptions. Must not check anything.

use std::collections::BTreeMap;

use agent_runner_model::budget::{DEFAULT_SOFT_PERCENT, MAX_AMOUNT, OnUnmeasured};
use agent_runner_model::hook::HookSpec;
use agent_runner_model::ids::{MAX_TASK_ID, TaskId};
use agent_runner_model::spec::{
    AD_HOC_AGENT, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_SEC, Effort, LockableField, MAX_RETRIES,
    TemplateEngine, Value,
};
use agent_runner_model::task::{MAX_TASKS, MAX_TITLE};
use agent_runner_model::vars::{INJECTED, MAX_VAR_NAME, RequiredAt, VarSource, VarSpec, VarValue};
use schemars::JsonSchema;

use crate::assignment::AuthoredTask;
use crate::fields::{AGENT_CLEARS, ASSIGNMENT_CLEARS, AUTHOR, MAX_PROMPT, MAX_VARS};
use crate::hooks::schema::{by_phase, of_task};
use crate::inheritance::{agent_or_heir, assignment_or_heir};
use crate::schema::{by_kind_of_variable, with_later};
use crate::{agent, assignment, task};

/// Who works: which backend starts the worker, and within which limits. The text below the front matter is the
/// worker's role.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Agent", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = with_later(agent::KNOWN))]
#[schemars(transform = agent_or_heir)]
pub(crate) struct AgentForm {
    /// Version of the format.
    pub schema_version: FormatVersion,
    /// The agent's name. In a configuration directory that of its folder: `agents/<name>/agent.md`. `ad-hoc` is
    /// reserved.
    #[schemars(regex(pattern = ONE_LINE), extend("not" = {"const": AD_HOC_AGENT}))]
    pub name: String,
    /// The agent that this one has everything from that it does not say itself: a name, or the path of its file that
    /// starts with `./`, `../` or `/`.
    #[schemars(regex(pattern = r"\S"))]
    pub extends: Option<String>,
    /// Where the instructions of the agent it extends stand: before the ones below, after them, or nowhere.
    #[schemars(extend("default" = BaseInstructions::First.as_str()))]
    pub base_instructions: Option<BaseInstructions>,
    /// Locked fields of the agent it extends that are not locked any more, and may be set here.
    #[schemars(default)]
    pub unlock: Vec<LockableField>,
    /// Settings of the agent it extends that are not taken over, such as `model` or `budget.tokens`.
    #[schemars(default, inner(regex(pattern = AGENT_CLEARS.pattern)))]
    pub clear: Vec<String>,
    /// What starts the worker, such as `claude`, `command` or `shell`. One that extends another may leave it out.
    #[schemars(regex(pattern = r"^\S+$"))]
    pub backend: Option<String>,
    /// The backend's own name of a model. Quote one that looks like a number.
    #[schemars(regex(pattern = r"\S"))]
    pub model: Option<String>,
    /// How hard the model is asked to think.
    pub effort: Option<Effort>,
    /// Limit of one attempt, in seconds.
    #[schemars(range(min = 1, max = u32::MAX), extend("default" = DEFAULT_TIMEOUT_SEC))]
    pub timeout_sec: Option<u32>,
    /// Whether the backend's own safety prompts are bypassed.
    #[schemars(extend("default" = true))]
    pub unrestricted: Option<bool>,
    /// Configuration that a backend owns, by backend.
    #[schemars(default)]
    pub backend_config: BTreeMap<String, BTreeMap<String, Value>>,
    /// Further arguments for a backend's program, by backend.
    #[schemars(default)]
    pub backend_args: BTreeMap<String, BackendArgsForm>,
    /// What is put in front of the backend's program; nothing without it.
    pub launcher: Option<LauncherForm>,
    /// In whose name it commits: `Name <mail>`.
    #[schemars(regex(pattern = AUTHOR))]
    pub commit_as: Option<String>,
    /// Ceilings on what a run may use. Of an agent's and an assignment's the smaller ones hold.
    pub budget: Option<BudgetForm>,
    /// How values are put into the texts: `plain` replaces `{{name}}`, `handlebars` has conditions and loops, too.
    #[schemars(extend("default" = TemplateEngine::Plain))]
    pub template: Option<TemplateEngine>,
    /// What cannot be overridden when a run is created.
    #[schemars(default)]
    pub locked_fields: Vec<LockableField>,
}

/// Where the instructions of the definition that is extended stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(crate) enum BaseInstructions {
    /// Before the definition's own.
    #[default]
    First,
    /// After them.
    Last,
    /// Nowhere.
    None,
}

impl BaseInstructions {
    pub(crate) const ALL: &[Self] = &[Self::First, Self::Last, Self::None];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::None => "none",
        }
    }
}

/// Ceilings on what a run may use, the runs it starts included.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BudgetForm {
    /// Seconds while the run is active, waits and interruptions included.
    #[schemars(range(min = 1, max = MAX_AMOUNT))]
    pub wall_clock: Option<u64>,
    /// Tokens read and written, caches included.
    #[schemars(range(min = 1, max = MAX_AMOUNT))]
    pub tokens: Option<u64>,
    /// US dollars.
    #[schemars(with = "Option<f64>", range(min = 0.000_001, max = MAX_COST_USD))]
    pub cost_usd: Option<u64>,
    /// Starts of a worker.
    #[schemars(range(min = 1, max = MAX_AMOUNT))]
    pub attempts: Option<u64>,
    /// Answers of the model, as the backend counts them.
    #[schemars(range(min = 1, max = MAX_AMOUNT))]
    pub turns: Option<u64>,
    /// The percentage of a ceiling from which on the worker is told.
    #[schemars(range(min = 1, max = 100), extend("default" = DEFAULT_SOFT_PERCENT))]
    pub soft: Option<u32>,
    /// What happens when the backend does not measure what is limited.
    #[schemars(extend("default" = OnUnmeasured::Refuse))]
    pub on_unmeasured: Option<OnUnmeasured>,
}

/// The most a run may be allowed to cost.
pub(crate) const MAX_COST_USD: u64 = 1_000_000_000;

/// What is put in front of the backend's program.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum LauncherForm {
    /// The name of a launcher, such as `ssh-docker` or `direct`, or the path of its file that starts with `./`, `../` or
    /// `/`.
    Named(#[schemars(regex(pattern = r"\S"))] String),
    /// One that is spelled out here.
    Inline(InlineLauncherForm),
}

/// A launcher that is spelled out in an agent.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InlineLauncherForm {
    /// The program.
    #[schemars(regex(pattern = r"\S"))]
    pub command: String,
    /// Its arguments; the backend's program and its own arguments follow them.
    #[schemars(default, inner(length(min = 1)))]
    pub args: Vec<String>,
}

/// Further arguments for one backend's program.
#[derive(Debug, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BackendArgsForm {
    /// Arguments for the end of its command line, one an item.
    #[schemars(default, inner(length(min = 1)))]
    pub extra_args: Option<Vec<String>>,
}

/// What there is to do: the tasks, and what belongs to the work as a whole. The text below the front matter is for the
/// worker.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Assignment", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = with_later(assignment::KNOWN))]
#[schemars(transform = assignment_or_heir)]
pub(crate) struct AssignmentForm {
    /// Version of the format.
    pub schema_version: FormatVersion,
    /// The assignment's name. In a configuration directory that of its folder: `assignments/<name>/assignment.md`.
    #[schemars(regex(pattern = ONE_LINE))]
    pub name: String,
    /// The assignment that this one has everything from that it does not say itself: a name, or the path of its file or of
    /// a checklist that starts with `./`, `../` or `/`.
    #[schemars(regex(pattern = r"\S"))]
    pub extends: Option<String>,
    /// Where the instructions of the assignment it extends stand: before the ones below, after them, or nowhere.
    #[schemars(extend("default" = BaseInstructions::First.as_str()))]
    pub base_instructions: Option<BaseInstructions>,
    /// Locked fields of the assignment it extends that are not locked any more, and may be set here.
    #[schemars(default)]
    pub unlock: Vec<LockableField>,
    /// Settings of the assignment it extends that are not taken over, such as `message` or `vars.range`.
    #[schemars(default, inner(regex(pattern = ASSIGNMENT_CLEARS.pattern)))]
    pub clear: Vec<String>,
    /// Ids of tasks of the assignment it extends that are not taken over.
    #[schemars(with = "Vec<String>", default, inner(length(max = MAX_TASK_ID), regex(pattern = TASK_ID)))]
    pub remove_tasks: Vec<TaskId>,
    /// Working directory, absolute or relative to where the run is started. Neither `~` nor variables are expanded.
    #[schemars(regex(pattern = r"\S"), extend("not" = {"pattern": EXPANDED}))]
    pub cwd: Option<String>,
    /// The message to the worker when none is given.
    #[schemars(regex(pattern = r"\S"))]
    pub message: Option<String>,
    /// Retries after the first attempt.
    #[schemars(range(min = 0, max = MAX_RETRIES), extend("default" = DEFAULT_MAX_RETRIES))]
    pub max_retries: Option<u32>,
    /// For whoever starts the run. The worker never sees it.
    pub caller_instructions: Option<String>,
    /// The tasks, in the order they are to be worked on.
    #[schemars(with = "Vec<TaskItemForm>", default, length(max = MAX_TASKS))]
    pub tasks: Vec<AuthoredTask>,
    /// Values that are decided when a run is created, by name. `{{name}}` stands for the value in every text.
    #[schemars(with = "BTreeMap<String, VarForm>", default)]
    #[schemars(extend("maxProperties" = MAX_VARS, "propertyNames" = {"pattern": VAR_NAME, "maxLength": MAX_VAR_NAME, "not": {"enum": INJECTED}}))]
    pub vars: Vec<VarSpec>,
    /// Code that runs at fixed points of a run, by phase.
    #[schemars(schema_with = "by_phase", default)]
    pub hooks: Vec<HookSpec>,
    /// What the worker is told after an attempt that left work open.
    #[schemars(default)]
    pub prompts: PromptsForm,
    /// Whether the run works in a git worktree of its own, or what that is like.
    pub worktree: Option<WorktreeForm>,
    /// Ceilings on what a run may use. Of an agent's and an assignment's the smaller ones hold.
    pub budget: Option<BudgetForm>,
    /// How values are put into the texts: `plain` replaces `{{name}}`, `handlebars` has conditions and loops, too.
    #[schemars(extend("default" = TemplateEngine::Plain))]
    pub template: Option<TemplateEngine>,
    /// What cannot be overridden when a run is created.
    #[schemars(default)]
    pub locked_fields: Vec<LockableField>,
}

/// One item of an assignment's task list.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum TaskItemForm {
    /// A task that is written out.
    Inline(InlineTaskForm),
    /// The name of a shared task, such as `review/security`, or the path of a task file that starts with `./`, `../` or
    /// `/`.
    Reference(#[schemars(length(min = 1))] String),
}

/// A task that is written out in an assignment.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = with_later(assignment::KNOWN_TASK))]
pub(crate) struct InlineTaskForm {
    /// Unique in the assignment: letters, digits and `. _ : / -`.
    #[schemars(with = "String", length(max = MAX_TASK_ID), regex(pattern = TASK_ID))]
    pub id: TaskId,
    /// One line that says what has to be true in the end. A task of the assignment that is extended may leave it out.
    #[schemars(length(max = MAX_TITLE), regex(pattern = ONE_LINE))]
    pub title: Option<String>,
    /// Markdown. `|` starts a text of several lines.
    pub body: Option<String>,
    /// Code that is asked about each change of this task.
    #[schemars(schema_with = "of_task", default)]
    pub hooks: Vec<HookSpec>,
}

/// What the worker is told after an attempt that left work open. Placeholders are filled.
#[derive(Debug, Default, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PromptsForm {
    /// When the worker ended its turn.
    #[schemars(length(max = MAX_PROMPT), regex(pattern = r"\S"))]
    pub nudge: Option<String>,
    /// When its time was up.
    #[schemars(length(max = MAX_PROMPT), regex(pattern = r"\S"))]
    pub after_timeout: Option<String>,
    /// When it failed.
    #[schemars(length(max = MAX_PROMPT), regex(pattern = r"\S"))]
    pub after_crash: Option<String>,
    /// When the run was interrupted.
    #[schemars(length(max = MAX_PROMPT), regex(pattern = r"\S"))]
    pub after_interrupt: Option<String>,
}

/// A git worktree for the run.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum WorktreeForm {
    /// Whether there is one.
    Flag(bool),
    /// What it is like.
    Ask(WorktreeAskForm),
}

/// What a run's git worktree is like. Placeholders are filled.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorktreeAskForm {
    /// The branch that is checked out there. Without it one that is named after the run.
    #[schemars(regex(pattern = r"\S"))]
    pub branch: Option<String>,
    /// What a new branch starts at. Without it what is checked out where the run would work otherwise.
    #[schemars(regex(pattern = r"\S"))]
    pub from: Option<String>,
    /// Its directory. Without it one below the state directory.
    #[schemars(regex(pattern = r"\S"))]
    pub path: Option<String>,
}

/// A value that is decided when a run is created.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = by_kind_of_variable)]
pub(crate) struct VarForm {
    /// What it may hold.
    #[schemars(rename = "type", default)]
    pub kind: VarKind,
    /// The words of an enum.
    #[schemars(default, extend("uniqueItems" = true))]
    pub values: Vec<String>,
    /// Whether a run needs a value.
    #[schemars(extend("default" = false))]
    pub required: Option<bool>,
    /// When it needs it: as it is created, or once the hooks that prepare it have run.
    #[schemars(extend("default" = RequiredAt::Initial))]
    pub required_at: Option<RequiredAt>,
    /// Where a value may come from; the first that has one counts. Without it: `cli`, `web`.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub sources: Option<Vec<VarSource>>,
    /// The environment variable for the source `env`. Without it: the name.
    #[schemars(regex(pattern = ENV_NAME))]
    pub env_name: Option<String>,
    /// The value when no source has one.
    pub default: Option<VarValue>,
    /// For people.
    pub description: Option<String>,
}

/// What a variable may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(crate) enum VarKind {
    /// Any text.
    #[default]
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of the words in `values`.
    Enum,
}

impl VarKind {
    pub(crate) const ALL: &[Self] = &[Self::String, Self::Number, Self::Boolean, Self::Enum];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Enum => "enum",
        }
    }
}

/// One task that several assignments can list. The text below the front matter is its body.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Task", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = with_later(task::KNOWN))]
pub(crate) struct TaskForm {
    /// Version of the format.
    pub schema_version: FormatVersion,
    /// The task's id in every assignment that lists it. In a configuration directory that of its file:
    /// `tasks/<id>.md`. Without one it is taken from there.
    #[schemars(with = "Option<String>", length(max = MAX_TASK_ID), regex(pattern = TASK_ID))]
    pub id: TaskId,
    /// One line that says what has to be true in the end.
    #[schemars(length(max = MAX_TITLE), regex(pattern = ONE_LINE))]
    pub title: String,
    /// Code that is asked about each change of this task.
    #[schemars(schema_with = "of_task", default)]
    pub hooks: Vec<HookSpec>,
}

/// Letters, digits and `. _ : / -`.
pub(crate) const TASK_ID: &str = "^[A-Za-z0-9._:/-]+$";
/// Letters, digits and `_ . -`.
const VAR_NAME: &str = "^[A-Za-z0-9_.-]+$";
/// Something else than white space, and neither `=` nor NUL.
const ENV_NAME: &str = r"^[^=\u0000]*[^=\u0000\s][^=\u0000]*$";
/// No control character anywhere, something else than white space somewhere.
const ONE_LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// What a working directory must not be: it would have to be expanded.
const EXPANDED: &str = r"^~|\$[A-Za-z_{]";

/// The version of the format: `schemaVersion: 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormatVersion;

impl JsonSchema for FormatVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FormatVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": 1 })
    }

    fn inline_schema() -> bool {
        true
    }
}
