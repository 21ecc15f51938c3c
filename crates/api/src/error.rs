//! The one error every front door answers with, and the one table from its code to exit codes and HTTP statuses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of failure an operation met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request cannot be understood, or a value in it is not acceptable.
    Invalid,
    /// A definition file has mistakes.
    Definition,
    /// The run, task or definition does not exist.
    NotFound,
    /// Not allowed as the run stands now.
    NotAllowed,
    /// The worker's attempt is over, or another driver took over.
    Stale,
    /// Somebody else is at it.
    Busy,
    /// The manifest cannot be read, or is of another version or program.
    Unreadable,
    /// The disk or the directory refused.
    Storage,
    /// A process could not be started or reached.
    Process,
    /// A fault of this program.
    Internal,
}

/// Exit code and HTTP status of each error code.
const TABLE: &[(ErrorCode, u8, u16)] = &[
    (ErrorCode::Invalid, 3, 400),
    (ErrorCode::Definition, 3, 422),
    (ErrorCode::NotFound, 3, 404),
    (ErrorCode::NotAllowed, 3, 409),
    (ErrorCode::Stale, 3, 409),
    (ErrorCode::Busy, 3, 409),
    (ErrorCode::Unreadable, 3, 500),
    (ErrorCode::Storage, 4, 507),
    (ErrorCode::Process, 4, 500),
    (ErrorCode::Internal, 4, 500),
];

impl ErrorCode {
    /// Every code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The exit code a command ends with: 3 for what the caller can put right, 4 for what broke.
    pub fn exit_code(self) -> u8 {
        TABLE.iter().find(|row| row.0 == self).map_or(4, |row| row.1)
    }

    /// The status an HTTP answer carries.
    pub fn http_status(self) -> u16 {
        TABLE.iter().find(|row| row.0 == self).map_or(500, |row| row.2)
    }
}

/// Why an operation failed. A run that ended badly is not one of these: it is an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What failed, a lower-case fragment.
    pub message: String,
    /// Why, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without causes.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// An error from another one: its message and the chain of its sources.
    pub fn from_error(code: ErrorCode, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { code, message: error.to_string(), causes, hint: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
