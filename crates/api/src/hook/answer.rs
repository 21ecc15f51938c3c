//! What a hook answers.

use std::collections::BTreeMap;

use agent_runner_model::hook::TaskPatch;
use agent_runner_model::spec::{Effort, LockableField};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What a hook answers. Nothing at all means that it has no objection.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HookAnswer {
    /// What is to happen: for all phases but `taskTransition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<HookAction>,
    /// Whether the change of the task is made: for `taskTransition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<bool>,
    /// With `action: reinvoke`: what the worker is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up_prompt: Option<String>,
    /// With `action: block` and `accept: false`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What changes, whatever was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutate: Option<Mutation>,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookAction {
    /// The run goes on.
    Continue,
    /// The worker is told `followUpPrompt`.
    Reinvoke,
    /// The run ends blocked, because of `reason`.
    Block,
    /// The hook has nothing to do in this phase.
    Skip,
}

/// What a hook changes of the run.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Mutation {
    /// Its configuration.
    pub run: MutateRun,
    /// Variables, by name: only in `prepare`. A list or a map becomes its JSON text; null takes a variable away.
    pub vars: BTreeMap<String, Value>,
    /// What hooks remember of the run, by name; null forgets. At most 256 KiB together.
    pub state: BTreeMap<String, Value>,
    /// The note for people; null takes it away.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub note: Option<Option<String>>,
    /// Whether boards show the run first.
    pub pinned: Option<bool>,
    /// Changes of tasks.
    pub patch_tasks: Vec<TaskPatch>,
    /// Files that are handed over with the run.
    pub attachments: MutateAttachments,
}

/// What a hook changes of a run's configuration. What is not named stays.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MutateRun {
    /// The working directory: absolute, and there.
    pub cwd: Option<String>,
    /// The backend.
    pub backend: Option<String>,
    /// The model; null for the backend's default.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub model: Option<Option<String>>,
    /// The effort; null for the backend's default.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Effort>")]
    pub effort: Option<Option<Effort>>,
    /// Limit of one attempt, in seconds.
    pub timeout_sec: Option<u32>,
    /// Whether the backend's own safety prompts are bypassed.
    pub unrestricted: Option<bool>,
    /// Fields that cannot be overridden.
    pub locked_fields: Option<Vec<LockableField>>,
    /// What the worker is told first, instead of the brief: only in `prepare`.
    pub initial_prompt: Option<String>,
    /// What the worker is told in the next attempt.
    pub attempt_prompt: Option<String>,
}

/// Files that a hook hands over with the run, or takes away.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MutateAttachments {
    /// Files that come.
    pub add: Vec<AddedFile>,
    /// Ids of attachments that go.
    pub remove: Vec<String>,
    /// Files that take the place of others.
    pub replace: Vec<ReplacedFile>,
}

/// A file that comes.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddedFile {
    /// The file; relative to the run's working directory.
    pub source_path: String,
    /// Its name for people; else that of the file.
    #[serde(default)]
    pub name: Option<String>,
    /// Its media type; else the one that goes with its name.
    #[serde(default)]
    pub mime_type: Option<String>,
}

/// A file that takes the place of another one, and keeps its id.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplacedFile {
    /// Whose place it takes.
    pub attachment_id: String,
    /// The file; relative to the run's working directory.
    pub source_path: String,
    /// Its name for people; else that of the one before.
    #[serde(default)]
    pub name: Option<String>,
    /// Its media type; else the one that goes with its name.
    #[serde(default)]
    pub mime_type: Option<String>,
}

/// Tells "nothing" from "not said".
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}
