//! How a turn ended, judged by what the client said. Its exit code is believed only where it said nothing: it is 0
//! after an interruption, and 1 after a limit. Must not decide what follows.

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, Misconfiguration};
use agent_runner_supervisor::Exit;

use super::failure::{Cause, Failure};

/// How far a turn got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Progress {
    /// The client has said nothing yet.
    #[default]
    Silent,
    /// It has begun, and nobody said that it is over.
    Open,
    /// A result says that it went well.
    Succeeded,
    /// A result was cut off before it said how it went; whether the model had ended its turn is known.
    Unclear { model_was_done: bool },
    /// A result says that it did not go well.
    Failed(Box<Failure>),
}

/// Everything that tells how a turn ended.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub progress: Progress,
    /// The last error of the provider that ended the main conversation's turn, and that no answer followed.
    pub error: Option<Failure>,
    /// A limit was met, and no answer followed.
    pub limit: Option<LimitMet>,
    /// The last request that the client was going to try again, in words.
    pub retrying: Option<String>,
    /// What the client complained about before it could begin.
    pub complaint: Option<Complaint>,
    /// The last line of standard error.
    pub last_words: Option<String>,
    /// The first line of standard output that is not the client's language.
    pub noise: Option<String>,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LimitMet {
    pub reset_at: Option<Timestamp>,
    /// The window's name, if it has a known one.
    pub window: Option<&'static str>,
}

/// Why the client did not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Complaint {
    /// Safety prompts cannot be bypassed as root.
    Root,
    /// Its command line is wrong, in its own words.
    CommandLine(String),
    /// There was no prompt.
    NoPrompt,
    /// It does not know the conversation.
    UnknownSession,
    /// It is not logged in, in its own words.
    Login(String),
}

impl Complaint {
    /// What a line of standard error complains about.
    pub(super) fn of(line: &str) -> Option<Self> {
        let words = || line.to_owned();
        if line.contains("cannot be used with root/sudo privileges") {
            Some(Self::Root)
        } else if line.contains("No conversation found with session ID")
            || line.contains("--resume requires a valid session ID")
        {
            Some(Self::UnknownSession)
        } else if line.starts_with("error: ") || line.contains("is already in use") {
            Some(Self::CommandLine(words()))
        } else if line.contains("Input must be provided either through stdin")
            || line.contains("Input contained only whitespace")
        {
            Some(Self::NoPrompt)
        } else if line.contains("Please run /login") || line.contains("Invalid API key") {
            Some(Self::Login(words()))
        } else {
            None
        }
    }
}

/// How a turn ended, and whether the conversation is gone.
pub(super) struct Verdict {
    pub end: AttemptEnd,
    pub session_lost: bool,
}

impl From<AttemptEnd> for Verdict {
    fn from(end: AttemptEnd) -> Self {
        Self { end, session_lost: false }
    }
}

pub(super) fn judge(evidence: &Evidence, exit: Exit) -> Verdict {
    match (&evidence.progress, &evidence.error) {
        (Progress::Succeeded, _) => AttemptEnd::Reported.into(),
        (Progress::Failed(failure), _) => failed(failure, evidence),
        // The model was done and the client ended well: only the line that says so was too long to be read.
        (Progress::Unclear { model_was_done: true }, None) if exit == Exit::Code(0) => {
            AttemptEnd::Reported.into()
        }
        (Progress::Unclear { .. } | Progress::Open | Progress::Silent, Some(error)) => {
            failed(error, evidence)
        }
        (Progress::Silent, None) => unheard(evidence, exit),
        (Progress::Unclear { .. } | Progress::Open, None) => broken_off(evidence, exit),
    }
}

fn failed(failure: &Failure, evidence: &Evidence) -> Verdict {
    let words = &failure.words;
    let crashed = |detail: String| AttemptEnd::Crashed { detail };
    let configuration =
        |detail: String| AttemptEnd::Misconfigured { what: Misconfiguration::Configuration, detail };
    match failure.cause() {
        Cause::TurnsUsedUp => AttemptEnd::Reported.into(),
        Cause::UnknownSession => unknown_session(),
        Cause::Limit => limited(failure, evidence).into(),
        Cause::Interrupted => {
            crashed("claude was interrupted from outside (SIGINT) in the middle of its turn".to_owned()).into()
        }
        Cause::Overloaded => {
            AttemptEnd::Overloaded { detail: format!("the provider failed or is overloaded: {words}") }.into()
        }
        Cause::Network => {
            AttemptEnd::Network { detail: format!("claude could not reach the provider: {words}") }.into()
        }
        Cause::Certificate => configuration(format!(
            "claude does not trust the provider's certificate: {words}; let NODE_EXTRA_CA_CERTS name the certificate of \
             the authority behind it, or look at the proxy in between"
        ))
        .into(),
        Cause::Authentication if failure.status == Some(403) && failure.kind.is_none() => {
            authentication(&format!("{words} (this may come from a proxy in between)")).into()
        }
        Cause::Authentication => authentication(words).into(),
        Cause::Billing => configuration(format!(
            "the account cannot pay for the request: {words}; add credit or use another account, then resume the run"
        ))
        .into(),
        // The provider says what kind of error it is; whoever else answered does not.
        Cause::Model if failure.status == Some(404) && failure.kind.is_none() => configuration(format!(
            "the model cannot be used, or ANTHROPIC_BASE_URL does not lead to a provider: {words}"
        ))
        .into(),
        Cause::Model => configuration(format!(
            "the model cannot be used: {words}; choose another one with `--model` or in the agent file"
        ))
        .into(),
        Cause::Budget => configuration(format!(
            "claude stopped at the budget it was given: {words}; raise or remove `--max-budget-usd` in \
             backendArgs.claude.extraArgs"
        ))
        .into(),
        // The same conversation would be refused for ever.
        Cause::TooLong => Verdict {
            end: crashed(format!("the conversation no longer fits the model: {words}; a new one is begun")),
            session_lost: true,
        },
        Cause::TooLarge => crashed(format!("a request was too large for the provider: {words}")).into(),
        Cause::AnswerTooLong => crashed(format!("an answer was longer than the model may write: {words}")).into(),
        Cause::Refused => crashed(format!("the model, or a filter in front of it, refused: {words}")).into(),
        Cause::Other => crashed(format!("claude ended its turn with an error: {words}")).into(),
    }
}

fn limited(failure: &Failure, evidence: &Evidence) -> AttemptEnd {
    let met = evidence.limit.as_ref();
    let reset_at = met.and_then(|limit| limit.reset_at).or(failure.reset_at);
    let detail = match met.and_then(|limit| limit.window) {
        Some(window) => format!("the account's {window} limit is reached: {}", failure.words),
        None => format!("the provider limits requests: {}", failure.words),
    };
    AttemptEnd::Limited { reset_at, detail }
}

fn authentication(words: &str) -> AttemptEnd {
    let detail = format!(
        "claude is not let in: {words}; log in by running `claude` and `/login`, or set ANTHROPIC_API_KEY or \
         CLAUDE_CODE_OAUTH_TOKEN, then resume the run"
    );
    AttemptEnd::Misconfigured { what: Misconfiguration::Authentication, detail }
}

fn unknown_session() -> Verdict {
    let detail = "claude does not know the conversation it was to go on with, perhaps because its files were \
                  removed or belong to another user; a new one is begun";
    Verdict { end: AttemptEnd::Crashed { detail: detail.to_owned() }, session_lost: true }
}

/// The client ended without a word of its language.
fn unheard(evidence: &Evidence, exit: Exit) -> Verdict {
    let configuration =
        |detail: String| AttemptEnd::Misconfigured { what: Misconfiguration::Configuration, detail };
    match &evidence.complaint {
        Some(Complaint::Root) => configuration(
            "claude does not bypass its safety prompts as root: set IS_SANDBOX=1 if this is a sandbox, run as \
             another user, or set `unrestricted: false` in the agent file"
                .to_owned(),
        )
        .into(),
        Some(Complaint::CommandLine(words)) => configuration(format!(
            "claude does not accept its arguments: {words}; look at backendArgs.claude.extraArgs and at the version \
             of claude"
        ))
        .into(),
        Some(Complaint::NoPrompt) => configuration("claude was given an empty prompt".to_owned()).into(),
        Some(Complaint::UnknownSession) => unknown_session(),
        Some(Complaint::Login(words)) => authentication(words).into(),
        None => match (exit, &evidence.noise, &evidence.last_words) {
            (Exit::Signal(_), _, _) => broken_off(evidence, exit),
            (Exit::Code(code), Some(noise), _) => AttemptEnd::ProtocolError {
                detail: format!(
                    "what was started as claude does not speak its language: it printed {noise:?} and ended with \
                     exit code {code}"
                ),
            }
            .into(),
            (Exit::Code(0), None, _) => {
                AttemptEnd::ProtocolError { detail: "claude ended without a word".to_owned() }.into()
            }
            (Exit::Code(code), None, Some(words)) => AttemptEnd::Crashed {
                detail: format!("claude ended with exit code {code} before it began: {words}"),
            }
            .into(),
            (Exit::Code(code), None, None) => AttemptEnd::Crashed {
                detail: format!("claude ended with exit code {code} before it began, without a word"),
            }
            .into(),
        },
    }
}

/// The client ended in the middle of a turn.
fn broken_off(evidence: &Evidence, exit: Exit) -> Verdict {
    let how = match exit {
        Exit::Code(0) => {
            let detail = "claude ended well but never said how its turn ended".to_owned();
            return AttemptEnd::ProtocolError { detail }.into();
        }
        Exit::Signal(signal) => format!("claude was ended by signal {signal} in the middle of its turn"),
        // A shell's way to tell of a signal, and the client's own.
        Exit::Code(code @ 129..=159) => {
            format!("claude was ended by signal {} in the middle of its turn", code - 128)
        }
        Exit::Code(code) => format!("claude ended with exit code {code} in the middle of its turn"),
    };
    if let (Some(limit), Exit::Code(_)) = (&evidence.limit, exit) {
        let detail = format!("the provider limits requests; {how}");
        return AttemptEnd::Limited { reset_at: limit.reset_at, detail }.into();
    }
    let detail = match (&evidence.retrying, &evidence.last_words) {
        (Some(retrying), _) => format!("{how}, while {retrying}"),
        (None, Some(words)) => format!("{how}; its last words: {words}"),
        (None, None) => how,
    };
    AttemptEnd::Crashed { detail }.into()
}
