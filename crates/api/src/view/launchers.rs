//! Views of launchers, with the shape that definitions have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DefinitionProblem;

/// Says that something is a launcher, as `kind` says it of definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LauncherKind {
    /// What is put in front of a backend's program.
    Launcher,
}

/// A launcher in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherSummary {
    /// How to refer to it.
    pub name: String,
    /// The file, or `bundled:…`.
    pub source: String,
    /// Files of the same name that this one hides.
    pub shadows: Vec<String>,
    /// What it puts in front.
    pub settings: LauncherSettings,
}

/// All launchers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherList {
    /// Always `launcher`.
    pub kind: LauncherKind,
    /// The one that is built in, then the others by name.
    pub definitions: Vec<LauncherSummary>,
    /// Those that cannot be used.
    pub warnings: Vec<DefinitionProblem>,
}

/// What a launcher puts in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherSettings {
    /// The program; nothing for the launcher that puts nothing in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What stands between the program and the backend's command line.
    pub args: Vec<String>,
}

/// One launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherDetail {
    /// Always `launcher`.
    pub kind: LauncherKind,
    /// Its name.
    pub name: String,
    /// The file, or `bundled:…`.
    pub source: String,
    /// Files of the same name that this one hides.
    pub shadows: Vec<String>,
    /// With the names they have in the file.
    pub settings: LauncherSettings,
}

/// The file of a launcher as it was authored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherText {
    /// Always `launcher`.
    pub kind: LauncherKind,
    /// The file.
    pub source: String,
    /// The whole file.
    pub text: String,
}
