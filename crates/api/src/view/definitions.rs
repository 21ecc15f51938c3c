//! Views of definitions.

use std::collections::BTreeMap;

use agent_runner_model::hook::HookSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{DefinitionKind, SchemaKind};

/// A definition in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionSummary {
    /// How to refer to it.
    pub name: String,
    /// The file, or `bundled:…`.
    pub source: String,
    /// Definitions of the same name that this one hides.
    pub shadows: Vec<String>,
    /// One sentence about it.
    pub summary: Option<String>,
    /// An agent's backend.
    pub backend: Option<String>,
    /// How many tasks an assignment lists.
    pub task_count: Option<usize>,
}

/// A definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionProblem {
    /// Its name or file.
    pub name: String,
    /// What is wrong, for people: place, line, and what to do.
    pub message: String,
}

/// The definitions of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionList {
    /// Which kind.
    pub kind: DefinitionKind,
    /// By name.
    pub definitions: Vec<DefinitionSummary>,
    /// Those that cannot be used.
    pub warnings: Vec<DefinitionProblem>,
}

/// A task of an assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionTask {
    /// Its id.
    pub id: String,
    /// Its title; empty if it is left to the definition that is extended.
    pub title: String,
    /// Markdown; empty likewise.
    pub body: String,
    /// The task file it comes from; nothing when it is written out in the assignment.
    pub source: Option<String>,
}

/// A definition that another one extends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionBase {
    /// Its name.
    pub name: String,
    /// The file, or `bundled:…`.
    pub source: String,
}

/// One definition. Fields that its kind does not have are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionDetail {
    /// Which kind.
    pub kind: DefinitionKind,
    /// Its name; a task's id.
    pub name: String,
    /// The file, or `bundled:…`.
    pub source: String,
    /// Definitions of the same name that this one hides.
    pub shadows: Vec<String>,
    /// The definition it extends, as its file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// Whether what it has from others that it extends is in the following fields.
    #[serde(default)]
    pub resolved: bool,
    /// The definitions it extends, nearest first; only if it is resolved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<DefinitionBase>,
    /// The files that inherited settings come from, the furthest first; only if it is resolved. By names such as `model`,
    /// `budget.tokens`, `tasks.lint` and `instructions`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Vec<String>>,
    /// Its settings, with the names they have in the file.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The tasks of an assignment.
    pub tasks: Vec<DefinitionTask>,
    /// The hooks of an assignment or a task, in the order they run in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSpec>,
    /// The text below the settings.
    pub instructions: String,
}

/// A definition as it was authored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionText {
    /// Which kind it was looked up as.
    pub kind: DefinitionKind,
    /// The file, or `bundled:…`.
    pub source: String,
    /// The whole file.
    pub text: String,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Written {
    /// It was only shown.
    No,
    /// It is new.
    Created,
    /// It was there already, word for word.
    Unchanged,
    /// It took the place of another one.
    Replaced,
}

/// A definition that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewDefinitionReply {
    /// Which kind.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What became of that file.
    pub written: Written,
    /// Where the file is now that was there before.
    pub kept: Option<String>,
    /// The whole text.
    pub text: String,
    /// The JSON Schema that the text refers to.
    pub schema_file: Option<String>,
    /// What starts an agent's worker; nothing for other kinds.
    pub backend: Option<String>,
    /// An agent that an assignment can be given to; nothing for other kinds.
    pub agent: Option<String>,
    /// Definitions of the same name that it hides.
    pub shadows: Vec<String>,
    /// What keeps it from working as it is.
    pub warnings: Vec<String>,
}

/// The description of a kind's front matter, or of what hooks read and answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionSchema {
    /// Of what.
    pub kind: SchemaKind,
    /// A JSON Schema, draft 2020-12.
    pub schema: serde_json::Value,
}

/// A file that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedDefinition {
    /// The file, or a directory that could not be looked into.
    pub file: String,
    /// What it was taken for.
    pub kind: Option<DefinitionKind>,
    /// Its name, if it is valid.
    pub name: Option<String>,
    /// What is wrong with it; nothing if it is valid.
    pub error: Option<String>,
    /// What is worth knowing about it although it is valid.
    pub remarks: Vec<String>,
}

/// Something in a directory that was not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedFile {
    /// Where it is.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Whether every file is valid.
    pub valid: bool,
    /// Each file.
    pub files: Vec<CheckedDefinition>,
    /// What was not checked.
    pub skipped: Vec<SkippedFile>,
}
