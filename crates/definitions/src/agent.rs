//! Agents: who works. Must not know how a backend is started.

use std::collections::BTreeMap;

use agent_runner_model::budget::{Amount, OnUnmeasured};
use agent_runner_model::spec::{AD_HOC_AGENT, Effort, LockableField, TemplateEngine, Value};

use crate::diagnostic::Diagnostic;
use crate::fields::{AGENT_CLEARS, Fields, Known};
use crate::forms::{AgentForm, BudgetForm, FormatVersion, InlineLauncherForm, LauncherForm};
use crate::inheritance::{Authored, Heritage, Wishes};
use crate::loading::{Front, Loaded, check_name};
use crate::node::Shape;
use crate::page::Place;
use crate::similar::similar;
use crate::source::{Kind, Source};

/// A validated agent definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its name; the name of its place in a library.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// The whole file as it was authored.
    pub text: String,
    /// The backend that starts the worker.
    pub backend: String,
    /// Backend-specific model name.
    pub model: Option<String>,
    /// How hard the model is asked to think.
    pub effort: Option<Effort>,
    /// Limit of one attempt, in seconds.
    pub timeout_sec: Option<u32>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: Option<bool>,
    /// Backend-owned configuration by backend.
    pub backend_config: BTreeMap<String, BTreeMap<String, Value>>,
    /// Extra arguments of the backend's program by backend: `backendArgs.<backend>.extraArgs`.
    pub backend_args: BTreeMap<String, Vec<String>>,
    /// What is put in front of the backend's program.
    pub launcher: Option<AgentLauncher>,
    /// In whose name it commits: `Name <mail>`.
    pub commit_as: Option<String>,
    /// Ceilings on what a run may use.
    pub budget: Option<Budget>,
    /// How values are put into its texts.
    pub template: Option<TemplateEngine>,
    /// Fields that cannot be overridden when a run is created.
    pub locked_fields: Vec<LockableField>,
    /// Role instructions: the trimmed text below the front matter.
    pub instructions: String,
    /// What it has from agents that it extends; all of it is in the fields above.
    pub heritage: Heritage,
}

impl Agent {
    /// A remark about the field at that path, or about the nearest one around it that the file has.
    pub fn remark(&self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) -> Diagnostic {
        let loaded = Loaded::new(self.source.clone(), self.text.clone(), None);
        let front = loaded.front().map_or_else(|_| Vec::new(), |front| front.entries);
        let mut at = Place::START;
        let mut entries = front.as_slice();
        for name in path {
            let Some(entry) = entries.iter().find(|entry| entry.key == *name) else { break };
            at = entry.key_at;
            entries = match &entry.value.shape {
                Shape::Map(entries) => entries,
                Shape::Plain(_) | Shape::Text(_) | Shape::List(_) => &[],
            };
        }
        loaded.page.problem(at, message, hint)
    }
}

/// Ceilings as a definition sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// The hard marks.
    pub hard: Amount,
    /// The percentage of each from which on the worker is told.
    pub soft_percent: Option<u8>,
    /// What happens when the backend cannot measure what is limited.
    pub on_unmeasured: Option<OnUnmeasured>,
}

impl From<BudgetForm> for Budget {
    fn from(form: BudgetForm) -> Self {
        let BudgetForm { wall_clock, tokens, cost_usd, attempts, turns, soft, on_unmeasured } = form;
        let hard = Amount { wall_clock_sec: wall_clock, tokens, cost_micro_usd: cost_usd, attempts, turns };
        Self { hard, soft_percent: soft.and_then(|soft| u8::try_from(soft).ok()), on_unmeasured }
    }
}

/// A launcher as an agent asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentLauncher {
    /// By its name, or by a path that is relative to the agent's file.
    Named(String),
    /// Spelled out: a program and its arguments.
    Inline(Vec<String>),
}

pub(crate) const KNOWN: Known = Known {
    what: "an agent",
    fields: &[
        "schemaVersion",
        "name",
        "extends",
        "baseInstructions",
        "unlock",
        "clear",
        "backend",
        "model",
        "effort",
        "timeoutSec",
        "unrestricted",
        "backendConfig",
        "backendArgs",
        "launcher",
        "commitAs",
        "budget",
        "template",
        "lockedFields",
    ],
    later: &["executionEnvironment", "vars", "schedule"],
    elsewhere: &[
        ("tasks", "an assignment"),
        ("cwd", "an assignment"),
        ("message", "an assignment"),
        ("maxRetries", "an assignment"),
        ("callerInstructions", "an assignment"),
        ("removeTasks", "an assignment"),
        ("hooks", "an assignment"),
        ("prompts", "an assignment"),
        ("worktree", "an assignment"),
    ],
    instead: &[
        ("instructions", ROLE_BELOW),
        ("prompt", ROLE_BELOW),
        ("role", ROLE_BELOW),
        ("description", ROLE_BELOW),
        ("body", ROLE_BELOW),
        (
            "args",
            "arguments for the backend's program are `backendArgs`, below it the backend, below that `extraArgs`",
        ),
        ("timeout", "write `timeoutSec` with the number of seconds"),
        ("author", "write `commitAs` with a name and an address"),
    ],
};

const ROLE_BELOW: &str =
    "write the role as Markdown below the second ---; its first sentence is shown in lists";

/// Reads what one file says of an agent. One that extends another may be without a backend, which is empty then.
pub(crate) fn authored(loaded: Loaded) -> Result<Authored<Agent>, Vec<Diagnostic>> {
    let front = loaded.front()?;
    let mut problems = Vec::new();
    let mut fields =
        Fields::new(&loaded.page, String::new(), Place::START, &front.entries, KNOWN, &mut problems);
    let form = form(&mut fields, loaded.place_name.as_deref());
    match form {
        Some(form) if problems.is_empty() => Ok(agent(form, loaded, front)),
        _ => Err(problems),
    }
}

/// Everything in the front matter; nothing when a required field is missing.
fn form(fields: &mut Fields<'_, '_>, place_name: Option<&str>) -> Option<AgentForm> {
    let schema_version = fields.schema_version();
    let name = fields.required_text("name", place_name.unwrap_or("my-agent"));
    check_name(fields, "name", name.as_deref(), place_name, Kind::Agent);
    if name.as_deref() == Some(AD_HOC_AGENT) {
        let at = fields.place("name");
        fields.complain(
            at,
            format!("the name `{AD_HOC_AGENT}` is reserved for runs without an agent file"),
            "choose another name",
        );
    }
    let extends = fields.extends();
    let base_instructions = fields.base_instructions();
    let unlock = fields.unlock();
    let clear = fields.clear(AGENT_CLEARS);
    let is_left_out = fields.is_heir() && !fields.is_written("backend");
    let backend = if is_left_out { None } else { fields.required_text("backend", "shell") };
    if backend.as_deref().is_some_and(|backend| backend.contains(char::is_whitespace)) {
        let at = fields.place("backend");
        fields.complain(
            at,
            "backend must be one word",
            "write the name of a backend, such as `backend: shell`",
        );
    }
    let model = fields.text("model");
    let effort = fields.word("effort", Effort::ALL, Effort::as_str);
    let timeout_sec = fields.number("timeoutSec", 1, u32::MAX);
    let unrestricted = fields.flag("unrestricted");
    let backend_config = fields.backend_config();
    let backend_args = fields.backend_args();
    let launcher = fields.launcher();
    let commit_as = fields.commit_as();
    let budget = fields.budget();
    let template = fields.word("template", TemplateEngine::ALL, TemplateEngine::as_str);
    let locked_fields = fields.locked_fields();
    Some(AgentForm {
        schema_version: schema_version?,
        name: name?,
        extends,
        base_instructions,
        unlock,
        clear,
        backend,
        model,
        effort,
        timeout_sec,
        unrestricted,
        backend_config,
        backend_args,
        launcher,
        commit_as,
        budget,
        template,
        locked_fields,
    })
}

fn agent(form: AgentForm, loaded: Loaded, front: Front) -> Authored<Agent> {
    let AgentForm {
        schema_version: FormatVersion,
        name,
        extends,
        base_instructions,
        unlock,
        clear,
        backend,
        model,
        effort,
        timeout_sec,
        unrestricted,
        backend_config,
        backend_args,
        launcher,
        commit_as,
        budget,
        template,
        locked_fields,
    } = form;
    let (entries, instructions) = front.divided();
    let own = Agent {
        name: name.clone(),
        backend: backend.unwrap_or_default(),
        model,
        effort,
        timeout_sec,
        unrestricted,
        backend_config,
        backend_args: backend_args
            .into_iter()
            .filter_map(|(backend, args)| Some((backend, args.extra_args?)))
            .collect(),
        commit_as,
        budget: budget.map(Budget::from),
        template,
        launcher: launcher.map(|launcher| match launcher {
            LauncherForm::Named(reference) => AgentLauncher::Named(reference),
            LauncherForm::Inline(InlineLauncherForm { command, args }) => {
                AgentLauncher::Inline(std::iter::once(command).chain(args).collect())
            }
        }),
        locked_fields,
        instructions,
        source: loaded.source.clone(),
        text: loaded.text,
        heritage: Heritage::default(),
    };
    let base_instructions = base_instructions.unwrap_or_default();
    let wishes = Wishes { extends, base_instructions, unlock, clear, remove_tasks: Vec::new() };
    let (page, source, place_name) = (loaded.page, loaded.source, loaded.place_name);
    Authored { page, entries, name, source, place_name, wishes, own }
}

/// What is worth knowing about an agent that is valid: settings that its own backend does not use. They stay, because
/// a run may be started with another backend.
pub(crate) fn remarks(loaded: &Loaded) -> Vec<Diagnostic> {
    let Ok(front) = loaded.front() else { return Vec::new() };
    let find = |name: &str| front.entries.iter().find(|entry| entry.key == name);
    let Some(Shape::Plain(backend) | Shape::Text(backend)) = find("backend").map(|entry| &entry.value.shape)
    else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    for field in ["backendConfig", "backendArgs"] {
        let Some(Shape::Map(entries)) = find(field).map(|entry| &entry.value.shape) else { continue };
        for entry in entries.iter().filter(|entry| entry.key != *backend) {
            remarks.push(loaded.page.problem(
                entry.key_at,
                format!("{field}.{} is not used by backend `{backend}`", entry.key),
                match similar(&entry.key, [backend.as_str()]).is_empty() {
                    true => format!(
                        "fine if the agent is to be started with --backend {} at times; else delete it",
                        entry.key
                    ),
                    false => format!("did you mean `{backend}`? Else it is kept for --backend {}", entry.key),
                },
            ));
        }
    }
    remarks
}
