//! Operations on a run's life outside of its work: put away, named, grouped, reset, deleted.

use agent_runner_api::operations::{
    ArchiveRun, DeleteRun, PinRun, ResetRun, SetBackendSession, SetGroup, SetName, SetNote, UnarchiveRun,
};
use agent_runner_api::view::{DeletedRun, RunDetail};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::phase::Phase;
use agent_runner_model::{ControlFact, Fact, Manifest, Refusal, RunId, apply};
use agent_runner_store::CommitError;

use super::hints::what_to_do;
use crate::engine::Engine;
use crate::failure::{commit_error, refusal_error, store_error};
use crate::place::Places;

impl<S: Places + 'static> Engine<S> {
    async fn steer(&self, run: &str, fact: ControlFact) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(run)?;
        let committed = self.commit(&run_id, &[Fact::Control(fact)]).await;
        let manifest = committed.map_err(|error| what_to_do(error, &run_id))?;
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Handle<ResetRun> for Engine<S> {
    async fn call(&self, request: ResetRun) -> Result<RunDetail, ApiError> {
        // Whoever ended the run may have died before its parent heard of it. After the reset nobody would know.
        let run_id = self.resolve(&request.run)?;
        let manifest = self.look_at(&run_id).await?;
        self.after_end(&manifest, &|_| {}).await;
        // What is refused anyhow leaves the worktree alone.
        apply(&manifest, &Fact::Control(ControlFact::Reset), self.now())
            .map_err(|refusal| what_to_do(refusal_error(&refusal), &run_id))?;
        let _lease = self.reset_worktree(&run_id, request.workspace).await?;
        let committed = self.commit_settled(&run_id, &[Fact::Control(ControlFact::Reset)]).await;
        let manifest = committed.map_err(|error| what_to_do(error, &run_id))?;
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Handle<ArchiveRun> for Engine<S> {
    async fn call(&self, request: ArchiveRun) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::Archived).await
    }
}

impl<S: Places + 'static> Handle<UnarchiveRun> for Engine<S> {
    async fn call(&self, request: UnarchiveRun) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::Unarchived).await
    }
}

impl<S: Places + 'static> Handle<DeleteRun> for Engine<S> {
    /// Answers with the run as it was.
    async fn call(&self, request: DeleteRun) -> Result<DeletedRun, ApiError> {
        let run_id = match self.resolve(&request.run) {
            Ok(run_id) => run_id,
            Err(error) => return self.finish_deletion(&request.run, error).await,
        };
        let manifest = self.look_at(&run_id).await?;
        let refused = |error| what_to_do(commit_error(&error), &run_id);
        may_be_deleted(&manifest).map_err(|refusal| refused(CommitError::Refused(refusal)))?;
        self.refuse_worktree(&manifest).await?;
        let before = self.detail(&manifest).await?;
        // What its parent has not heard yet, nobody could tell it afterwards.
        self.after_end(&manifest, &|_| {}).await;
        // The accounts above it keep what they last knew of it. A run that never started has no end to settle it.
        self.settle_share(&manifest).await?;
        self.store.delete(&run_id, &may_be_deleted).await.map_err(refused)?;
        self.forget_worktree(&manifest).await;
        Ok(DeletedRun { run: before, originals_kept_at: self.originals(&manifest) })
    }
}

impl<S: Places + 'static> Engine<S> {
    /// A run that is not found may be one whose deletion somebody was killed at: then that is finished.
    async fn finish_deletion(&self, run: &str, not_found: ApiError) -> Result<DeletedRun, ApiError> {
        let (ErrorCode::NotFound, Ok(run_id)) = (not_found.code, RunId::parse(run)) else {
            return Err(not_found);
        };
        match self.store.finish_deletion(&run_id).await.map_err(|error| store_error(&error))? {
            Some(manifest) => Ok(DeletedRun {
                run: self.detail(&manifest).await?,
                originals_kept_at: self.originals(&manifest),
            }),
            None => Err(not_found),
        }
    }
}

/// Asked under the run's lock: nobody takes it back out, or starts it, between the question and the deletion.
fn may_be_deleted(manifest: &Manifest) -> Result<(), Refusal> {
    const WHAT: &str = "deleting the run";
    match &manifest.state.phase {
        Phase::Active { .. } => {
            let why = "it is running, or was interrupted: abort it or let it end first".to_owned();
            return Err(Refusal::NotAllowed { what: WHAT, why });
        }
        Phase::Initialized | Phase::Ready | Phase::Ended { .. } => {}
    }
    if manifest.state.archived_at.is_none() {
        return Err(Refusal::NotAllowed { what: WHAT, why: "it is not archived".to_owned() });
    }
    Ok(())
}

impl<S: Places + 'static> Handle<SetName> for Engine<S> {
    async fn call(&self, request: SetName) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::Named { name: request.name }).await
    }
}

impl<S: Places + 'static> Handle<SetNote> for Engine<S> {
    async fn call(&self, request: SetNote) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::Noted { note: request.note }).await
    }
}

impl<S: Places + 'static> Handle<PinRun> for Engine<S> {
    async fn call(&self, request: PinRun) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::Pinned { pinned: request.pinned }).await
    }
}

impl<S: Places + 'static> Handle<SetGroup> for Engine<S> {
    async fn call(&self, request: SetGroup) -> Result<RunDetail, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let group_id = request.group_id.unwrap_or_else(|| run_id.to_string());
        let manifest = self.relate_to_others(&run_id, ControlFact::Grouped { group_id }).await?;
        self.detail(&manifest).await
    }
}

impl<S: Places + 'static> Handle<SetBackendSession> for Engine<S> {
    async fn call(&self, request: SetBackendSession) -> Result<RunDetail, ApiError> {
        self.steer(&request.run, ControlFact::BackendSessionSet { id: request.backend_session_id }).await
    }
}
