//! References to definitions: which are paths, and which names are possible. Must not touch the disk.

use std::path::Path;

use agent_runner_model::ids::MAX_TASK_ID;
use agent_runner_model::spec::AD_HOC_AGENT;

use crate::source::Kind;

/// Longest name of a definition, in bytes.
const MAX_NAME: usize = 200;

/// What a reference means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// A file or directory.
    Path(&'a Path),
    /// A definition looked up by name.
    Name(&'a str),
}

/// Tells paths and names apart. The error says why a name is impossible.
pub(crate) fn parse_reference(reference: &str) -> Result<Reference<'_>, &'static str> {
    let path = Path::new(reference);
    let relative =
        reference == "." || reference == ".." || reference.starts_with("./") || reference.starts_with("../");
    if !path.is_absolute() && !relative {
        return check_name(reference).map(|()| Reference::Name(reference));
    }
    match reference.contains('\0') {
        true => Err("it holds a NUL character"),
        false => Ok(Reference::Path(path)),
    }
}

/// Checks a name: words divided by `/`, none of them empty, `.` or `..`.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > MAX_NAME {
        return Err("it is longer than 200 bytes");
    }
    if name.contains('\\') {
        return Err("it holds a backslash");
    }
    if name.chars().any(char::is_control) {
        return Err("it holds a control character");
    }
    if name.trim() != name {
        return Err("it starts or ends with a blank");
    }
    for segment in name.split('/') {
        match segment {
            "" => return Err("a part between slashes is empty"),
            "." | ".." => return Err("a part between slashes is . or .."),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the name of a definition that is to be made. Stricter than a lookup: what is made here can be found, listed
/// and typed everywhere. The error says what is wrong.
pub(crate) fn check_new_name(kind: Kind, name: &str) -> Result<(), &'static str> {
    check_name(name)?;
    if kind == Kind::Agent && name == AD_HOC_AGENT {
        return Err("it is reserved for runs without an agent file");
    }
    if kind == Kind::Task && name.len() > MAX_TASK_ID {
        return Err("a task's id has at most 128 characters");
    }
    for part in name.split('/') {
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            return Err("it holds another character than a letter, a digit, . _ - or /");
        }
        if !part.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err("a part does not start with a letter or a digit");
        }
        if part.ends_with(".md") {
            return Err("a name is given without .md");
        }
        if part == "node_modules" {
            return Err("folders called node_modules are not looked into");
        }
    }
    Ok(())
}
