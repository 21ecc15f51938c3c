//! The embedded backend: this program itself, as a worker that runs the command blocks of each open task. It
//! reports through the task operations like any other worker; this file only starts and reads it.

use std::collections::BTreeMap;

use agent_runner_model::spec::Value;
use agent_runner_supervisor::{MAX_LINE, Stdin};

use crate::backend::{Backend, BackendError, Plan, PromptDelivery, TurnRequest};
use crate::command::ExitReader;

/// The hidden command by which this program becomes the worker.
const WORKER: &str = "shell-worker";

pub(crate) struct Shell;

impl Backend for Shell {
    fn id(&self) -> &'static str {
        "shell"
    }

    fn remembers(&self) -> bool {
        true
    }

    fn needs_tasks(&self) -> bool {
        true
    }

    fn check(&self, config: &BTreeMap<String, Value>) -> Result<(), BackendError> {
        match config.keys().next() {
            Some(field) => Err(BackendError::Setting {
                backend: "shell",
                field: field.clone(),
                why: "this backend has no settings".to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn plan(&self, request: &TurnRequest) -> Result<Plan, BackendError> {
        let argv = vec![request.own_program.clone().into_os_string(), WORKER.into()];
        Ok(Plan {
            argv,
            env: Vec::new(),
            env_remove: Vec::new(),
            max_line: MAX_LINE,
            stdin: Stdin::Null,
            delivery: PromptDelivery::None,
            reader: Box::new(ExitReader::default()),
        })
    }
}
