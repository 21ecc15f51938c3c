//! Requests about what a run is made from, once it is there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

requests! {
    /// Makes an initialized run anew from other values or words.
    ReconfigureRun {
        /// Id or path.
        run: String,
        /// New values of variables; the others stay.
        #[serde(default)]
        vars: BTreeMap<String, String>,
        /// New words for the worker.
        message: Option<String>,
    }
}
