//! Turns a request and the definitions it names into the frozen spec of a run.

use std::collections::BTreeMap;
use std::path::Path;

use agent_runner_api::operations::CreateRun;
use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_backends::{Backend, Registry};
use agent_runner_definitions::{Agent, AgentLauncher, Assignment, Library};
use agent_runner_model::ids::{RunId, TaskId};
use agent_runner_model::spec::{
    AD_HOC_AGENT, AgentSpec, AssignmentSpec, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_SEC, LauncherSpec,
    LockableField, MAX_RETRIES, Origin, PASSIVE_BACKEND, RunSpec, Template, TemplateEngine,
};
use agent_runner_model::task::{TaskSpec, check_title};
use agent_runner_model::vars::{INJECTED, VarSpec};
use agent_runner_model::{Timestamp, check_backend_session_id};

use super::bases::bases;
use super::budget::budget;
use super::fill::{Places, fill};
use super::hooks::{backend_settings, hooks};
use super::labels::check_labels;
use super::vars::{Ancestor, Given, resolve};
use crate::clock::random_text;
use crate::engine::EngineConfig;
use crate::failure::{backend_error, definition_error, internal};

/// Everything about a new run but its name.
pub(crate) struct Composed {
    spec: RunSpec,
    places: Places,
    name: Option<String>,
    run_group_id: Option<String>,
    agent_seed: Option<String>,
    assignment_seed: Option<String>,
}

/// What a new run is created from, once it has a name.
pub(crate) struct Named {
    pub(crate) spec: RunSpec,
    pub(crate) name: Option<String>,
    pub(crate) run_group_id: Option<String>,
    pub(crate) agent_seed: Option<String>,
    pub(crate) assignment_seed: Option<String>,
}

/// Where a new run stands among others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineage {
    /// The run that creates it, the one that created that, and so on.
    pub(crate) ancestors: Vec<RunId>,
    /// The group it joins; nothing for one of its own.
    pub(crate) run_group_id: Option<String>,
    /// How many runs it is nested in.
    pub(crate) call_depth: u32,
    /// Whether its parent has to set something aside for it.
    pub(crate) takes_a_share: bool,
}

impl Composed {
    /// The same run in its place among others.
    pub(crate) fn descending(mut self, lineage: Lineage) -> Self {
        let mut ancestors = lineage.ancestors.into_iter();
        self.spec.parent_run_id = ancestors.next();
        self.spec.further_ancestors = ancestors.collect();
        self.spec.notify_parent &= self.spec.parent_run_id.is_some();
        self.spec.call_depth = lineage.call_depth;
        self.run_group_id = lineage.run_group_id;
        self
    }

    /// The run as far as it is known without a name.
    pub(crate) fn spec(&self) -> Result<RunSpec, ApiError> {
        Ok(self.named(self.spec.run_id.clone(), self.spec.created_at)?.spec)
    }

    /// The run under this name. Its texts may ask for the name, so they can only be filled now.
    pub(crate) fn named(&self, run_id: RunId, created_at: Timestamp) -> Result<Named, ApiError> {
        let group = self.run_group_id.clone().unwrap_or_else(|| run_id.to_string());
        let spec = RunSpec { run_id, created_at, ..self.spec.clone() };
        Ok(Named {
            spec: fill(spec, &group, &self.places)?,
            name: self.name.clone(),
            run_group_id: self.run_group_id.clone(),
            agent_seed: self.agent_seed.clone(),
            assignment_seed: self.assignment_seed.clone(),
        })
    }
}

/// Resolves definitions and overrides. Errors name what to change.
pub(crate) fn compose(
    request: &CreateRun,
    library: &Library,
    registry: &Registry,
    config: &EngineConfig,
    ancestors: &[Ancestor],
    bucket: fn(&Path) -> String,
) -> Result<Composed, ApiError> {
    let agent = load_agent(request, library)?;
    let assignment = load_assignment(request, library)?;
    let locked = locked_fields(agent.as_ref(), assignment.as_ref());
    check_locks(request, &locked, agent.as_ref(), assignment.as_ref())?;

    let backend_id = request.backend.clone().or_else(|| agent.as_ref().map(|agent| agent.backend.clone()));
    let backend_id = backend_id.ok_or_else(|| {
        ApiError::new(ErrorCode::Invalid, "a run needs an agent or a backend").hint(
            "name an agent with --agent, or a backend with --backend; `agent-runner list agents` shows the agents",
        )
    })?;
    let backend = registry.get(&backend_id).map_err(|error| backend_error(&error))?;
    let backend_config = agent_setting(agent.as_ref().map(|agent| &agent.backend_config), &backend_id);
    backend.check(&backend_config).map_err(|error| backend_error(&error))?;
    let backend_session_id = backend_session(request, backend)?;
    let backend_args = agent_setting(agent.as_ref().map(|agent| &agent.backend_args), &backend_id);

    check_notify(request, &backend_id)?;
    check_labels(request)?;

    let tasks = task_list(request, assignment.as_ref())?;
    let message =
        request.message.clone().or_else(|| assignment.as_ref().and_then(|found| found.message.clone()));
    check_substance(
        backend.needs_tasks(),
        &backend_id,
        &tasks,
        agent.as_ref(),
        assignment.as_ref(),
        message.as_ref(),
    )?;
    let vars = assignment.as_ref().map(|assignment| assignment.vars.clone()).unwrap_or_default();
    let given =
        Given { cli: &request.vars, web: &request.web_vars, surroundings: &config.surroundings, ancestors };
    let runtime_vars = resolve(&vars, &given)?;
    let launcher = launcher(request, library, agent.as_ref())?;
    let budget = budget(request, agent.as_ref(), assignment.as_ref(), &locked)?;
    check_role_names(agent.as_ref(), &vars)?;
    let hooks = hooks(request, assignment.as_ref());
    let template = Template {
        role_engine: agent.as_ref().and_then(|agent| agent.template).unwrap_or_default(),
        work_engine: assignment.as_ref().and_then(|assignment| assignment.template).unwrap_or_default(),
        work_tasks: assignment.as_ref().map(rendered_tasks).unwrap_or_default(),
        role: agent.as_ref().map(|agent| agent.instructions.clone()).unwrap_or_default(),
        work: assignment.as_ref().map(|assignment| assignment.instructions.clone()).unwrap_or_default(),
        tasks,
        caller_instructions: assignment.as_ref().and_then(|found| found.caller_instructions.clone()),
        message,
        launcher: launcher.argv,
        cwd: request.cwd.clone().or_else(|| assignment.as_ref().and_then(|found| found.cwd.clone())),
        caller_dir: request.caller_dir.clone(),
        config_dir: config.config_dir.to_string_lossy().into_owned(),
        prompts: assignment.as_ref().map(|found| found.prompts.clone()).unwrap_or_default(),
        initial_prompt: None,
        backends: if hooks.is_empty() { BTreeMap::new() } else { backend_settings(agent.as_ref()) },
    };
    let (timeout_sec, max_attempts_per_session) = limits(request, agent.as_ref(), assignment.as_ref())?;
    // An agent file is trusted to say what it needs; without one nothing is bypassed unasked.
    let unrestricted = request
        .unrestricted
        .unwrap_or_else(|| agent.as_ref().is_some_and(|agent| agent.unrestricted.unwrap_or(true)));
    let may_write = backend.may_write(unrestricted, &backend_args);
    let spec = RunSpec {
        run_id: placeholder()?,
        repo: String::new(),
        cwd: String::new(),
        agent: AgentSpec {
            name: agent.as_ref().map_or_else(|| AD_HOC_AGENT.to_owned(), |agent| agent.name.clone()),
            source_path: agent.as_ref().map(|agent| agent.source.to_string()),
            bases: agent.as_ref().map(|agent| bases(&agent.heritage)).unwrap_or_default(),
            instructions: String::new(),
        },
        assignment: assignment.as_ref().map(|assignment| AssignmentSpec {
            name: assignment.name.clone(),
            source_path: assignment.source.to_string(),
            bases: bases(&assignment.heritage),
            instructions: String::new(),
        }),
        backend: backend_id,
        backend_config,
        resolved_backend_args: backend_args,
        backend_session_id,
        model: request.model.clone().or_else(|| agent.as_ref().and_then(|agent| agent.model.clone())),
        effort: request.effort.or_else(|| agent.as_ref().and_then(|agent| agent.effort)),
        unrestricted,
        timeout_sec,
        max_attempts_per_session,
        stop_grace_sec: config.stop_grace_sec,
        on_limit: request.on_limit.unwrap_or_default(),
        notify: request.notify.clone(),
        locked_fields: locked,
        message: None,
        brief: String::new(),
        caller_instructions: None,
        tasks: Vec::new(),
        command: config.command.clone(),
        created_at: Timestamp::from_millis(0),
        parent_run_id: None,
        further_ancestors: Vec::new(),
        call_depth: 0,
        notify_parent: request.notify_parent,
        waits_for_dependencies: !request.after.is_empty(),
        on_busy: request.on_busy.unwrap_or_default(),
        may_write,
        launcher: LauncherSpec { name: launcher.name, argv: Vec::new() },
        template,
        vars,
        runtime_vars,
        origin: Origin::Local,
        budget,
        checks: Vec::new(),
        hooks,
        prepared: false,
        prepared_state: BTreeMap::new(),
        prepared_tasks: Vec::new(),
        worktree: None,
        execution_environment: None,
        commit_as: agent.as_ref().and_then(|agent| agent.commit_as.clone()),
    };
    Ok(Composed {
        spec,
        places: Places::new(config, bucket),
        name: request.name.clone(),
        run_group_id: None,
        agent_seed: agent.map(|agent| agent.text),
        assignment_seed: assignment.map(|assignment| assignment.text),
    })
}

/// The conversation the run is to begin in, if its backend can.
fn backend_session(request: &CreateRun, backend: &dyn Backend) -> Result<Option<String>, ApiError> {
    let Some(id) = request.backend_session_id.as_deref().map(str::trim) else { return Ok(None) };
    check_backend_session_id(id).map_err(|why| {
        ApiError::new(ErrorCode::Invalid, why).hint("correct --backend-session-id, or leave it out")
    })?;
    backend.check_session(id).map_err(|error| backend_error(&error))?;
    Ok(Some(id.to_owned()))
}

/// What an agent's role may ask for is known only now, and its file only here.
fn check_role_names(agent: Option<&Agent>, vars: &[VarSpec]) -> Result<(), ApiError> {
    let names: Vec<&str> = vars.iter().map(|var| var.name.as_str()).chain(INJECTED).collect();
    agent.map_or(Ok(()), |agent| agent.check_names(&names)).map_err(|error| definition_error(&error))
}

/// The tasks whose texts are the assignment's own, where that makes a difference.
fn rendered_tasks(assignment: &Assignment) -> Vec<TaskId> {
    let own = assignment.tasks.iter().filter(|task| task.source.is_none());
    match assignment.template.unwrap_or_default() {
        TemplateEngine::Plain => Vec::new(),
        TemplateEngine::Handlebars => own.map(|task| task.spec.id.clone()).collect(),
    }
}

/// Seconds an attempt may take, and attempts a session may spend.
fn limits(
    request: &CreateRun,
    agent: Option<&Agent>,
    assignment: Option<&Assignment>,
) -> Result<(u32, u32), ApiError> {
    let max_retries = request
        .max_retries
        .or_else(|| assignment.and_then(|assignment| assignment.max_retries))
        .unwrap_or(DEFAULT_MAX_RETRIES);
    if max_retries > MAX_RETRIES {
        let message = format!("{max_retries} retries are too many; at most {MAX_RETRIES} are allowed");
        return Err(ApiError::new(ErrorCode::Invalid, message));
    }
    let timeout_sec = request
        .timeout_sec
        .or_else(|| agent.and_then(|agent| agent.timeout_sec))
        .unwrap_or(DEFAULT_TIMEOUT_SEC);
    if timeout_sec == 0 {
        return Err(ApiError::new(
            ErrorCode::Invalid,
            "the time limit of an attempt must be at least one second",
        ));
    }
    Ok((timeout_sec, max_retries + 1))
}

/// Stands for the name of a run that has none yet.
pub(super) const UNNAMED: &str = "unnamed";

fn placeholder() -> Result<RunId, ApiError> {
    RunId::parse(UNNAMED).map_err(|error| internal(&error))
}

fn load_agent(request: &CreateRun, library: &Library) -> Result<Option<Agent>, ApiError> {
    let reference = request.agent.as_deref();
    reference.map(|reference| library.agent(reference)).transpose().map_err(|error| definition_error(&error))
}

fn load_assignment(request: &CreateRun, library: &Library) -> Result<Option<Assignment>, ApiError> {
    match (&request.assignment, &request.checklist) {
        (Some(_), Some(_)) => {
            Err(ApiError::new(ErrorCode::Invalid, "an assignment and a checklist cannot be used together")
                .hint("give either --assignment or --checklist"))
        }
        (Some(reference), None) => {
            library.assignment(reference).map(Some).map_err(|error| definition_error(&error))
        }
        (None, Some(path)) => {
            library.checklist(Path::new(path)).map(Some).map_err(|error| definition_error(&error))
        }
        (None, None) => Ok(None),
    }
}

/// The one that was asked for, else the agent's, else none. Paths in an agent's file start there.
fn launcher(request: &CreateRun, library: &Library, agent: Option<&Agent>) -> Result<LauncherSpec, ApiError> {
    let found = match (&request.launcher, agent.and_then(|agent| Some((agent, agent.launcher.as_ref()?)))) {
        (Some(name), _) => library.launcher_named(name),
        (None, Some((_, AgentLauncher::Inline(argv)))) => {
            return Ok(LauncherSpec { name: INLINE_LAUNCHER.to_owned(), argv: argv.clone() });
        }
        (None, Some((agent, AgentLauncher::Named(reference)))) => library.launcher_of(agent, reference),
        (None, None) => return Ok(LauncherSpec::default()),
    };
    found.map(|launcher| launcher.spec).map_err(|error| definition_error(&error))
}

/// The name of a launcher that an agent spells out.
const INLINE_LAUNCHER: &str = "inline";

fn agent_setting<T: Clone + Default>(settings: Option<&BTreeMap<String, T>>, backend: &str) -> T {
    settings.and_then(|settings| settings.get(backend)).cloned().unwrap_or_default()
}

fn locked_fields(agent: Option<&Agent>, assignment: Option<&Assignment>) -> Vec<LockableField> {
    let mut locked: Vec<LockableField> = agent.map(|agent| agent.locked_fields.clone()).unwrap_or_default();
    locked.extend(assignment.map(|assignment| assignment.locked_fields.clone()).unwrap_or_default());
    locked.sort_unstable();
    locked.dedup();
    locked
}

/// A locked field refuses every override, whoever authored its value.
fn check_locks(
    request: &CreateRun,
    locked: &[LockableField],
    agent: Option<&Agent>,
    assignment: Option<&Assignment>,
) -> Result<(), ApiError> {
    let overrides: [(LockableField, bool, Option<String>); 9] = [
        (LockableField::Backend, request.backend.is_some(), agent.map(|agent| agent.backend.clone())),
        (LockableField::Model, request.model.is_some(), agent.and_then(|agent| agent.model.clone())),
        (
            LockableField::Effort,
            request.effort.is_some(),
            agent.and_then(|agent| agent.effort).map(|effort| effort.as_str().to_owned()),
        ),
        (
            LockableField::TimeoutSec,
            request.timeout_sec.is_some(),
            agent.and_then(|agent| agent.timeout_sec).map(|seconds| seconds.to_string()),
        ),
        (
            LockableField::Unrestricted,
            request.unrestricted.is_some(),
            agent.and_then(|agent| agent.unrestricted).map(|yes| yes.to_string()),
        ),
        (LockableField::Cwd, request.cwd.is_some(), assignment.and_then(|found| found.cwd.clone())),
        (
            LockableField::Message,
            request.message.is_some(),
            assignment.and_then(|found| found.message.clone()),
        ),
        (
            LockableField::MaxRetries,
            request.max_retries.is_some(),
            assignment.and_then(|found| found.max_retries).map(|count| count.to_string()),
        ),
        (LockableField::Tasks, !request.add_tasks.is_empty(), None),
    ];
    for (field, overridden, current) in overrides {
        if overridden && locked.contains(&field) {
            let current = current.map_or_else(String::new, |value| format!(" (it is {value:?})"));
            let message = format!(
                "`{}` is locked by the definitions and cannot be overridden{current}",
                field.as_str()
            );
            return Err(ApiError::new(ErrorCode::Invalid, message)
                .hint("leave it out, or use a definition that does not lock the field"));
        }
    }
    Ok(())
}

fn task_list(request: &CreateRun, assignment: Option<&Assignment>) -> Result<Vec<TaskSpec>, ApiError> {
    let mut tasks = assignment.map(Assignment::task_specs).unwrap_or_default();
    for title in &request.add_tasks {
        check_title(title).map_err(|error| {
            ApiError::new(ErrorCode::Invalid, format!("the added task is not one: {error}"))
                .hint("say in one line what is to be done: --add-task \"TITLE\"")
        })?;
        tasks.push(TaskSpec { id: new_task_id()?, title: title.clone(), body: String::new() });
    }
    Ok(tasks)
}

/// Whoever ends a passive run is there to see it.
fn check_notify(request: &CreateRun, backend: &str) -> Result<(), ApiError> {
    if request.notify.is_some() && backend == PASSIVE_BACKEND {
        let message = "a passive run has no driver that could tell anybody of its end";
        return Err(ApiError::new(ErrorCode::Invalid, message).hint("leave --notify out"));
    }
    Ok(())
}

/// A run has to have something to do.
fn check_substance(
    needs_tasks: bool,
    backend: &str,
    tasks: &[TaskSpec],
    agent: Option<&Agent>,
    assignment: Option<&Assignment>,
    message: Option<&String>,
) -> Result<(), ApiError> {
    if !tasks.is_empty() {
        return Ok(());
    }
    let hint = "name an --assignment or a --checklist, or add a task with --add-task";
    if needs_tasks {
        let message = format!("backend {backend:?} works through tasks, and this run has none");
        return Err(ApiError::new(ErrorCode::Invalid, message).hint(hint));
    }
    let texts = [
        agent.map(|agent| agent.instructions.as_str()),
        assignment.map(|assignment| assignment.instructions.as_str()),
        message.map(String::as_str),
    ];
    if texts.into_iter().flatten().all(|text| text.trim().is_empty()) {
        return Err(ApiError::new(ErrorCode::Invalid, "this run has nothing to do: no tasks and no words")
            .hint(format!("{hint}, or write a message")));
    }
    Ok(())
}

/// An unused-looking id for a task that is added to a run.
pub(crate) fn new_task_id() -> Result<TaskId, ApiError> {
    let text = random_text(8).map_err(|error| internal(&error))?;
    TaskId::parse(&format!("cli-{text}")).map_err(|error| internal(&error))
}

/// The id of a task that is added by a request: the same for the same request, so that the reply to a repeated one
/// names the task that is there.
pub(crate) fn requested_task_id(request: &str) -> Result<TaskId, ApiError> {
    let digest = request.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    TaskId::parse(&format!("cli-{digest:016x}")).map_err(|error| internal(&error))
}
