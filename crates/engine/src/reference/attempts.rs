//! Sessions and attempts of the reference implementation as ours. Numbers, times and exit codes stay; how an attempt ended is
//! told from what is on record of it, and nothing is taken for a success that is not said to be one.

use agent_runner_model::attempt::{AttemptEnd, AttemptRecord, TimeoutKind};
use agent_runner_model::manifest::Session;
use agent_runner_model::phase::{Cause, Failure, FailureKind, Outcome, PromptKind};
use agent_runner_model::task::TaskStatus;
use agent_runner_model::usage::Usage;
use agent_runner_model::{Fence, RunId};

use super::hooks::blocker;
use super::schema::{ReferenceAttempt, ReferenceProvenance, ReferenceRun, ReferenceSession, ReferenceStatus};
use crate::words::last_bytes;

/// Bytes of an attempt's output that its record repeats.
pub(super) const TAIL: usize = 2048;
/// Signals by their names.
const SIGNALS: [(&str, i32); 15] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
];

/// The attempts on record. `stderr` is the end of what each of them complained about.
pub(super) fn attempts(run: &ReferenceRun, stderr: &dyn Fn(u32) -> String) -> Vec<AttemptRecord> {
    let mut records: Vec<AttemptRecord> = Vec::new();
    for (index, attempt) in run.attempt_records.iter().enumerate() {
        let next = run.attempt_records.get(index + 1);
        let is_last = next.is_none_or(|next| next.session_index != attempt.session_index);
        let session = session_of(run, attempt);
        let end = end_of(attempt, session.filter(|_| is_last));
        let output =
            [attempt.transcript.as_deref().unwrap_or_default(), &stderr(attempt.attempt_number)].join("\n");
        records.push(AttemptRecord {
            attempt_number: attempt.attempt_number,
            session_index: attempt.session_index,
            attempt_index_in_session: attempt.attempt_index_in_session,
            fence: Fence(index as u64 + 1),
            prompt: prompt_kind(attempt, session, records.last()),
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            progress_at_start: 0,
            end,
            exit_code: attempt.code(),
            signal: attempt.signal.as_deref().and_then(signal_number),
            output_tail: last_bytes(output.trim(), TAIL).to_owned(),
            leftovers: 0,
            usage: Usage::default(),
            meter: None,
            unheard: false,
            events_missing: None,
        });
    }
    records
}

fn session_of<'a>(run: &'a ReferenceRun, attempt: &ReferenceAttempt) -> Option<&'a ReferenceSession> {
    run.sessions.get(usize::try_from(attempt.session_index).unwrap_or(usize::MAX))
}

/// `closing` is the session that ended with it.
fn end_of(attempt: &ReferenceAttempt, closing: Option<&ReferenceSession>) -> AttemptEnd {
    let was_aborted = closing.is_some_and(|session| session.status == ReferenceStatus::Aborted);
    let crashed = |detail: String| AttemptEnd::Crashed { detail };
    match (&attempt.signal, &attempt.exit_code) {
        _ if attempt.timed_out => AttemptEnd::TimedOut { limit: TimeoutKind::Wall },
        (None, Some(_)) if attempt.code() == Some(0) => AttemptEnd::Reported,
        _ if was_aborted => AttemptEnd::Aborted,
        (Some(signal), _) => crashed(format!("the worker was ended by {signal}")),
        (None, Some(code)) => crashed(format!("the worker ended with exit code {code}")),
        (None, None) => match attempt.provenance {
            // Turns that were read from a backend's own history are those that it calls complete.
            ReferenceProvenance::BackendSession { .. } => AttemptEnd::Reported,
            ReferenceProvenance::TaskRunner => {
                crashed("nothing is on record of how the worker ended".to_owned())
            }
        },
    }
}

fn prompt_kind(
    attempt: &ReferenceAttempt,
    session: Option<&ReferenceSession>,
    last: Option<&AttemptRecord>,
) -> PromptKind {
    if attempt.attempt_index_in_session == 0 {
        let is_first =
            attempt.session_index == 0 && session.is_none_or(|session| session.resume_source.is_none());
        return if is_first { PromptKind::Brief } else { PromptKind::Message };
    }
    match last.map(|last| &last.end) {
        Some(AttemptEnd::TimedOut { .. }) => PromptKind::AfterTimeout,
        Some(AttemptEnd::Crashed { .. }) => PromptKind::AfterCrash,
        Some(_) | None => PromptKind::Nudge,
    }
}

/// The number of a signal of that name.
pub(super) fn signal_number(name: &str) -> Option<i32> {
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The sessions. One that is open there is closed here.
pub(super) fn sessions(run: &ReferenceRun, records: &[AttemptRecord]) -> Vec<Session> {
    let session = |session: &ReferenceSession| {
        let own = || records.iter().filter(|record| record.session_index == session.session_index);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Session {
            session_index: session.session_index,
            cause: cause_of(session),
            message: session.message.clone(),
            started_at: session.started_at,
            ended_at: Some(session.ended_at.unwrap_or(run.updated_at).max(session.started_at)),
            outcome: outcome(run, session.status).or_else(|| stopped_by_schedule(session.status)),
            first_attempt_number: own().next().map(|record| record.attempt_number),
            attempt_count: count(own().count()),
            attempts_spent: count(own().filter(|record| record.costs_retry()).count()),
            max_attempts_per_session: session.max_attempts_per_session,
            environment: Vec::new(),
            git_before: None,
            git_after: None,
        }
    };
    run.sessions.iter().map(session).collect()
}

/// Why a session was opened.
pub(super) fn cause_of(session: &ReferenceSession) -> Cause {
    match (&session.resume_source, session.session_index) {
        (Some(child), _) => Cause::Reinvoked { run_id: child.child_run_id.to_string() },
        (None, 0) => Cause::First,
        (None, _) => Cause::Continue { message: session.message.clone() },
    }
}

/// A scheduled run goes back to waiting when a session of it ends, whatever is left to do: that is not an end that was
/// reached, so it is none that could be mistaken for one.
fn stopped_by_schedule(status: ReferenceStatus) -> Option<Outcome> {
    match status {
        ReferenceStatus::Ready | ReferenceStatus::Initialized => Some(Outcome::Exhausted),
        ReferenceStatus::Running
        | ReferenceStatus::Success
        | ReferenceStatus::Blocked
        | ReferenceStatus::Exhausted
        | ReferenceStatus::Aborted
        | ReferenceStatus::Error => None,
    }
}

/// The result that goes with a status; nothing for one that is no end.
///
/// A run that was running has nobody here who drives it. It becomes a failed one that says so: whoever wants to can go on with
/// it, and `recover`, which ends what interrupted runs have left and may go on with them, leaves it alone.
pub(super) fn outcome(run: &ReferenceRun, status: ReferenceStatus) -> Option<Outcome> {
    match status {
        ReferenceStatus::Initialized | ReferenceStatus::Ready => None,
        ReferenceStatus::Running => Some(failed(
            FailureKind::Interrupted,
            "it was running in the TypeScript agent-runner when it was imported, or had been cut off there"
                .to_owned(),
            &run.run_id,
        )),
        ReferenceStatus::Success => Some(Outcome::Success),
        ReferenceStatus::Blocked => Some(blocked(run)),
        ReferenceStatus::Exhausted => Some(Outcome::Exhausted),
        ReferenceStatus::Aborted => Some(Outcome::Aborted),
        ReferenceStatus::Error => {
            let crashed = run.attempt_records.last().is_some_and(|last| last.code() != Some(0));
            let kind = if crashed { FailureKind::Crashing } else { FailureKind::Internal };
            let detail = "it had ended with an error in the TypeScript agent-runner";
            Some(failed(kind, detail.to_owned(), &run.run_id))
        }
    }
}

fn failed(kind: FailureKind, detail: String, run_id: &RunId) -> Outcome {
    let hint = format!("`agent-runner run --resume-run {run_id}` goes on with it");
    Outcome::Failed { failure: Failure { kind, detail, hint } }
}

fn blocked(run: &ReferenceRun) -> Outcome {
    let tasks = run.final_tasks.values().filter(|task| task.status == TaskStatus::Blocked);
    let tasks: Vec<_> = tasks.map(|task| task.id.clone()).collect();
    let by = blocker(&run.hook_audits).filter(|_| tasks.is_empty());
    let by = by.map(|audit| agent_runner_model::manifest::Rejection {
        by: audit.hook_id.clone(),
        detail: audit.summary.clone().unwrap_or_default(),
        insists: false,
    });
    Outcome::Blocked { tasks, over: None, by }
}
