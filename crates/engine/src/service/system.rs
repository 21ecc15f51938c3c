//! The installation.

use agent_runner_api::operations::GetStatus;
use agent_runner_api::view::SystemStatus;
use agent_runner_api::{ApiError, Handle};

use crate::engine::Engine;
use crate::place::Places;

impl<S: Places> Handle<GetStatus> for Engine<S> {
    async fn call(&self, _request: GetStatus) -> Result<SystemStatus, ApiError> {
        let shown = |path: &std::path::Path| path.to_string_lossy().into_owned();
        Ok(SystemStatus {
            version: self.config.version.to_owned(),
            config_dir: shown(&self.config.config_dir),
            state_dir: shown(&self.config.state_dir),
            runtime_dir: shown(&self.config.runtime_dir),
            host_mode: "embedded".to_owned(),
            connect_url: None,
            daemon: None,
        })
    }
}
