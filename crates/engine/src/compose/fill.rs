//! Fills the texts of a spec from its template: a function of template, variables and injected keys, so that it can be
//! done again while a run is initialized.

use std::path::Path;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::spec::RunSpec;
use agent_runner_model::task::{TaskSpec, check_title};

use super::brief::{BriefParts, brief};
use super::directory::directory;
use super::render::{Values, render};
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
    let text = |text: &str| render(text, &values).into_owned();
    let template = &spec.template;
    let tasks = template.tasks.iter().map(|task| self::task(task, &values)).collect::<Result<Vec<_>, _>>()?;
    let caller_instructions = template.caller_instructions.as_deref().map(text);
    let message = template.message.as_deref().map(text);
    let (role, work) = (text(&template.role), text(&template.work));
    spec.launcher.argv = template.launcher.iter().map(|word| text(word)).collect();
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
    Ok(spec)
}

/// What the keys stand for, but for `cwd`, which may depend on them.
fn values(spec: &RunSpec, run_group_id: &str, places: &Places) -> Values {
    let declared = spec.runtime_vars.iter().map(|(name, var)| (name.clone(), var.value.to_string()));
    let mut values: Values = declared.collect();
    let own = [
        ("run_id", spec.run_id.as_str()),
        ("run_group_id", run_group_id),
        ("config_dir", &places.config_dir),
        ("state_dir", &places.state_dir),
        ("agent_runner_cmd", &spec.command),
    ];
    let name = spec.assignment.as_ref().map(|assignment| ("assignment_name", assignment.name.as_str()));
    values.extend(own.into_iter().chain(name).map(|(key, value)| (key.to_owned(), value.to_owned())));
    values
}

fn task(task: &TaskSpec, values: &Values) -> Result<TaskSpec, ApiError> {
    let title = render(&task.title, values).into_owned();
    check_title(&title).map_err(|error| {
        let message =
            format!("task `{}` has no good title once its variables are filled in: {error}", task.id);
        ApiError::new(ErrorCode::Invalid, message)
            .hint(format!("its title is {:?}; use short values of one line in titles", task.title))
    })?;
    Ok(TaskSpec { id: task.id.clone(), title, body: render(&task.body, values).into_owned() })
}
