//! References to definitions: which are paths, and which names are possible. Must not touch the disk.

use std::path::Path;

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
