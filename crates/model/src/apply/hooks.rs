//! Facts about hooks and checks: what passed, what was objected to, and what follows for the run.

use crate::event::EventBody;
use crate::fact::Refusal;
use crate::manifest::Rejection;
use crate::phase::{Failure, FailureKind, HookRef, Outcome, Phase, Stage};
use crate::spec::HookPhase;
use crate::step::{Step, hooks_of};

use super::Change;
use super::driver::{NOT_NEXT, end, next, not_allowed};

pub(super) fn hook_passed(change: &mut Change, hook: HookRef) -> Result<(), Refusal> {
    let name = expect_hook(change, hook)?;
    let next = hook.index.saturating_add(1);
    let count = u32::try_from(hooks_of(&change.manifest, hook.phase).len()).unwrap_or(u32::MAX);
    let stage = match (hook.phase, change.manifest.stage()) {
        (HookPhase::BeforeAttempt, _) => Stage::Preparing { cursor: next },
        (HookPhase::AfterAttempt, Some(Stage::Judging { end, .. })) if next < count => {
            Stage::Judging { end: end.clone(), cursor: next }
        }
        (HookPhase::BeforeFinish, Some(Stage::Closing { outcome, .. })) => {
            Stage::Closing { outcome: outcome.clone(), cursor: next }
        }
        (HookPhase::AfterAttempt | HookPhase::BeforeFinish, _) => Stage::Deciding,
    };
    change.manifest.state.phase = Phase::Active { stage };
    change.log(EventBody::HookRecorded { hook: name, objection: None });
    Ok(())
}

pub(super) fn hook_refused(change: &mut Change, hook: HookRef, detail: &str) -> Result<(), Refusal> {
    let name = expect_hook(change, hook)?;
    let reject = Rejection { by: name.clone(), detail: detail.to_owned() };
    let stage = match (hook.phase, change.manifest.stage()) {
        (HookPhase::BeforeAttempt, _) => None,
        (HookPhase::BeforeFinish, Some(Stage::Closing { outcome, .. })) => match outcome {
            Outcome::Success => Some(Stage::Deciding),
            // A run that ends badly ends badly, whatever a hook thinks of it.
            Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Failed { .. } | Outcome::Aborted => {
                Some(Stage::Closing { outcome: outcome.clone(), cursor: hook.index.saturating_add(1) })
            }
        },
        (HookPhase::AfterAttempt | HookPhase::BeforeFinish, _) => Some(Stage::Deciding),
    };
    change.log(EventBody::HookRecorded { hook: name.clone(), objection: Some(detail.to_owned()) });
    match stage {
        Some(stage) => {
            change.manifest.state.rejection = Some(reject);
            change.manifest.state.phase = Phase::Active { stage };
            Ok(())
        }
        None => {
            let failure = Failure {
                kind: FailureKind::Configuration,
                detail: format!("hook {name} refused the attempt: {detail}"),
                hint: "correct what the hook objects to, then resume the run".to_owned(),
            };
            end(change, &Outcome::Failed { failure });
            Ok(())
        }
    }
}

/// The name of a hook, if it is the one that runs now.
fn expect_hook(change: &Change, hook: HookRef) -> Result<String, Refusal> {
    let expected = match (hook.phase, change.manifest.stage()) {
        (HookPhase::BeforeAttempt, Some(Stage::Preparing { cursor }))
        | (HookPhase::AfterAttempt, Some(Stage::Judging { cursor, .. }))
        | (HookPhase::BeforeFinish, Some(Stage::Closing { cursor, .. })) => *cursor == hook.index,
        (
            HookPhase::BeforeAttempt,
            Some(Stage::Deciding | Stage::Verifying { .. } | Stage::Closing { .. }),
        ) => hook.index == 0,
        (HookPhase::BeforeAttempt | HookPhase::AfterAttempt | HookPhase::BeforeFinish, _) => false,
    };
    let index = usize::try_from(hook.index).unwrap_or(usize::MAX);
    match hooks_of(&change.manifest, hook.phase).get(index) {
        Some(spec) if expected => Ok(spec.id.clone()),
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
    change.manifest.state.rejection = Some(Rejection { by: name.clone(), detail: detail.to_owned() });
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
