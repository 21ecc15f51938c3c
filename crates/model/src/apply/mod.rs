//! `apply`: what a fact makes of a manifest. Total and pure: a fact either changes state and yields events, changes
//! nothing (it was known already), or is refused with a reason.

mod control;
mod driver;
mod tasks;

use crate::event::EventBody;
use crate::fact::{Fact, Refusal};
use crate::manifest::Manifest;
use crate::time::Timestamp;

/// How many requests a run remembers, newest last. Who repeats a request does so soon.
const MAX_REQUESTS: usize = 64;

/// What a fact made of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The manifest after it. Its revision, cursor and log length are the store's to set.
    pub manifest: Manifest,
    /// What there is to log.
    pub events: Vec<EventBody>,
}

/// Applies one fact. Errors say why it was refused; the manifest is untouched then.
pub fn apply(manifest: &Manifest, fact: &Fact, now: Timestamp) -> Result<Applied, Refusal> {
    if let Fact::Once { request, fact } = fact {
        return once(manifest, request, fact, now);
    }
    let mut change = Change { manifest: manifest.clone(), events: Vec::new(), now };
    match fact {
        Fact::Driver { epoch, fact } => driver::apply(&mut change, *epoch, fact)?,
        Fact::Task { author, fact } => tasks::apply(&mut change, *author, fact)?,
        Fact::Control(fact) => control::apply(&mut change, fact)?,
        // Taken apart above.
        Fact::Once { .. } => {}
    }
    if change.manifest.state != manifest.state {
        change.manifest.state.updated_at = now.max(manifest.state.updated_at);
    }
    Ok(Applied { manifest: change.manifest, events: change.events })
}

fn once(manifest: &Manifest, request: &str, fact: &Fact, now: Timestamp) -> Result<Applied, Refusal> {
    if manifest.state.recent_requests.iter().any(|known| known == request) {
        return Ok(Applied { manifest: manifest.clone(), events: Vec::new() });
    }
    let mut applied = apply(manifest, fact, now)?;
    let recent = &mut applied.manifest.state.recent_requests;
    recent.push(request.to_owned());
    let surplus = recent.len().saturating_sub(MAX_REQUESTS);
    recent.drain(..surplus);
    Ok(applied)
}

/// Applies several facts as one change: all of them, or none.
pub fn apply_all(manifest: &Manifest, facts: &[Fact], now: Timestamp) -> Result<Applied, Refusal> {
    let mut whole = Applied { manifest: manifest.clone(), events: Vec::new() };
    for fact in facts {
        let applied = apply(&whole.manifest, fact, now)?;
        whole.manifest = applied.manifest;
        whole.events.extend(applied.events);
    }
    Ok(whole)
}

/// A change in the making.
struct Change {
    manifest: Manifest,
    events: Vec<EventBody>,
    now: Timestamp,
}

impl Change {
    fn log(&mut self, event: EventBody) {
        self.events.push(event);
    }
}
