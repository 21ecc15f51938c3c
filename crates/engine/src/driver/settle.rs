//! Settling a run whose driver died: ends what is left of its attempt and records it as interrupted.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use agent_runner_api::ApiError;
use agent_runner_model::attempt::{AttemptEnd, LiveAttempt};
use agent_runner_model::hook::HookPhase;
use agent_runner_model::manifest::{AbortRequest, Departure, DriverRef, Manifest, Urgency};
use agent_runner_model::phase::{Outcome, Phase, Stage};
use agent_runner_model::step::hook_at;
use agent_runner_model::usage::Usage;
use agent_runner_model::{DriverFact, EndReport, Epoch, Fact, RunId, Secrets, redacted};
use agent_runner_store::{CommitError, Holder, OwnerLease as _, Takeover};
use agent_runner_supervisor::{Identity, Leftover, Marker, end_leftovers};

use super::aside::put_aside;
use super::outbox::Log;
use super::ports::Say;
use crate::engine::Engine;
use crate::environment::ATTEMPT_MARKER;
use crate::failure::{acquire_error, chain, commit_error, store_error};
use crate::hooks::end_orphans;
use crate::place::Places;
use crate::workspace::git_head;

/// How long a driver tries to get the lease: somebody may be testing it.
pub(super) const LEASE_PATIENCE: Duration = Duration::from_millis(250);
/// How often the run may change while it is settled.
const MAX_REFUSALS: u32 = 20;

/// A run that was settled.
pub(crate) struct Settled {
    pub(crate) manifest: Manifest,
    pub(crate) leftovers: Vec<Leftover>,
}

pub(crate) fn marker(value: &str) -> Marker {
    Marker { name: ATTEMPT_MARKER.to_owned(), value: value.to_owned() }
}

/// The process to look for, as seen by `here`. Numbers of another boot or another process namespace mean other
/// processes, if any: then only the marker is looked for.
pub(crate) fn process_identity(attempt: &LiveAttempt, here: &Holder) -> Option<Identity> {
    let process = attempt.process.as_ref()?;
    let same = process.boot_id == here.boot_id && process.pid_namespace == here.pid_namespace;
    same.then_some(Identity { pid: process.pid, pgid: process.pgid, start_time: process.start_time })
}

/// The holder of a lease, as the manifest knows it.
pub(super) fn driver_ref(holder: &Holder) -> DriverRef {
    DriverRef {
        pid: holder.pid,
        start_time: holder.start_time,
        host: holder.host.clone(),
        departure: Departure::None,
    }
}

pub(super) fn interrupted(leftovers: usize) -> EndReport {
    EndReport {
        end: AttemptEnd::Interrupted,
        exit_code: None,
        signal: None,
        output_tail: String::new(),
        leftovers: u32::try_from(leftovers).unwrap_or(u32::MAX),
        usage: Usage::default(),
        meter: None,
        session_lost: false,
        events_missing: None,
    }
}

/// Ends what an attempt left running, with the time to leave that the run gives it.
pub(super) async fn end_attempt(attempt: &LiveAttempt, here: &Holder, manifest: &Manifest) -> Vec<Leftover> {
    let grace = match &manifest.state.abort_request {
        Some(AbortRequest { urgency: Urgency::AtOnce, .. }) => Duration::ZERO,
        Some(_) | None => Duration::from_secs(u64::from(manifest.spec.stop_grace_sec)),
    };
    end_leftovers(&marker(&attempt.marker), process_identity(attempt, here), grace).await
}

/// Takes the lease for a moment, clears up, and lets the run go again: interrupted, or aborted if somebody asked
/// for that.
pub(crate) async fn settle<S: Places>(
    engine: &Engine<S>,
    run_id: &RunId,
    takeover: Takeover,
) -> Result<Settled, ApiError> {
    let owner = engine.store.acquire_owner(run_id, LEASE_PATIENCE, takeover).await;
    let owner = owner.map_err(|error| acquire_error(&error))?;
    let mut leftovers = Vec::new();
    let mut refusals = 0;
    loop {
        let manifest = engine.store.snapshot(run_id).await.map_err(|error| store_error(&error))?;
        // Whoever asked for this hears of what matters; the rest is tried again by whoever comes next.
        let nobody = Say::new(|_| {}, Secrets::default());
        let Phase::Active { stage } = &manifest.state.phase else {
            return Ok(Settled { manifest, leftovers });
        };
        let epoch = Epoch(manifest.state.epoch.0 + 1);
        let mut facts = vec![DriverFact::Took { driver: driver_ref(owner.holder()) }];
        if let Stage::Attempting { attempt } = stage {
            leftovers.extend(end_attempt(attempt, owner.holder(), &manifest).await);
            clear_prompt(engine.store.as_ref(), &manifest, attempt, &nobody).await;
            facts.push(DriverFact::AttemptEnded {
                fence: attempt.fence,
                report: interrupted(leftovers.len()),
            });
        }
        if !manifest.spec.hooks.is_empty() {
            let grace = Duration::from_secs(u64::from(manifest.spec.stop_grace_sec));
            for left in super::hooks::earlier_hooks(run_id, manifest.state.epoch.0) {
                leftovers.extend(end_leftovers(&left, None, grace).await);
            }
            leftovers.extend(end_orphans(run_id).await);
        }
        let mut aside = None;
        if manifest.state.abort_request.is_some() {
            aside = put_aside(engine, &manifest, &nobody).await;
            facts.push(DriverFact::WorkspaceSeen { head: git_head(Path::new(&manifest.spec.cwd)) });
            facts.push(DriverFact::Finished { outcome: Outcome::Aborted });
            // Nobody is there to run the hooks at its end: the second time it ends without them.
            if hook_at(&manifest, HookPhase::AfterExit, 0).is_some() {
                facts.push(DriverFact::Finished { outcome: Outcome::Aborted });
            }
        } else {
            facts.push(DriverFact::Left { why: "recovered after its driver died".to_owned() });
        }
        let facts = facts.into_iter().map(|fact| Fact::Driver { epoch, fact });
        let facts: Vec<Fact> = aside.into_iter().chain(facts).collect();
        match engine.store.commit(run_id, &facts, engine.now()).await {
            Ok(settled) => {
                let known = manifest.state.attempt_records.len();
                copy_records(engine.store.as_ref(), &settled, known, &nobody).await;
                seal_logs(engine.store.as_ref(), &settled, 0, &nobody).await;
                // The dead driver's; nobody listens there.
                let _ = std::fs::remove_file(engine.socket(run_id));
                return Ok(Settled { manifest: settled, leftovers });
            }
            // Ending what was left took its time; somebody wanted something else of the run meanwhile.
            Err(CommitError::Refused(_)) if refusals < MAX_REFUSALS => refusals += 1,
            Err(error) => return Err(commit_error(&error)),
        }
    }
}

/// The file with what the worker of an attempt is told.
pub(super) fn prompt_file(attempt: &LiveAttempt) -> String {
    format!("attempts/{:02}.prompt.md", attempt.attempt_number)
}

/// Takes values that are shown to nobody out of the prompt of an attempt, when its worker is gone: it may have had to be
/// given the prompt as a file. Called before the end of the attempt is recorded, so that nobody's death is in between.
pub(super) async fn clear_prompt<S: Places>(
    store: &S,
    manifest: &Manifest,
    attempt: &LiveAttempt,
    say: &Say,
) {
    let secrets = Secrets::of(&manifest.spec);
    if secrets.is_empty() {
        return;
    }
    let run_id = &manifest.spec.run_id;
    let name = prompt_file(attempt);
    let cleared = match store.get_blob(run_id, &name).await {
        Ok(Some(told)) => match secrets.hide_bytes(&told, false) {
            Cow::Borrowed(_) => Ok(()),
            Cow::Owned(hidden) => store.put_blob(run_id, &name, &hidden).await,
        },
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = cleared {
        say.words(&format!("{name} still holds values of the environment: {}", chain(&error)));
    }
}

/// Puts each newly recorded attempt beside its logs, for people who look there. The manifest is the record.
pub(super) async fn copy_records<S: Places>(store: &S, manifest: &Manifest, known: usize, say: &Say) {
    let manifest = redacted(manifest);
    for record in manifest.state.attempt_records.iter().skip(known) {
        let name = format!("attempts/{:02}.json", record.attempt_number);
        let Ok(mut text) = serde_json::to_vec_pretty(record) else { continue };
        text.push(b'\n');
        if let Err(error) = store.append_blob(&manifest.spec.run_id, &name, &text).await {
            say.words(&format!("{name} is missing: {}", chain(&error)));
        }
    }
}

/// Compresses the logs of the attempts from `known` on. What is compressed already, or cannot be, stays as it is.
pub(super) async fn seal_logs<S: Places>(store: &S, manifest: &Manifest, known: usize, say: &Say) {
    for record in manifest.state.attempt_records.iter().skip(known) {
        for name in Log::ALL.map(|log| log.of_attempt(record.attempt_number)) {
            if let Err(error) = store.seal_blob(&manifest.spec.run_id, &name).await {
                say.words(&format!("{name} stays uncompressed: {}", chain(&error)));
            }
        }
    }
}
