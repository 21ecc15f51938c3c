//! Files that are handed over with runs: added, listed, handed out, taken away. Bytes come and go through readers and
//! writers; where from and where to is the front door's business.

use std::io::{Read, Write};
use std::path::Path;

use agent_runner_api::operations::{AttachmentScope, ListAttachments, RemoveAttachment};
use agent_runner_api::view::{AttachmentList, AttachmentView};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::attachment::{
    Attachment, MAX_ATTACHMENT_BYTES, check_attachment_name, check_mime_type, file_name, mime_type_of,
};
use agent_runner_model::{ControlFact, Fact, Manifest, RunId, apply_all, redacted};
use agent_runner_store::{Kin, StoreError, failpoint};

use super::hints::what_to_do;
use super::runs::problem;
use crate::clock::random_text;
use crate::engine::Engine;
use crate::failure::{internal, refusal_error, store_error};
use crate::place::Places;

const FOLDER: &str = "attachments";
/// How attachments' ids begin.
const PREFIX: &str = "att-";
/// Random characters of an attachment's id.
const ID_LENGTH: usize = 10;

/// A file that is to be handed over.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    /// Id or path of the run.
    pub run: String,
    /// Its name for people.
    pub name: String,
    /// Its media type; else the one that goes with its name.
    pub mime_type: Option<String>,
    /// How many bytes are to be expected.
    pub size: u64,
}

impl<S: Places + 'static> Engine<S> {
    /// Hands a file over. What would exceed a limit is refused before anything is kept.
    pub async fn add_attachment(
        &self,
        new: NewAttachment,
        source: &mut (dyn Read + Send),
    ) -> Result<AttachmentView, ApiError> {
        let run_id = self.resolve(&new.run)?;
        let invalid = |why: String| ApiError::new(ErrorCode::Invalid, why);
        let rename = "give it another name with --name";
        check_attachment_name(&new.name).map_err(|why| invalid(why).hint(rename))?;
        if let Some(mime_type) = &new.mime_type {
            let correct = "correct --mime-type, or leave it out";
            check_mime_type(mime_type).map_err(|why| invalid(why).hint(correct))?;
        }
        let mut attachment = self.named(new.name, new.mime_type, None)?;
        let manifest = self.look_at(&run_id).await?;
        let preview = [added(&attachment)];
        apply_all(&manifest, &preview, self.now())
            .map_err(|refusal| what_to_do(refusal_error(&refusal), &run_id))?;
        self.sweep(&run_id).await.map_err(|error| store_error(&error))?;
        let hold = self.store.hold_blobs(&run_id, FOLDER).await.map_err(|error| store_error(&error))?;
        let kept =
            self.store.put_blob_from(&run_id, &attachment.relative_path, source, MAX_ATTACHMENT_BYTES).await;
        let stored = kept.map_err(|error| what_to_do(not_kept(&error), &run_id))?;
        attachment.size = stored.size;
        attachment.sha256 = stored.sha256;
        failpoint::hit("command.attachment_kept");
        if let Err(error) = self.commit(&run_id, &[added(&attachment)]).await {
            // What may have landed all the same is looked at by the next sweep.
            match error.code {
                ErrorCode::NotAllowed | ErrorCode::Invalid => {
                    let _ = self.store.remove_blob(&run_id, &attachment.relative_path).await;
                }
                _ => {}
            }
            return Err(what_to_do(error, &run_id));
        }
        drop(hold);
        Ok(AttachmentView { owner_run_id: run_id, attachment })
    }

    fn named(
        &self,
        name: String,
        mime_type: Option<String>,
        id: Option<String>,
    ) -> Result<Attachment, ApiError> {
        let text = random_text(ID_LENGTH).map_err(|error| internal(&error))?;
        let place = format!("{PREFIX}{text}");
        Ok(Attachment {
            relative_path: format!("{FOLDER}/{place}/{}", file_name(&name)),
            mime_type: mime_type.unwrap_or_else(|| mime_type_of(&name).to_owned()),
            name,
            size: 0,
            sha256: String::new(),
            added_at: self.now(),
            id: id.unwrap_or(place),
        })
    }

    /// Keeps what is taken in, and counts by no commit yet, from being swept.
    pub(crate) async fn hold_files(&self, run_id: &RunId) -> Result<S::Hold, ApiError> {
        self.store.hold_blobs(run_id, FOLDER).await.map_err(|error| store_error(&error))
    }

    /// Takes a file in that a hook hands over, under an id that is known already if it takes that one's place. It counts by
    /// the commit that names it.
    pub(crate) async fn keep_file(
        &self,
        run_id: &RunId,
        source: &Path,
        name: String,
        mime_type: Option<String>,
        id: Option<String>,
    ) -> Result<Attachment, ApiError> {
        let invalid = |why: String| ApiError::new(ErrorCode::Invalid, why);
        check_attachment_name(&name).map_err(invalid)?;
        mime_type.as_deref().map_or(Ok(()), check_mime_type).map_err(invalid)?;
        let unreadable = |error: std::io::Error| {
            invalid(format!("the file {} cannot be handed over: {error}", source.display()))
        };
        if !std::fs::metadata(source).map_err(unreadable)?.is_file() {
            return Err(invalid(format!("{} is no file that can be handed over", source.display())));
        }
        let mut file = std::fs::File::open(source).map_err(unreadable)?;
        let mut attachment = self.named(name, mime_type, id)?;
        let kept =
            self.store.put_blob_from(run_id, &attachment.relative_path, &mut file, MAX_ATTACHMENT_BYTES);
        let stored = kept.await.map_err(|error| not_kept(&error))?;
        attachment.size = stored.size;
        attachment.sha256 = stored.sha256;
        Ok(attachment)
    }

    /// What is known of a file.
    pub async fn attachment(&self, run: &str, id: &str) -> Result<AttachmentView, ApiError> {
        let run_id = self.resolve(run)?;
        let manifest = self.look_at(&run_id).await?;
        let attachment = manifest.state.attachments.iter().find(|known| known.id == id).cloned();
        match attachment {
            Some(attachment) => Ok(AttachmentView { owner_run_id: run_id, attachment }),
            None => Err(unknown(&run_id, id)),
        }
    }

    /// Hands a file out. What was written counts only if this succeeds: its bytes are those that were handed over.
    pub async fn copy_attachment(
        &self,
        view: &AttachmentView,
        out: &mut (dyn Write + Send),
    ) -> Result<(), ApiError> {
        let AttachmentView { owner_run_id: run_id, attachment } = view;
        let copied = self.store.copy_blob(run_id, &attachment.relative_path, out).await;
        let what = match copied.map_err(|error| store_error(&error))? {
            Some(stored) if stored.sha256 == attachment.sha256 && stored.size == attachment.size => {
                return Ok(());
            }
            Some(_) => "is not what was handed over: somebody changed its file",
            // It may have been removed since it was looked at.
            None => {
                self.attachment(run_id.as_str(), &attachment.id).await?;
                "has no file any more"
            }
        };
        let id = &attachment.id;
        Err(ApiError::new(ErrorCode::Storage, format!("attachment {id} of run {run_id} {what}")).hint(
            format!(
                "hand it over again, and remove this one: `agent-runner attachment remove {run_id} {id}`"
            ),
        ))
    }

    /// Takes away what somebody left who died while handing a file over.
    async fn sweep(&self, run_id: &RunId) -> Result<(), StoreError> {
        // What does not look like ours was not left by one of ours.
        let is_known = |manifest: &Manifest, name: &str| {
            let place = format!("{FOLDER}/{name}/");
            let mut known = manifest.state.attachments.iter();
            !name.starts_with(PREFIX) || known.any(|known| known.relative_path.starts_with(&place))
        };
        self.store.sweep_blobs(run_id, FOLDER, &is_known).await.map(|_| ())
    }

    /// The same for who only looks: a state directory that cannot be written to is no reason not to.
    async fn sweep_if_possible(&self, run_id: &RunId) -> Result<(), ApiError> {
        match self.sweep(run_id).await {
            Err(error @ (StoreError::Foreign { .. } | StoreError::NotFound { .. })) => {
                Err(store_error(&error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn added(attachment: &Attachment) -> Fact {
    Fact::Control(ControlFact::AttachmentAdded { attachment: attachment.clone() })
}

fn not_kept(error: &StoreError) -> ApiError {
    match error {
        StoreError::TooLarge { .. } => {
            let message = "adding the attachment is not possible: an attachment has at most 25 MiB";
            ApiError::new(ErrorCode::NotAllowed, message)
        }
        StoreError::Input { .. } => ApiError::from_error(ErrorCode::Invalid, error),
        _ => store_error(error),
    }
}

fn unknown(run_id: &RunId, id: &str) -> ApiError {
    let message = format!("run {run_id} has no attachment {id:?}");
    ApiError::new(ErrorCode::NotFound, message)
        .hint(format!("`agent-runner attachment list {run_id}` lists them, with the runs they belong to"))
}

impl<S: Places + 'static> Handle<ListAttachments> for Engine<S> {
    async fn call(&self, request: ListAttachments) -> Result<AttachmentList, ApiError> {
        let run_id = self.resolve(&request.run)?;
        self.sweep_if_possible(&run_id).await?;
        let manifest = self.look_at(&run_id).await?;
        let run_group_id = manifest.state.run_group_id.clone();
        let (mut others, mut problems) = (Vec::new(), Vec::new());
        match request.scope {
            AttachmentScope::Run => {}
            AttachmentScope::Group => {
                let members = self.store.kin(Kin::Group(&run_group_id)).await;
                let members = members.map_err(|error| store_error(&error))?;
                problems.extend(members.problems.into_iter().map(problem));
                let is_other =
                    |run: &Manifest| run.spec.run_id != run_id && run.state.run_group_id == run_group_id;
                others.extend(members.runs.into_iter().filter(is_other).flat_map(views));
                others.sort_by_key(|view| view.attachment.added_at);
            }
        }
        let attachments = views(manifest).into_iter().chain(others).collect();
        Ok(AttachmentList { run_id, run_group_id, scope: request.scope, attachments, problems })
    }
}

fn views(manifest: Manifest) -> Vec<AttachmentView> {
    let shown = redacted(&manifest).into_owned();
    let owner = shown.spec.run_id;
    let view = |attachment| AttachmentView { owner_run_id: owner.clone(), attachment };
    shown.state.attachments.into_iter().map(view).collect()
}

impl<S: Places + 'static> Handle<RemoveAttachment> for Engine<S> {
    /// Answers with the file as it was.
    async fn call(&self, request: RemoveAttachment) -> Result<AttachmentView, ApiError> {
        let view = self.attachment(&request.run, &request.attachment).await?;
        let run_id = &view.owner_run_id;
        // Before it stops counting: what a link leads to is not ours to take away.
        let kept = self.store.has_blob(run_id, &view.attachment.relative_path).await;
        kept.map_err(|error| store_error(&error))?;
        let fact = Fact::Control(ControlFact::AttachmentRemoved { id: request.attachment.clone() });
        let committed = self.commit(run_id, &[fact]).await;
        committed.map_err(|error| {
            let error = what_to_do(error, run_id);
            // Somebody else was faster.
            if error.code == ErrorCode::NotAllowed && error.hint.is_none() {
                return unknown(run_id, &request.attachment);
            }
            error
        })?;
        // It does not count any more; what cannot be taken away now is swept later.
        let _ = self.store.remove_blob(run_id, &view.attachment.relative_path).await;
        let _ = self.sweep(run_id).await;
        Ok(view)
    }
}
