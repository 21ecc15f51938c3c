//! Making definitions, and what helps to write them.

use std::path::{Path, PathBuf};

use agent_runner_api::hook::{hook_answer_schema, hook_context_schema};
use agent_runner_api::operations::{GetSchema, NewDefinition, ReadDefinition, SchemaKind, Writing};
use agent_runner_api::view::{DefinitionSchema, DefinitionText, NewDefinitionReply, Written};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_backends::{BackendError, Registry};
use agent_runner_definitions::{
    Agent, AssignedTask, Assignment, Definition, Kind, Library, Scaffold, bundled_source, command_blocks,
    is_own_schema, json_schema, schema_place,
};

use super::definitions::kind_of;
use super::whole_file::{IfThere, Put, PutError, Rights, put};
use crate::engine::Engine;
use crate::failure::{definition_error, internal};
use crate::place::Places;

impl<S: Places> Handle<ReadDefinition> for Engine<S> {
    async fn call(&self, request: ReadDefinition) -> Result<DefinitionText, ApiError> {
        let ReadDefinition { kind, reference, caller_dir } = request;
        let found = self.library(caller_dir).text(kind_of(kind), &reference);
        let (source, text) = found.map_err(|error| definition_error(&error))?;
        Ok(DefinitionText { kind, source: source.to_string(), text })
    }
}

impl<S: Places> Handle<GetSchema> for Engine<S> {
    async fn call(&self, request: GetSchema) -> Result<DefinitionSchema, ApiError> {
        let schema = match request.kind {
            SchemaKind::Agent => json_schema(Kind::Agent),
            SchemaKind::Assignment => json_schema(Kind::Assignment),
            SchemaKind::Task => json_schema(Kind::Task),
            SchemaKind::HookContext => hook_context_schema(),
            SchemaKind::HookAnswer => hook_answer_schema(),
        };
        Ok(DefinitionSchema { kind: request.kind, schema })
    }
}

impl<S: Places> Handle<NewDefinition> for Engine<S> {
    async fn call(&self, request: NewDefinition) -> Result<NewDefinitionReply, ApiError> {
        let NewDefinition { kind: asked, name, backend, from, dir, caller_dir, writing } = request;
        let kind = kind_of(asked);
        let library = self.library(&caller_dir);
        let (root, rights) = match dir {
            Some(dir) => (Path::new(&caller_dir).join(dir).components().collect::<PathBuf>(), Rights::Usual),
            None => (library.config_dir.clone(), Rights::Private),
        };
        let backends = self.registry.ids();
        let scaffold = Scaffold {
            kind,
            name: &name,
            backend: backend.as_deref(),
            from: from.as_deref(),
            backends: &backends,
        };
        let text = library.scaffold(scaffold).map_err(|error| definition_error(&error))?;
        let file = root.join(kind.place(&name));
        let parsed = library.parse_new(kind, &name, &file, &text);
        let parsed = parsed.map_err(|error| definition_error(&error))?;
        let mut warnings = match &parsed {
            Definition::Agent(agent) => agent_warnings(&self.registry, agent, &library, from.as_deref()),
            Definition::Assignment(_) | Definition::Task(_) => Vec::new(),
        };
        let (written, kept, schema_file) = match if_there(writing) {
            None => (Written::No, None, None),
            Some(if_there) => {
                let schema = put_schema(&root, kind, rights, &mut warnings)?;
                let (written, kept) = put_definition(&file, &text, if_there, rights)?;
                (written, kept, Some(shown(&schema)))
            }
        };
        let shadows = bundled_source(kind, &name).filter(|_| root == library.config_dir);
        Ok(NewDefinitionReply {
            kind: asked,
            name,
            file: shown(&file),
            written,
            kept: kept.as_deref().map(shown),
            text,
            schema_file,
            backend: match &parsed {
                Definition::Agent(agent) => Some(agent.backend.clone()),
                Definition::Assignment(_) | Definition::Task(_) => None,
            },
            agent: match &parsed {
                Definition::Assignment(assignment) => Some(fitting_agent(assignment)),
                Definition::Agent(_) | Definition::Task(_) => None,
            },
            shadows: shadows.iter().map(ToString::to_string).collect(),
            warnings,
        })
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn if_there(writing: Writing) -> Option<IfThere> {
    match writing {
        Writing::Nothing => None,
        Writing::IfAbsent => Some(IfThere::Refuse),
        Writing::Replace => Some(IfThere::Keep),
    }
}

fn put_definition(
    file: &Path,
    text: &str,
    if_there: IfThere,
    rights: Rights,
) -> Result<(Written, Option<PathBuf>), ApiError> {
    Ok(match put(file, text, if_there, rights).map_err(|error| put_error(&error))? {
        Put::Created => (Written::Created, None),
        Put::Unchanged => (Written::Unchanged, None),
        Put::Replaced(kept) => (Written::Replaced, kept),
    })
}

/// Puts the schema where the new definition refers to it. One that somebody else wrote is left alone.
fn put_schema(
    root: &Path,
    kind: Kind,
    rights: Rights,
    warnings: &mut Vec<String>,
) -> Result<PathBuf, ApiError> {
    let file = root.join(schema_place(kind));
    let mut text = serde_json::to_string_pretty(&json_schema(kind)).map_err(|error| internal(&error))?;
    text.push('\n');
    let own = std::fs::read_to_string(&file).is_ok_and(|text| is_own_schema(&text));
    match put(&file, &text, if own { IfThere::Overwrite } else { IfThere::Refuse }, rights) {
        Ok(_) => {}
        Err(PutError::There(_)) => warnings.push(format!(
            "{} is not a schema of this program and was left alone; editors will use it as it is",
            file.display()
        )),
        Err(error) => return Err(put_error(&error)),
    }
    Ok(file)
}

/// An agent for an assignment: the one that it tells its caller to use, else one that comes with the program.
fn fitting_agent(assignment: &Assignment) -> String {
    let mut words = assignment.caller_instructions.as_deref().unwrap_or_default().split_whitespace();
    if let Some(named) = words.find(|word| *word == "--agent").and_then(|_| words.next()) {
        return named.to_owned();
    }
    let is_commands = |task: &AssignedTask| !command_blocks(&task.spec.body).is_empty();
    let runbook = !assignment.tasks.is_empty() && assignment.tasks.iter().all(is_commands);
    if runbook { "runbook" } else { "generic" }.to_owned()
}

/// Why its own backend cannot start an agent as it is.
pub(super) fn cannot_start(registry: &Registry, agent: &Agent) -> Option<BackendError> {
    let config = agent.backend_config.get(&agent.backend).cloned().unwrap_or_default();
    registry.get(&agent.backend).and_then(|backend| backend.check(&config)).err()
}

/// What keeps an agent from working as it is.
fn agent_warnings(registry: &Registry, agent: &Agent, library: &Library, from: Option<&str>) -> Vec<String> {
    let mut warnings: Vec<String> = cannot_start(registry, agent).iter().map(ToString::to_string).collect();
    let original = from.and_then(|from| library.agent(from).ok());
    if let (Some(original), Some(model)) = (original, &agent.model)
        && original.backend != agent.backend
    {
        warnings.push(format!(
            "model {model:?} was chosen for backend {:?}; change or delete the line for backend {:?}",
            original.backend, agent.backend
        ));
    }
    warnings
}

fn put_error(error: &PutError) -> ApiError {
    let (code, hint) = match error {
        PutError::There(_) => (
            ErrorCode::Invalid,
            "choose another name, or use --force: the file that is there is then kept beside the new one",
        ),
        PutError::MakeDir { .. } | PutError::Look { .. } | PutError::Write { .. } => (
            ErrorCode::Storage,
            "nothing was changed; see that the directory can be written and has space left",
        ),
    };
    ApiError::from_error(code, error).hint(hint)
}
