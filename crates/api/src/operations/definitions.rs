//! Requests about definitions, and about the installation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefinitionKind {
    /// Who works.
    Agent,
    /// What there is to do.
    Assignment,
    /// One reusable task.
    Task,
}

impl DefinitionKind {
    /// The singular, as in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Assignment => "assignment",
            Self::Task => "task",
        }
    }
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SchemaKind {
    /// The front matter of an agent.
    Agent,
    /// The front matter of an assignment.
    Assignment,
    /// The front matter of a task.
    Task,
    /// What a hook reads.
    HookContext,
    /// What a hook answers.
    HookAnswer,
}

/// What happens to a definition that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Writing {
    /// It is only shown.
    Nothing,
    /// It is written; a file that is there already and says something else is an error.
    IfAbsent,
    /// It is written; a file that is there already is kept under another name.
    Replace,
}

requests! {
    /// Lists definitions.
    ListDefinitions {
        /// Which kind.
        kind: DefinitionKind,
    }
    /// Shows one definition.
    ShowDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
        /// Whether what it has from others that it extends is shown in it. Without this only what its file says.
        resolved: bool,
    }
    /// Checks definition files.
    ValidateDefinitions {
        /// Files and directories; the configuration directory without any.
        paths: Vec<String>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Reads the text of a definition as it was authored, whatever is wrong with it.
    ReadDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Makes a new definition.
    NewDefinition {
        /// Which kind.
        kind: DefinitionKind,
        /// Its name; a task's id.
        name: String,
        /// An agent's backend.
        backend: Option<String>,
        /// Name or path of the definition to start from.
        from: Option<String>,
        /// Directory that holds `agents`, `assignments` and `tasks`, instead of the configuration directory.
        dir: Option<String>,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
        /// What happens to it.
        writing: Writing,
    }
    /// Describes the front matter of a kind of definition, or what hooks read and answer.
    GetSchema {
        /// Of what.
        kind: SchemaKind,
    }
    /// Looks at the installation.
    GetStatus {}
}
