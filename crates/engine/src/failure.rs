//! Errors of the other rooms, as callers get to see them: with a code, the chain of causes, and what to do.

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_backends::BackendError;
use agent_runner_definitions::{DefinitionError, similar};
use agent_runner_model::Refusal;
use agent_runner_store::{AcquireError, ArchiveError, CommitError, StoreError};

pub(crate) fn store_error(error: &StoreError) -> ApiError {
    let code = match error {
        StoreError::NotFound { .. }
        | StoreError::Unnamed { .. }
        | StoreError::TooFew { .. }
        | StoreError::Outside { .. } => ErrorCode::NotFound,
        StoreError::Spelling { .. }
        | StoreError::Name { .. }
        | StoreError::Cursor { .. }
        | StoreError::History { .. }
        | StoreError::Several { .. }
        | StoreError::Sign { .. } => ErrorCode::Invalid,
        StoreError::Unreadable { .. }
        | StoreError::Misplaced { .. }
        | StoreError::Reference { .. }
        | StoreError::Newer { .. }
        | StoreError::Ambiguous { .. } => ErrorCode::Unreadable,
        StoreError::Archive(ArchiveError::TooLarge { .. }) => ErrorCode::NotAllowed,
        StoreError::Archive(ArchiveError::Changed { .. }) => ErrorCode::Busy,
        StoreError::Archive(
            ArchiveError::NotOne { .. }
            | ArchiveError::CutOff { .. }
            | ArchiveError::Damaged { .. }
            | ArchiveError::Newer { .. }
            | ArchiveError::Entry { .. }
            | ArchiveError::Text { .. },
        ) => ErrorCode::Invalid,
        StoreError::Busy { .. } | StoreError::Owned { .. } => ErrorCode::Busy,
        _ => ErrorCode::Storage,
    };
    with_hint(ApiError::from_error(code, error), error.hint())
}

pub(crate) fn commit_error(error: &CommitError) -> ApiError {
    match error {
        CommitError::Refused(refusal) => refusal_error(refusal),
        CommitError::Store(error) => store_error(error),
    }
}

pub(crate) fn refusal_error(refusal: &Refusal) -> ApiError {
    let (code, hint) = match refusal {
        Refusal::TaskNotFound { known, .. } if known.is_empty() => {
            (ErrorCode::NotFound, Some("this run has no tasks".to_owned()))
        }
        Refusal::TaskNotFound { known, .. } => {
            let ids: Vec<&str> = known.iter().map(agent_runner_model::TaskId::as_str).collect();
            (ErrorCode::NotFound, Some(format!("its tasks are: {}", ids.join(", "))))
        }
        Refusal::TaskExists { .. } | Refusal::NotAllowed { .. } => (ErrorCode::NotAllowed, None),
        Refusal::StaleFence { .. } => (
            ErrorCode::Stale,
            Some(
                "this worker was replaced or stopped; a person who means it can unset \
                 AGENT_RUNNER_ATTEMPT_FENCE and repeat the command"
                    .to_owned(),
            ),
        ),
        Refusal::HooksFirst { .. } | Refusal::JudgedBefore { .. } => {
            (ErrorCode::NotAllowed, Some("repeat the command".to_owned()))
        }
        Refusal::StaleDriver => (ErrorCode::Stale, None),
        Refusal::Invalid(_) => {
            (ErrorCode::Invalid, Some("nothing was changed; correct that and repeat the command".to_owned()))
        }
    };
    with_hint(ApiError::from_error(code, refusal), hint)
}

pub(crate) fn acquire_error(error: &AcquireError) -> ApiError {
    let code = match error {
        AcquireError::Held { .. } | AcquireError::Unknown { .. } => ErrorCode::Busy,
        AcquireError::Store(error) => return store_error(error),
        _ => ErrorCode::Storage,
    };
    with_hint(ApiError::from_error(code, error), error.hint())
}

pub(crate) fn definition_error(error: &DefinitionError) -> ApiError {
    let code = match error {
        DefinitionError::NotFound { .. } | DefinitionError::Launcher { .. } => ErrorCode::NotFound,
        DefinitionError::Name { .. } | DefinitionError::NewName { .. } | DefinitionError::Nothing { .. } => {
            ErrorCode::Invalid
        }
        DefinitionError::Read { .. } | DefinitionError::Invalid { .. } => ErrorCode::Definition,
    };
    match error {
        // Shown as it is: the lines and carets are the message.
        DefinitionError::Invalid { .. } => ApiError::new(code, error.render().trim_end().to_owned()),
        DefinitionError::NotFound { .. }
        | DefinitionError::Name { .. }
        | DefinitionError::NewName { .. }
        | DefinitionError::Launcher { .. }
        | DefinitionError::Nothing { .. }
        | DefinitionError::Read { .. } => with_hint(ApiError::from_error(code, error), error.hint()),
    }
}

pub(crate) fn backend_error(error: &BackendError) -> ApiError {
    let hint = match error {
        BackendError::Unknown { id, known } => match similar(id, known.iter().map(String::as_str)).first() {
            Some(near) => {
                return ApiError::from_error(ErrorCode::Invalid, error)
                    .hint(format!("did you mean `{near}`?"));
            }
            None => "name one of them with --backend or in the agent file",
        },
        BackendError::Missing { .. } | BackendError::Setting { .. } => {
            "correct the agent file; `docs/backends.md` describes the settings"
        }
        BackendError::Session { .. } => "start a new run",
        BackendError::NoSessions(_) => {
            "leave --backend-session-id out, or use a backend that keeps conversations"
        }
        BackendError::Command { .. } => "set AGENT_RUNNER_CMD, or let the backend work unrestricted",
        BackendError::NoWorker(_) => "use `agent-runner task set` and the other task commands",
    };
    ApiError::from_error(ErrorCode::Invalid, error).hint(hint)
}

pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> ApiError {
    ApiError::from_error(ErrorCode::Internal, error)
}

fn with_hint(error: ApiError, hint: Option<impl Into<String>>) -> ApiError {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// An error and its causes, on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
