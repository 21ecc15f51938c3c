//! Run directories of the reference implementation as they lie on disk: finding them, reading them, and whether somebody is at
//! work in one. Must not change any.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_store::{AGENT_SEED, ASSIGNMENT_SEED, OutsideRun, Seeds, StoreError, outside_runs};
use agent_runner_supervisor::identity_of;
use sha2::{Digest as _, Sha256};

use crate::failure::{internal, store_error};
use crate::reference::{Mapped, Original, Outline};

/// Most bytes of a manifest.
const MAX_MANIFEST: u64 = 64 * 1024 * 1024;
/// Most bytes of a history, and of each log.
const MAX_LOG: u64 = 256 * 1024 * 1024;
/// Most bytes of what was authored.
const MAX_SEED: u64 = 16 * 1024 * 1024;

/// The run directories at a path, and whether it is one itself.
pub(super) fn found_at(path: &str) -> Result<(Vec<PathBuf>, bool), ApiError> {
    let place = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    let dirs = outside_runs(&place).map_err(|error| store_error(&error))?;
    if dirs.is_empty() {
        return Err(ApiError::new(ErrorCode::NotFound, "there is no run directory")
            .hint("name a run directory, a state directory, its `runs`, or one repository's part of them"));
    }
    let is_one = dirs.first() == Some(&place);
    Ok((dirs, is_one))
}

/// The manifest of a run directory, as it is; empty without one.
pub(super) fn read_manifest(outside: &OutsideRun) -> Result<Vec<u8>, StoreError> {
    Ok(outside.read("run.json", MAX_MANIFEST)?.unwrap_or_default())
}

/// A run somebody is at work on there is left to them.
pub(super) fn refuse_at_work(outline: &Outline, at_work: &[String]) -> Result<(), ApiError> {
    if !outline.is_running {
        return Ok(());
    }
    let daemon = outline.daemon_pid.filter(|pid| identity_of(*pid).is_some());
    let why = match daemon {
        Some(pid) => format!("it is running, and process {pid}, which says that it drives it, is alive"),
        None if at_work.iter().any(|run| run == outline.run_id.as_str()) => {
            "it is running, and a worker of it is alive".to_owned()
        }
        None => return Ok(()),
    };
    Err(ApiError::new(ErrorCode::Busy, why)
        .hint("let it end there, or stop it with the TypeScript agent-runner; then import again"))
}

/// What lies in a run directory, but for the files that were handed over.
pub(super) fn read(outside: &OutsideRun, directory: &str) -> Result<(Original, Seeds), StoreError> {
    let mut attempts = BTreeMap::new();
    for name in outside.names("attempts")? {
        if let Some(bytes) = outside.read(&format!("attempts/{name}"), MAX_LOG)? {
            attempts.insert(name, bytes);
        }
    }
    let original = Original {
        directory: directory.to_owned(),
        manifest: read_manifest(outside)?,
        events: outside.read("run-events.jsonl", MAX_LOG)?.unwrap_or_default(),
        environment_seed: outside.read("environment-seed.yaml", MAX_SEED)?,
        attempts,
    };
    let seed = |name: &str| {
        let bytes = outside.read(name, MAX_SEED)?;
        Ok::<_, StoreError>(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    Ok((original, Seeds { agent: seed(AGENT_SEED)?, assignment: seed(ASSIGNMENT_SEED)? }))
}

/// Whether the files that were handed over are what is on record of them.
pub(super) fn check_handed(outside: &OutsideRun, mapped: &Mapped) -> Result<(), ApiError> {
    for file in &mapped.handed {
        let known = &file.attachment;
        let source = outside.file(&file.from).map_err(|error| store_error(&error))?;
        let why = match source {
            None => "is missing",
            Some(source) => match sum(source).map_err(|error| internal(&error))? {
                sum if sum == (known.size, known.sha256.clone()) => continue,
                _ => "is not what is on record of it",
            },
        };
        let message = format!("attachment {} ({}) {why}", known.id, known.name);
        return Err(ApiError::new(ErrorCode::Unreadable, message).hint(format!(
            "restore {} in its directory, or remove the attachment with the TypeScript agent-runner; then import again",
            file.from
        )));
    }
    Ok(())
}

fn sum(mut source: std::fs::File) -> std::io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        match source.read(&mut buffer)? {
            0 => break,
            count => {
                hasher.update(buffer.get(..count).unwrap_or_default());
                size += count as u64;
            }
        }
    }
    Ok((size, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}
