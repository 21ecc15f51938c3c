//! Carrying runs elsewhere: written as archives, and taken over from them. Bytes come and go through readers and writers;
//! where from and where to is the front door's business.

use std::io::{Read, Write};
use std::path::Path;

use agent_runner_api::view::{ExportedRun, ImportedRun, LeftOutView, MissingVar};
use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_model::event::EventRecord;
use agent_runner_model::import::{arrived, called, renamed};
use agent_runner_model::phase::Phase;
use agent_runner_model::spec::Origin;
use agent_runner_model::{Import, ImportSource, Lease, Manifest, RunId, Secrets, redacted};
use agent_runner_store::{
    AdoptedRun, ArchiveReader, LeftOut, StoreError, ToArchive, repo_bucket, write_archive,
};

use crate::clock::random_text;
use crate::engine::Engine;
use crate::failure::{internal, refusal_error, store_error};
use crate::place::Places;

/// Most bytes of a history that is held at once.
const MAX_HISTORY: u64 = 64 * 1024 * 1024;
/// Random characters of a new id.
const ID_LENGTH: usize = 10;
/// How often a run is looked at that changes meanwhile.
const TRIES: usize = 20;

/// A run that is to be written as an archive, as it stood when it was looked at.
#[derive(Debug)]
pub struct Export {
    manifest: Manifest,
    events: Vec<EventRecord>,
    unreadable: usize,
    status: &'static str,
    is_snapshot: bool,
}

impl Export {
    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.manifest.spec.run_id
    }
}

/// What is decided here about a run that comes from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct NewHome {
    /// It gets an id of its own, whatever it was called.
    pub as_new_id: bool,
    /// The directory it works in from now on, absolute; else the one it has.
    pub cwd: Option<String>,
}

impl<S: Places + 'static> Engine<S> {
    /// Looks at a run that is to be exported. One that somebody is at work on is refused unless a snapshot will do.
    pub async fn exportable(&self, run: &str, snapshot: bool) -> Result<Export, ApiError> {
        let run_id = self.resolve(run)?;
        for _ in 0..TRIES {
            let (manifest, situation) = self.observe(self.look_at(&run_id).await?).await?;
            let is_snapshot = matches!(manifest.state.phase, Phase::Active { .. });
            let status = manifest.status(situation.lease == Lease::Free).as_str();
            if is_snapshot && !snapshot {
                return Err(at_work(&run_id, status));
            }
            if manifest.events_len > MAX_HISTORY {
                let message = format!("the history of run {run_id} does not fit into an archive");
                return Err(ApiError::new(ErrorCode::NotAllowed, message)
                    .hint(format!("it has more than {MAX_HISTORY} bytes; `run audit` prints it")));
            }
            let tail = self.store.tail(&run_id, 0, None).await.map_err(|error| store_error(&error))?;
            if tail.manifest.revision == manifest.revision {
                let (events, unreadable) = (tail.events, tail.unreadable);
                return Ok(Export { manifest: tail.manifest, events, unreadable, status, is_snapshot });
            }
        }
        let message = format!("run {run_id} changes faster than it can be looked at");
        Err(ApiError::new(ErrorCode::Busy, message).hint("repeat the command"))
    }

    /// Writes an archive. What was written counts only if this succeeds.
    pub async fn export(
        &self,
        export: Export,
        out: &mut (dyn Write + Send),
    ) -> Result<ExportedRun, ApiError> {
        let Export { manifest, events, unreadable, status, is_snapshot } = export;
        let (shown, secrets) = (redacted(&manifest), Secrets::of(&manifest.spec));
        let run = ToArchive {
            manifest: &shown,
            events,
            unreadable,
            secrets: &secrets,
            status,
            is_snapshot,
            program_version: self.config.version,
        };
        let written = write_archive(self.store.as_ref(), run, out).await;
        let written = written.map_err(|error| store_error(&error))?;
        let head = written.head;
        Ok(ExportedRun {
            run_id: head.run_id,
            status: head.status,
            is_snapshot: head.is_snapshot,
            as_of: head.as_of,
            size: written.size,
            files: head.members.len(),
            redacted_vars: head.redacted_vars,
            left_out: head.left_out.into_iter().map(left_out).collect(),
        })
    }

    /// Takes a run over from an archive: all of it, or nothing.
    pub async fn import(
        &self,
        home: &NewHome,
        source: Box<dyn Read + Send + '_>,
    ) -> Result<ImportedRun, ApiError> {
        let opened = ArchiveReader::open(source).map_err(StoreError::from);
        let mut archive = opened.map_err(|error| store_error(&error))?;
        let (run, events) = self.at_home(home, &archive)?;
        let run_id = run.spec.run_id.clone();
        // Said before anything is written.
        if let Ok(there) = self.store.snapshot(&run_id).await {
            return Err(there_already(&there, archive.digest()));
        }
        let (history, seeds) = archive.take_texts();
        let adopted = AdoptedRun { manifest: run, history, events, seeds };
        let landed = self.store.adopt(adopted, self.now(), &mut |arrival| archive.bring(arrival)).await;
        let run = match landed {
            Ok(run) => run,
            Err(error @ StoreError::Exists { .. }) => match self.store.snapshot(&run_id).await {
                Ok(there) => return Err(there_already(&there, archive.digest())),
                Err(_) => return Err(ApiError::from_error(ErrorCode::NotAllowed, &error).hint(ANOTHER_ID)),
            },
            Err(error) => return Err(store_error(&error)),
        };
        self.imported(&run, &archive)
    }

    /// The run as it is to be here, and what is added to its history.
    fn at_home(
        &self,
        home: &NewHome,
        archive: &ArchiveReader<'_>,
    ) -> Result<(Manifest, Vec<agent_runner_model::event::EventBody>), ApiError> {
        let (given, head) = (archive.manifest(), archive.head());
        let from = Import {
            source: ImportSource::Archive,
            original_run_id: given.spec.run_id.to_string(),
            original_repo: None,
            host: given.state.driver.as_ref().map(|driver| driver.host.clone()),
            program_version: Some(head.program_version.clone()),
            format: head.format,
            as_of: head.as_of,
            imported_at: self.now(),
            digest: Some(archive.digest().to_owned()),
            worktree: None,
            earlier: Vec::new(),
        };
        let mut run = called(given, &self.config.command);
        if home.as_new_id {
            let text = random_text(ID_LENGTH).map_err(|error| internal(&error))?;
            run = renamed(&run, RunId::parse(&text).map_err(|error| internal(&error))?);
        }
        if let Some(cwd) = &home.cwd {
            moved(&mut run, cwd)?;
        }
        let came = arrived(&run, from, self.now()).map_err(|refusal| {
            refusal_error(&refusal).hint("nothing was imported; its manifest is none that this program wrote")
        })?;
        Ok((came.manifest, came.events))
    }

    fn imported(&self, run: &Manifest, archive: &ArchiveReader<'_>) -> Result<ImportedRun, ApiError> {
        let Origin::Imported { from } = &run.spec.origin else {
            return Err(ApiError::new(
                ErrorCode::Internal,
                "an imported run does not say where it came from",
            ));
        };
        let lost = run.spec.runtime_vars.iter().filter(|(_, var)| var.is_lost());
        let missing = |(name, var): (&String, &agent_runner_model::vars::RuntimeVar)| MissingVar {
            name: name.clone(),
            env_name: var.env_name.clone().unwrap_or_default(),
        };
        let place = self.store.location(&run.spec.run_id).unwrap_or_default();
        Ok(ImportedRun {
            run_id: run.spec.run_id.clone(),
            status: run.status(true).as_str().to_owned(),
            original_status: archive.head().status.clone(),
            imported: (**from).clone(),
            workspace_dir: place.to_string_lossy().into_owned(),
            cwd: run.spec.cwd.clone(),
            cwd_exists: Path::new(&run.spec.cwd).is_dir(),
            missing_vars: lost.map(missing).collect(),
            left_out: archive.head().left_out.iter().cloned().map(left_out).collect(),
        })
    }
}

const ANOTHER_ID: &str = "--as-new-id imports it under another id";

/// Lets a run work elsewhere.
fn moved(run: &mut Manifest, cwd: &str) -> Result<(), ApiError> {
    let path = Path::new(cwd);
    if !path.is_absolute() || !path.is_dir() {
        let message = format!("{cwd} is not a directory");
        return Err(ApiError::new(ErrorCode::Invalid, message).hint("name one that exists with --cwd"));
    }
    cwd.clone_into(&mut run.spec.cwd);
    run.spec.repo = repo_bucket(path);
    run.spec.template.cwd = None;
    cwd.clone_into(&mut run.spec.template.caller_dir);
    if let Some(frozen) = &mut run.state.frozen_config {
        cwd.clone_into(&mut frozen.cwd);
    }
    Ok(())
}

fn left_out(left: LeftOut) -> LeftOutView {
    LeftOutView { name: left.name, why: left.why }
}

fn at_work(run_id: &RunId, status: &str) -> ApiError {
    let message = format!("run {run_id} is {status}: what is exported now is not what it comes to");
    ApiError::new(ErrorCode::NotAllowed, message).hint(format!(
        "wait for its end (`agent-runner run wait {run_id}`), end it (`agent-runner run abort {run_id}`), or export it \
         as it stands with --snapshot"
    ))
}

fn there_already(there: &Manifest, digest: &str) -> ApiError {
    let run_id = &there.spec.run_id;
    let (words, hint) = match &there.spec.origin {
        Origin::Imported { from } if from.digest.as_deref() == Some(digest) => (
            format!("this archive was imported already, at {}: as run {run_id}", from.imported_at),
            format!("`agent-runner run status {run_id}` shows it; {ANOTHER_ID}"),
        ),
        Origin::Imported { .. } | Origin::Local | Origin::Claimed { .. } => (
            format!("there is a run {run_id} already"),
            format!("`agent-runner run status {run_id}` shows it; {ANOTHER_ID}"),
        ),
    };
    ApiError::new(ErrorCode::NotAllowed, words).hint(hint)
}
