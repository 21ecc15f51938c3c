//! Runs of the reference implementation are brought here: found, read, mapped, put in place. What cannot be taken over stays as it
//! is, is named with a reason, and keeps nothing else from coming.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use agent_runner_api::operations::ImportReference;
use agent_runner_api::view::{DirectoryAction, DirectoryImport, ImportedDirectory};
use agent_runner_api::{ApiError, ErrorCode, Handle};
use agent_runner_model::import::digest_of;
use agent_runner_model::{Manifest, RunId, Secrets, redacted};
use agent_runner_store::{
    AdoptedRun, Arrival, Aside, OutsideRun, Problem, ProblemKind, RunQuery, Seeds, StoreError, bucket_named,
};
use agent_runner_supervisor::marker_values;

use super::hiding::Hiding;
use super::import_presence::Presence;
use super::reference_family::Family;
use super::reference_files::{
    check_handed, found_at, read, read_manifest, refuse_at_work, stderr_log, stdout_log, stdout_name,
};
use crate::engine::Engine;
use crate::failure::store_error;
use crate::place::Places;
use crate::reference::{AttemptLogs, Circumstances, Mapped, Outline, ReferenceError, digest, map, outline};

/// Generations above a run that are looked for.
const MAX_ANCESTORS: usize = 64;
/// The variable by which workers there know their run.
const RUN_VARIABLE: &str = "AGENT_RUNNER_RUN_ID";

/// A run directory that is to be brought here.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Where it is.
    pub(super) dir: PathBuf,
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

    fn out_of_the_way(aside: Aside) -> Self {
        Self { dir: aside.place.clone(), aside: Some(aside.clone()), ..Self::at(aside.from) }
    }

    /// Whether both are one directory.
    fn is(&self, other: &Self) -> bool {
        let real = |dir: &Path| std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        self.dir == other.dir || real(&self.dir) == real(&other.dir)
    }

    /// The repository's part it is in, wherever it is now.
    pub(super) fn bucket(&self) -> Option<&Path> {
        self.aside.as_ref().map_or(self.dir.as_path(), |aside| &aside.from).parent()
    }
}

/// A candidate that was looked at.
pub(super) struct Looked {
    pub(super) candidate: Candidate,
    pub(super) outline: Outline,
    /// Its id here, if it gets another one than it had.
    pub(super) new_id: Option<RunId>,
}

impl Looked {
    /// Its id here.
    pub(super) fn id(&self) -> &RunId {
        self.new_id.as_ref().unwrap_or(&self.outline.run_id)
    }
}

/// What is known while runs come.
struct Import<'a, T> {
    turn: T,
    dry_run: bool,
    /// Whose parent is whose, among those that come.
    parents: HashMap<RunId, Option<RunId>>,
    /// Who is called what, among those that come.
    family: Family,
    /// What is here.
    presence: Presence,
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
            self.consider(Candidate::out_of_the_way(aside), false, &mut looked, &mut runs).await;
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
        if request.as_new_id {
            // One that somebody was killed at goes on as it was begun.
            for run in looked.iter_mut().filter(|run: &&mut Looked| run.candidate.aside.is_none()) {
                run.new_id = Some(self.new_id()?);
            }
        }
        let parents = looked.iter().map(|run| (run.outline.run_id.clone(), run.outline.parent.clone()));
        let at_work = marker_values(RUN_VARIABLE);
        let mut import = Import {
            turn,
            dry_run: request.dry_run,
            parents: parents.collect(),
            family: Family::of(&looked),
            presence: Presence::default(),
            at_work: &at_work,
        };
        for run in looked {
            runs.push(self.bring(&mut import, run).await);
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

/// What is said of a run, without what is shown to nobody.
fn shown(said: ImportedDirectory, secrets: &Secrets) -> ImportedDirectory {
    let hide = |text: String| secrets.hide(&text).into_owned();
    let error = said.error.map(|error| ApiError {
        code: error.code,
        message: hide(error.message),
        causes: error.causes.into_iter().map(hide).collect(),
        hint: error.hint.map(hide),
    });
    let remarks = said.remarks.into_iter().map(hide).collect();
    ImportedDirectory { name: said.name.map(hide), remarks, error, ..said }
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
        if looked.iter().any(|known| known.candidate.is(&candidate)) {
            return;
        }
        let text = OutsideRun::open(&candidate.dir).map_err(|error| store_error(&error));
        let text = match text.and_then(|run| read_manifest(&run)) {
            Ok(text) => text,
            Err(error) => return runs.push(refused(&candidate.dir, None, error)),
        };
        match outline(&text, &candidate.name) {
            Ok(outline) => {
                let new_id = candidate.aside.as_ref().and_then(|aside| aside.new_id.clone());
                looked.push(Looked { candidate, outline, new_id });
            }
            Err(ReferenceError::Other) if is_one_of_many => {}
            Err(error) => runs.push(refused(&candidate.dir, None, reference_error(&error))),
        }
    }

    async fn bring(&self, import: &mut Import<'_, S::Turn>, run: Looked) -> ImportedDirectory {
        let said = match self.try_bring(import, &run).await {
            Ok(imported) => imported,
            Err(error) => refused(&run.candidate.dir, Some(&run.outline), error),
        };
        shown(said, &run.outline.secrets)
    }

    async fn try_bring(
        &self,
        import: &mut Import<'_, S::Turn>,
        run: &Looked,
    ) -> Result<ImportedDirectory, ApiError> {
        let present = self.present(&mut import.presence, run).await;
        if let (Err(error), Some(aside), false) = (&present, &run.candidate.aside, import.dry_run)
            && error.code == ErrorCode::NotAllowed
        {
            // Another run came in between. Where it was it can be imported under another id.
            self.store.put_back(&import.turn, aside).await.map_err(|error| store_error(&error))?;
        }
        if let Some(present) = present? {
            return self.already_there(import, run, &present).await;
        }
        refuse_at_work(&run.outline, import.at_work)?;
        let outside = OutsideRun::open(&run.candidate.dir).map_err(|error| store_error(&error))?;
        let text = read_manifest(&outside)?;
        if digest(&text) != run.outline.digest {
            return Err(changed());
        }
        let read = read(&outside, &run.outline, text)?;
        let (relatives, ambiguous) = import.family.seen_from(run);
        let around = Circumstances {
            now: self.now(),
            further_ancestors: self.further_ancestors(import, run.outline.parent.as_ref()).await,
            stop_grace_sec: self.config.stop_grace_sec,
            command: self.config.command.clone(),
            bucket: bucket_named,
            new_id: run.new_id.clone(),
            relatives,
        };
        let mut mapped = map(&read.original, &around).map_err(|error| reference_error(&error))?;
        check_handed(&outside, &mapped)?;
        mapped.remarks.extend(read.left_out);
        mapped.remarks.extend(ambiguous.remark(&mapped.manifest));
        let imported = ImportedDirectory {
            path: run.candidate.dir.display().to_string(),
            action: DirectoryAction::WouldImport,
            run_id: Some(run.id().clone()),
            name: run.outline.name.clone(),
            status: Some(mapped.manifest.status(false)),
            kept_at: None,
            remarks: mapped.remarks.clone(),
            error: None,
        };
        if import.dry_run {
            import.presence.would_come(mapped.manifest);
            return Ok(imported);
        }
        let kept_at = self.take_over(import, run, mapped, read.seeds).await?;
        let kept_at = kept_at.map(|path| path.display().to_string());
        Ok(ImportedDirectory { action: DirectoryAction::Imported, kept_at, ..imported })
    }

    async fn already_there(
        &self,
        import: &Import<'_, S::Turn>,
        run: &Looked,
        present: &Manifest,
    ) -> Result<ImportedDirectory, ApiError> {
        let is_same = digest_of(&present.spec.origin) == Some(&run.outline.digest);
        let mut kept_at = None;
        if let (Some(aside), false) = (&run.candidate.aside, import.dry_run) {
            let settled = self.store.settle_aside(&import.turn, aside).await;
            kept_at = Some(settled.map_err(|error| store_error(&error))?.display().to_string());
        }
        let changed = "it was imported before, and has changed there since; what changed is not taken over";
        Ok(ImportedDirectory {
            path: run.candidate.dir.display().to_string(),
            action: DirectoryAction::Present,
            run_id: Some(present.spec.run_id.clone()),
            name: redacted(present).state.name.clone(),
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
                let dir = &run.candidate.dir;
                let moved = self.store.set_aside(&import.turn, dir, run.new_id.as_ref()).await;
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
            (Err(error), None) => Err(error),
            (Err(error), Some(aside)) => {
                // Where not even that is possible, it stays where it is, and the next import goes on with it.
                let _ = self.store.put_back(&import.turn, &aside).await;
                Err(error)
            }
        }
    }

    async fn put_in_place(&self, place: &Path, mapped: Mapped, seeds: Seeds) -> Result<Manifest, ApiError> {
        let outside = OutsideRun::open(place).map_err(|error| store_error(&error))?;
        let Mapped { manifest, history, events, blobs, attempts, handed, digest: known, remarks: _ } = mapped;
        // What went wrong there, where the store has no words for it.
        let mut why: Option<ApiError> = None;
        let mut bring = |arrival: &mut dyn Arrival| {
            for (name, bytes) in &blobs {
                arrival.put(name, &mut bytes.as_slice(), bytes.len() as u64)?;
            }
            for number in attempts.numbers() {
                put_logs(arrival, &outside, &attempts, number).map_err(|error| error.noted(&mut why))?;
            }
            for file in &handed {
                let gone = || StoreError::Input { source: std::io::ErrorKind::NotFound.into() };
                let mut source = outside.file(&file.from)?.ok_or_else(gone)?;
                let kept = &file.attachment;
                let stored = arrival.put(&kept.relative_path, &mut source, kept.size)?;
                if stored.size != kept.size || stored.sha256 != kept.sha256 {
                    return Err(Trouble::Api(changed()).noted(&mut why));
                }
            }
            // Now it is out of the way, or was read to its end: what was read is what counts only if it is still so.
            match read_manifest(&outside) {
                Ok(text) if digest(&text) == known => Ok(()),
                Ok(_) => Err(Trouble::Api(changed()).noted(&mut why)),
                Err(error) => Err(Trouble::Api(error).noted(&mut why)),
            }
        };
        let run = AdoptedRun { manifest, history, events, seeds };
        let adopted = self.store.adopt(run, self.now(), &mut bring).await;
        adopted.map_err(|error| why.unwrap_or_else(|| store_error(&error)))
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

/// Why files did not come.
enum Trouble {
    Store(StoreError),
    Api(ApiError),
}

impl Trouble {
    /// As the store takes it; the words are kept.
    fn noted(self, why: &mut Option<ApiError>) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Api(error) => {
                *why = Some(error);
                StoreError::Input { source: std::io::Error::other("see above") }
            }
        }
    }
}

fn put_logs(
    arrival: &mut dyn Arrival,
    outside: &OutsideRun,
    attempts: &AttemptLogs,
    number: u32,
) -> Result<(), Trouble> {
    // They were named when they were first looked at.
    let mut known = Vec::new();
    let stderr = stderr_log(outside, number, &mut known).map_err(Trouble::Api)?.unwrap_or_default();
    for (name, bytes) in attempts.of(number, &stderr) {
        arrival.put(&name, &mut bytes.as_slice(), bytes.len() as u64).map_err(Trouble::Store)?;
    }
    if let Some(log) = stdout_log(outside, number, &mut known).map_err(Trouble::Api)? {
        let mut shown = Hiding::new(log, attempts.secrets());
        arrival.put(&stdout_name(number), &mut shown, u64::MAX).map_err(Trouble::Store)?;
    }
    Ok(())
}

/// That somebody is at work on a directory.
fn changed() -> ApiError {
    ApiError::new(ErrorCode::Busy, "it changed while it was read")
        .hint("nothing was changed here; stop the TypeScript agent-runner, and import again")
}
