//! Agents: who works. Must not know how a backend is started.

use std::collections::BTreeMap;

use agent_runner_model::spec::{AD_HOC_AGENT, Effort, LockableField, Value};

use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, Known};
use crate::loading::{Loaded, check_place_name};
use crate::page::Place;
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
    /// Fields that cannot be overridden when a run is created.
    pub locked_fields: Vec<LockableField>,
    /// Role instructions: the trimmed text below the front matter.
    pub instructions: String,
}

pub(crate) const KNOWN: Known = Known {
    what: "an agent",
    fields: &[
        "schemaVersion",
        "name",
        "backend",
        "model",
        "effort",
        "timeoutSec",
        "unrestricted",
        "backendConfig",
        "backendArgs",
        "lockedFields",
    ],
    later: &["launcher", "executionEnvironment", "hooks", "vars", "schedule"],
    elsewhere: &[
        ("tasks", "an assignment"),
        ("cwd", "an assignment"),
        ("message", "an assignment"),
        ("maxRetries", "an assignment"),
        ("callerInstructions", "an assignment"),
    ],
};

/// Reads an agent from its text.
pub(crate) fn parse(loaded: Loaded) -> Result<Agent, Vec<Diagnostic>> {
    let front = loaded.front()?;
    let mut problems = Vec::new();
    let mut fields =
        Fields::new(&loaded.page, String::new(), Place::START, &front.entries, KNOWN, &mut problems);
    fields.schema_version();
    let name = fields.required_text("name", "my-agent");
    check_place_name(&mut fields, "name", name.as_deref(), loaded.place_name.as_deref(), Kind::Agent);
    if name.as_deref() == Some(AD_HOC_AGENT) {
        let at = fields.place("name");
        fields.complain(
            at,
            format!("the name `{AD_HOC_AGENT}` is reserved for runs without an agent file"),
            "choose another name",
        );
    }
    let backend = fields.required_text("backend", "shell");
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
    let locked_fields = fields.locked_fields();
    match (name, backend) {
        (Some(name), Some(backend)) if problems.is_empty() => Ok(Agent {
            name,
            backend,
            model,
            effort,
            timeout_sec,
            unrestricted,
            backend_config,
            backend_args,
            locked_fields,
            instructions: front.body,
            source: loaded.source,
            text: loaded.text,
        }),
        _ => Err(problems),
    }
}
