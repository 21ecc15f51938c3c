//! Files that are handed over with a run: what is known of them, and how much is allowed. Their bytes are elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Most bytes of one attachment.
pub const MAX_ATTACHMENT_BYTES: u64 = 25 * 1024 * 1024;
/// Most attachments of a run.
pub const MAX_ATTACHMENTS: usize = 100;
/// Most bytes of all attachments of a run together.
pub const MAX_ATTACHMENTS_BYTES: u64 = 100 * 1024 * 1024;
/// Longest name of an attachment, in bytes.
pub const MAX_ATTACHMENT_NAME: usize = 200;

/// A file that was handed over with a run. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `att-…`, unique within the run.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its media type.
    pub mime_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// Where it is below the run's directory.
    pub relative_path: String,
}

/// Why a name cannot be an attachment's.
pub fn check_attachment_name(name: &str) -> Result<(), String> {
    let why = if name.trim().is_empty() {
        "a name must not be empty"
    } else if name.len() > MAX_ATTACHMENT_NAME {
        "a name has at most 200 bytes"
    } else if name == "." || name == ".." {
        "`.` and `..` are no names"
    } else if name.contains(['/', '\\']) {
        "a name has no slashes"
    } else if name.chars().any(char::is_control) {
        "a name has no control characters"
    } else {
        return Ok(());
    };
    Err(why.to_owned())
}
