//! Run directories of the reference implementation as they lie on disk: finding them, reading them, and whether somebody is at
//! work in one. Must not change any.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_store::{AGENT_SEED, ASSIGNMENT_SEED, OutsideRun, Seeds, StoreError, outside_runs};
use agent_runner_supervisor::beginning_of;
use sha2::{Digest as _, Sha256};

use crate::failure::{internal, store_error};
use crate::reference::{Mapped, Original, Outline, digest, end_of, stderr_of};

const MIB: u64 = 1024 * 1024;
/// Most bytes of a manifest.
const MAX_MANIFEST: u64 = 64 * MIB;
/// Most bytes of a history: an archive takes no longer one.
const MAX_HISTORY: u64 = 64 * MIB;
/// Most bytes of the record of an attempt.
const MAX_RECORD: u64 = 64 * MIB;
/// Most bytes of an attempt's output: an archive takes no more, and nobody could read it.
const MAX_LOG: u64 = 128 * MIB;
/// Most bytes of what was authored.
const MAX_SEED: u64 = 16 * MIB;
/// Names that are said one by one.
const MAX_NAMED: usize = 5;
/// Milliseconds by which clocks may differ from themselves.
const CLOCK_SLACK: u64 = 60_000;
/// Programs that the other one runs in.
const ITS_PROGRAMS: [&str; 4] = ["node", "nodejs", "bun", "deno"];
/// What its own files are called after.
const ITS_NAME: &str = "agent-runner";

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
pub(super) fn read_manifest(outside: &OutsideRun) -> Result<Vec<u8>, ApiError> {
    match outside.read("run.json", MAX_MANIFEST) {
        Ok(text) => Ok(text.unwrap_or_default()),
        Err(error) => Err(file_error("run.json", &error)),
    }
}

/// That a file of the directory cannot be read.
fn file_error(name: &str, error: &StoreError) -> ApiError {
    let restore = "nothing was changed; put the file itself back in its place, and import again";
    match error {
        StoreError::Foreign { .. } => {
            let message = format!("{name} is no file of the run's own, but a link or something else");
            ApiError::new(ErrorCode::Storage, message).hint(restore)
        }
        StoreError::TooLarge { limit } => {
            let message = format!("{name} has more than {} MiB", limit / MIB);
            ApiError::new(ErrorCode::Unreadable, message).hint(restore)
        }
        error => store_error(error),
    }
}

/// Whether a directory is the one that a digest tells.
pub(super) fn is_original(dir: &Path, known: &str) -> bool {
    let text = OutsideRun::open(dir).map_err(|error| store_error(&error)).and_then(|run| read_manifest(&run));
    text.is_ok_and(|text| digest(&text) == known)
}

/// A run somebody is at work on there is left to them.
pub(super) fn refuse_at_work(outline: &Outline, at_work: &[String]) -> Result<(), ApiError> {
    if !outline.is_running {
        return Ok(());
    }
    let daemon = outline.daemon_pid.filter(|pid| is_its_daemon(*pid, outline));
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

/// Whether the process that has this number now can be the one that drove the run: numbers are given out again, after a
/// start of the machine in particular, and in another container they mean others.
fn is_its_daemon(pid: u32, outline: &Outline) -> bool {
    let Some(process) = beginning_of(pid).filter(|_| pid != std::process::id()) else { return false };
    let last_heard = u64::try_from(outline.updated_at.as_millis()).unwrap_or_default();
    let was_there = process.at_ms <= last_heard.saturating_add(CLOCK_SLACK);
    let program = process.command_line.first().and_then(|program| Path::new(program).file_name());
    let program = program.is_some_and(|name| ITS_PROGRAMS.iter().any(|known| name == *known));
    was_there && (program || process.command_line.iter().any(|word| word.contains(ITS_NAME)))
}

/// What lies in a run directory.
pub(super) struct Read {
    pub(super) original: Original,
    pub(super) seeds: Seeds,
    /// What is not taken over, and why.
    pub(super) left_out: Vec<String>,
}

/// Reads it, but for the files that were handed over and the logs of attempts.
pub(super) fn read(outside: &OutsideRun, run: &Outline, manifest: Vec<u8>) -> Result<Read, ApiError> {
    let mut left_out = strays(outside, run)?;
    let mut stderr_ends = BTreeMap::new();
    for number in &run.attempts {
        if let Some(stderr) = stderr_log(outside, *number, &mut left_out)? {
            stderr_ends.insert(*number, end_of(&stderr));
        }
        stdout_log(outside, *number, &mut left_out)?;
    }
    let mut bounded = |name: &str, limit: u64| match outside.read(name, limit) {
        Ok(bytes) => Ok(bytes),
        Err(StoreError::TooLarge { limit }) => {
            left_out.push(too_large(name, limit));
            Ok(None)
        }
        Err(error) => Err(file_error(name, &error)),
    };
    let original = Original {
        directory: run.run_id.to_string(),
        manifest,
        events: bounded("run-events.jsonl", MAX_HISTORY)?.unwrap_or_default(),
        environment_seed: bounded("environment-seed.yaml", MAX_SEED)?,
        stderr_ends,
    };
    let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let agent = text(bounded(AGENT_SEED, MAX_SEED)?);
    let seeds = Seeds { agent, assignment: text(bounded(ASSIGNMENT_SEED, MAX_SEED)?) };
    Ok(Read { original, seeds, left_out })
}

fn too_large(name: &str, limit: u64) -> String {
    format!("{name} is left out: it has more than {} MiB", limit / MIB)
}

fn record_name(number: u32) -> String {
    format!("attempts/{number:02}.json")
}

/// Where the output of an attempt lies, there as here.
pub(super) fn stdout_name(number: u32) -> String {
    format!("attempts/{number:02}.stdout.log")
}

/// What lies among the logs of attempts, and is none.
fn strays(outside: &OutsideRun, run: &Outline) -> Result<Vec<String>, ApiError> {
    let names = match outside.names("attempts") {
        Ok(names) => names,
        Err(StoreError::Foreign { .. }) => {
            return Ok(vec!["attempts is left out: it is no directory of the run's own".to_owned()]);
        }
        Err(error) => return Err(store_error(&error)),
    };
    let logs = |number: &u32| [record_name(*number), stdout_name(*number)];
    let known: BTreeSet<String> = run.attempts.iter().flat_map(logs).collect();
    let names = names.into_iter().map(|name| format!("attempts/{name}"));
    let strays: Vec<String> = names.filter(|name| !known.contains(name)).collect();
    let named = strays.iter().take(MAX_NAMED);
    let mut said: Vec<String> =
        named.map(|name| format!("{name} is left out: it is no log of an attempt on record")).collect();
    if let Some(more) = strays.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        said.push(format!("so are {more} more in attempts"));
    }
    Ok(said)
}

/// A log of an attempt; nothing if there is none, or none that is taken over.
fn log(
    outside: &OutsideRun,
    name: &str,
    limit: u64,
    left_out: &mut Vec<String>,
) -> Result<Option<File>, ApiError> {
    let file = match outside.file(name) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(StoreError::Foreign { path }) => {
            // Where the whole folder is none, that was said already.
            if path.ends_with(name) {
                left_out.push(format!("{name} is left out: it is no file of the run's own"));
            }
            return Ok(None);
        }
        Err(error) => return Err(store_error(&error)),
    };
    if file.metadata().map_err(|error| internal(&error))?.len() > limit {
        left_out.push(too_large(name, limit));
        return Ok(None);
    }
    Ok(Some(file))
}

/// What an attempt complained about.
pub(super) fn stderr_log(
    outside: &OutsideRun,
    number: u32,
    left_out: &mut Vec<String>,
) -> Result<Option<String>, ApiError> {
    let name = record_name(number);
    let Some(file) = log(outside, &name, MAX_RECORD, left_out)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(MAX_RECORD).read_to_end(&mut bytes).map_err(|error| internal(&error))?;
    let stderr = stderr_of(&bytes);
    if stderr.is_none() {
        left_out.push(format!("{name} is left out: it is no record of an attempt"));
    }
    Ok(stderr)
}

/// What an attempt printed.
pub(super) fn stdout_log(
    outside: &OutsideRun,
    number: u32,
    left_out: &mut Vec<String>,
) -> Result<Option<File>, ApiError> {
    log(outside, &stdout_name(number), MAX_LOG, left_out)
}

/// Whether the files that were handed over are what is on record of them.
pub(super) fn check_handed(outside: &OutsideRun, mapped: &Mapped) -> Result<(), ApiError> {
    for file in &mapped.handed {
        let known = &file.attachment;
        let source = outside.file(&file.from).map_err(|error| file_error(&file.from, &error))?;
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

fn sum(mut source: File) -> std::io::Result<(u64, String)> {
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
