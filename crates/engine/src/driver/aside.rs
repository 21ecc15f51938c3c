//! Puts aside what is not committed in the worktree of a run that is aborted. Must not keep the run from ending: what
//! could not be put aside is said.

use std::time::Duration;

use agent_runner_model::Fact;
use agent_runner_model::manifest::{AbortRequest, Manifest, Urgency};

use super::ports::Say;
use super::work::Driver;
use crate::engine::Engine;
use crate::git::Want;
use crate::place::Places;
use crate::worktree;

/// How long it may take while somebody waits for the end.
const PATIENT: Duration = Duration::from_secs(60);
/// The same if the run is to end at once.
const HASTY: Duration = Duration::from_secs(10);

impl<S: Places + 'static> Driver<S> {
    /// The run is about to end as aborted: its worker is gone.
    pub(super) async fn put_aside(&mut self, preview: &Manifest) {
        let fact = put_aside(&self.engine, preview, &self.say).await;
        self.pending.extend(fact);
    }
}

/// What goes on record about what was put aside, if anything was.
pub(super) async fn put_aside<S: Places>(engine: &Engine<S>, manifest: &Manifest, say: &Say) -> Option<Fact> {
    let worktree = manifest.spec.worktree.as_ref()?;
    let limit = match &manifest.state.abort_request {
        Some(AbortRequest { urgency: Urgency::AtOnce, .. }) => HASTY,
        Some(_) | None => PATIENT,
    };
    let tools = worktree::tools(&engine.config, limit);
    match worktree::keep(tools, &manifest.spec.run_id, worktree, Want::Uncommitted).await {
        Ok(taken) => {
            if !taken.nested.is_empty() {
                let nested = taken.nested.join(", ");
                say.words(&format!(
                    "what is in these repositories in the worktree was not put aside: {nested}"
                ));
            }
            worktree::fact(&taken).map(Fact::Control)
        }
        Err(error) => {
            let why = worktree::worded(&error);
            say.words(&format!("what is not committed in {} was not put aside: {why}", worktree.path));
            None
        }
    }
}
