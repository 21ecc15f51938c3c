//! Views of a run's sessions and attempts.

use agent_runner_model::Timestamp;
use agent_runner_model::attempt::{AttemptEnd, AttemptRecord};
use agent_runner_model::manifest::{GitHead, Manifest, Session};
use agent_runner_model::phase::{Cause, Outcome, PromptKind, RunStatus, Stage};
use agent_runner_model::usage::Usage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A session of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// From 0.
    pub session_index: u32,
    /// Why it was opened.
    pub cause: Cause,
    /// Its status: `running` while it is open.
    pub status: RunStatus,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
    /// Exit code of the command that ran it.
    pub exit_code: Option<u8>,
    /// The words it was opened with.
    pub message: Option<String>,
    /// Its first attempt.
    pub first_attempt_number: Option<u32>,
    /// Its last attempt.
    pub last_attempt_number: Option<u32>,
    /// Attempts started.
    pub attempt_count: u32,
    /// Attempts that counted as a try.
    pub attempts_spent: u32,
    /// How many may count.
    pub max_attempts_per_session: u32,
    /// What the repository of the run's directory had checked out when it was opened.
    pub git_before: Option<GitHead>,
    /// The same when the run ended.
    pub git_after: Option<GitHead>,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        let status = match (&session.outcome, session.ended_at) {
            (Some(Outcome::Success) | None, Some(_)) => RunStatus::Success,
            (Some(Outcome::Blocked { .. }), _) => RunStatus::Blocked,
            (Some(Outcome::Exhausted), _) => RunStatus::Exhausted,
            (Some(Outcome::Failed { .. }), _) => RunStatus::Error,
            (Some(Outcome::Aborted), _) => RunStatus::Aborted,
            (Some(Outcome::Success) | None, None) => RunStatus::Running,
        };
        let last = session
            .first_attempt_number
            .filter(|_| session.attempt_count > 0)
            .map(|first| first.saturating_add(session.attempt_count - 1));
        Self {
            session_index: session.session_index,
            cause: session.cause.clone(),
            status,
            started_at: session.started_at,
            ended_at: session.ended_at,
            exit_code: session.outcome.as_ref().map(Outcome::exit_code),
            message: session.message.clone(),
            first_attempt_number: session.first_attempt_number,
            last_attempt_number: last,
            attempt_count: session.attempt_count,
            attempts_spent: session.attempts_spent,
            max_attempts_per_session: session.max_attempts_per_session,
            git_before: session.git_before.clone(),
            git_after: session.git_after.clone(),
        }
    }
}

/// An attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// From 0.
    pub attempt_number: u32,
    /// The session it belongs to.
    pub session_index: u32,
    /// What the worker was told.
    pub prompt: PromptKind,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; nothing while it runs.
    pub ended_at: Option<Timestamp>,
    /// How it ended; nothing while it runs.
    pub end: Option<AttemptEnd>,
    /// Exit code of the worker's program.
    pub exit_code: Option<i32>,
    /// Signal that ended the worker's program.
    pub signal: Option<i32>,
    /// The worker's process id while it runs.
    pub pid: Option<u32>,
    /// The end of what it printed.
    pub output_tail: String,
    /// Processes it left behind, which were ended.
    pub leftovers: u32,
    /// What it used; nothing while it runs.
    pub usage: Option<Usage>,
}

impl From<&AttemptRecord> for AttemptView {
    fn from(record: &AttemptRecord) -> Self {
        Self {
            attempt_number: record.attempt_number,
            session_index: record.session_index,
            prompt: record.prompt,
            started_at: record.started_at,
            ended_at: Some(record.ended_at),
            end: Some(record.end.clone()),
            exit_code: record.exit_code,
            signal: record.signal,
            pid: None,
            output_tail: record.output_tail.clone(),
            leftovers: record.leftovers,
            usage: Some(record.usage),
        }
    }
}

/// The attempts of a run, oldest first; the last may be under way.
pub(super) fn attempts_of(manifest: &Manifest) -> Vec<AttemptView> {
    let mut attempts: Vec<AttemptView> =
        manifest.state.attempt_records.iter().map(AttemptView::from).collect();
    if let Some(Stage::Attempting { attempt }) = manifest.stage() {
        attempts.push(AttemptView {
            attempt_number: attempt.attempt_number,
            session_index: manifest.session().map_or(0, |session| session.session_index),
            prompt: attempt.prompt,
            started_at: attempt.started_at,
            ended_at: None,
            end: None,
            exit_code: None,
            signal: None,
            pid: attempt.process.as_ref().map(|process| process.pid),
            output_tail: String::new(),
            leftovers: 0,
            usage: None,
        });
    }
    attempts
}
