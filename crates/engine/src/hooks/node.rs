//! Hooks that are JavaScript modules: a small program in front of them speaks the protocol in their place. Must not run
//! anything but to ask for a version.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use agent_runner_supervisor::{Exit, MAX_LINE, Marker, Program, SpawnError, Stdin, StopRequest};
use tokio::sync::watch;

use super::exchange::{SaidEnd, exchange};
use crate::engine::Environment;

/// The program in front of a module.
pub(super) const SHIM: &str = include_str!("shim.mjs");
/// Oldest major version that knows everything the shim uses.
const OLDEST: Version = Version(20, 6);
/// Oldest versions that strip types when asked to.
const STRIPS: Version = Version(22, 6);
/// Oldest versions of two lines that strip types unasked.
const STRIPS_UNASKED: [Version; 2] = [Version(22, 18), Version(23, 6)];
/// How long a question for the version may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// The command line that runs a module. Errors say which Node is needed.
pub(super) async fn command(
    shim: &Path,
    module: &Path,
    is_typed: bool,
    environment: &Environment,
    marker: &Marker,
    stop: &watch::Receiver<StopRequest>,
) -> Result<Vec<OsString>, String> {
    let needed = if is_typed {
        "TypeScript hooks need Node 22.6 or newer"
    } else {
        "JavaScript hooks need Node 20.6 or newer"
    };
    let said = ask(environment, marker, stop.clone()).await.map_err(|why| format!("{needed}: {why}"))?;
    let version = parse(&said).ok_or_else(|| format!("{needed}: `node --version` says {said:?}"))?;
    let oldest = if is_typed { STRIPS } else { OLDEST };
    if version < oldest {
        let other = if is_typed {
            "; write the hook in JavaScript, or install a newer Node"
        } else {
            "; install a newer Node"
        };
        return Err(format!("{needed}, and this is {said}{other}"));
    }
    let unasked = match version.0 {
        22 => version >= STRIPS_UNASKED[0],
        _ => version >= STRIPS_UNASKED[1],
    };
    // The answer goes by a descriptor of its own: standard output is the module's, and that of whatever it starts.
    let divert = r#"exec 3>&1 1>&2; exec "$@""#;
    let mut argv: Vec<OsString> =
        ["/bin/sh", "-c", divert, "sh", "node", "--no-warnings"].map(OsString::from).to_vec();
    if is_typed && !unasked {
        argv.push("--experimental-strip-types".into());
    }
    argv.extend([shim.as_os_str().to_owned(), module.as_os_str().to_owned()]);
    Ok(argv)
}

async fn ask(
    environment: &Environment,
    marker: &Marker,
    stop: watch::Receiver<StopRequest>,
) -> Result<String, String> {
    let program = Program {
        argv: vec!["node".into(), "--version".into()],
        env: environment.clone(),
        cwd: "/".into(),
        stdin: Stdin::Null,
        max_line: MAX_LINE,
    };
    match exchange(&program, marker, PATIENCE, stop).await {
        Ok(said) if said.end == SaidEnd::Exit(Exit::Code(0)) => {
            Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
        }
        Ok(said) => Err(format!("`node --version` failed ({:?}): {}", said.end, said.stderr)),
        Err(SpawnError::NotFound { .. }) => Err("there is no `node` in PATH".to_owned()),
        Err(error) => Err(crate::failure::chain(&error)),
    }
}

fn parse(said: &str) -> Option<Version> {
    let mut numbers = said.strip_prefix('v')?.split('.').map(str::parse::<u32>);
    Some(Version(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::{STRIPS, Version, parse};

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(parse("v20.20.2"), Some(Version(20, 20)));
        assert_eq!(parse("20.1"), None);
        assert!(parse("v22.5.9").unwrap() < STRIPS && parse("v24.0.0-nightly").unwrap() > STRIPS);
    }
}
