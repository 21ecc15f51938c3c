//! Finds the file that a hook runs, and sums it up. Must not run it, and must not read more of it than its bytes.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use agent_runner_model::hook::HookSource;
use sha2::{Digest as _, Sha256};

use crate::bundled;
use crate::library::tidy;
use crate::similar::similar;
use crate::source::Source;

/// Where hooks lie below the configuration directory.
const FOLDER: &str = "hooks";
/// What stands in front of the place of a file that is compiled into the program.
const BUNDLED: &str = "bundled:";
/// How the file of a hook may end whose interpreter is known.
pub(crate) const EXTENSIONS: [&str; 6] = ["sh", "py", "js", "mjs", "ts", "mts"];

/// The file of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookFile {
    /// Absolute, or `bundled:…`.
    pub path: String,
    /// Its SHA-256 sum in hexadecimal digits.
    pub sha256: String,
}

/// Why there is no file that could be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub message: String,
    pub hint: String,
}

/// Finds the file of a hook; nothing for a builtin.
pub(crate) type FindHook<'a> = &'a dyn Fn(&HookSource) -> Result<Option<HookFile>, Trouble>;

/// The text of a hook's file that is compiled into the program, by its path `bundled:…`.
pub fn bundled_hook(path: &str) -> Option<&'static str> {
    let place = path.strip_prefix(BUNDLED)?;
    bundled::HOOKS.iter().find(|(known, _)| *known == place).map(|(_, text)| *text)
}

/// The file of a hook that is written in `written_in`.
pub(crate) fn find_hook(
    config_dir: &Path,
    written_in: &Source,
    source: &HookSource,
) -> Result<Option<HookFile>, Trouble> {
    match (&source.name, &source.path) {
        (Some(name), _) => named(&tidy(config_dir), name, bundled::HOOKS).map(Some),
        (None, Some(path)) => match written_in {
            Source::Path(file) | Source::Config(file) => {
                let folder = file.parent().unwrap_or(Path::new("/"));
                at(&tidy(&folder.join(path)), path).map(Some)
            }
            Source::Bundled(_) => Err(trouble(
                "a bundled definition cannot name a file",
                "name a hook of the configuration directory with `name`",
            )),
        },
        (None, None) => Ok(None),
    }
}

fn trouble(message: impl Into<String>, hint: impl Into<String>) -> Trouble {
    Trouble { message: message.into(), hint: hint.into() }
}

/// The file names a hook's folder may have, the first one that is there counts.
fn file_names() -> impl Iterator<Item = String> {
    let with_ending = EXTENSIONS.into_iter().map(|ending| format!("hook.{ending}"));
    std::iter::once("hook".to_owned()).chain(with_ending)
}

/// The hook of that name: one's own, or else a bundled one.
pub(crate) fn named(
    config_dir: &Path,
    name: &str,
    bundled: &[(&'static str, &'static str)],
) -> Result<HookFile, Trouble> {
    let root = config_dir.join(FOLDER);
    let folder = root.join(name);
    // A link that leads nowhere was put there by somebody: going on would run something else in its place.
    if let Some(file) =
        file_names().map(|file| folder.join(file)).find(|file| file.symlink_metadata().is_ok())
    {
        return at(&file, &file.display().to_string());
    }
    for file in file_names() {
        let place = format!("{FOLDER}/{name}/{file}");
        if let Some((place, text)) = bundled.iter().find(|(known, _)| *known == place) {
            return Ok(HookFile { path: format!("{BUNDLED}{place}"), sha256: sum(text.as_bytes()) });
        }
    }
    let expected = file_names().collect::<Vec<_>>().join(", ");
    if let Some(other) = somebody(&folder) {
        return Err(trouble(
            format!("the hook `{name}` has no file that can be run in {}", folder.display()),
            format!("there is {other}; call the file one of {expected}"),
        ));
    }
    let names = names(&root, bundled);
    let near = similar(name, names.iter().map(String::as_str));
    let hint = match (near.first(), names.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`? "),
        (None, true) => String::new(),
        (None, false) => format!("there are {}. ", names.join(", ")),
    };
    Err(trouble(
        format!("there is no hook `{name}`"),
        format!(
            "{hint}Looked for {}/ with a file called {expected}, then for a bundled one",
            folder.display()
        ),
    ))
}

/// A file in the folder, whatever it is called.
fn somebody(folder: &Path) -> Option<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names.into_iter().next()
}

/// The hooks that could be named: folders right below the one of hooks, and bundled ones.
fn names(root: &Path, bundled: &[(&'static str, &'static str)]) -> Vec<String> {
    let own = std::fs::read_dir(root).into_iter().flatten().flatten();
    let own =
        own.filter(|entry| entry.path().is_dir()).filter_map(|entry| entry.file_name().into_string().ok());
    let bundled = bundled.iter().filter_map(|(place, _)| {
        let (name, _) = place.strip_prefix(FOLDER)?.strip_prefix('/')?.rsplit_once('/')?;
        Some(name.to_owned())
    });
    let mut names: Vec<String> = own.chain(bundled).filter(|name| super::is_name(name)).take(1000).collect();
    names.sort();
    names.dedup();
    names
}

/// The file there, if it can be run.
fn at(file: &Path, authored: &str) -> Result<HookFile, Trouble> {
    let shown = file.display();
    let Some(path) = file.to_str() else {
        return Err(trouble(format!("the path {shown} is not UTF-8"), "give the file another name"));
    };
    let unreadable = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => trouble(
            format!("there is no file {shown}"),
            match Path::new(authored).is_absolute() {
                true => "check the spelling of the path",
                false => "a path starts at the folder of the file it is written in; check its spelling",
            },
        ),
        _ => trouble(
            format!("cannot read {shown}: {error}"),
            format!("see that {shown} is a file that can be read"),
        ),
    };
    let about = std::fs::metadata(file).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(trouble(
            format!("{shown} is {}", if about.is_dir() { "a directory" } else { "no regular file" }),
            "name the file that is to be run",
        ));
    }
    let (sha256, start) = sum_of(file).map_err(|error| unreadable(&error))?;
    let is_known =
        file.extension().and_then(|ending| ending.to_str()).is_some_and(|it| EXTENSIONS.contains(&it));
    if about.permissions().mode() & 0o111 == 0 && !is_known && start != *b"#!" {
        return Err(trouble(
            format!(
                "{shown} cannot be run: it is not executable, and neither its ending nor its first line says with what"
            ),
            format!(
                "chmod +x {shown}, or start it with a line such as #!/bin/sh, or end its name in .{}",
                EXTENSIONS.join(", .")
            ),
        ));
    }
    Ok(HookFile { path: path.to_owned(), sha256 })
}

fn sum(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes).as_slice())
}

/// The sum of a file, and its first two bytes.
fn sum_of(file: &Path) -> io::Result<(String, [u8; 2])> {
    let mut file = File::open(file)?;
    let (mut sha256, mut start, mut seen) = (Sha256::new(), Vec::new(), vec![0; 64 * 1024]);
    loop {
        let length = match file.read(&mut seen) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = seen.get(..length).unwrap_or_default();
        start.extend(bytes.iter().take(2_usize.saturating_sub(start.len())));
        sha256.update(bytes);
    }
    Ok((hexadecimal(sha256.finalize().as_slice()), start.try_into().unwrap_or_default()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
