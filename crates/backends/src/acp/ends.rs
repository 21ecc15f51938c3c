//! How a turn ended, by the answer to its prompt. Must not decide what follows.

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, Misconfiguration};
use agent_runner_supervisor::Exit;

use super::wire::{ErrorData, RpcError};
use crate::json::{fields, number, text, word};
use crate::reset::in_text;
use crate::text::{MAX_LINE, one_line};

/// Log in first.
const AUTHENTICATION_REQUIRED: i64 = -32000;
/// What was named is not there.
const NOT_FOUND: i64 = -32002;

/// How a turn ended, and whether the conversation is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub end: AttemptEnd,
    pub session_lost: bool,
}

impl From<AttemptEnd> for Verdict {
    fn from(end: AttemptEnd) -> Self {
        Self { end, session_lost: false }
    }
}

/// The agent ended its turn and says why.
pub(super) fn of_stop(reason: Option<&str>) -> Verdict {
    let crashed = |detail: String| AttemptEnd::Crashed { detail };
    match reason {
        // A limit of requests in a turn is the agent's own; the tasks decide what it left undone.
        Some("end_turn" | "max_turn_requests") => AttemptEnd::Reported.into(),
        Some("max_tokens") => crashed("an answer was longer than the model may write".to_owned()).into(),
        Some("refusal") => crashed("the model refused to go on".to_owned()).into(),
        Some("cancelled") => crashed("the turn was cancelled from outside".to_owned()).into(),
        Some(other) => {
            crashed(format!("the agent ended its turn for the reason {:?}", one_line(other, 80))).into()
        }
        None => {
            let detail = "the agent ended its turn without a reason".to_owned();
            AttemptEnd::ProtocolError { detail }.into()
        }
    }
}

/// A request was answered by an error.
pub(super) fn of_error(error: &RpcError<'_>, opens: bool, now: Timestamp) -> Verdict {
    let words = text(error.message).unwrap_or("no reason given".into());
    let detail = one_line(words.trim_end_matches('.'), MAX_LINE);
    let data: ErrorData<'_> = fields(error.data).unwrap_or_default();
    // Codes fit an integer; anything else is none of those that are known.
    let code = number(error.code).map_or(0, |code| code as i64);
    let configuration = |detail| AttemptEnd::Misconfigured { what: Misconfiguration::Configuration, detail };
    let authentication = |words: &str| AttemptEnd::Misconfigured {
        what: Misconfiguration::Authentication,
        detail: format!("the agent is not let in: {words}; log in with its own program, then resume the run"),
    };
    match word(data.error_kind) {
        Some("rate_limit") => AttemptEnd::Limited {
            reset_at: in_text(&words, now),
            detail: format!("the provider limits requests: {detail}"),
        }
        .into(),
        Some("overloaded" | "server_error") => {
            AttemptEnd::Overloaded { detail: format!("the provider failed or is overloaded: {detail}") }
                .into()
        }
        Some("authentication_failed") => authentication(&detail).into(),
        Some("billing_error") => {
            configuration(format!("the account cannot pay for the request: {detail}")).into()
        }
        Some("model_not_found") => configuration(format!("the model cannot be used: {detail}")).into(),
        Some(_) | None if code == AUTHENTICATION_REQUIRED => authentication(&detail).into(),
        Some(_) | None if code == NOT_FOUND && opens => Verdict {
            end: AttemptEnd::Crashed {
                detail: "the agent does not know the conversation it was to go on with; a new one is begun"
                    .to_owned(),
            },
            session_lost: true,
        },
        Some(_) | None => {
            AttemptEnd::Crashed { detail: format!("the agent ended its turn with an error: {detail}") }.into()
        }
    }
}

/// The agent ended without an answer.
pub(super) fn of_exit(exit: Exit, last_words: Option<&str>) -> Verdict {
    let how = match exit {
        Exit::Code(0) => {
            let detail = "the agent ended well but never answered the prompt".to_owned();
            return AttemptEnd::ProtocolError { detail }.into();
        }
        Exit::Code(code) => format!("the agent ended with exit code {code} before it answered"),
        Exit::Signal(signal) => format!("the agent was ended by signal {signal} before it answered"),
    };
    let detail = match last_words {
        Some(words) => format!("{how}; its last words: {words}"),
        None => how,
    };
    AttemptEnd::Crashed { detail }.into()
}
