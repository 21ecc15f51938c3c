//! The backends there are, by name.

use crate::backend::{Backend, BackendError};
use crate::claude::Claude;
use crate::command::Command;
use crate::passive::Passive;
use crate::shell::Shell;

/// The backends there are.
pub struct Registry {
    backends: Vec<Box<dyn Backend>>,
}

impl Registry {
    /// Those built in.
    pub fn built_in() -> Self {
        Self { backends: vec![Box::new(Claude), Box::new(Command), Box::new(Passive), Box::new(Shell)] }
    }

    /// Only these; tests bring their own.
    pub fn of(backends: Vec<Box<dyn Backend>>) -> Self {
        Self { backends }
    }

    /// The names of all of them.
    pub fn ids(&self) -> Vec<&'static str> {
        self.backends.iter().map(|backend| backend.id()).collect()
    }

    /// The one of that name.
    pub fn get(&self, id: &str) -> Result<&dyn Backend, BackendError> {
        match self.backends.iter().find(|backend| backend.id() == id) {
            Some(backend) => Ok(backend.as_ref()),
            None => Err(BackendError::Unknown {
                id: id.to_owned(),
                known: self.backends.iter().map(|backend| backend.id().to_owned()).collect(),
            }),
        }
    }
}
