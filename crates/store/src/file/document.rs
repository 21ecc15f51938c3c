//! `run.json`: reads, recognises and replaces it. Must never write one that it cannot read, nor one of a newer version.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use agent_runner_model::manifest::SCHEMA_VERSION;
use agent_runner_model::{Manifest, RunId};

use crate::error::StoreError;

use super::durable;
use super::layout::{MANIFEST, MANIFEST_TMP, is_absent};

/// The least that tells one kind of manifest from another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: Option<u64>,
    run_id: Option<IgnoredAny>,
    spec: Option<IgnoredAny>,
}

/// The first schema version of the reference implementation that was ever released is newer than this.
const REFERENCE_FROM: u64 = 2;

/// Most bytes of a manifest: far more than all limits of what is in it come to.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Most bytes that are looked through of a manifest that cannot be read.
const LONGEST_REMNANT: u64 = 16 * 1024 * 1024;

/// The run in a directory; nothing if there is no manifest.
pub(crate) fn load(dir: &Path, id: &RunId) -> Result<Option<Manifest>, StoreError> {
    load_named(dir, id.as_str())
}

/// The same for a directory that somebody came across: its name need not be a run id.
pub(crate) fn load_listed(dir: &Path) -> Result<Option<Manifest>, StoreError> {
    load_named(dir, &dir.file_name().unwrap_or_default().to_string_lossy())
}

fn load_named(dir: &Path, name: &str) -> Result<Option<Manifest>, StoreError> {
    let path = dir.join(MANIFEST);
    let bytes = match durable::read_file(&path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(source) => return Err(StoreError::Read { path, source }),
    };
    let manifest = parse(&bytes, &path)?;
    if manifest.spec.run_id.as_str() != name {
        return Err(StoreError::Misplaced { path, found: manifest.spec.run_id });
    }
    Ok(Some(manifest))
}

fn parse(bytes: &[u8], path: &Path) -> Result<Manifest, StoreError> {
    let source = match serde_json::from_slice::<Manifest>(bytes) {
        Ok(manifest) => return Ok(manifest),
        Err(source) => source,
    };
    let path = path.to_path_buf();
    if let Ok(Probe { schema_version: Some(found), run_id, spec }) = serde_json::from_slice::<Probe>(bytes) {
        match (run_id.is_some(), spec.is_some()) {
            (true, false) if found >= REFERENCE_FROM => {
                return Err(StoreError::Reference { path, schema_version: found });
            }
            (_, true) if found > u64::from(SCHEMA_VERSION) => {
                return Err(StoreError::Newer { path, found, known: SCHEMA_VERSION });
            }
            (_, _) => {}
        }
    }
    Err(StoreError::Unreadable { path, line: source.line(), column: source.column(), source })
}

/// The bytes of a manifest that is no use as one.
pub(crate) fn remnant(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = durable::open_file(path).and_then(|file| file.take(LONGEST_REMNANT).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    bytes
}

/// Refuses a manifest that this version must not write.
pub(crate) fn check_writable(manifest: &Manifest, dir: &Path) -> Result<(), StoreError> {
    if manifest.schema_version > SCHEMA_VERSION {
        let found = u64::from(manifest.schema_version);
        return Err(StoreError::Newer { path: dir.join(MANIFEST), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// As text: two blanks a level, keys in a fixed order, a line break at the end.
pub(crate) fn render(manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
    let encoded = serde_json::to_vec_pretty(manifest);
    let id = manifest.spec.run_id.clone();
    let mut bytes = encoded.map_err(|source| StoreError::Encode { id, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The points a test may interrupt a replacement at.
pub(crate) struct Points {
    pub(crate) written: &'static str,
    pub(crate) synced: &'static str,
}

/// Puts a manifest beside the current one, durably. The caller holds the run's lock, so the one name for it suffices.
/// What could not be finished is removed: on a full disk somebody else needs the space.
pub(crate) fn stage(dir: &Path, manifest: &Manifest, points: &Points) -> Result<(), StoreError> {
    let tmp = dir.join(MANIFEST_TMP);
    let staged = try_stage(&tmp, manifest, points);
    if staged.is_err() {
        let _ = fs::remove_file(&tmp);
    }
    staged
}

fn try_stage(tmp: &Path, manifest: &Manifest, points: &Points) -> Result<(), StoreError> {
    let (file, tmp) = durable::write_unsynced(tmp, &render(manifest)?)?;
    durable::check(points.written, &tmp)?;
    durable::sync_file(&file, &tmp)?;
    durable::check(points.synced, &tmp)
}

/// Makes the manifest beside the current one the current one. From here on the change may have landed.
pub(crate) fn replace(dir: &Path, renamed: &'static str) -> Result<(), StoreError> {
    let path = dir.join(MANIFEST);
    durable::rename(&dir.join(MANIFEST_TMP), &path)?;
    durable::check(renamed, &path)?;
    durable::sync_dir(dir)
}
