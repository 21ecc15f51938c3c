//! Views of definitions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::DefinitionKind;

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
    /// One line about it.
    pub summary: Option<String>,
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
    /// Its title.
    pub title: String,
    /// Markdown.
    pub body: String,
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
    /// Its settings, with the names they have in the file.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The tasks of an assignment.
    pub tasks: Vec<DefinitionTask>,
    /// The text below the settings.
    pub instructions: String,
}

/// A file that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedDefinition {
    /// The file.
    pub file: String,
    /// What it was taken for.
    pub kind: Option<DefinitionKind>,
    /// What is wrong with it; nothing if it is valid.
    pub error: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Whether every file is valid.
    pub valid: bool,
    /// Each file.
    pub files: Vec<CheckedDefinition>,
}
