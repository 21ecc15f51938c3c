//! The backend without a worker: people and tools drive the run through the task commands.

use std::collections::BTreeMap;

use agent_runner_model::spec::{PASSIVE_BACKEND, Value};

use crate::backend::{Backend, BackendError, Plan, TurnRequest};

pub(crate) struct Passive;

impl Backend for Passive {
    fn id(&self) -> &'static str {
        PASSIVE_BACKEND
    }

    fn remembers(&self) -> bool {
        true
    }

    fn check_session(&self, _id: &str) -> Result<(), BackendError> {
        Ok(())
    }

    fn may_write(&self, _unrestricted: bool, _extra_args: &[String]) -> bool {
        false
    }

    fn check(&self, _config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        Ok(())
    }

    fn plan(&self, _request: &TurnRequest) -> Result<Plan, BackendError> {
        Err(BackendError::NoWorker(PASSIVE_BACKEND))
    }
}
