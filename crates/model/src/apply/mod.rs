//! `apply`: what a fact makes of a manifest. Total and pure: a fact either changes state and yields events, changes
//! nothing (it was known already), or is refused with a reason.

mod control;
mod driver;
mod family;
mod hooks;
mod life;
mod mutations;
mod tasks;
mod words;

pub use life::{check_backend_session_id, check_group_id};
pub use mutations::configured;
pub use tasks::transition_of;

use crate::event::EventBody;
use crate::fact::{Fact, Refusal, TaskFact};
use crate::manifest::{Manifest, RecentRequest};
use crate::redact::Secrets;
use crate::task::TaskStatus;
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
        Fact::Judged { author, fact, from } => tasks::apply_judged(&mut change, *author, fact, *from)?,
        Fact::Control(fact) => control::apply(&mut change, fact)?,
        // Taken apart above.
        Fact::Once { .. } => {}
    }
    if change.manifest != *manifest {
        change.manifest.state.updated_at = now.max(manifest.state.updated_at);
    }
    // History is shown to everybody: what must not be seen never gets into it.
    let events = Secrets::of(&change.manifest.spec).hide_events(change.events);
    Ok(Applied { manifest: change.manifest, events })
}

fn once(manifest: &Manifest, request: &str, fact: &Fact, now: Timestamp) -> Result<Applied, Refusal> {
    let digest = digest(fact);
    match manifest.state.recent_requests.iter().find(|known| known.id == request) {
        Some(known) if known.digest == digest => {
            return Ok(Applied { manifest: manifest.clone(), events: Vec::new() });
        }
        Some(_) => {
            let why = "it was used for something else in this run".to_owned();
            return Err(Refusal::NotAllowed { what: "using this request id again", why });
        }
        None => {}
    }
    let mut applied = apply(manifest, fact, now)?;
    let recent = &mut applied.manifest.state.recent_requests;
    recent.push(RecentRequest { id: request.to_owned(), digest });
    let surplus = recent.len().saturating_sub(MAX_REQUESTS);
    recent.drain(..surplus);
    Ok(applied)
}

/// Tells facts that ask for different things apart, in every version of this program alike.
fn digest(fact: &Fact) -> String {
    let words: Vec<&str> = match fact {
        Fact::Task { fact, .. } | Fact::Judged { fact, .. } => match fact {
            TaskFact::Set { id, status, notes } => vec![
                "set",
                id.as_str(),
                status.map_or("", TaskStatus::as_str),
                notes.as_deref().unwrap_or_default(),
            ],
            TaskFact::NotesAppended { id, text } => vec!["append", id.as_str(), text],
            TaskFact::BlockPassed { id, note, .. } => vec!["pass", id.as_str(), note],
            TaskFact::Added { id, title, body } => vec!["add", id.as_str(), title, body],
            TaskFact::Edited { id, title, body } => vec![
                "edit",
                id.as_str(),
                title.as_deref().unwrap_or_default(),
                body.as_deref().unwrap_or_default(),
            ],
            TaskFact::Deleted { id } => vec!["delete", id.as_str()],
        },
        Fact::Driver { .. } => vec!["driver"],
        Fact::Control(_) => vec!["control"],
        Fact::Once { fact, .. } => return digest(fact),
    };
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    let digest = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{digest:016x}")
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
