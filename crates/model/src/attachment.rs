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

/// Longest id of an attachment, in bytes.
const MAX_ATTACHMENT_ID: usize = 100;

/// Why a text cannot be an attachment's id.
pub fn check_attachment_id(id: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.is_empty() || id.len() > MAX_ATTACHMENT_ID || !id.chars().all(allowed) {
        return Err(format!("an id has 1 to {MAX_ATTACHMENT_ID} letters, digits and _ -"));
    }
    Ok(())
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

/// Longest name of an attachment's file on disk, in bytes.
const MAX_FILE_NAME: usize = 100;

/// The name of an attachment's file on disk: plain letters, whatever it is called, and never hidden.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() < MAX_FILE_NAME / 2 => (stem, format!(".{extension}")),
        Some(_) | None => (name, String::new()),
    };
    let room = MAX_FILE_NAME - extension.len();
    let stem = stem.get(..room).unwrap_or(stem);
    match (stem, extension.as_str()) {
        ("", "" | ".") => "file".to_owned(),
        ("", extension) => format!("file{extension}"),
        (stem, extension) => format!("{stem}{extension}"),
    }
}

/// Why a text cannot be a media type.
pub fn check_mime_type(text: &str) -> Result<(), String> {
    let part = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    match text.split_once('/') {
        Some((kind, subtype)) if text.len() <= 127 && part(kind) && part(subtype) => Ok(()),
        Some(_) | None => Err(format!("a media type looks like `text/plain`, this is {text:?}")),
    }
}

/// The media type that goes with a name's ending.
pub fn mime_type_of(name: &str) -> &'static str {
    const UNKNOWN: &str = "application/octet-stream";
    let Some((_, ending)) = name.rsplit_once('.') else { return UNKNOWN };
    match ending.to_ascii_lowercase().as_str() {
        "md" | "markdown" => "text/markdown",
        "txt" | "log" => "text/plain",
        "diff" | "patch" => "text/x-diff",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        _ => UNKNOWN,
    }
}
