//! A run directory of the reference implementation, as it was read, as a run of ours: manifest, history and files. Reads and
//! writes nothing.

use std::collections::{BTreeMap, HashMap};

use agent_runner_model::attachment::Attachment;
use agent_runner_model::event::{Event, EventBody};
use agent_runner_model::import::{among, called, renamed};
use agent_runner_model::phase::Outcome;
use agent_runner_model::{Import, ImportSource, Manifest, RunId, Secrets, Timestamp};

use sha2::{Digest as _, Sha256};

use super::logs::AttemptLogs;
use super::parse::{ReferenceError, SCHEMA, parse};
use super::schema::{ReferenceRun, ReferenceStatus};
use super::{history, logs, manifest, seen};

/// Where the original is kept beside a run.
pub(crate) const ORIGINAL: &str = "imported/run.json";
const ORIGINAL_EVENTS: &str = "imported/run-events.jsonl";
const ORIGINAL_ENVIRONMENT: &str = "imported/environment-seed.yaml";

/// The files of a run directory there, but for those that were handed over with it, and for logs of attempts.
#[derive(Debug, Default)]
pub(crate) struct Original {
    /// The name of the directory.
    pub(crate) directory: String,
    /// `run.json`.
    pub(crate) manifest: Vec<u8>,
    /// `run-events.jsonl`, if there is one.
    pub(crate) events: Vec<u8>,
    /// `environment-seed.yaml`, if there is one.
    pub(crate) environment_seed: Option<Vec<u8>>,
    /// The end of what each attempt complained about.
    pub(crate) stderr_ends: BTreeMap<u32, String>,
}

/// What is known besides the directory.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// When it comes here.
    pub(crate) now: Timestamp,
    /// The runs above its parent, nearest first, as far as they are known.
    pub(crate) further_ancestors: Vec<RunId>,
    /// Seconds between asking a worker to stop and ending it.
    pub(crate) stop_grace_sec: u32,
    /// How workers call this program.
    pub(crate) command: String,
    /// The bucket of a repository of that name.
    pub(crate) bucket: fn(&str) -> String,
    /// Its id here, if it is another one than there.
    pub(crate) new_id: Option<RunId>,
    /// What others that come with it are called here, by their ids there, if that is something else.
    pub(crate) relatives: HashMap<String, RunId>,
}

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandedFile {
    /// Where it lies there, below the run's directory.
    pub(crate) from: String,
    /// As it is known here.
    pub(crate) attachment: Attachment,
}

/// A run as it is to be here.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) manifest: Manifest,
    /// Its history there, as lines of ours.
    pub(crate) history: Vec<u8>,
    /// What is added to it.
    pub(crate) events: Vec<EventBody>,
    /// Files other than those that were handed over, by name.
    pub(crate) blobs: Vec<(String, Vec<u8>)>,
    /// What makes the logs of its attempts.
    pub(crate) attempts: AttemptLogs,
    pub(crate) handed: Vec<HandedFile>,
    /// What tells the manifest it was made from.
    pub(crate) digest: String,
    /// What people should know of what is different here.
    pub(crate) remarks: Vec<String>,
}

/// What can be told of a run there without taking it over.
#[derive(Clone)]
pub(crate) struct Outline {
    pub(crate) run_id: RunId,
    pub(crate) parent: Option<RunId>,
    pub(crate) name: Option<String>,
    pub(crate) repo: String,
    pub(crate) started_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// What tells its manifest from every other one.
    pub(crate) digest: String,
    /// The numbers of its attempts.
    pub(crate) attempts: Vec<u32>,
    /// Whether it says that somebody is at work on it.
    pub(crate) is_running: bool,
    /// The process that is, if it says so.
    pub(crate) daemon_pid: Option<u32>,
    /// What is shown to nobody.
    pub(crate) secrets: Secrets,
}

/// What a manifest there tells of its run.
pub(crate) fn outline(text: &[u8], directory: &str) -> Result<Outline, ReferenceError> {
    let run = parse(text, directory)?;
    let daemon = run.execution.controller.daemon_instance_id.as_deref();
    Ok(Outline {
        is_running: run.status == ReferenceStatus::Running,
        daemon_pid: daemon.and_then(daemon_pid),
        attempts: run.attempt_records.iter().map(|attempt| attempt.attempt_number).collect(),
        digest: digest(text),
        secrets: secrets(&run),
        started_at: run.started_at,
        updated_at: run.updated_at,
        run_id: run.run_id,
        repo: run.repo,
        parent: run.parent_run_id,
        name: run.name,
    })
}

/// What of a run there is shown to nobody.
fn secrets(run: &ReferenceRun) -> Secrets {
    let nowhere = Circumstances {
        now: run.updated_at,
        further_ancestors: Vec::new(),
        stop_grace_sec: 0,
        command: String::new(),
        bucket: str::to_owned,
        new_id: None,
        relatives: HashMap::new(),
    };
    let from = origin(run, String::new(), nowhere.now);
    Secrets::of(&manifest::spec(run, from, &nowhere, &mut Vec::new()))
}

fn origin(run: &ReferenceRun, digest: String, now: Timestamp) -> Import {
    Import {
        source: ImportSource::Reference,
        original_run_id: run.run_id.to_string(),
        original_repo: Some(run.repo.clone()),
        host: None,
        program_version: None,
        format: SCHEMA,
        as_of: run.updated_at,
        imported_at: now,
        digest: Some(digest),
        worktree: None,
        earlier: Vec::new(),
    }
}

/// The process id in the name of a daemon there, `daemon-<pid>-<random>`.
fn daemon_pid(name: &str) -> Option<u32> {
    name.strip_prefix("daemon-")?.split_once('-')?.0.parse().ok()
}

/// The run as it is to be here.
pub(crate) fn map(original: &Original, around: &Circumstances) -> Result<Mapped, ReferenceError> {
    let mut run = parse(&original.manifest, &original.directory)?;
    let mut remarks = Vec::new();
    let digest = digest(&original.manifest);
    let from = origin(&run, digest.clone(), around.now);
    let there = run.run_id.clone();
    if let Some(id) = &around.new_id {
        remarks.push(format!("it was called {there} there"));
        run.run_id = id.clone();
    }
    let stderr = |number: u32| original.stderr_ends.get(&number).cloned().unwrap_or_default();
    let mut manifest = manifest::manifest(&run, from.clone(), around, &stderr, &mut remarks);
    if let Some(id) = &around.new_id {
        // What it is told still names the other one.
        manifest.spec.run_id = there;
        manifest = renamed(&manifest, id.clone());
    }
    let manifest = among(&manifest, &|id| around.relatives.get(id).cloned());
    // Briefs there speak of the program by its usual name.
    let mut manifest = called(&manifest, &around.command);
    let mut handed = handed(&run)?;
    let secrets = seen::secrets(&run, &manifest);
    seen::hide_replaced(&mut manifest, &secrets)?;
    seen::hide_names(&mut manifest, &mut handed, &secrets, &mut remarks);
    manifest.state.attachments = handed.iter().map(|file| file.attachment.clone()).collect();
    let (told, unreadable) = history::history(&run, &manifest, &original.events);
    remarks.extend(remarks_on(&run, unreadable));
    let mut events = vec![EventBody::RunImported { from }];
    events.extend(ended_by_coming(&run, &manifest));
    let remarks = remarks.iter().map(|remark| secrets.hide(remark).into_owned()).collect();
    Ok(Mapped {
        history: lines(told, &secrets),
        blobs: blobs(original, &run, &manifest, &secrets),
        attempts: AttemptLogs::new(run, secrets),
        events,
        handed,
        manifest,
        digest,
        remarks,
    })
}

/// What tells a manifest there from every other one.
pub(crate) fn digest(manifest: &[u8]) -> String {
    Sha256::digest(manifest).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That a run which was running there is not running here.
fn ended_by_coming(run: &ReferenceRun, manifest: &Manifest) -> Option<EventBody> {
    let outcome = manifest.outcome().filter(|_| run.status == ReferenceStatus::Running)?;
    let detail = match outcome {
        Outcome::Failed { failure } => Some(failure.detail.clone()),
        Outcome::Success | Outcome::Blocked { .. } | Outcome::Exhausted | Outcome::Aborted => None,
    };
    Some(EventBody::RunFinished { status: manifest.status(false), exit_code: outcome.exit_code(), detail })
}

fn remarks_on(run: &ReferenceRun, unreadable: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    if run.status == ReferenceStatus::Running {
        remarks.push("it was running there; here it has ended as `error` and can be resumed".to_owned());
    }
    if unreadable > 0 {
        remarks.push(format!(
            "{unreadable} lines of its history are no events; they are kept in {ORIGINAL_EVENTS}"
        ));
    }
    if run.execution_environment.is_some() {
        remarks.push(
            "its workers have to be in a container, which this version has none of: it is not started here"
                .to_owned(),
        );
    }
    if run.schedule.as_ref().is_some_and(|schedule| schedule.enabled) {
        remarks.push("its schedule is kept, but this version starts nothing by itself".to_owned());
    }
    remarks
}

fn lines(told: Vec<history::Happened>, secrets: &Secrets) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut cursor = 0;
    for (at, body) in told {
        for body in secrets.hide_events(vec![body]) {
            let event = Event { cursor: cursor + 1, at, body };
            if let Ok(line) = serde_json::to_vec(&event) {
                cursor += 1;
                lines.extend(line);
                lines.push(b'\n');
            }
        }
    }
    lines
}

fn blobs(
    original: &Original,
    run: &ReferenceRun,
    manifest: &Manifest,
    secrets: &Secrets,
) -> Vec<(String, Vec<u8>)> {
    let hide = |bytes: &[u8]| secrets.hide_bytes(bytes, false).into_owned();
    let vars = manifest.spec.runtime_vars.iter().filter(|(_, var)| var.is_redacted());
    let now: Vec<String> = vars.map(|(name, _)| name.clone()).collect();
    let at_reset: Vec<String> = now.iter().cloned().chain(seen::hidden_at_reset(run)).collect();
    let kept = logs::original(&original.manifest, secrets, &now, &at_reset);
    let mut blobs = vec![(ORIGINAL.to_owned(), kept)];
    if !original.events.is_empty() {
        blobs.push((ORIGINAL_EVENTS.to_owned(), hide(&original.events)));
    }
    if let Some(seed) = &original.environment_seed {
        blobs.push((ORIGINAL_ENVIRONMENT.to_owned(), hide(seed)));
    }
    blobs
}

fn handed(run: &ReferenceRun) -> Result<Vec<HandedFile>, ReferenceError> {
    let file = |attachment: &Attachment| {
        let from = attachment.relative_path.clone();
        let leaves = from.starts_with('/') || from.split('/').any(|part| matches!(part, "" | "." | ".."));
        if leaves {
            let why = format!("attachment {:?} lies outside of the run, at {from:?}", attachment.id);
            return Err(ReferenceError::Contradiction { why });
        }
        Ok(HandedFile { from, attachment: attachment.clone() })
    };
    run.attachments.iter().map(file).collect()
}
