//! What the client says about a turn that did not go well, and what was behind it.

use agent_runner_model::Timestamp;

use super::wire::Line;
use crate::json::{items, text, whole, word};
use crate::reset::in_text;
use crate::text::{MAX_LINE, one_line};

/// Statuses of providers and proxies that will pass.
const PASSING: std::ops::RangeInclusive<u64> = 500..=599;
/// Errors of a result that are looked at.
const MAX_ERRORS: usize = 4;
/// What the client puts in front of a note for its own developers.
const DIAGNOSTIC: &str = "[ede_diagnostic]";

/// A turn that did not go well, as the client tells it. Its words are for people; nothing is concluded from them that a
/// figure or a code says as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The client's own class of an error: `rate_limit`, `authentication_failed`, …
    pub class: Option<String>,
    /// The HTTP status of the provider's answer.
    pub status: Option<u64>,
    /// The provider's name of the error: `rate_limit_error`, …
    pub kind: Option<String>,
    /// The client's finer code: `usage_limit_reached`, `connection_failed`, …
    pub code: Option<String>,
    /// Why the turn is over: `api_error`, `aborted_tools`, …
    pub reason: Option<String>,
    /// The result's subtype.
    pub subtype: Option<String>,
    /// Why the model stopped: `end_turn`, `refusal`, …
    pub stop: Option<String>,
    /// One line for people.
    pub words: String,
    /// Whether there were any words.
    pub has_words: bool,
    /// When a limit is lifted, by the words.
    pub reset_at: Option<Timestamp>,
    /// The conversation to go on with is not there.
    pub is_unknown_session: bool,
}

/// What was behind a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Limit,
    Overloaded,
    Network,
    /// The provider, or whoever stands in front of it, cannot prove who it is.
    Certificate,
    Authentication,
    Billing,
    Model,
    /// The conversation does not fit the model.
    TooLong,
    /// A request does not fit the provider.
    TooLarge,
    AnswerTooLong,
    /// The model, or a filter in front of it, will not have this.
    Refused,
    /// The user's limit of turns is no failure: the tasks decide.
    TurnsUsedUp,
    Budget,
    Interrupted,
    UnknownSession,
    Other,
}

/// The status in the words of a client that does not give it otherwise: `API Error: 529 …`, `… rejected (429) …`.
fn status_in(words: &str) -> Option<u64> {
    let rest = words.split_once("API Error: ")?.1;
    let rest = rest.strip_prefix("Request rejected (").unwrap_or(rest);
    let digits = rest.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let is_whole = !rest[3..].starts_with(|c: char| c.is_alphanumeric());
    digits.parse().ok().filter(|status| is_whole && (400..=599).contains(status))
}

impl Failure {
    /// What an `assistant` or `result` line says about an error.
    pub(super) fn of(line: &Line<'_>, words: &str, now: Timestamp) -> Self {
        let owned = |raw| word(raw).map(|word| one_line(word, MAX_LINE));
        Self {
            class: owned(line.error),
            status: whole(line.api_error_status).or_else(|| status_in(words)),
            kind: owned(line.api_error_type),
            code: owned(line.api_error),
            reason: owned(line.terminal_reason),
            subtype: owned(line.subtype),
            stop: owned(line.stop_reason),
            // Words are put in front of other words.
            words: one_line(words.trim_end().trim_end_matches('.'), MAX_LINE),
            has_words: true,
            reset_at: in_text(words, now),
            is_unknown_session: false,
        }
    }

    /// What a result says, together with the error that came before it.
    pub(super) fn of_result(line: &Line<'_>, before: Option<Self>, now: Timestamp) -> Self {
        let errors = items(line.errors, MAX_ERRORS).into_iter().filter_map(|raw| text(Some(raw)));
        let errors: Vec<String> = errors.map(|error| error.into_owned()).collect();
        let told = text(line.result).filter(|told| !told.trim().is_empty()).map(|told| told.into_owned());
        let told = told.or_else(|| errors.iter().find(|error| !error.starts_with(DIAGNOSTIC)).cloned());
        let words = told.or_else(|| before.as_ref().map(|before| before.words.clone()));
        let mut failure = Self::of(line, words.as_deref().unwrap_or("no reason given"), now);
        failure.has_words = words.is_some();
        failure.is_unknown_session = errors.iter().any(|error| {
            error.contains("No conversation found with session ID")
                || error.contains("--resume requires a valid session ID")
        });
        if let Some(before) = before {
            failure.class = failure.class.or(before.class);
            failure.status = failure.status.or(before.status);
            failure.kind = failure.kind.or(before.kind);
            failure.code = failure.code.or(before.code);
            failure.reset_at = failure.reset_at.or(before.reset_at);
        }
        failure
    }

    /// What was behind it.
    pub(super) fn cause(&self) -> Cause {
        if self.is_unknown_session {
            return Cause::UnknownSession;
        }
        self.by_reason()
            .or_else(|| self.by_certificate())
            .or_else(|| self.by_class())
            .or_else(|| self.by_status())
            .unwrap_or_else(|| self.by_words())
    }

    fn by_reason(&self) -> Option<Cause> {
        match (self.subtype.as_deref(), self.reason.as_deref()) {
            (_, Some(reason)) if reason.starts_with("aborted") => Some(Cause::Interrupted),
            (Some("error_max_turns"), _) | (_, Some("max_turns")) => Some(Cause::TurnsUsedUp),
            (Some("error_max_budget_usd"), _) | (_, Some("budget_exhausted")) => Some(Cause::Budget),
            (_, Some("prompt_too_long")) => Some(Cause::TooLong),
            _ if self.stop.as_deref() == Some("refusal") => Some(Cause::Refused),
            _ => None,
        }
    }

    /// The client takes a certificate it does not trust for a bad connection, but waiting does not mend it.
    fn by_certificate(&self) -> Option<Cause> {
        const SAYS: &[&str] = &["certificate", "CERT_", "_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"];
        let is_told = self.is_of_provider() && self.status.is_none();
        (is_told && SAYS.iter().any(|word| self.words.contains(word))).then_some(Cause::Certificate)
    }

    fn is_of_provider(&self) -> bool {
        self.class.is_some()
            || matches!(self.reason.as_deref(), Some("api_error"))
            || self.words.starts_with("API Error")
    }

    fn by_class(&self) -> Option<Cause> {
        match (self.class.as_deref(), self.code.as_deref(), self.kind.as_deref()) {
            (Some("rate_limit"), _, _)
            | (_, Some("usage_limit_reached"), _)
            | (_, _, Some("rate_limit_error")) => Some(Cause::Limit),
            (_, Some("connection_failed"), _) => Some(Cause::Network),
            (
                Some(
                    "authentication_failed"
                    | "oauth_org_not_allowed"
                    | "account_on_hold"
                    | "verification_required"
                    | "cloud_credential_error",
                ),
                _,
                _,
            ) => Some(Cause::Authentication),
            (Some("billing_error"), _, _) => Some(Cause::Billing),
            (Some("model_not_found"), _, _) => Some(Cause::Model),
            (Some("overloaded"), _, _) | (_, _, Some("overloaded_error")) => Some(Cause::Overloaded),
            (Some("max_output_tokens"), _, _) => Some(Cause::AnswerTooLong),
            _ => None,
        }
    }

    fn by_status(&self) -> Option<Cause> {
        match self.status? {
            429 => Some(Cause::Limit),
            401 | 403 => Some(Cause::Authentication),
            402 => Some(Cause::Billing),
            404 => Some(Cause::Model),
            413 => Some(Cause::TooLarge),
            408 => Some(Cause::Overloaded),
            status if PASSING.contains(&status) => Some(Cause::Overloaded),
            _ => None,
        }
    }

    /// Where no code says it: the client's own words, for errors of the provider only.
    fn by_words(&self) -> Cause {
        let is_of_provider = self.is_of_provider();
        let says = |words: &[&str]| words.iter().any(|word| self.words.contains(word));
        if says(&["usage limit reached|"]) || (is_of_provider && says(&["hit your limit", "usage limit"])) {
            return Cause::Limit;
        }
        if !is_of_provider {
            return Cause::Other;
        }
        if says(&["Prompt is too long"]) {
            Cause::TooLong
        } else if says(&["Credit balance is too low"]) {
            Cause::Billing
        } else if says(&["Please run /login", "Invalid API key", "OAuth token"]) {
            Cause::Authentication
        } else if says(&["content filter"]) {
            Cause::Refused
        } else if says(&["Request was aborted"]) {
            Cause::Other
        } else if self.status.is_none()
            && matches!(self.class.as_deref(), None | Some("server_error" | "unknown"))
        {
            Cause::Network
        } else {
            Cause::Other
        }
    }
}
