//! Settling a run whose driver died: ends what is left of its attempt and records it as interrupted.

use std::time::Duration;

use agent_runner_api::ApiError;
use agent_runner_model::attempt::{AttemptEnd, LiveAttempt, ProcessRef, Usage};
use agent_runner_model::manifest::{Departure, DriverRef, Manifest};
use agent_runner_model::phase::{Outcome, Phase, Stage};
use agent_runner_model::{DriverFact, EndReport, Epoch, Fact, RunId};
use agent_runner_store::{Holder, OwnerLease as _, Takeover};
use agent_runner_supervisor::{Identity, Leftover, Marker, end_leftovers};

use super::environment::ATTEMPT_MARKER;
use super::work::LEASE_PATIENCE;
use crate::engine::Engine;
use crate::failure::{acquire_error, commit_error, store_error};
use crate::place::Places;

/// A run that was settled.
pub(crate) struct Settled {
    pub(crate) manifest: Manifest,
    pub(crate) leftovers: Vec<Leftover>,
}

pub(crate) fn marker(value: &str) -> Marker {
    Marker { name: ATTEMPT_MARKER.to_owned(), value: value.to_owned() }
}

pub(crate) fn process_identity(process: ProcessRef) -> Identity {
    Identity { pid: process.pid, pgid: process.pgid, start_time: process.start_time }
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
    }
}

/// Ends what an attempt left running.
pub(super) async fn end_attempt(attempt: &LiveAttempt, grace_sec: u32) -> Vec<Leftover> {
    let grace = Duration::from_secs(u64::from(grace_sec));
    end_leftovers(&marker(&attempt.marker), attempt.process.map(process_identity), grace).await
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
    let manifest = engine.store.snapshot(run_id).await.map_err(|error| store_error(&error))?;
    let Phase::Active { stage } = &manifest.state.phase else {
        return Ok(Settled { manifest, leftovers: Vec::new() });
    };
    let epoch = Epoch(manifest.state.epoch.0 + 1);
    let driver = driver_ref(owner.holder());
    let mut facts = vec![DriverFact::Took { driver }];
    let mut leftovers = Vec::new();
    if let Stage::Attempting { attempt } = stage {
        leftovers = end_attempt(attempt, manifest.spec.stop_grace_sec).await;
        facts.push(DriverFact::AttemptEnded { fence: attempt.fence, report: interrupted(leftovers.len()) });
    }
    if manifest.state.abort_request.is_some() {
        facts.push(DriverFact::Finished { outcome: Outcome::Aborted });
    } else {
        facts.push(DriverFact::Left { why: "recovered after its driver died".to_owned() });
    }
    let facts: Vec<Fact> = facts.into_iter().map(|fact| Fact::Driver { epoch, fact }).collect();
    let committed = engine.store.commit(run_id, &facts, engine.now()).await;
    let manifest = committed.map_err(|error| commit_error(&error))?;
    // The dead driver's; nobody listens there.
    let _ = std::fs::remove_file(engine.socket(run_id));
    drop(owner);
    Ok(Settled { manifest, leftovers })
}
