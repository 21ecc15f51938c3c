//! Definition operations.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_runner_api::operations::{DefinitionKind, ListDefinitions, ShowDefinition, ValidateDefinitions};
use agent_runner_api::view::{
    CheckedDefinition, DefinitionDetail, DefinitionList, DefinitionProblem, DefinitionSummary,
    DefinitionTask, SkippedFile, Validation,
};
use agent_runner_api::{ApiError, Handle};
use agent_runner_backends::{BackendError, Registry};
use agent_runner_definitions::{
    Agent, Assignment, Checked, DefinitionError, Diagnostic, Kind, Listed, Source, TaskDefinition,
    bundled_source, similar,
};
use agent_runner_model::spec::{Effort, LockableField, TemplateEngine};
use serde_json::{Map, Value, json};

use super::authoring::cannot_start;
use super::inheritance::{
    bases, budget_setting, launcher_setting, origins, worktree_setting, written_detail,
};
use crate::engine::Engine;
use crate::failure::definition_error;
use crate::place::Places;

pub(super) fn kind_of(kind: DefinitionKind) -> Kind {
    match kind {
        DefinitionKind::Agent => Kind::Agent,
        DefinitionKind::Assignment => Kind::Assignment,
        DefinitionKind::Task => Kind::Task,
    }
}

fn shown_kind(kind: Kind) -> DefinitionKind {
    match kind {
        Kind::Agent => DefinitionKind::Agent,
        Kind::Assignment => DefinitionKind::Assignment,
        Kind::Task => DefinitionKind::Task,
    }
}

impl<S: Places> Handle<ListDefinitions> for Engine<S> {
    async fn call(&self, request: ListDefinitions) -> Result<DefinitionList, ApiError> {
        let listed = self.library(PathBuf::from("/")).list(kind_of(request.kind));
        let mut list = DefinitionList { kind: request.kind, definitions: Vec::new(), warnings: Vec::new() };
        list.warnings.extend(listed.problems.iter().map(|problem| DefinitionProblem {
            name: match problem {
                DefinitionError::Read { path, .. } => path.to_string_lossy().into_owned(),
                _ => request.kind.as_str().to_owned(),
            },
            message: problem.render().trim_end().to_owned(),
        }));
        for found in listed.definitions {
            match &found.problem {
                Some(problem) => list.warnings.push(DefinitionProblem {
                    name: found.name.clone(),
                    message: problem.render().trim_end().to_owned(),
                }),
                None => list.definitions.push(summary(&found)),
            }
        }
        Ok(list)
    }
}

fn summary(found: &Listed) -> DefinitionSummary {
    DefinitionSummary {
        name: found.name.clone(),
        source: found.source.to_string(),
        shadows: found.shadows.iter().map(ToString::to_string).collect(),
        summary: (!found.title.is_empty()).then(|| found.title.clone()),
        backend: found.backend.clone(),
        task_count: found.tasks,
    }
}

impl<S: Places> Handle<ShowDefinition> for Engine<S> {
    async fn call(&self, request: ShowDefinition) -> Result<DefinitionDetail, ApiError> {
        let library = self.library(request.caller_dir);
        let reference = &request.reference;
        if !request.resolved {
            let written = library.written(kind_of(request.kind), reference);
            if let Some(written) = written.map_err(|error| definition_error(&error))? {
                return Ok(written_detail(request.kind, written));
            }
        }
        match request.kind {
            DefinitionKind::Agent => library.agent(reference).map(agent_detail),
            DefinitionKind::Assignment => library.assignment(reference).map(assignment_detail),
            DefinitionKind::Task => library.task(reference).map(task_detail),
        }
        .map(|detail| DefinitionDetail { resolved: request.resolved, ..detail })
        .map_err(|error| definition_error(&error))
    }
}

/// What a definition in the configuration directory hides.
pub(super) fn hidden(kind: Kind, name: &str, source: &Source) -> Vec<String> {
    match source {
        Source::Config(_) => bundled_source(kind, name).iter().map(ToString::to_string).collect(),
        Source::Path(_) | Source::Bundled(_) => Vec::new(),
    }
}

fn set(settings: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        settings.insert(name.to_owned(), value);
    }
}

fn locks(fields: &[LockableField]) -> Option<Value> {
    let words: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    (!words.is_empty()).then(|| json!(words))
}

/// How texts are filled, where it is not the usual way.
fn shown_engine(engine: Option<TemplateEngine>) -> Option<Value> {
    engine.map(|engine| json!(engine.as_str()))
}

fn agent_detail(agent: Agent) -> DefinitionDetail {
    let mut settings = Map::new();
    set(&mut settings, "backend", Some(json!(agent.backend)));
    set(&mut settings, "model", agent.model.map(Value::from));
    set(&mut settings, "effort", agent.effort.map(Effort::as_str).map(Value::from));
    set(&mut settings, "timeoutSec", agent.timeout_sec.map(Value::from));
    set(&mut settings, "unrestricted", agent.unrestricted.map(Value::from));
    let has_config = !agent.backend_config.is_empty();
    set(&mut settings, "backendConfig", has_config.then(|| json!(agent.backend_config)));
    let args: Map<String, Value> = agent
        .backend_args
        .into_iter()
        .map(|(backend, extra)| (backend, json!({ "extraArgs": extra })))
        .collect();
    set(&mut settings, "backendArgs", (!args.is_empty()).then_some(Value::Object(args)));
    set(&mut settings, "launcher", agent.launcher.as_ref().map(launcher_setting));
    set(&mut settings, "commitAs", agent.commit_as.map(Value::from));
    set(&mut settings, "budget", agent.budget.as_ref().map(budget_setting));
    set(&mut settings, "template", shown_engine(agent.template));
    set(&mut settings, "lockedFields", locks(&agent.locked_fields));
    let shadows = hidden(Kind::Agent, &agent.name, &agent.source);
    DefinitionDetail {
        kind: DefinitionKind::Agent,
        name: agent.name,
        source: agent.source.to_string(),
        shadows,
        extends: None,
        resolved: false,
        bases: bases(&agent.heritage),
        origins: origins(&agent.heritage),
        settings,
        tasks: Vec::new(),
        hooks: Vec::new(),
        instructions: agent.instructions,
    }
}

fn assignment_detail(assignment: Assignment) -> DefinitionDetail {
    let mut settings = Map::new();
    set(&mut settings, "cwd", assignment.cwd.map(Value::from));
    set(&mut settings, "message", assignment.message.map(Value::from));
    set(&mut settings, "maxRetries", assignment.max_retries.map(Value::from));
    set(&mut settings, "callerInstructions", assignment.caller_instructions.map(Value::from));
    let vars: Map<String, Value> = assignment.vars.iter().map(|var| (var.name.clone(), json!(var))).collect();
    set(&mut settings, "vars", (!vars.is_empty()).then_some(Value::Object(vars)));
    set(&mut settings, "prompts", (!assignment.prompts.is_empty()).then(|| json!(assignment.prompts)));
    set(&mut settings, "worktree", assignment.worktree.as_ref().map(worktree_setting));
    set(&mut settings, "budget", assignment.budget.as_ref().map(budget_setting));
    set(&mut settings, "template", shown_engine(assignment.template));
    set(&mut settings, "lockedFields", locks(&assignment.locked_fields));
    let tasks = assignment.tasks.into_iter().map(|task| DefinitionTask {
        id: task.spec.id.to_string(),
        title: task.spec.title,
        body: task.spec.body,
        source: task.source.map(|source| source.to_string()),
    });
    let shadows = hidden(Kind::Assignment, &assignment.name, &assignment.source);
    DefinitionDetail {
        kind: DefinitionKind::Assignment,
        name: assignment.name,
        source: assignment.source.to_string(),
        shadows,
        extends: None,
        resolved: false,
        bases: bases(&assignment.heritage),
        origins: origins(&assignment.heritage),
        settings,
        tasks: tasks.collect(),
        hooks: assignment.hooks,
        instructions: assignment.instructions,
    }
}

fn task_detail(task: TaskDefinition) -> DefinitionDetail {
    let mut settings = Map::new();
    set(&mut settings, "title", Some(json!(task.spec.title)));
    let shadows = hidden(Kind::Task, task.spec.id.as_str(), &task.source);
    DefinitionDetail {
        kind: DefinitionKind::Task,
        name: task.spec.id.to_string(),
        source: task.source.to_string(),
        shadows,
        extends: None,
        resolved: false,
        bases: Vec::new(),
        origins: BTreeMap::new(),
        settings,
        tasks: Vec::new(),
        hooks: task.hooks,
        instructions: task.spec.body,
    }
}

impl<S: Places> Handle<ValidateDefinitions> for Engine<S> {
    async fn call(&self, request: ValidateDefinitions) -> Result<Validation, ApiError> {
        let paths: Vec<PathBuf> = request.paths.iter().map(PathBuf::from).collect();
        let checkup = self.library(request.caller_dir).validate(&paths);
        let files: Vec<CheckedDefinition> =
            checkup.checked.into_iter().map(|one| checked(&self.registry, one)).collect();
        let skipped = checkup.skipped.into_iter().map(|skipped| SkippedFile {
            file: skipped.path.to_string_lossy().into_owned(),
            reason: skipped.reason.to_string(),
        });
        Ok(Validation {
            valid: files.iter().all(|file| file.error.is_none()),
            files,
            skipped: skipped.collect(),
        })
    }
}

fn checked(registry: &Registry, mut checked: Checked) -> CheckedDefinition {
    checked.remarks.extend(checked.agent.as_ref().and_then(|agent| no_backend(registry, agent)));
    CheckedDefinition {
        file: checked.path.to_string_lossy().into_owned(),
        kind: checked.kind.map(shown_kind),
        name: checked.name,
        error: checked.problem.map(|problem| problem.render().trim_end().to_owned()),
        remarks: checked.remarks.iter().map(|remark| remark.render().trim_end().to_owned()).collect(),
    }
}

/// What is said about an agent that no run can be started with. It stays valid: another version, or a run with another
/// backend, may use it.
fn no_backend(registry: &Registry, agent: &Agent) -> Option<Diagnostic> {
    let error = cannot_start(registry, agent)?;
    let (path, hint) = match &error {
        BackendError::Unknown { id, known } => (
            vec!["backend"],
            match similar(id, known.iter().map(String::as_str)).first() {
                Some(near) => {
                    format!("did you mean `{near}`? Until then every run with this agent needs --backend")
                }
                None => {
                    "every run with this agent needs --backend, or a version that has this one".to_owned()
                }
            },
        ),
        BackendError::Missing { field, .. } => (
            vec!["backendConfig", agent.backend.as_str(), *field],
            "add it; until then every run with this agent is refused".to_owned(),
        ),
        BackendError::Setting { field, .. } => (
            vec!["backendConfig", agent.backend.as_str(), field.as_str()],
            "correct or delete it; until then every run with this agent is refused".to_owned(),
        ),
        BackendError::Session { .. }
        | BackendError::NoSessions(_)
        | BackendError::Command { .. }
        | BackendError::NoWorker(_) => (vec!["backend"], "name another backend".to_owned()),
    };
    Some(agent.remark(&path, error.to_string(), hint))
}
