//! Words that no worker has heard: they wait for the next session instead of being lost with the one they were meant for.
//! Must not decide when a session opens or closes.

use crate::attempt::EndClass;
use crate::event::EventBody;
use crate::manifest::{Manifest, QueuedMessage, Session};
use crate::phase::Cause;

use super::Change;

/// What a session was opened with, if none of its workers got as far as hearing it. Whoever was at work has heard it, and
/// whoever stopped it knows that.
pub(super) fn unheard(manifest: &Manifest, session: &Session) -> Option<String> {
    let mut turns =
        manifest.state.attempt_records.iter().filter(|record| record.session_index == session.session_index);
    let heard = turns.any(|record| match record.end.class() {
        EndClass::Reported
        | EndClass::TimedOut
        | EndClass::Crashed
        | EndClass::ProtocolError
        | EndClass::OverBudget
        | EndClass::Interrupted
        | EndClass::Aborted => true,
        EndClass::Misconfigured | EndClass::Overloaded | EndClass::Network | EndClass::Limited => false,
    });
    session.message.clone().filter(|_| !heard)
}

/// Called when a run ends: what the session was opened with, and what the next one was to be opened with, waits. The
/// oldest words come first.
pub(super) fn keep_unheard(change: &mut Change) {
    let manifest = &change.manifest;
    let open = manifest.session().filter(|session| session.ended_at.is_none());
    let of_session = open.and_then(|session| unheard(manifest, session));
    let of_next = match &manifest.state.next_cause {
        Some(Cause::Continue { message }) => message.clone(),
        // Those of the queue are still in it.
        Some(
            Cause::First
            | Cause::Queued { .. }
            | Cause::Reinvoked { .. }
            | Cause::Fired
            | Cause::Rejected { .. }
            | Cause::Fallback,
        )
        | None => None,
    };
    // A session is closed once, and the next one has another number.
    let id = |what: &str| format!("{what}-{}", manifest.state.sessions.len());
    let kept = [(id("unheard"), of_session), (id("next"), of_next)];
    let kept: Vec<(String, String)> = kept.into_iter().filter_map(|(id, text)| Some((id, text?))).collect();
    for (place, (id, text)) in kept.into_iter().enumerate() {
        change.log(EventBody::MessageQueued { message_id: id.clone() });
        let message = QueuedMessage { id, text, queued_at: change.now, from_run_id: None };
        change.manifest.state.queued_resume_messages.insert(place, message);
    }
}
