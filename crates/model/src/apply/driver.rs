//! Facts a driver reports. Must not accept anything from a driver that lost its lease.

use crate::attempt::{AttemptRecord, EndClass, LiveAttempt};
use crate::budget::active_for;
use crate::event::EventBody;
use crate::fact::{DriverFact, EndReport, Refusal};
use crate::hook::HookPhase;
use crate::ids::{Epoch, Fence};
use crate::manifest::{Departure, DriverRef, GitHead, Manifest, ParentNotice, RunState, Session, Streak};
use crate::phase::{Cause, Failure, FailureKind, Outcome, Phase, PromptKind, Stage, Wait};
use crate::redact::Secrets;
use crate::spec::RunSpec;
use crate::step::{Observation, Step, hook_at, next_step};
use crate::usage::{Meter, Usage, cost_since};

use super::words::{keep_unheard, unheard};
use super::{Change, hooks};

/// Why a driver is refused that acts on an old look at the run; it has to ask again.
pub(super) const NOT_NEXT: &str = "that is not what comes next as the run stands now";

pub(super) fn apply(change: &mut Change, epoch: Epoch, fact: &DriverFact) -> Result<(), Refusal> {
    if let DriverFact::Took { driver } = fact {
        return took(change, epoch, driver);
    }
    if epoch != change.manifest.state.epoch {
        return Err(Refusal::StaleDriver);
    }
    match fact {
        DriverFact::Took { .. } => Ok(()),
        DriverFact::Left { why } => left(change, why),
        DriverFact::StarterLost { detail } => {
            change.log(EventBody::StarterLost { detail: detail.clone() });
            Ok(())
        }
        DriverFact::SessionOpened { cause, environment } => session_opened(change, cause, environment),
        DriverFact::HookEnded { hook, report } => hooks::hook_ended(change, *hook, report),
        DriverFact::AttemptStarting { marker, prompt } => attempt_starting(change, marker, *prompt),
        DriverFact::AttemptSpawned { fence, process } => {
            current_attempt(change, *fence)?.process = Some(process.clone());
            Ok(())
        }
        DriverFact::AttemptUsed { fence, usage } => {
            let attempt = current_attempt(change, *fence)?;
            attempt.usage = usage.or(attempt.usage);
            Ok(())
        }
        DriverFact::WorkspaceSeen { head } => {
            workspace_seen(change, head.as_ref());
            Ok(())
        }
        DriverFact::BackendSession { id } => backend_session(change, id),
        DriverFact::AttemptEnded { fence, report } => attempt_ended(change, *fence, report),
        DriverFact::CheckPassed { check } => hooks::check_passed(change, *check),
        DriverFact::CheckFailed { check, detail } => hooks::check_failed(change, *check, detail),
        DriverFact::WaitStarted { wait } => wait_started(change, wait),
        DriverFact::WaitEnded => wait_ended(change),
        DriverFact::Finished { outcome } => finished(change, outcome),
    }
}

fn took(change: &mut Change, epoch: Epoch, driver: &DriverRef) -> Result<(), Refusal> {
    if epoch.0 != change.manifest.state.epoch.0.saturating_add(1) {
        return Err(Refusal::StaleDriver);
    }
    require_active(change, "driving the run")?;
    change.manifest.state.epoch = epoch;
    change.manifest.state.driver = Some(driver.clone());
    change.log(EventBody::DriverStarted { pid: driver.pid, host: driver.host.clone() });
    Ok(())
}

fn left(change: &mut Change, why: &str) -> Result<(), Refusal> {
    if change.manifest.state.abort_request.is_some() {
        return Err(not_allowed("leaving the run", "somebody wants it to end"));
    }
    if let Some(driver) = &mut change.manifest.state.driver {
        driver.departure = Departure::Left;
    }
    change.log(EventBody::DriverLeft { why: why.to_owned() });
    Ok(())
}

fn session_opened(change: &mut Change, cause: &Cause, environment: &[String]) -> Result<(), Refusal> {
    // Words that came in the meantime are words of another session.
    if next(change) != Step::OpenSession(cause.clone()) {
        return Err(not_allowed("opening a session", NOT_NEXT));
    }
    let now = change.now;
    let manifest = &change.manifest;
    let open = manifest.session().filter(|session| session.ended_at.is_none());
    let unheard = open.and_then(|session| unheard(manifest, session));
    let state = &mut change.manifest.state;
    if let Some(open) = state.sessions.last_mut().filter(|session| session.ended_at.is_none()) {
        // Queued messages open the next session before the run ends: the one before is over, without a verdict.
        open.ended_at = Some(now);
    }
    let message = match cause {
        Cause::Continue { message } => message.clone(),
        Cause::Queued { messages } => {
            let chosen = state.queued_resume_messages.iter().filter(|queued| messages.contains(&queued.id));
            let text = chosen.map(|queued| queued.text.as_str()).collect::<Vec<_>>().join("\n\n");
            state.queued_resume_messages.retain(|queued| !messages.contains(&queued.id));
            Some(text)
        }
        Cause::First | Cause::Reinvoked { .. } | Cause::Fired | Cause::Rejected { .. } | Cause::Fallback => {
            None
        }
    };
    // Other words do not take the place of words that nobody has heard.
    let words: Vec<String> = unheard.into_iter().chain(message).collect();
    let message = (!words.is_empty()).then(|| words.join("\n\n"));
    let session_index = u32::try_from(state.sessions.len()).unwrap_or(u32::MAX);
    state.sessions.push(Session {
        session_index,
        cause: cause.clone(),
        message,
        started_at: now,
        ended_at: None,
        outcome: None,
        first_attempt_number: None,
        attempt_count: 0,
        attempts_spent: 0,
        max_attempts_per_session: change.manifest.spec.max_attempts_per_session,
        environment: environment.to_vec(),
        git_before: None,
        git_after: None,
    });
    state.next_cause = None;
    state.streak = None;
    state.served = None;
    state.rejection = None;
    state.next_prompt = None;
    state.next_prompt_waits = false;
    state.started_at.get_or_insert(now);
    state.phase = Phase::Active { stage: Stage::Deciding };
    change.log(EventBody::RunStarted { session_index, cause: cause.clone() });
    Ok(())
}

fn attempt_starting(change: &mut Change, marker: &str, prompt: PromptKind) -> Result<(), Refusal> {
    let now = change.now;
    let step = next(change);
    let attempt_number = change.manifest.next_attempt_number();
    let state = &mut change.manifest.state;
    let (Step::StartAttempt { .. }, Some(session)) = (step, state.sessions.last_mut()) else {
        return Err(not_allowed("starting an attempt", NOT_NEXT));
    };
    session.first_attempt_number.get_or_insert(attempt_number);
    session.attempt_count = session.attempt_count.saturating_add(1);
    let fence = state.next_fence;
    state.next_fence = Fence(fence.0.saturating_add(1));
    let attempt = LiveAttempt {
        attempt_number,
        fence,
        marker: marker.to_owned(),
        prompt,
        started_at: now,
        process: None,
        progress_at_start: state.progress,
        usage: Usage::default(),
    };
    state.phase = Phase::Active { stage: Stage::Attempting { attempt } };
    change.log(EventBody::AttemptStarted { attempt_number, fence, prompt });
    Ok(())
}

/// Whether this is the first reading of a conversation that the run did not begin: what it cost before, nobody knows here.
fn began_elsewhere(spec: &RunSpec, records: &[AttemptRecord], meter: &Meter) -> bool {
    let is_same = |known: &Meter| known.session_id == meter.session_id;
    spec.backend_session_id.as_ref() == Some(&meter.session_id)
        && !records.iter().any(|record| record.meter.as_ref().is_some_and(is_same))
}

fn attempt_ended(change: &mut Change, fence: Fence, report: &EndReport) -> Result<(), Refusal> {
    let live = current_attempt(change, fence)?.clone();
    let now = change.now;
    let class = report.end.class();
    let has_hooks = hook_at(&change.manifest, HookPhase::AfterAttempt, 0).is_some();
    let state = &mut change.manifest.state;
    let progressed = state.progress != live.progress_at_start;
    let unheard = is_unheard(state, report, progressed);
    let costs_retry = class.costs_retry() && !unheard;
    let (session_index, attempt_index_in_session) = match state.sessions.last_mut() {
        Some(session) => {
            if costs_retry {
                session.attempts_spent = session.attempts_spent.saturating_add(1);
            }
            (session.session_index, session.attempt_count.saturating_sub(1))
        }
        None => (0, 0),
    };
    let count = match state.streak {
        Some(streak) if class.continues(streak.class) && !progressed => streak.count.saturating_add(1),
        Some(_) | None => 1,
    };
    if costs_retry {
        state.rejection = None;
        if !state.next_prompt_waits {
            state.next_prompt = None;
        }
    }
    state.next_prompt_waits = false;
    // What the worker was never told goes on with no row of failures.
    if !unheard {
        state.streak = Some(Streak { class, count });
    }
    // One that was cut off was measured as far as it got.
    let mut usage = report.usage.or(live.usage);
    if let Some(meter) = &report.meter
        && !began_elsewhere(&change.manifest.spec, &state.attempt_records, meter)
    {
        usage.cost_micro_usd = Some(cost_since(&state.attempt_records, meter));
    }
    state.attempt_records.push(AttemptRecord {
        attempt_number: live.attempt_number,
        session_index,
        attempt_index_in_session,
        fence,
        prompt: live.prompt,
        started_at: live.started_at,
        ended_at: now,
        progress_at_start: live.progress_at_start,
        end: report.end.clone(),
        exit_code: report.exit_code,
        signal: report.signal,
        output_tail: report.output_tail.clone(),
        leftovers: report.leftovers,
        usage,
        meter: report.meter.clone(),
        unheard,
        events_missing: report.events_missing.clone(),
    });
    let stage = match class {
        EndClass::Aborted => Stage::Deciding,
        // An attempt that was cut off before it came to anything has nothing a hook could judge.
        EndClass::Interrupted if !progressed => Stage::Deciding,
        EndClass::Interrupted
        | EndClass::Reported
        | EndClass::TimedOut
        | EndClass::Crashed
        | EndClass::ProtocolError
        | EndClass::Overloaded
        | EndClass::Network
        | EndClass::Limited
        | EndClass::OverBudget
        | EndClass::Misconfigured => {
            if has_hooks {
                Stage::Judging { end: report.end.clone(), cursor: 0 }
            } else {
                Stage::Deciding
            }
        }
    };
    state.phase = Phase::Active { stage };
    change.log(EventBody::AttemptRecorded {
        attempt_number: live.attempt_number,
        end: report.end.clone(),
        exit_code: report.exit_code,
        signal: report.signal,
        leftovers: report.leftovers,
        usage,
    });
    if report.session_lost
        && let Some(backend_session_id) = change.manifest.state.backend_session_id.take()
    {
        change.log(EventBody::BackendSessionLost { backend_session_id });
    }
    Ok(())
}

/// Whether an attempt did nothing but find out that its conversation is gone: nobody answered, no task changed. A session
/// is let off once, or a backend that forgets everything would be started for ever.
fn is_unheard(state: &RunState, report: &EndReport, progressed: bool) -> bool {
    let index = state.sessions.last().map(|session| session.session_index);
    let was_let_off =
        state.attempt_records.iter().any(|record| record.unheard && Some(record.session_index) == index);
    let was_answered = report.usage.output_tokens.is_some_and(|tokens| tokens > 0);
    report.session_lost && report.end.class().costs_retry() && !progressed && !was_answered && !was_let_off
}

/// The first look belongs to the beginning of the session, a later one to its end.
fn workspace_seen(change: &mut Change, head: Option<&GitHead>) {
    let Some(session) = change.manifest.state.sessions.last_mut() else { return };
    if session.attempt_count == 0 {
        session.git_before = head.cloned();
    } else {
        session.git_after = head.cloned();
    }
}

fn backend_session(change: &mut Change, id: &str) -> Result<(), Refusal> {
    if change.manifest.state.backend_session_id.as_deref() != Some(id) {
        change.manifest.state.backend_session_id = Some(id.to_owned());
        change.log(EventBody::BackendSessionUpdated { backend_session_id: id.to_owned() });
    }
    Ok(())
}

fn wait_started(change: &mut Change, wait: &Wait) -> Result<(), Refusal> {
    require_between(change, "waiting")?;
    change.manifest.state.phase = Phase::Active { stage: Stage::Waiting { wait: wait.clone() } };
    change.log(EventBody::Waiting { wait: wait.clone() });
    Ok(())
}

fn wait_ended(change: &mut Change) -> Result<(), Refusal> {
    let Some(Stage::Waiting { .. }) = change.manifest.stage() else {
        return Err(not_allowed("ending a wait", "the run does not wait"));
    };
    let state = &mut change.manifest.state;
    state.served = state.attempt_records.last().map(|record| record.fence);
    state.phase = Phase::Active { stage: Stage::Deciding };
    change.log(EventBody::WaitEnded {});
    Ok(())
}

fn finished(change: &mut Change, outcome: &Outcome) -> Result<(), Refusal> {
    match change.manifest.stage() {
        Some(Stage::Attempting { .. }) => {
            return Err(not_allowed("ending the run", "an attempt is under way"));
        }
        Some(
            Stage::Deciding
            | Stage::Preparing { .. }
            | Stage::Judging { .. }
            | Stage::Verifying { .. }
            | Stage::Waiting { .. }
            | Stage::Closing { .. },
        ) => {}
        None => return Err(not_allowed("ending the run", "it is not active")),
    }
    match outcome {
        // A driver that cannot record what it does cannot record what hooks do.
        Outcome::Failed { failure: Failure { kind: FailureKind::Internal, .. } } => {
            end(change, outcome);
            return Ok(());
        }
        Outcome::Aborted | Outcome::Failed { .. } | Outcome::Blocked { by: Some(_), .. } => {}
        Outcome::Success | Outcome::Blocked { by: None, .. } | Outcome::Exhausted => {
            if next(change) != Step::Finish(outcome.clone()) {
                return Err(not_allowed("ending the run", NOT_NEXT));
            }
        }
    }
    let closed = match change.manifest.stage() {
        Some(Stage::Closing { outcome: proposed, .. }) => proposed == outcome,
        Some(_) | None => false,
    };
    if closed {
        end(change, outcome);
        return Ok(());
    }
    hooks::close(change, outcome)
}

/// The run's time stands still while it is not active.
pub(super) fn stop_the_clock(change: &mut Change) {
    let active = active_for(&change.manifest, change.now).as_millis();
    let budget = &mut change.manifest.state.budget;
    if budget.active_since.take().is_some() {
        budget.active_ms = u64::try_from(active).unwrap_or(u64::MAX);
    }
}

pub(super) fn end(change: &mut Change, outcome: &Outcome) {
    keep_unheard(change);
    let now = change.now;
    stop_the_clock(change);
    let budget = &mut change.manifest.state.budget;
    budget.given_back = !budget.granted.is_empty();
    let state = &mut change.manifest.state;
    if let Some(session) = state.sessions.last_mut().filter(|session| session.ended_at.is_none()) {
        session.ended_at = Some(now);
        session.outcome = Some(outcome.clone());
    }
    let session_index = state.sessions.last().map_or(0, |session| session.session_index);
    state.phase = Phase::Ended { outcome: outcome.clone() };
    state.ended_at = Some(now);
    state.abort_request = None;
    state.next_cause = None;
    if let Some(driver) = &mut state.driver {
        driver.departure = Departure::Left;
    }
    let detail = match outcome {
        Outcome::Failed { failure } => Some(failure.detail.clone()),
        Outcome::Blocked { by: Some(by), .. } => Some(format!("hook {} objects: {}", by.by, by.detail)),
        Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Aborted => None,
    };
    let status = change.manifest.status(false);
    let tells = change.manifest.state.tell_parent.unwrap_or(change.manifest.spec.notify_parent);
    if tells && change.manifest.spec.parent_run_id.is_some() {
        change.manifest.state.parent_notice = Some(ParentNotice {
            // Sessions are counted anew after a reset; drivers never are.
            id: format!("{}/{}/{session_index}", change.manifest.spec.run_id, change.manifest.state.epoch.0),
            text: notice_text(&change.manifest, detail.as_deref()),
            delivered: false,
        });
    }
    change.log(EventBody::RunFinished { status, exit_code: outcome.exit_code(), detail });
}

/// What a parent is told of the end of a run it started.
fn notice_text(manifest: &Manifest, detail: Option<&str>) -> String {
    let run = &manifest.spec.run_id;
    // The words leave the run: its parent knows nothing of what must not be seen in them.
    let secrets = Secrets::of(&manifest.spec);
    let name = manifest.state.name.as_deref().map(|name| format!(" ({})", secrets.hide(name)));
    let name = name.unwrap_or_default();
    let tasks = match manifest.state.final_tasks.len() {
        0 => String::new(),
        total => format!(", {} of {total} tasks completed", manifest.tasks_completed()),
    };
    let detail = detail.map(|detail| format!(": {}", secrets.hide(detail))).unwrap_or_default();
    let (status, command) = (manifest.status(false).as_str(), &manifest.spec.command);
    format!(
        "Run {run}{name}, which you started, has ended: {status}{tasks}{detail}. \
         `{command} run status {run}` and `{command} task list {run}` show what came of it."
    )
}

fn current_attempt(change: &mut Change, fence: Fence) -> Result<&mut LiveAttempt, Refusal> {
    let run_id = change.manifest.spec.run_id.clone();
    match &mut change.manifest.state.phase {
        Phase::Active { stage: Stage::Attempting { attempt } } if attempt.fence == fence => Ok(attempt),
        Phase::Active { .. } | Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {
            Err(Refusal::StaleFence { run_id, fence })
        }
    }
}

fn require_active(change: &Change, what: &'static str) -> Result<(), Refusal> {
    match &change.manifest.state.phase {
        Phase::Active { .. } => Ok(()),
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {
            Err(not_allowed(what, "the run is not active"))
        }
    }
}

/// What has to be done as the run stands now. Tasks, messages and requests to abort come in while a driver works: what
/// it does next must rest on them, not on what it saw when it asked.
pub(super) fn next(change: &Change) -> Step {
    next_step(&change.manifest, &Observation::default(), change.now)
}

/// Whether nothing is under way that has to end first.
fn require_between(change: &Change, what: &'static str) -> Result<(), Refusal> {
    match change.manifest.stage() {
        Some(Stage::Deciding | Stage::Preparing { .. } | Stage::Verifying { .. } | Stage::Closing { .. }) => {
            Ok(())
        }
        Some(Stage::Attempting { .. } | Stage::Judging { .. } | Stage::Waiting { .. }) | None => {
            Err(not_allowed(what, "the run is doing something else"))
        }
    }
}

pub(super) fn not_allowed(what: &'static str, why: &str) -> Refusal {
    Refusal::NotAllowed { what, why: why.to_owned() }
}
