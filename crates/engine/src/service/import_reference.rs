//! Runs of the reference implementation are brought here: found, read, mapped, put in place. What cannot be taken over stays as it
//! is, is named with a reason, and keeps nothing else from coming.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use agent_runner_api::operations::ImportReference;
use agent_runner_api::view::{DirectoryAction, DirectoryImport, ImportedDirectory};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::capabilities::is_of_reference;
use agent_runner_model::import::digest_of;
use agent_runner_model::{Manifest, RunId};
use agent_runner_store::{
    AdoptedRun, Arrival, Aside, OutsideRun, Problem, ProblemKind, RunQuery, Seeds, StoreError,
};
use agent_runner_supervisor::marker_values;

use super::reference_files::{check_handed, found_at, read, read_manifest, refuse_at_work};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;
use crate::reference::{Circumstances, Mapped, Outline, ReferenceError, digest, map, outline};

/// Generations above a run that are looked for.
const MAX_ANCESTORS: usize = 64;
/// The variable by which workers there know their run.
const RUN_VARIABLE: &str = "AGENT_RUNNER_RUN_ID";

/// A run directory that is to be brought here.
#[derive(Debug, Clone)]
struct Candidate {
    /// Where it is.
    dir: PathBuf,
    /// What it was called when it was a run.
    name: String,
    /// If somebody was killed at it: it is out of the way already.
    aside: Option<Aside>,
}

impl Candidate {
    fn at(dir: PathBuf) -> Self {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { dir, name, aside: None }
    }
}

/// A candidate that was looked at.
struct Looked {
    candidate: Candidate,
    outline: Outline,
}

/// What is known while runs come.
struct Import<'a, T> {
    turn: T,
    dry_run: bool,
    /// Whose parent is whose, among those that come.
    parents: HashMap<RunId, Option<RunId>>,
    /// Runs that some process says it works for.
    at_work: &'a [String],
}

impl<S: Places + 'static> Handle<ImportReference> for Engine<S> {
    async fn call(&self, request: ImportReference) -> Result<DirectoryImport, ApiError> {
        let turn = self.store.hold_imports().await.map_err(|error| store_error(&error))?;
        let mut runs = Vec::new();
        let mut looked = Vec::new();
        let unfinished = self.store.unfinished_asides(&turn).await.map_err(|error| store_error(&error))?;
        for aside in unfinished {
            let name = aside.from.file_name().map(|name| name.to_string_lossy().into_owned());
            let candidate =
                Candidate { dir: aside.place.clone(), name: name.unwrap_or_default(), aside: Some(aside) };
            self.consider(candidate, false, &mut looked, &mut runs).await;
        }
        for dir in self.own(request.all).await? {
            self.consider(Candidate::at(dir), true, &mut looked, &mut runs).await;
        }
        for path in &request.paths {
            match found_at(path) {
                Ok((dirs, is_one)) => {
                    for dir in dirs {
                        self.consider(Candidate::at(dir), !is_one, &mut looked, &mut runs).await;
                    }
                }
                Err(error) => runs.push(refused(Path::new(path), None, error)),
            }
        }
        let parents = looked.iter().map(|run| (run.outline.run_id.clone(), run.outline.parent.clone()));
        let parents = parents.collect();
        let at_work = marker_values(RUN_VARIABLE);
        let import = Import { turn, dry_run: request.dry_run, parents, at_work: &at_work };
        for run in looked {
            runs.push(self.bring(&import, run).await);
        }
        runs.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(DirectoryImport { runs })
    }
}

fn refused(path: &Path, outline: Option<&Outline>, error: ApiError) -> ImportedDirectory {
    ImportedDirectory {
        path: path.display().to_string(),
        action: DirectoryAction::Refused,
        run_id: outline.map(|outline| outline.run_id.clone()),
        name: outline.and_then(|outline| outline.name.clone()),
        status: None,
        kept_at: None,
        remarks: Vec::new(),
        error: Some(error),
    }
}

fn reference_error(error: &ReferenceError) -> ApiError {
    ApiError::from_error(ErrorCode::Unreadable, error).hint(error.hint())
}

impl<S: Places + 'static> Engine<S> {
    /// Directories of the reference among this program's own runs, and what might be one.
    async fn own(&self, all: bool) -> Result<Vec<PathBuf>, ApiError> {
        if !all {
            return Ok(Vec::new());
        }
        let query = RunQuery { include_archived: true, ..RunQuery::default() };
        let listing = self.store.query(&query).await.map_err(|error| store_error(&error))?;
        let is_candidate = |problem: &Problem| match problem.kind {
            ProblemKind::Reference | ProblemKind::Unreadable => true,
            ProblemKind::Newer => false,
        };
        let problems = listing.problems.into_iter().filter(is_candidate);
        Ok(problems.filter_map(|problem| problem.path.parent().map(Path::to_path_buf)).collect())
    }

    /// Reads what a directory is. Runs of this program among others are passed over.
    async fn consider(
        &self,
        candidate: Candidate,
        is_one_of_many: bool,
        looked: &mut Vec<Looked>,
        runs: &mut Vec<ImportedDirectory>,
    ) {
        if looked.iter().any(|known| known.candidate.dir == candidate.dir) {
            return;
        }
        let text = match OutsideRun::open(&candidate.dir).and_then(|run| read_manifest(&run)) {
            Ok(text) => text,
            Err(error) => return runs.push(refused(&candidate.dir, None, store_error(&error))),
        };
        match outline(&text, &candidate.name) {
            Ok(outline) => looked.push(Looked { candidate, outline }),
            Err(ReferenceError::Other) if is_one_of_many => {}
            Err(error) => runs.push(refused(&candidate.dir, None, reference_error(&error))),
        }
    }

    async fn bring(&self, import: &Import<'_, S::Turn>, run: Looked) -> ImportedDirectory {
        match self.try_bring(import, &run).await {
            Ok(imported) => imported,
            Err(error) => refused(&run.candidate.dir, Some(&run.outline), error),
        }
    }

    async fn try_bring(
        &self,
        import: &Import<'_, S::Turn>,
        run: &Looked,
    ) -> Result<ImportedDirectory, ApiError> {
        if let Some(present) = self.present(run).await? {
            return self.already_there(import, run, &present).await;
        }
        refuse_at_work(&run.outline, import.at_work)?;
        let outside = OutsideRun::open(&run.candidate.dir).map_err(|error| store_error(&error))?;
        let (original, seeds) = read(&outside, &run.candidate.name).map_err(|error| store_error(&error))?;
        let around = Circumstances {
            now: self.now(),
            further_ancestors: self.further_ancestors(import, run.outline.parent.as_ref()).await,
            stop_grace_sec: self.config.stop_grace_sec,
            command: self.config.command.clone(),
        };
        let mapped = map(&original, &around).map_err(|error| reference_error(&error))?;
        check_handed(&outside, &mapped)?;
        let imported = ImportedDirectory {
            path: run.candidate.dir.display().to_string(),
            action: DirectoryAction::WouldImport,
            run_id: Some(run.outline.run_id.clone()),
            name: run.outline.name.clone(),
            status: Some(mapped.manifest.status(false)),
            kept_at: None,
            remarks: mapped.remarks.clone(),
            error: None,
        };
        if import.dry_run {
            return Ok(imported);
        }
        let kept_at = self.take_over(import, run, mapped, seeds).await?;
        let kept_at = kept_at.map(|path| path.display().to_string());
        Ok(ImportedDirectory { action: DirectoryAction::Imported, kept_at, ..imported })
    }

    /// The run that was made of the directory before. Another run of that id is a refusal.
    async fn present(&self, run: &Looked) -> Result<Option<Manifest>, ApiError> {
        if !self.store.is_taken(&run.outline.run_id).map_err(|error| store_error(&error))? {
            return Ok(None);
        }
        match self.store.snapshot(&run.outline.run_id).await {
            Ok(manifest) if is_of_reference(&manifest.spec.origin) => Ok(Some(manifest)),
            Ok(_) => {
                let id = &run.outline.run_id;
                let error = ApiError::new(ErrorCode::NotAllowed, format!("another run is called \"{id}\""));
                Err(error.hint(format!("look at it with `agent-runner run status {id}`; to bring this one here, archive and delete the other")))
            }
            // Somebody else's directory of that id is in the way if it is not this one; putting the run in place finds out.
            Err(
                StoreError::NotFound { .. } | StoreError::Reference { .. } | StoreError::Ambiguous { .. },
            ) => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }

    async fn already_there(
        &self,
        import: &Import<'_, S::Turn>,
        run: &Looked,
        present: &Manifest,
    ) -> Result<ImportedDirectory, ApiError> {
        let text = OutsideRun::open(&run.candidate.dir).and_then(|outside| read_manifest(&outside));
        let text = text.map_err(|error| store_error(&error))?;
        let is_same = digest_of(&present.spec.origin) == Some(&digest(&text));
        let mut kept_at = None;
        if let (Some(aside), false) = (&run.candidate.aside, import.dry_run) {
            let settled = self.store.settle_aside(&import.turn, aside).await;
            kept_at = Some(settled.map_err(|error| store_error(&error))?.display().to_string());
        }
        let changed = "it was imported before, and has changed there since; what changed is not taken over";
        Ok(ImportedDirectory {
            path: run.candidate.dir.display().to_string(),
            action: DirectoryAction::Present,
            run_id: Some(run.outline.run_id.clone()),
            name: present.state.name.clone(),
            status: Some(present.status(false)),
            kept_at,
            remarks: if is_same { Vec::new() } else { vec![changed.to_owned()] },
            error: None,
        })
    }

    /// Puts the run in place. A directory that lies where the run is to be goes out of the way before, and comes back if that
    /// fails. Says where it is kept.
    async fn take_over(
        &self,
        import: &Import<'_, S::Turn>,
        run: &Looked,
        mapped: Mapped,
        seeds: Seeds,
    ) -> Result<Option<PathBuf>, ApiError> {
        let aside = match &run.candidate.aside {
            Some(aside) => Some(aside.clone()),
            None => {
                let moved = self.store.set_aside(&import.turn, &run.candidate.dir).await;
                moved.map_err(|error| store_error(&error))?
            }
        };
        let place = aside.as_ref().map_or(&run.candidate.dir, |aside| &aside.place);
        let put = self.put_in_place(place, mapped, seeds).await;
        match (put, aside) {
            (Ok(_), None) => Ok(None),
            (Ok(_), Some(aside)) => {
                let settled = self.store.settle_aside(&import.turn, &aside).await;
                settled.map(Some).map_err(|error| store_error(&error))
            }
            (Err(error), None) => Err(store_error(&error)),
            (Err(error), Some(aside)) => {
                // Where not even that is possible, it stays where it is, and the next import goes on with it.
                let _ = self.store.put_back(&import.turn, &aside).await;
                Err(store_error(&error))
            }
        }
    }

    async fn put_in_place(&self, place: &Path, mapped: Mapped, seeds: Seeds) -> Result<Manifest, StoreError> {
        let outside = OutsideRun::open(place)?;
        let Mapped { manifest, history, events, blobs, handed, remarks: _ } = mapped;
        let mut bring = |arrival: &mut dyn Arrival| {
            for (name, bytes) in &blobs {
                arrival.put(name, &mut bytes.as_slice(), bytes.len() as u64)?;
            }
            for file in &handed {
                let gone = || StoreError::Input { source: std::io::ErrorKind::NotFound.into() };
                let mut source = outside.file(&file.from)?.ok_or_else(gone)?;
                let kept = &file.attachment;
                let stored = arrival.put(&kept.relative_path, &mut source, kept.size)?;
                if stored.size != kept.size || stored.sha256 != kept.sha256 {
                    let source = std::io::Error::other("a file changed while it was read");
                    return Err(StoreError::Input { source });
                }
            }
            Ok(())
        };
        let run = AdoptedRun { manifest, history, events, seeds };
        self.store.adopt(run, self.now(), &mut bring).await
    }

    /// The runs above a run's parent, nearest first, as far as anybody knows them.
    async fn further_ancestors(&self, import: &Import<'_, S::Turn>, parent: Option<&RunId>) -> Vec<RunId> {
        let mut above = Vec::new();
        let mut at = parent.cloned();
        while let Some(id) = at.take().filter(|_| above.len() < MAX_ANCESTORS) {
            match import.parents.get(&id) {
                Some(Some(next)) if !above.contains(next) && Some(next) != parent => {
                    above.push(next.clone());
                    at = Some(next.clone());
                }
                Some(_) => {}
                None => {
                    if let Ok(manifest) = self.store.snapshot(&id).await {
                        above.extend(manifest.spec.ancestors());
                    }
                }
            }
        }
        above
    }
}
