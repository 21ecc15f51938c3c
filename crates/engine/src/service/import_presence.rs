//! Whether a run of the reference implementation is here already, or another one that has its id. Must not take one for another.

use std::collections::HashMap;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::capabilities::is_of_reference;
use agent_runner_model::import::digest_of;
use agent_runner_model::spec::Origin;
use agent_runner_model::{Manifest, RunId};
use agent_runner_store::{RunQuery, StoreError};

use super::import_reference::Looked;
use super::reference_files::is_original;
use crate::clock::random_text;
use crate::engine::Engine;
use crate::failure::{internal, store_error};
use crate::place::Places;
use crate::reference::Outline;

/// Random characters of a new id.
const ID_LENGTH: usize = 10;

/// What is here, as far as it was looked for.
#[derive(Default)]
pub(super) struct Presence {
    /// Runs that would be here, if anything were done.
    coming: HashMap<RunId, Manifest>,
    /// Runs that were imported, by what tells their originals; nothing until somebody needs it.
    imported: Option<HashMap<String, RunId>>,
}

impl Presence {
    /// A run would come.
    pub(super) fn would_come(&mut self, run: Manifest) {
        self.coming.insert(run.spec.run_id.clone(), run);
    }
}

/// Whether a run here was made of that one.
fn is_made_of(here: &Manifest, there: &Outline) -> bool {
    let Origin::Imported { from } = &here.spec.origin else { return false };
    let repo = from.original_repo.as_ref().unwrap_or(&here.spec.repo);
    // It may have changed there since; when and for what it was made does not.
    let is_same_run = here.spec.created_at == there.started_at && *repo == there.repo;
    is_of_reference(&here.spec.origin) && (is_same_run || digest_of(&here.spec.origin) == Some(&there.digest))
}

impl<S: Places + 'static> Engine<S> {
    /// An id that nobody has.
    pub(super) fn new_id(&self) -> Result<RunId, ApiError> {
        let text = random_text(ID_LENGTH).map_err(|error| internal(&error))?;
        RunId::parse(&text).map_err(|error| internal(&error))
    }

    /// The run that was made of the directory before. That another one has its id is a refusal.
    pub(super) async fn present(
        &self,
        presence: &mut Presence,
        run: &Looked,
    ) -> Result<Option<Manifest>, ApiError> {
        let id = run.id();
        if let Some(coming) = presence.coming.get(id) {
            return if is_made_of(coming, &run.outline) {
                Ok(Some(coming.clone()))
            } else {
                Err(another(id))
            };
        }
        let bearers = self.store.bearers(id, &run.candidate.dir).map_err(|error| store_error(&error))?;
        let Some(bearer) = bearers.first() else { return Ok(None) };
        match self.store.snapshot(id).await {
            Ok(here) if is_made_of(&here, &run.outline) => Ok(Some(here)),
            Ok(_) => match self.made_before(presence, &run.outline).await? {
                Some(here) => Ok(Some(here)),
                None => Err(another(id)),
            },
            Err(
                StoreError::NotFound { .. } | StoreError::Reference { .. } | StoreError::Ambiguous { .. },
            ) => {
                if let Some(here) = self.made_before(presence, &run.outline).await? {
                    return Ok(Some(here));
                }
                let message = format!("another directory has the id \"{id}\": {}", bearer.display());
                Err(ApiError::new(ErrorCode::NotAllowed, message).hint(
                    "import one of them by its path with --as-new-id: it gets an id of its own; then the other can come",
                ))
            }
            Err(error) => Err(store_error(&error)),
        }
    }

    /// The directories a run was made of, where they are kept. They hold what they held, and go only by whoever wants that.
    pub(super) fn originals(&self, run: &Manifest) -> Vec<String> {
        let Origin::Imported { from } = &run.spec.origin else { return Vec::new() };
        let Some(digest) = &from.digest else { return Vec::new() };
        // The run is gone already: a place that cannot be looked at is no reason to say that it failed.
        let kept = self.store.kept_asides(&from.original_run_id).unwrap_or_default();
        let kept = kept.into_iter().filter(|dir| is_original(dir, digest));
        kept.map(|dir| dir.display().to_string()).collect()
    }

    /// The run that was made of it under another id.
    async fn made_before(
        &self,
        presence: &mut Presence,
        there: &Outline,
    ) -> Result<Option<Manifest>, ApiError> {
        if presence.imported.is_none() {
            let query = RunQuery { include_archived: true, ..RunQuery::default() };
            let listing = self.store.query(&query).await.map_err(|error| store_error(&error))?;
            let made = listing.runs.into_iter().filter_map(|run| {
                let digest = digest_of(&run.manifest.spec.origin)?.clone();
                Some((digest, run.manifest.spec.run_id))
            });
            presence.imported = Some(made.collect());
        }
        let Some(id) = presence.imported.as_ref().and_then(|made| made.get(&there.digest)) else {
            return Ok(None);
        };
        // It may have been deleted since.
        Ok(self.store.snapshot(id).await.ok().filter(|here| is_made_of(here, there)))
    }
}

fn another(id: &RunId) -> ApiError {
    ApiError::new(ErrorCode::NotAllowed, format!("another run is called \"{id}\"")).hint(format!(
        "`agent-runner run status {id}` shows it; with --as-new-id this one gets an id of its own"
    ))
}
