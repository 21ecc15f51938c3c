//! What a run changed in the git repository of its directory.

use agent_runner_api::operations::GetChanges;
use agent_runner_api::view::GitChanges;
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::Secrets;
use agent_runner_model::phase::Phase;

use crate::engine::Engine;
use crate::failure::store_error;
use crate::git::{LIMIT, Question, compare};
use crate::place::Places;

/// What nobody has worded: ids, times, places of this run, words of closed lists.
const WORDLESS: [&str; 12] = [
    "runId",
    "cwd",
    "workTree",
    "afterFrom",
    "commit",
    "hash",
    "authoredAt",
    "seenAt",
    "change",
    "staged",
    "unstaged",
    "kind",
];

impl<S: Places + 'static> Handle<GetChanges> for Engine<S> {
    async fn call(&self, request: GetChanges) -> Result<GitChanges, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let manifest = self.store.snapshot(&run_id).await.map_err(|error| store_error(&error))?;
        let sessions = &manifest.state.sessions;
        // The end of an earlier session is not where a run stands that goes on.
        let after = match &manifest.state.phase {
            Phase::Ended { .. } => sessions.last().and_then(|session| session.git_after.clone()),
            Phase::Initialized | Phase::Ready | Phase::Active { .. } => None,
        };
        let question = Question {
            run_id: &run_id,
            cwd: &manifest.spec.cwd,
            before: sessions.first().and_then(|session| session.git_before.clone()),
            after,
            every_file: false,
            now: self.now(),
            place: &self.config.runtime_dir,
            search_path: &self.config.search_path,
            limit: LIMIT,
        };
        let changes = compare(question).await;
        // Branches, files and commits have the names that the worker gave them.
        Secrets::of(&manifest.spec).hide_view(changes, &WORDLESS).ok_or_else(|| {
            ApiError::new(ErrorCode::Internal, "what changed cannot be gone through for values to hide")
        })
    }
}
