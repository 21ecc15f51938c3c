//! Starts driver processes: this program again, in a session of its own, held by two pipes or let go.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use agent_runner_api::{ApiError, ErrorCode};
use agent_runner_engine::EngineConfig;
use agent_runner_engine::driver::{ATTEMPT_MARKER, CONFIG_DIR, STATE_DIR, WAKE_BUSY};
use agent_runner_engine::launch::{LaunchRequest, Launcher, Launching};
use agent_runner_model::RunId;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_store::{FileStore, failpoint};
use agent_runner_supervisor::{Detached, spawn_detached};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use crate::front::Front;

/// Bytes of the driver's own log that an error repeats.
const LOG_TAIL: u64 = 2000;

pub(crate) struct DriverLauncher {
    store: Arc<FileStore>,
    front: Front,
    places: EngineConfig,
}

impl DriverLauncher {
    pub(crate) fn new(store: Arc<FileStore>, front: Front, places: EngineConfig) -> Self {
        Self { store, front, places }
    }

    async fn start(&self, request: LaunchRequest) -> Result<(), ApiError> {
        let run_id = &request.run_id;
        let failed = |what: &str, error: std::io::Error| {
            ApiError::from_error(ErrorCode::Process, &Unstarted { what: what.to_owned(), source: error })
        };
        let log =
            self.store.diagnostics_log(run_id).map_err(|error| failed("open the driver's log", error))?;
        let log_start = log.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        let reader = log.try_clone().map_err(|error| failed("open the driver's log", error))?;
        let cloexec = || pipe_with(PipeFlags::CLOEXEC).map_err(std::io::Error::from);
        let (leash_read, leash) = cloexec().map_err(|error| failed("make a pipe", error))?;
        let (wake, wake_write) = cloexec().map_err(|error| failed("make a pipe", error))?;
        let held = self.front.wants_driver();
        let detached = Detached {
            argv: self.argv(&request),
            env: self.environment(run_id),
            cwd: PathBuf::from("/"),
            stdin: held.then_some(leash_read),
            stdout: Some(wake_write),
            stderr: Some(OwnedFd::from(log)),
        };
        spawn_detached(detached).map_err(|error| ApiError::from_error(ErrorCode::Process, &error))?;
        failpoint::hit("command.driver_spawned");
        let wake = self.first_byte(run_id, wake, &reader, log_start).await?;
        failpoint::hit("command.lease_seen");
        if held {
            self.front.keep(leash, wake);
        }
        Ok(())
    }

    /// The first byte on the pipe says that the driver holds the lease; its end says that the driver is gone.
    async fn first_byte(
        &self,
        run_id: &RunId,
        wake: OwnedFd,
        log: &File,
        log_start: u64,
    ) -> Result<OwnedFd, ApiError> {
        let unreadable = |error: std::io::Error| ApiError::from_error(ErrorCode::Process, &error);
        let mut receiver = pipe::Receiver::from_owned_fd(wake).map_err(unreadable)?;
        let mut byte = [0u8; 1];
        match receiver.read(&mut byte).await {
            Ok(1) if byte[0] == WAKE_BUSY => {
                let message = format!("run {run_id} is being driven by another command");
                Err(ApiError::new(ErrorCode::Busy, message)
                    .hint(format!("`agent-runner run attach {run_id}` watches it")))
            }
            Ok(1) => receiver.into_nonblocking_fd().map_err(unreadable),
            Ok(_) | Err(_) => {
                let mut error = ApiError::new(ErrorCode::Process, "the driver ended before it began");
                error.causes = log_tail(log, log_start);
                Err(error.hint(format!(
                    "`agent-runner run status {run_id}` shows how the run stands; resume it with \
                     `agent-runner run --resume-run {run_id}`"
                )))
            }
        }
    }

    /// The driver inherits what this process was given, for its workers. Its mark is its own: a driver that was started
    /// by a worker of another run must not be taken for a leftover of that worker. Directories are told as they were
    /// found here, because the driver works elsewhere.
    fn environment(&self, run_id: &RunId) -> Vec<(OsString, OsString)> {
        let own: [(&str, OsString); 3] = [
            (ATTEMPT_MARKER, format!("driver-{run_id}").into()),
            (STATE_DIR, self.places.state_dir.clone().into_os_string()),
            (CONFIG_DIR, self.places.config_dir.clone().into_os_string()),
        ];
        let mut environment: Vec<(OsString, OsString)> =
            std::env::vars_os().filter(|(name, _)| !own.iter().any(|(other, _)| name == other)).collect();
        environment.extend(own.into_iter().map(|(name, value)| (OsString::from(name), value)));
        environment
    }

    fn argv(&self, request: &LaunchRequest) -> Vec<OsString> {
        let on_orphan = match request.on_orphan {
            OrphanPolicy::Continue => "continue",
            OrphanPolicy::Abort => "abort",
        };
        let mut argv: Vec<OsString> = vec![self.places.own_program.clone().into_os_string()];
        argv.extend(["drive", request.run_id.as_str(), "--on-orphan", on_orphan].map(OsString::from));
        if self.front.wants_driver() {
            argv.push("--held".into());
        }
        if request.take_over {
            argv.push("--take-over".into());
        }
        argv
    }
}

fn log_tail(log: &File, start: u64) -> Vec<String> {
    use std::io::Seek as _;
    let mut log = log;
    let mut text = String::new();
    let read =
        log.seek(std::io::SeekFrom::Start(start)).and_then(|_| log.take(LOG_TAIL).read_to_string(&mut text));
    match read {
        // The driver says it as every command does; here it is the cause of something else.
        Ok(_) => text
            .lines()
            .map(|line| line.strip_prefix("error: ").or(line.strip_prefix("caused by: ")).unwrap_or(line))
            .map(str::to_owned)
            .collect(),
        Err(error) if error.kind() == ErrorKind::InvalidData => Vec::new(),
        Err(_) => Vec::new(),
    }
}

#[derive(Debug)]
struct Unstarted {
    what: String,
    source: std::io::Error,
}

impl std::fmt::Display for Unstarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {}", self.what)
    }
}

impl std::error::Error for Unstarted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Launcher for DriverLauncher {
    fn launch(&self, request: LaunchRequest) -> Launching<'_> {
        Box::pin(self.start(request))
    }
}
