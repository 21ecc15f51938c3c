//! Fills the texts of a spec from its template: a function of template, variables and injected keys, so that it can be
//! done again while a run is initialized.

use std::path::Path;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::Manifest;
use agent_runner_model::spec::{RunSpec, TemplateEngine};
use agent_runner_model::task::{TaskSpec, check_title};

use super::brief::{BriefParts, brief};
use super::directory::directory;
use super::render::Values;
use super::texts::Texts;
use crate::engine::EngineConfig;

/// What a text can ask for besides the run's own variables.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    config_dir: String,
    state_dir: String,
    bucket: fn(&Path) -> String,
}

impl Places {
    pub(crate) fn new(config: &EngineConfig, bucket: fn(&Path) -> String) -> Self {
        Self {
            config_dir: config.config_dir.to_string_lossy().into_owned(),
            state_dir: config.state_dir.to_string_lossy().into_owned(),
            bucket,
        }
    }
}

/// Fills everything in the spec that the template has. Errors name what to change; nothing is half filled then.
pub(crate) fn fill(mut spec: RunSpec, run_group_id: &str, places: &Places) -> Result<RunSpec, ApiError> {
    let mut values = values(&spec, run_group_id, places);
    spec.cwd = directory(&spec, &values)?;
    spec.repo = (places.bucket)(Path::new(&spec.cwd));
    values.insert("cwd".to_owned(), spec.cwd.clone());
    let template = &spec.template;
    let (role_engine, work_engine) = (template.role_engine, template.work_engine);
    let engine_of = |task: &TaskSpec| match template.work_tasks.contains(&task.id) {
        true => work_engine,
        false => TemplateEngine::Plain,
    };
    let texts = Texts::new(&spec, &values);
    let titles = template.tasks.iter().map(|task| Ok((task, title(task, engine_of(task), &texts)?)));
    let titles = titles.collect::<Result<Vec<_>, ApiError>>()?;
    let texts = texts.with_tasks(&titles);
    let mut tasks = Vec::new();
    for (task, title) in &titles {
        let body = texts.fill(engine_of(task), &format!("the body of task `{}`", task.id), &task.body)?;
        tasks.push(TaskSpec { id: task.id.clone(), title: title.clone(), body });
    }
    let caller_instructions = template.caller_instructions.as_deref();
    let caller_instructions = caller_instructions
        .map(|text| texts.fill(work_engine, &from_assignment(&spec, "the caller instructions"), text))
        .transpose()?;
    let agent = source(&spec.agent.name, spec.agent.source_path.as_deref());
    let role = texts.fill(role_engine, &format!("the role of agent {agent}"), &template.role)?;
    let work = texts.fill(work_engine, &from_assignment(&spec, "the instructions"), &template.work)?;
    let plain = |what: &str, text: &str| texts.fill(TemplateEngine::Plain, what, text);
    let message = template.message.as_deref().map(|text| plain("the message", text)).transpose()?;
    for text in template.prompts.values() {
        // They are filled when they are told; that they are not too long then is found out here.
        plain(&from_assignment(&spec, "the prompts"), text)?;
    }
    let argv = template.launcher.iter().map(|word| plain("the launcher", word));
    spec.launcher.argv = argv.collect::<Result<_, _>>()?;
    spec.agent.instructions = role;
    if let Some(assignment) = &mut spec.assignment {
        assignment.instructions = work;
    }
    spec.tasks = tasks;
    spec.caller_instructions = caller_instructions;
    spec.message = message;
    spec.brief = brief(&BriefParts {
        run_id: &spec.run_id,
        command: &spec.command,
        role: &spec.agent.instructions,
        work: spec.assignment.as_ref().map_or("", |assignment| &assignment.instructions),
        has_tasks: !spec.tasks.is_empty(),
        message: spec.message.as_deref(),
    });
    if let Some(prompt) = &spec.template.initial_prompt {
        spec.brief.clone_from(prompt);
    }
    Ok(spec)
}

/// What all keys of a run stand for.
pub(crate) fn known_values(manifest: &Manifest, places: &Places) -> Values {
    let mut values = values(&manifest.spec, &manifest.state.run_group_id, places);
    values.insert("cwd".to_owned(), manifest.spec.cwd.clone());
    values
}

/// What the keys stand for, but for `cwd`, which may depend on them.
fn values(spec: &RunSpec, run_group_id: &str, places: &Places) -> Values {
    let declared = spec.runtime_vars.iter().map(|(name, var)| (name.clone(), var.value.to_string()));
    let mut values: Values = declared.collect();
    // A run that is made anew elsewhere keeps the one it was made with.
    let config_dir = match spec.template.config_dir.as_str() {
        "" => &places.config_dir,
        own => own,
    };
    let own = [
        ("run_id", spec.run_id.as_str()),
        ("run_group_id", run_group_id),
        ("config_dir", config_dir),
        ("state_dir", &places.state_dir),
        ("agent_runner_cmd", &spec.command),
    ];
    let name = spec.assignment.as_ref().map(|assignment| ("assignment_name", assignment.name.as_str()));
    values.extend(own.into_iter().chain(name).map(|(key, value)| (key.to_owned(), value.to_owned())));
    values
}

/// A definition and its file.
fn source(name: &str, path: Option<&str>) -> String {
    path.map_or_else(|| format!("`{name}`"), |path| format!("`{name}` ({path})"))
}

fn from_assignment(spec: &RunSpec, what: &str) -> String {
    let from = spec.assignment.as_ref().map(|found| source(&found.name, Some(&found.source_path)));
    from.map_or_else(|| what.to_owned(), |from| format!("{what} of assignment {from}"))
}

fn title(task: &TaskSpec, engine: TemplateEngine, texts: &Texts<'_>) -> Result<String, ApiError> {
    let title = texts.fill(engine, &format!("the title of task `{}`", task.id), &task.title)?;
    check_title(&title).map_err(|error| {
        let message =
            format!("task `{}` has no good title once its variables are filled in: {error}", task.id);
        ApiError::new(ErrorCode::Invalid, message)
            .hint(format!("its title is {:?}; use short values of one line in titles", task.title))
    })?;
    Ok(title)
}
