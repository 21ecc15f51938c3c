//! The environment variables that definitions may ask for. Must not read the process's own: whoever wires the program
//! hands them in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// Environment variables by name. Their values are never printed.
#[derive(Clone, Default)]
pub struct Surroundings(Arc<BTreeMap<String, Option<String>>>);

/// What is known of an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// It is not set.
    Unset,
    /// Its value is not UTF-8.
    NotText,
    /// Its value; may be empty.
    Value(&'a str),
}

impl Surroundings {
    /// Of these variables. One whose name is not UTF-8 cannot be asked for.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = variables
            .into_iter()
            .filter_map(|(name, value)| name.into_string().ok().map(|name| (name, value.into_string().ok())));
        Self(Arc::new(named.collect()))
    }

    /// The variable with that name.
    pub fn find(&self, name: &str) -> Found<'_> {
        match self.0.get(name) {
            None => Found::Unset,
            Some(None) => Found::NotText,
            Some(Some(value)) => Found::Value(value),
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} environment variables", self.0.len())
    }
}
