//! What an archive says of itself: its first file, and how much may be in it. Must not read or write one.

use agent_runner_model::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::file::{AGENT_SEED, ASSIGNMENT_SEED, EVENTS, MANIFEST, check_blob_name};

/// The format this version writes, and the newest one it reads.
pub const FORMAT: u64 = 1;
/// The first file of an archive.
pub(super) const HEAD: &str = "archive.json";
/// Folders of a run whose files are in it.
pub(super) const FOLDERS: [&str; 3] = ["attachments", "attempts", "imported"];

const MIB: u64 = 1024 * 1024;
/// Most bytes of the first file.
pub(super) const MAX_HEAD: u64 = 4 * MIB;
/// Most files, the first one not counted.
pub(super) const MAX_MEMBERS: usize = 10_000;
/// Most bytes of all of them together.
pub(super) const MAX_TOTAL: u64 = 1024 * MIB;
const MAX_MANIFEST: u64 = 32 * MIB;
const MAX_HISTORY: u64 = 64 * MIB;
const MAX_SEED: u64 = 4 * MIB;
const MAX_BLOB: u64 = 128 * MIB;

/// The first file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveHead {
    /// How it is made up.
    pub format: u64,
    /// The program that wrote it.
    pub program_version: String,
    /// Layout of the manifest in it.
    pub schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// How it stood.
    pub status: String,
    /// Whether somebody was, or may have been, at work on it.
    pub is_snapshot: bool,
    /// Its last change.
    pub as_of: Timestamp,
    /// Its variables whose values are not in it.
    pub redacted_vars: Vec<String>,
    /// What of the run is not in it, but for what never is.
    pub left_out: Vec<LeftOut>,
    /// Its other files, in order.
    pub members: Vec<ArchiveMember>,
}

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveMember {
    /// Where it is below the run's directory.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A file that is not in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Where it is below the run's directory.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// Most bytes of a file of that name; nothing if no such file may be in an archive.
pub(super) fn limit_of(name: &str) -> Option<u64> {
    match name {
        MANIFEST => Some(MAX_MANIFEST),
        EVENTS => Some(MAX_HISTORY),
        AGENT_SEED | ASSIGNMENT_SEED => Some(MAX_SEED),
        _ => {
            let folder = name.split_once('/').map(|(folder, _)| folder);
            let is_blob = folder.is_some_and(|folder| FOLDERS.contains(&folder));
            (is_blob && check_blob_name(name).is_ok()).then_some(MAX_BLOB)
        }
    }
}

/// Where a file comes among the others: manifest, history and what was authored first, then the others by name.
pub(super) fn place_of(name: &str) -> (usize, &str) {
    let first = [MANIFEST, EVENTS, AGENT_SEED, ASSIGNMENT_SEED];
    (first.iter().position(|known| *known == name).unwrap_or(first.len()), name)
}
