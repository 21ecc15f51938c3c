//! Facts about hooks and checks: what they decided. Must not accept the result of one that does not run now.

use crate::event::EventBody;
use crate::fact::Refusal;
use crate::hook::{HookPhase, HookReport, HookSpec, HookVerdict};
use crate::ids::TaskId;
use crate::manifest::{Departure, Rejection};
use crate::phase::{Failure, FailureKind, HookRef, Outcome, Phase, Stage};
use crate::redact::Secrets;
use crate::step::{Step, hook_at, hook_spec};

use super::Change;
use super::driver::{NOT_NEXT, end, next, not_allowed, stop_the_clock};
use super::{mutations, tasks};

/// Longest text of a hook that goes into the history, in bytes.
const MAX_SUMMARY: usize = 4096;

pub(super) fn hook_ended(change: &mut Change, hook: HookRef, report: &HookReport) -> Result<(), Refusal> {
    let spec = expect_hook(change, hook)?;
    mutations::apply(change, hook.phase, &report.mutations)?;
    record(change, &spec, None, report);
    match hook.phase {
        HookPhase::Prepare => prepared(change, hook, &spec, report),
        HookPhase::BeforeAttempt => before_attempt(change, hook, &spec, &report.verdict),
        HookPhase::AfterAttempt => after_attempt(change, hook, &spec, &report.verdict),
        HookPhase::AfterExit => after_exit(change, hook, &spec, &report.verdict),
        HookPhase::TaskTransition => Err(not_allowed("recording a hook", NOT_NEXT)),
    }
}

/// What a hook did that was asked about a change of a task. Whether the change is made is up to who asked.
pub(super) fn transition_hook_ended(
    change: &mut Change,
    hook_id: &str,
    task_id: &TaskId,
    report: &HookReport,
) -> Result<(), Refusal> {
    let known = change.manifest.spec.hooks.iter().find(|hook| hook.hook_id == hook_id);
    let Some(spec) = known.filter(|hook| hook.phase == HookPhase::TaskTransition).cloned() else {
        return Err(not_allowed("recording a hook", "the run has no such hook"));
    };
    mutations::apply(change, spec.phase, &report.mutations)?;
    record(change, &spec, Some(task_id), report);
    tasks::settle_passive(change);
    Ok(())
}

fn record(change: &mut Change, spec: &HookSpec, task_id: Option<&TaskId>, report: &HookReport) {
    let secrets = Secrets::of(&change.manifest.spec);
    let session = change.manifest.session();
    let session_index = session.map(|session| session.session_index);
    let attempt_number = match spec.phase {
        HookPhase::BeforeAttempt => Some(change.manifest.next_attempt_number()),
        HookPhase::AfterAttempt | HookPhase::AfterExit => {
            change.manifest.state.attempt_records.last().map(|record| record.attempt_number)
        }
        HookPhase::Prepare | HookPhase::TaskTransition => None,
    };
    let ended_at = change.now;
    let took = i64::try_from(report.duration_ms).unwrap_or(i64::MAX);
    change.log(EventBody::HookRecorded {
        phase: spec.phase,
        hook_id: spec.hook_id.clone(),
        outcome: report.verdict.outcome(spec.phase),
        started_at: crate::Timestamp::from_millis(ended_at.as_millis().saturating_sub(took)),
        ended_at,
        duration_ms: report.duration_ms,
        session_index: session_index.filter(|_| attempt_number.is_some()),
        attempt_number,
        task_id: task_id.cloned(),
        summary: report.verdict.summary().map(|words| beginning(&secrets.hide(words))),
        mutated: report.mutations.names(),
        stderr: (!report.stderr.is_empty()).then(|| report.stderr.clone()),
        source_changed: report.source_changed,
    });
}

fn beginning(text: &str) -> String {
    let end = (0..=text.len().min(MAX_SUMMARY)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

fn prepared(change: &mut Change, hook: HookRef, spec: &HookSpec, report: &HookReport) -> Result<(), Refusal> {
    if let Some(outcome) = forced(spec, &report.verdict) {
        return close(change, &outcome);
    }
    if let Some(spec) = &report.spec {
        mutations::respecify(change, spec, &report.mutations);
    }
    let next = hook.index.saturating_add(1);
    let is_last = hook_at(&change.manifest, HookPhase::Prepare, next).is_none();
    let Some(preparation) = &mut change.manifest.state.preparation else { return Ok(()) };
    preparation.cursor = next;
    if is_last {
        let starts = preparation.starts;
        change.manifest.state.preparation = None;
        change.manifest.spec.prepared = true;
        change.log(EventBody::Prepared {});
        if !starts {
            change.manifest.state.phase = Phase::Initialized;
            rest(change);
            tasks::settle_passive(change);
        }
    }
    Ok(())
}

/// A driver that was there to prepare the run lets go of it.
fn rest(change: &mut Change) {
    stop_the_clock(change);
    change.manifest.state.abort_request = None;
    if let Some(driver) = &mut change.manifest.state.driver {
        driver.departure = Departure::Left;
    }
}

fn before_attempt(
    change: &mut Change,
    hook: HookRef,
    spec: &HookSpec,
    verdict: &HookVerdict,
) -> Result<(), Refusal> {
    if let Some(outcome) = forced(spec, verdict) {
        return close(change, &outcome);
    }
    if let HookVerdict::Reinvoke { prompt } = verdict {
        change.manifest.state.next_prompt = Some(prompt.clone());
    }
    let stage = Stage::Preparing { cursor: hook.index.saturating_add(1) };
    change.manifest.state.phase = Phase::Active { stage };
    Ok(())
}

fn after_attempt(
    change: &mut Change,
    hook: HookRef,
    spec: &HookSpec,
    verdict: &HookVerdict,
) -> Result<(), Refusal> {
    if let Some(outcome) = forced(spec, verdict) {
        return close(change, &outcome);
    }
    let next = hook.index.saturating_add(1);
    let has_more = hook_at(&change.manifest, HookPhase::AfterAttempt, next).is_some();
    let stage = match (verdict, change.manifest.stage()) {
        (HookVerdict::Reinvoke { prompt }, _) => {
            insist(change, spec, prompt);
            Stage::Deciding
        }
        (_, Some(Stage::Judging { end, .. })) if has_more => {
            Stage::Judging { end: end.clone(), cursor: next }
        }
        (_, _) => Stage::Deciding,
    };
    change.manifest.state.phase = Phase::Active { stage };
    Ok(())
}

/// A run that ends badly ends badly, whatever a hook thinks of it.
fn after_exit(
    change: &mut Change,
    hook: HookRef,
    spec: &HookSpec,
    verdict: &HookVerdict,
) -> Result<(), Refusal> {
    let Some(Stage::Closing { outcome, .. }) = change.manifest.stage().cloned() else {
        return Err(not_allowed("recording a hook", NOT_NEXT));
    };
    let cursor = hook.index.saturating_add(1);
    let stage = match (verdict, &outcome) {
        (HookVerdict::Reinvoke { prompt }, Outcome::Success) => {
            insist(change, spec, prompt);
            Stage::Deciding
        }
        (_, Outcome::Success) => Stage::Closing { outcome: forced(spec, verdict).unwrap_or(outcome), cursor },
        (_, Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Failed { .. } | Outcome::Aborted) => {
            Stage::Closing { outcome, cursor }
        }
    };
    change.manifest.state.phase = Phase::Active { stage };
    Ok(())
}

/// The worker has another turn, whatever the tasks say.
fn insist(change: &mut Change, spec: &HookSpec, prompt: &str) {
    let state = &mut change.manifest.state;
    let by = spec.hook_id.clone();
    state.rejection = Some(Rejection { by, detail: prompt.to_owned(), insists: true });
    state.next_prompt = Some(prompt.to_owned());
}

/// The end that a verdict forces.
fn forced(spec: &HookSpec, verdict: &HookVerdict) -> Option<Outcome> {
    match verdict {
        HookVerdict::Continue | HookVerdict::Skipped | HookVerdict::Reinvoke { .. } => None,
        HookVerdict::Block { reason } => {
            let by = spec.hook_id.clone();
            let by = Rejection { by, detail: reason.clone(), insists: false };
            Some(Outcome::Blocked { tasks: Vec::new(), over: None, by: Some(by) })
        }
        HookVerdict::Failed { detail } => Some(Outcome::Failed {
            failure: Failure {
                kind: FailureKind::Hook,
                detail: format!("hook {} failed: {detail}", spec.hook_id),
                hint: "correct the hook, then resume the run".to_owned(),
            },
        }),
    }
}

/// Ends the run, after the hooks that run at its end.
pub(super) fn close(change: &mut Change, outcome: &Outcome) -> Result<(), Refusal> {
    if hook_at(&change.manifest, HookPhase::AfterExit, 0).is_some() {
        let stage = Stage::Closing { outcome: outcome.clone(), cursor: 0 };
        change.manifest.state.phase = Phase::Active { stage };
    } else {
        end(change, outcome);
    }
    Ok(())
}

/// The hook, if it is the one that runs now.
fn expect_hook(change: &Change, hook: HookRef) -> Result<HookSpec, Refusal> {
    let expected = next(change) == Step::RunHook(hook);
    match hook_spec(&change.manifest, hook) {
        Some(spec) if expected => Ok(spec.clone()),
        Some(_) | None => Err(not_allowed("recording a hook", NOT_NEXT)),
    }
}

pub(super) fn check_passed(change: &mut Change, check: u32) -> Result<(), Refusal> {
    let name = expect_check(change, check)?;
    let stage = Stage::Verifying { cursor: check.saturating_add(1) };
    change.manifest.state.phase = Phase::Active { stage };
    change.log(EventBody::CheckRecorded { check: name, objection: None });
    Ok(())
}

pub(super) fn check_failed(change: &mut Change, check: u32, detail: &str) -> Result<(), Refusal> {
    let name = expect_check(change, check)?;
    let rejection = Rejection { by: name.clone(), detail: detail.to_owned(), insists: false };
    change.manifest.state.rejection = Some(rejection);
    change.manifest.state.phase = Phase::Active { stage: Stage::Deciding };
    change.log(EventBody::CheckRecorded { check: name, objection: Some(detail.to_owned()) });
    Ok(())
}

fn expect_check(change: &Change, check: u32) -> Result<String, Refusal> {
    let expected = next(change) == Step::Verify { check };
    let index = usize::try_from(check).unwrap_or(usize::MAX);
    match change.manifest.spec.checks.get(index) {
        Some(spec) if expected => Ok(spec.id.clone()),
        Some(_) | None => Err(not_allowed("recording a check", NOT_NEXT)),
    }
}
