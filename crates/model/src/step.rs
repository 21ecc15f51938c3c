//! `next_step`: what has to be done about a run now. Total and pure; the driver only carries it out.

use crate::attempt::{
    AttemptEnd, AttemptRecord, LiveAttempt, MAX_BACKOFFS, MAX_CRASHES, MAX_INTERRUPTIONS, backoff,
};
use crate::budget;
use crate::event::misconfiguration_hint;
use crate::fact::Fact;
use crate::hook::{HookPhase, HookSpec};
use crate::ids::Fence;
use crate::manifest::{Manifest, Session, Urgency};
use crate::phase::{
    Cause, Failure, FailureKind, HookRef, Outcome, Phase, PromptKind, Stage, Wait, WaitReason,
};
use crate::spec::{BusyPolicy, LimitPolicy};
use crate::time::Timestamp;

/// What has to be done about a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Open a session.
    OpenSession(Cause),
    /// Run a hook.
    RunHook(HookRef),
    /// Start a worker.
    StartAttempt {
        /// What it is told.
        prompt: PromptKind,
    },
    /// Run a check, by its index.
    Verify {
        /// Index of the check.
        check: u32,
    },
    /// Clear up after an attempt whose driver is gone.
    Recover(LiveAttempt),
    /// Watch the attempt this driver started.
    Watch(Fence),
    /// Wait. The wait is recorded already when the stage says so.
    Wait(Wait),
    /// End the run.
    Finish(Outcome),
    /// Nothing: people and tools drive it.
    External,
    /// Nothing: it has not been started, or is over.
    Rest,
}

impl Step {
    /// Whether work begins with it: what other runs do can keep a run from that, and from nothing else.
    pub fn begins_work(&self) -> bool {
        match self {
            Self::StartAttempt { .. } | Self::RunHook(HookRef { phase: HookPhase::BeforeAttempt, .. }) => {
                true
            }
            Self::RunHook(_)
            | Self::OpenSession(_)
            | Self::Verify { .. }
            | Self::Recover(_)
            | Self::Watch(_)
            | Self::Wait(_)
            | Self::Finish(_)
            | Self::External
            | Self::Rest => false,
        }
    }
}

/// What the asker sees that the manifest cannot know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observation {
    /// The attempt whose worker the asker itself started and watches.
    pub watching: Option<Fence>,
    /// What keeps the run from working now, outside of itself.
    pub gate: Gate,
}

/// What keeps a run from working that is not in its manifest: other runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Gate {
    /// Nothing.
    #[default]
    Open,
    /// Runs it depends on have not ended well yet.
    Dependencies {
        /// Which, in words.
        detail: String,
    },
    /// Another run works in its directory.
    Busy {
        /// Which, in words.
        detail: String,
    },
}

/// What has to be done now.
pub fn next_step(manifest: &Manifest, observation: &Observation, now: Timestamp) -> Step {
    match &manifest.state.phase {
        Phase::Initialized if manifest.spec.is_passive() => Step::External,
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => Step::Rest,
        Phase::Active { stage } => active_step(manifest, stage, observation, now),
    }
}

fn active_step(manifest: &Manifest, stage: &Stage, observation: &Observation, now: Timestamp) -> Step {
    if let Stage::Attempting { attempt } = stage {
        return match observation.watching {
            Some(fence) if fence == attempt.fence => Step::Watch(fence),
            Some(_) | None => Step::Recover(attempt.clone()),
        };
    }
    if let Some(step) = closing(manifest, stage) {
        return step;
    }
    if manifest.state.abort_request.is_some() {
        return Step::Finish(Outcome::Aborted);
    }
    if let Some(preparation) = manifest.state.preparation
        && let Some(hook) = hook_at(manifest, HookPhase::Prepare, preparation.cursor)
    {
        return Step::RunHook(hook);
    }
    match stage {
        Stage::Attempting { attempt } => Step::Recover(attempt.clone()),
        Stage::Judging { cursor, .. } => match hook_at(manifest, HookPhase::AfterAttempt, *cursor) {
            Some(hook) => Step::RunHook(hook),
            None => gated(manifest, &observation.gate, decide(manifest, stage, now)),
        },
        Stage::Waiting { wait } => Step::Wait(wait.clone()),
        Stage::Deciding | Stage::Preparing { .. } | Stage::Verifying { .. } | Stage::Closing { .. } => {
            gated(manifest, &observation.gate, decide(manifest, stage, now))
        }
    }
}

/// What is left to do for an end that is not decided anew: one that was forced on the run. Whoever is in a hurry does not
/// wait for hooks.
fn closing(manifest: &Manifest, stage: &Stage) -> Option<Step> {
    let Stage::Closing { outcome, cursor } = stage else { return None };
    let is_forced = match outcome {
        Outcome::Aborted | Outcome::Failed { .. } | Outcome::Blocked { by: Some(_), .. } => true,
        Outcome::Success | Outcome::Exhausted | Outcome::Blocked { by: None, .. } => false,
    };
    let request = manifest.state.abort_request.as_ref();
    let in_hurry = request.is_some_and(|request| request.urgency == Urgency::AtOnce);
    let hook = hook_at(manifest, HookPhase::AfterExit, *cursor).filter(|_| !in_hurry);
    is_forced.then(|| hook.map_or_else(|| Step::Finish(outcome.clone()), Step::RunHook))
}

/// Work begins only when nothing outside of the run keeps it from working. Everything else goes on.
fn gated(manifest: &Manifest, gate: &Gate, step: Step) -> Step {
    let works = step.begins_work();
    let wait = |why, detail: &String| {
        Step::Wait(Wait { until: None, until_changed: true, why, detail: detail.clone() })
    };
    match gate {
        Gate::Dependencies { detail } if works => wait(WaitReason::Dependencies, detail),
        Gate::Busy { detail } if works => match manifest.spec.on_busy {
            BusyPolicy::Wait => wait(WaitReason::Admission, detail),
            BusyPolicy::Fail => Step::Finish(Outcome::Failed {
                failure: Failure {
                    kind: FailureKind::Busy,
                    detail: detail.clone(),
                    hint: "resume it when the other run is done, or let it wait with --on-busy wait"
                        .to_owned(),
                },
            }),
            BusyPolicy::Share => step,
        },
        Gate::Open | Gate::Dependencies { .. } | Gate::Busy { .. } => step,
    }
}

enum Verdict {
    Open(Cause),
    Attempt(PromptKind),
    Wait(Wait),
    End(Outcome),
}

/// Tasks and messages change while hooks and checks run. So what was being prepared, verified or closed goes on only
/// while it is still what the manifest says; otherwise what it says now comes instead.
fn decide(manifest: &Manifest, stage: &Stage, now: Timestamp) -> Step {
    match decide_attempt(manifest, now) {
        Verdict::Open(cause) => Step::OpenSession(cause),
        Verdict::Attempt(prompt) => {
            let cursor = if let Stage::Preparing { cursor } = stage { *cursor } else { 0 };
            match hook_at(manifest, HookPhase::BeforeAttempt, cursor) {
                Some(hook) => Step::RunHook(hook),
                None => Step::StartAttempt { prompt },
            }
        }
        Verdict::Wait(wait) => Step::Wait(wait),
        Verdict::End(outcome) => decide_end(manifest, stage, outcome),
    }
}

fn decide_end(manifest: &Manifest, stage: &Stage, outcome: Outcome) -> Step {
    if let Stage::Closing { outcome: proposed, cursor } = stage
        && *proposed == outcome
    {
        return match hook_at(manifest, HookPhase::AfterExit, *cursor) {
            Some(hook) => Step::RunHook(hook),
            None => Step::Finish(outcome),
        };
    }
    let cursor = if let Stage::Verifying { cursor } = stage { *cursor } else { 0 };
    match (&outcome, check_at(manifest, cursor)) {
        (Outcome::Success, Some(check)) => Step::Verify { check },
        (
            Outcome::Success
            | Outcome::Blocked { .. }
            | Outcome::Exhausted
            | Outcome::Failed { .. }
            | Outcome::Aborted,
            _,
        ) => Step::Finish(outcome),
    }
}

/// The attempt table.
fn decide_attempt(manifest: &Manifest, now: Timestamp) -> Verdict {
    if let Some(cause) = &manifest.state.next_cause {
        return Verdict::Open(cause.clone());
    }
    let Some(session) = manifest.session().filter(|session| session.ended_at.is_none()) else {
        return Verdict::Open(Cause::Continue { message: None });
    };
    let last =
        manifest.state.attempt_records.last().filter(|last| last.session_index == session.session_index);
    let Some(last) = last else {
        return within_budget(manifest, Verdict::Attempt(opening_prompt(manifest, session)), now);
    };
    if last.end == AttemptEnd::Aborted {
        return Verdict::End(Outcome::Aborted);
    }
    let verdict = judge_tasks(manifest, session, last).unwrap_or_else(|| after(manifest, session, now));
    let verdict = within_budget(manifest, verdict, now);
    match verdict {
        // Nobody could hear them.
        Verdict::End(Outcome::Blocked { over: Some(_), .. }) => verdict,
        // Words that came meanwhile go to the worker before the run ends.
        Verdict::End(Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted)
            if !manifest.state.queued_resume_messages.is_empty() =>
        {
            let messages =
                manifest.state.queued_resume_messages.iter().map(|queued| queued.id.clone()).collect();
            Verdict::Open(Cause::Queued { messages })
        }
        Verdict::Open(_) | Verdict::Attempt(_) | Verdict::Wait(_) | Verdict::End(_) => verdict,
    }
}

/// No attempt starts above a ceiling, and nobody waits for one that could not start.
fn within_budget(manifest: &Manifest, verdict: Verdict, now: Timestamp) -> Verdict {
    match verdict {
        Verdict::Attempt(_) | Verdict::Wait(_) => match budget::reached(manifest, now) {
            Some(over) => {
                Verdict::End(Outcome::Blocked { tasks: manifest.blocked_tasks(), over: Some(over), by: None })
            }
            None => verdict,
        },
        Verdict::Open(_) | Verdict::End(_) => verdict,
    }
}

fn opening_prompt(manifest: &Manifest, session: &Session) -> PromptKind {
    match &session.cause {
        Cause::First => PromptKind::Brief,
        Cause::Continue { message: None } if manifest.state.attempt_records.is_empty() => PromptKind::Brief,
        Cause::Continue { .. }
        | Cause::Queued { .. }
        | Cause::Reinvoked { .. }
        | Cause::Fired
        | Cause::Rejected { .. }
        | Cause::Fallback => PromptKind::Message,
    }
}

/// What the tasks alone decide: truth rests on them, not on how the worker ended.
fn judge_tasks(manifest: &Manifest, session: &Session, last: &AttemptRecord) -> Option<Verdict> {
    // One that was stopped at a ceiling was cut off like one that met a fault, although it costs a retry.
    let fault = !last.costs_retry() || matches!(last.end, AttemptEnd::OverBudget { .. });
    if fault && manifest.state.progress == last.progress_at_start {
        // The worker may not have heard what it was told: the tasks still say what they said before.
        return None;
    }
    // A hook has seen the tasks, and wants another attempt all the same. A fault has its pause, or its end, before that.
    if manifest.state.rejection.as_ref().is_some_and(|rejection| rejection.insists) {
        let left = session.attempts_spent < session.max_attempts_per_session;
        return match (fault, left) {
            (true, _) => None,
            (false, true) => Some(Verdict::Attempt(PromptKind::Nudge)),
            (false, false) => Some(Verdict::End(Outcome::Exhausted)),
        };
    }
    let blocked = manifest.blocked_tasks();
    if !blocked.is_empty() {
        return Some(Verdict::End(Outcome::Blocked { tasks: blocked, over: None, by: None }));
    }
    if manifest.open_tasks().next().is_some() {
        return None;
    }
    let done = !manifest.state.final_tasks.is_empty() || last.end == AttemptEnd::Reported;
    match (&manifest.state.rejection, done) {
        (None, true) => Some(Verdict::End(Outcome::Success)),
        // A fault has its pause, or its end, before the objection is worked on.
        (Some(_), true) if fault => None,
        (Some(_), true) if session.attempts_spent < session.max_attempts_per_session => {
            Some(Verdict::Attempt(PromptKind::Nudge))
        }
        (Some(_), true) => Some(Verdict::End(Outcome::Exhausted)),
        (Some(_) | None, false) => None,
    }
}

fn after(manifest: &Manifest, session: &Session, now: Timestamp) -> Verdict {
    let Some(last) = manifest.state.attempt_records.last() else {
        return Verdict::Attempt(PromptKind::Brief);
    };
    let count = manifest.state.streak.map_or(1, |streak| streak.count);
    let retry = session.attempts_spent < session.max_attempts_per_session;
    let served = manifest.state.served == Some(last.fence);
    if last.unheard {
        return Verdict::Attempt(last.prompt);
    }
    match &last.end {
        AttemptEnd::Reported if retry => Verdict::Attempt(PromptKind::Nudge),
        AttemptEnd::TimedOut { .. } if retry => Verdict::Attempt(PromptKind::AfterTimeout),
        AttemptEnd::Reported | AttemptEnd::TimedOut { .. } => Verdict::End(Outcome::Exhausted),
        AttemptEnd::Crashed { .. } | AttemptEnd::ProtocolError { .. } if count >= MAX_CRASHES => {
            let detail = format!("the worker failed {count} times in a row, last: {}", last.end.detail());
            failed(FailureKind::Crashing, detail, "look at the attempt's output, then resume the run")
        }
        AttemptEnd::Crashed { .. } | AttemptEnd::ProtocolError { .. } if retry => {
            Verdict::Attempt(PromptKind::AfterCrash)
        }
        AttemptEnd::Crashed { .. } | AttemptEnd::ProtocolError { .. } => {
            if manifest.state.final_tasks.is_empty() {
                failed(
                    FailureKind::Crashing,
                    last.end.detail(),
                    "look at the attempt's output, then resume the run",
                )
            } else {
                Verdict::End(Outcome::Exhausted)
            }
        }
        AttemptEnd::Overloaded { .. } | AttemptEnd::Network { .. } => {
            if served {
                Verdict::Attempt(last.prompt)
            } else if count > MAX_BACKOFFS {
                let detail = format!("no success in {MAX_BACKOFFS} more tries, last: {}", last.end.detail());
                failed(FailureKind::Unavailable, detail, "resume the run when the backend is there again")
            } else {
                pause(manifest, last.fence, WaitReason::Backoff, count, now, last.end.detail())
            }
        }
        AttemptEnd::Limited { reset_at, detail } if manifest.state.on_limit == LimitPolicy::Stop => {
            limited(*reset_at, detail)
        }
        AttemptEnd::Limited { .. } if served => Verdict::Attempt(last.prompt),
        AttemptEnd::Limited { reset_at: Some(until), detail } if *until > now => Verdict::Wait(Wait {
            until: Some(*until),
            until_changed: false,
            why: WaitReason::Limit,
            detail: detail.clone(),
        }),
        // Without a time, or with one that did not help.
        AttemptEnd::Limited { detail, .. } => {
            pause(manifest, last.fence, WaitReason::Limit, count, now, detail.clone())
        }
        AttemptEnd::Misconfigured { what, detail } => {
            let kind = match what {
                crate::attempt::Misconfiguration::BinaryMissing => FailureKind::BinaryMissing,
                crate::attempt::Misconfiguration::Authentication => FailureKind::Authentication,
                crate::attempt::Misconfiguration::DirectoryMissing
                | crate::attempt::Misconfiguration::Configuration => FailureKind::Configuration,
            };
            failed(kind, detail.clone(), misconfiguration_hint(*what))
        }
        AttemptEnd::OverBudget { .. } if retry => Verdict::Attempt(PromptKind::Nudge),
        AttemptEnd::OverBudget { .. } => match budget::reached(manifest, now) {
            Some(over) => {
                Verdict::End(Outcome::Blocked { tasks: manifest.blocked_tasks(), over: Some(over), by: None })
            }
            None => Verdict::End(Outcome::Exhausted),
        },
        AttemptEnd::Interrupted if count > MAX_INTERRUPTIONS => {
            let detail = format!("interrupted {count} times in a row without progress");
            failed(FailureKind::Interrupted, detail, "find out what kills the driver, then resume the run")
        }
        AttemptEnd::Interrupted => Verdict::Attempt(PromptKind::AfterInterrupt),
        AttemptEnd::Aborted => Verdict::End(Outcome::Aborted),
    }
}

fn pause(
    manifest: &Manifest,
    fence: Fence,
    why: WaitReason,
    count: u32,
    now: Timestamp,
    detail: String,
) -> Verdict {
    // The run's own name is randomness enough to keep runs apart, and keeps this function pure.
    let seed = manifest
        .spec
        .run_id
        .as_str()
        .bytes()
        .fold(fence.0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Verdict::Wait(Wait { until: Some(now.plus(backoff(count, seed))), until_changed: false, why, detail })
}

/// The end of a run that is not to wait for the end of a limit.
fn limited(reset_at: Option<Timestamp>, detail: &str) -> Verdict {
    let hint = match reset_at {
        Some(at) => format!("resume the run after {at}; `--on-limit wait` lets it wait by itself"),
        None => "resume the run later; `--on-limit wait` lets it wait by itself".to_owned(),
    };
    failed(FailureKind::Limited, detail.to_owned(), &hint)
}

fn failed(kind: FailureKind, detail: String, hint: &str) -> Verdict {
    Verdict::End(Outcome::Failed { failure: Failure { kind, detail, hint: hint.to_owned() } })
}

/// The hooks of one phase, in order.
pub fn hooks_of(manifest: &Manifest, phase: HookPhase) -> Vec<&HookSpec> {
    manifest.spec.hooks.iter().filter(|hook| hook.phase == phase).collect()
}

/// The first hook of a phase, from an index on, that has anything to do now.
pub fn hook_at(manifest: &Manifest, phase: HookPhase, from: u32) -> Option<HookRef> {
    let from = usize::try_from(from).ok()?;
    let has_to_do = |hook: &HookSpec| match (phase, manifest.session()) {
        (HookPhase::Prepare, _) => true,
        (HookPhase::BeforeAttempt, Some(session)) => {
            hook.matches_attempt(session.session_index, session.attempt_count)
        }
        (HookPhase::AfterAttempt | HookPhase::AfterExit, Some(session)) => {
            hook.matches_attempt(session.session_index, session.attempt_count.saturating_sub(1))
        }
        // Without a session there is nothing they could be about.
        (HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::AfterExit, None)
        | (HookPhase::TaskTransition, _) => false,
    };
    let hooks = hooks_of(manifest, phase);
    let (index, _) = hooks.iter().enumerate().skip(from).find(|(_, hook)| has_to_do(hook))?;
    Some(HookRef { phase, index: u32::try_from(index).ok()? })
}

/// What the spec says of a hook.
pub fn hook_spec(manifest: &Manifest, hook: HookRef) -> Option<&HookSpec> {
    hooks_of(manifest, hook.phase).get(usize::try_from(hook.index).ok()?).copied()
}

fn check_at(manifest: &Manifest, index: u32) -> Option<u32> {
    manifest.spec.checks.get(usize::try_from(index).ok()?).map(|_| index)
}

/// Whether a fact can only come from the process that holds the lease.
pub fn needs_lease(fact: &Fact) -> bool {
    match fact {
        Fact::Driver { .. } => true,
        Fact::Task { .. } | Fact::Judged { .. } | Fact::Control(_) => false,
        Fact::Once { fact, .. } => needs_lease(fact),
    }
}
