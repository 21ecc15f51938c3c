//! How a command ends: the exit code and what is said about a failure.

use std::io::Write as _;
use std::process::ExitCode;

use agent_runner_api::{ApiError, ErrorCode};

use crate::render::clean;

/// Exit code of usage mistakes and of everything else the caller can put right.
pub(crate) const USAGE: u8 = 3;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to say, and a code.
    Error(ApiError),
    /// Whoever reads our output has gone. That is nobody's mistake.
    Gone,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let mut chain = error.chain().map(ToString::to_string);
        let mut shown = ApiError::new(ErrorCode::Internal, chain.next().unwrap_or_default());
        shown.causes = chain.collect();
        Self::Error(shown)
    }
}

/// A usage mistake that the argument parser cannot see.
pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::Error(ApiError::new(ErrorCode::Invalid, message).hint(hint))
}

/// What a command returns: the exit code of what it did.
pub(crate) type Outcome = Result<u8, Failure>;

/// Says what went wrong, if anything did, and yields the exit code.
pub(crate) fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Gone) => ExitCode::SUCCESS,
        Err(Failure::Error(error)) => {
            tell(&error);
            ExitCode::from(error.code.exit_code())
        }
    }
}

/// Says on standard error what went wrong.
pub(crate) fn tell(error: &ApiError) {
    // Nowhere is left to complain when this fails.
    let _ = std::io::stderr().lock().write_all(render(error).as_bytes());
}

fn render(error: &ApiError) -> String {
    let mut text = format!("error: {}\n", error.message);
    for cause in &error.causes {
        text.push_str(&format!("caused by: {cause}\n"));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Paths and texts of others are in it.
    clean(&text)
}
