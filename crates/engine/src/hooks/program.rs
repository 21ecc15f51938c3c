//! What is started for a hook that is a file: by itself, by the interpreter its first line names, by the one that goes with
//! its name, or as a module. Must not start the hook.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use agent_runner_definitions::bundled_hook;
use agent_runner_model::hook::HookSpec;
use sha2::{Digest as _, Sha256};

use super::node;
use super::running::Host;
use crate::clock::random_text;
use crate::engine::Environment;
use crate::talk::private_directory;

/// How places in the program itself are written.
const BUNDLED: &str = "bundled:";
/// Longest first line that is looked at, in bytes.
const FIRST_LINE: u64 = 512;

/// A hook that can be started.
#[derive(Debug)]
pub(super) struct Startable {
    pub(super) argv: Vec<OsString>,
    /// Whether its file is another one than when the run was created.
    pub(super) source_changed: bool,
}

/// The command line for a hook. `place` is a directory of this user alone, where what is compiled in is put.
pub(super) async fn startable(
    hook: &HookSpec,
    place: &Path,
    environment: &Environment,
    host: &Host,
) -> Result<Startable, String> {
    let Some(named) = &hook.resolved_path else {
        return Err("it has no file".to_owned());
    };
    let path = match named.strip_prefix(BUNDLED) {
        Some(inside) => {
            let text = bundled_hook(named).ok_or_else(|| {
                format!("this version brings no {inside} along; use the version that made the run")
            })?;
            let name = Path::new(inside).file_name().unwrap_or_default();
            written(place, &name.to_string_lossy(), text.as_bytes())
                .map_err(|error| format!("{inside} cannot be put below {}: {error}", place.display()))?
        }
        None => PathBuf::from(named),
    };
    let unreadable = |error: io::Error| format!("its file {} cannot be read: {error}", path.display());
    let sum = sum(&path).map_err(unreadable)?;
    let source_changed = hook.sha256.as_ref().is_some_and(|known| *known != sum);
    let first_line = first_line(&path).map_err(unreadable)?;
    let argv = match interpreter(&first_line) {
        Some(_) if is_executable(&path) => vec![path.into_os_string()],
        Some(mut argv) => {
            argv.push(path.into_os_string());
            argv
        }
        None => by_name(&path, place, environment, host).await?,
    };
    Ok(Startable { argv, source_changed })
}

async fn by_name(
    path: &Path,
    place: &Path,
    environment: &Environment,
    host: &Host,
) -> Result<Vec<OsString>, String> {
    let with = |program: &str| Ok(vec![OsString::from(program), path.as_os_str().to_owned()]);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("sh") => with("sh"),
        Some("py") => with("python3"),
        Some(extension @ ("js" | "mjs" | "ts" | "mts")) => {
            let shim = written(place, "shim.mjs", node::SHIM.as_bytes())
                .map_err(|error| format!("the shim cannot be put below {}: {error}", place.display()))?;
            node::command(
                &shim,
                path,
                matches!(extension, "ts" | "mts"),
                environment,
                &host.marker,
                &host.stop,
            )
            .await
        }
        _ if is_executable(path) => Ok(vec![path.as_os_str().to_owned()]),
        _ => Err(format!(
            "{} cannot be run: make it executable (chmod +x), begin it with #!, or call it hook.sh, hook.py, hook.js, \
             hook.mjs, hook.ts or hook.mts",
            path.display()
        )),
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn first_line(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(FIRST_LINE).read_to_end(&mut start)?;
    let end = start.iter().position(|byte| *byte == b'\n').unwrap_or(start.len());
    start.truncate(end);
    Ok(start)
}

/// The program a first line names, and its one argument if it has one: the rest of the line, as the system does it.
fn interpreter(line: &[u8]) -> Option<Vec<OsString>> {
    let rest = line.strip_prefix(b"#!")?.trim_ascii();
    let mut words = rest.splitn(2, |byte| byte.is_ascii_whitespace());
    let program = words.next().filter(|program| !program.is_empty())?;
    let argument = words.next().map(<[u8]>::trim_ascii).filter(|argument| !argument.is_empty());
    Some(
        [Some(program), argument]
            .into_iter()
            .flatten()
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect(),
    )
}

fn sum(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = [0u8; 8192];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A file with that text in a directory that is called after it: what is there already is the same.
fn written(place: &Path, name: &str, text: &[u8]) -> io::Result<PathBuf> {
    private_directory(place)?;
    let sum: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = place.join(format!("hooks-{sum}"));
    private_directory(&folder)?;
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|there| there == text) {
        return Ok(path);
    }
    let draft = folder.join(format!(".{}", random_text(12).map_err(io::Error::other)?));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&draft)?;
    file.write_all(text)?;
    drop(file);
    fs::rename(&draft, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::interpreter;

    #[test]
    fn first_lines_are_read_as_the_system_reads_them() {
        let read = |line: &str| {
            interpreter(line.as_bytes())
                .map(|argv| argv.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(read("#!/bin/sh"), Some(vec!["/bin/sh".to_owned()]));
        assert_eq!(
            read("#! /usr/bin/env  -S node --x "),
            Some(vec!["/usr/bin/env".into(), "-S node --x".into()])
        );
        assert_eq!(read("#!"), None);
        assert_eq!(read("echo #!/bin/sh"), None);
    }
}
