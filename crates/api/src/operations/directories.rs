//! Requests that bring runs here that were made elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

requests! {
    /// Makes runs of run directories of the reference implementation.
    ImportReference {
        /// Run directories, or directories that hold such.
        paths: Vec<String>,
        /// Also those that lie among this program's own runs.
        all: bool,
        /// Each gets an id of its own, whatever it was called.
        as_new_id: bool,
        /// Say what would be done, and do nothing.
        dry_run: bool,
    }
}
