//! How a driver process is started. The engine only says which run; whoever wires the program knows the command
//! line, the pipes and the environment.

use std::future::Future;
use std::pin::Pin;

use agent_runner_api::ApiError;
use agent_runner_model::RunId;
use agent_runner_model::spec::OrphanPolicy;

/// Which driver is wanted.
#[derive(Debug, Clone)]
pub struct LaunchRequest {
    /// For this run.
    pub run_id: RunId,
    /// What it does when the command that started it is killed outright.
    pub on_orphan: OrphanPolicy,
    /// Take the run over even if nobody here can tell whether its driver lives.
    pub take_over: bool,
}

/// The future of a launch.
pub type Launching<'a> = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>>;

/// Starts driver processes.
pub trait Launcher: Send + Sync {
    /// Starts one; done when it holds the run's lease.
    fn launch(&self, request: LaunchRequest) -> Launching<'_>;
}
