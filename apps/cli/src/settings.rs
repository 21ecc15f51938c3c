//! Where this program finds and keeps things, and how it may show them: default < environment < flag, resolved once.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use agent_runner_definitions::Surroundings;
use agent_runner_engine::EngineConfig;
use agent_runner_engine::driver::{COMMAND, CONFIG_DIR, MAX_CALL_DEPTH, STATE_DIR};
use agent_runner_model::spec::DEFAULT_MAX_CALL_DEPTH;
use anyhow::Context as _;

use crate::exit::{Failure, usage};
use crate::wall::{Wall, Zone};

/// Default seconds between asking a worker to stop and ending it.
const STOP_GRACE_SEC: u32 = 5;
/// Environment variable for it.
const STOP_GRACE: &str = "AGENT_RUNNER_STOP_GRACE_SEC";
/// Environment variable that allows state directories on network file systems.
const NETWORK_LOCKS: &str = "AGENT_RUNNER_ALLOW_NETWORK_LOCKS";

/// Environment variables for which runs `gc` lets go.
pub(crate) const GC_OLDER_THAN: &str = "AGENT_RUNNER_GC_OLDER_THAN";
pub(crate) const GC_KEEP: &str = "AGENT_RUNNER_GC_KEEP";
pub(crate) const GC_MAX_SIZE: &str = "AGENT_RUNNER_GC_MAX_SIZE";

/// Everything this program is told by where it runs.
pub(crate) struct Settings {
    pub(crate) engine: EngineConfig,
    pub(crate) display: Display,
    caller_dir: Option<PathBuf>,
    pub(crate) allow_network_locks: bool,
    /// Where things are kept on this host that can be made again; nothing where nobody says.
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What standard output can show.
pub(crate) struct Display {
    /// Whether pictures can be drawn in place.
    pub(crate) draws: bool,
    /// Whether they may have colours.
    pub(crate) colour: bool,
    /// The clock of whoever reads.
    pub(crate) wall: Rc<Wall>,
}

impl Display {
    fn find() -> Self {
        let dumb = variable("TERM").is_none_or(|term| term == "dumb");
        let plain = variable("NO_COLOR").is_some() || variable("CLICOLOR").is_some_and(|value| value == "0");
        let zone = || {
            let tz = variable("TZ").and_then(|tz| tz.into_string().ok());
            Zone::find(tz.as_deref(), |path| std::fs::read(path).ok())
        };
        Self {
            draws: std::io::stdout().is_terminal() && !dumb,
            colour: !plain,
            wall: Rc::new(Wall::new(zone)),
        }
    }
}

/// Reads the environment.
pub(crate) fn settings() -> Result<Settings, Failure> {
    // A worker whose directory is gone must still be able to report.
    let caller_dir = std::env::current_dir().ok();
    let own_program = own_program()?;
    let config_dir = match variable(CONFIG_DIR) {
        Some(path) => absolute(caller_dir.as_deref(), path.into(), CONFIG_DIR)?,
        None => xdg(caller_dir.as_deref(), "XDG_CONFIG_HOME", ".config", CONFIG_DIR)?,
    };
    let state_dir = match variable(STATE_DIR) {
        Some(path) => absolute(caller_dir.as_deref(), path.into(), STATE_DIR)?,
        None => xdg(caller_dir.as_deref(), "XDG_STATE_HOME", ".local/state", STATE_DIR)?,
    };
    let stop_grace_sec = match variable(STOP_GRACE) {
        None => STOP_GRACE_SEC,
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
            let message = format!("{STOP_GRACE} is not a number of seconds: {}", text.display());
            usage(message, "set it to a whole number such as 5, or unset it")
        })?,
    };
    let max_call_depth = count(MAX_CALL_DEPTH)?.unwrap_or(DEFAULT_MAX_CALL_DEPTH);
    let engine = EngineConfig {
        runtime_dir: runtime_dir(),
        command: command(&own_program),
        own_program,
        search_path: std::env::var_os("PATH").unwrap_or_default(),
        config_dir,
        state_dir,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION"),
        stop_grace_sec,
        max_call_depth,
        hook_environment: std::env::vars_os().collect(),
        surroundings: Surroundings::of(std::env::vars_os()),
    };
    Ok(Settings {
        engine,
        display: Display::find(),
        caller_dir,
        allow_network_locks: variable(NETWORK_LOCKS).is_some(),
        cache_dir: cache_dir(),
    })
}

impl Settings {
    /// The directory this command was called in, as text: where relative paths start.
    pub(crate) fn caller_dir(&self) -> Result<&str, Failure> {
        let directory = self.caller_dir.as_deref().ok_or_else(|| {
            usage("the current directory is gone", "change to a directory that exists and repeat the command")
        })?;
        directory.to_str().ok_or_else(|| {
            usage("the current directory's path is not UTF-8", "call the command from another directory")
        })
    }
}

fn absolute(caller_dir: Option<&Path>, path: PathBuf, name: &str) -> Result<PathBuf, Failure> {
    match caller_dir {
        _ if path.is_absolute() => Ok(path),
        Some(directory) => Ok(directory.join(path)),
        None => Err(usage(
            format!("{name} is a relative path, and the current directory is gone"),
            format!("set {name} to an absolute path"),
        )),
    }
}

/// An environment variable; one that is set to nothing counts as not set.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// An environment variable that holds a text.
pub(crate) fn text(name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = variable(name) else { return Ok(None) };
    let text = value.into_string().map_err(|value| {
        usage(format!("{name} is no text: {}", value.display()), format!("set {name} anew, or unset it"))
    })?;
    Ok(Some(text))
}

/// An environment variable that holds a whole number.
pub(crate) fn count(name: &str) -> Result<Option<u32>, Failure> {
    let Some(text) = variable(name) else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| {
        let message = format!("{name} is not a whole number: {}", text.display());
        usage(message, "set it to a whole number such as 8, or unset it")
    })?;
    Ok(Some(number))
}

fn xdg(caller_dir: Option<&Path>, name: &str, below_home: &str, own: &str) -> Result<PathBuf, Failure> {
    // The XDG specification wants relative paths ignored.
    let base = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match (base, variable("HOME")) {
        (Some(base), _) => base,
        (None, Some(home)) => absolute(caller_dir, home.into(), "HOME")?.join(below_home),
        (None, None) => {
            let message = format!("neither {own} nor {name} nor HOME is set");
            return Err(usage(message, format!("set {own} to a directory")));
        }
    };
    Ok(base.join("agent-runner"))
}

/// Without one, everything is made anew each time it is wanted.
fn cache_dir() -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("agent-runner"))
}

/// Sockets need a short path that is gone after a reboot.
fn runtime_dir() -> PathBuf {
    let base = variable("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_dir() && path.as_os_str().len() < 48);
    match base {
        Some(base) => base.join("agent-runner"),
        None => PathBuf::from(format!("/tmp/agent-runner-{}", rustix::process::geteuid().as_raw())),
    }
}

/// This program's file. Where it was replaced while it runs, the system's own reference to it.
fn own_program() -> Result<PathBuf, Failure> {
    let own = Path::new("/proc/self/exe");
    let path = std::env::current_exe().context("cannot find this program's own file")?;
    let same = |a: &Path, b: &Path| match (std::fs::metadata(a), std::fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    };
    Ok(if own.exists() && !same(own, &path) { own.to_path_buf() } else { path })
}

/// How workers call this program: as they are told to, by its plain name if that leads here, else by its path.
fn command(own_program: &Path) -> String {
    if let Some(command) = variable(COMMAND).and_then(|command| command.into_string().ok()) {
        return command;
    }
    const NAME: &str = "agent-runner";
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|directory| directory.join(NAME)).find(|file| file.is_file());
    let leads_here = found.and_then(|file| file.canonicalize().ok()).is_some_and(|file| file == own_program);
    if leads_here { NAME.to_owned() } else { shell_words::quote(&own_program.to_string_lossy()).into_owned() }
}
