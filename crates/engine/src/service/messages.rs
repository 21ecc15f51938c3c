//! Operations on the words that wait for a run's next session.

use agent_runner_api::operations::{ListMessages, QueueMessage, RemoveMessage};
use agent_runner_api::view::MessageList;
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::manifest::QueuedMessage;
use agent_runner_model::phase::{Phase, RunStatus};
use agent_runner_model::{ControlFact, Fact, Lease, Manifest, RunId, redacted};

use super::hints::what_to_do;
use crate::clock::random_text;
use crate::engine::Engine;
use crate::failure::internal;
use crate::place::Places;

/// Random characters of a message's id.
const ID_LENGTH: usize = 8;

impl<S: Places + 'static> Handle<QueueMessage> for Engine<S> {
    async fn call(&self, request: QueueMessage) -> Result<MessageList, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let (manifest, situation) = self.observe(self.look_at(&run_id).await?).await?;
        if let Some(refusal) = refusal(&manifest, situation.lease) {
            return Err(refusal);
        }
        let text = random_text(ID_LENGTH).map_err(|error| internal(&error))?;
        let id = format!("msg-{text}");
        let message =
            QueuedMessage { id: id.clone(), text: request.text, queued_at: self.now(), from_run_id: None };
        let committed = self.commit(&run_id, &[Fact::Control(ControlFact::MessageQueued { message })]).await;
        let manifest = match committed {
            Ok(manifest) => manifest,
            // It may have ended since it was looked at.
            Err(error) => {
                let (manifest, situation) = self.observe(self.look_at(&run_id).await?).await?;
                return Err(refusal(&manifest, situation.lease).unwrap_or_else(|| what_to_do(error, &run_id)));
            }
        };
        self.messages(manifest, Some(id)).await
    }
}

/// Why no words can be left for a run: nobody would read them.
fn refusal(manifest: &Manifest, lease: Lease) -> Option<ApiError> {
    let run_id = &manifest.spec.run_id;
    let status = manifest.status(lease == Lease::Free);
    let resume = format!("resume it with this message: `agent-runner run --resume-run {run_id} MESSAGE`");
    let hint = match status {
        RunStatus::Running => return None,
        _ if manifest.spec.is_passive() => "a passive run has no worker that could be told".to_owned(),
        RunStatus::Initialized => {
            format!("approve it with `agent-runner run ready {run_id}`, and start it first")
        }
        RunStatus::Ready => format!("start it first: `agent-runner run --resume-run {run_id}`"),
        RunStatus::Interrupted
        | RunStatus::Success
        | RunStatus::Blocked
        | RunStatus::Exhausted
        | RunStatus::Aborted
        | RunStatus::Error => resume,
    };
    let hint = match manifest.state.archived_at {
        Some(_) if !manifest.spec.is_passive() => {
            format!("`agent-runner run unarchive {run_id}` takes it back out; then {hint}")
        }
        Some(_) | None => hint,
    };
    let message = format!("run {run_id} is not running: it is {}", status.as_str());
    Some(ApiError::new(ErrorCode::NotAllowed, message).hint(hint))
}

impl<S: Places + 'static> Handle<ListMessages> for Engine<S> {
    async fn call(&self, request: ListMessages) -> Result<MessageList, ApiError> {
        let run_id = self.resolve(&request.run)?;
        self.messages(self.look_at(&run_id).await?, None).await
    }
}

impl<S: Places + 'static> Handle<RemoveMessage> for Engine<S> {
    async fn call(&self, request: RemoveMessage) -> Result<MessageList, ApiError> {
        let run_id = self.resolve(&request.run)?;
        let fact = Fact::Control(ControlFact::MessageRemoved { id: request.message.clone() });
        let committed = self.commit(&run_id, &[fact]).await;
        let manifest = committed.map_err(|error| unknown(what_to_do(error, &run_id), &run_id))?;
        self.messages(manifest, Some(request.message)).await
    }
}

fn unknown(error: ApiError, run_id: &RunId) -> ApiError {
    if error.code == ErrorCode::NotAllowed && error.hint.is_none() {
        return error.hint(format!(
            "`agent-runner run queued-messages {run_id}` lists those that wait; one that is gone was worked off, or \
             taken back"
        ));
    }
    error
}

impl<S: Places + 'static> Engine<S> {
    async fn messages(
        &self,
        manifest: Manifest,
        message_id: Option<String>,
    ) -> Result<MessageList, ApiError> {
        let is_active = matches!(manifest.state.phase, Phase::Active { .. });
        let free = is_active && self.situation(&manifest).await?.lease == Lease::Free;
        Ok(MessageList {
            run_id: manifest.spec.run_id.clone(),
            effective_status: manifest.status(free),
            message_id,
            queued_resume_messages: redacted(&manifest).state.queued_resume_messages.clone(),
        })
    }
}
