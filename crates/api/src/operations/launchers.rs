//! Requests about launchers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

requests! {
    /// Lists launchers.
    ListLaunchers {}
    /// Shows one launcher.
    ShowLauncher {
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
    /// Reads the file of a launcher as it was authored, whatever is wrong with it.
    ReadLauncher {
        /// Name or path.
        reference: String,
        /// Absolute directory of the caller: where relative paths start.
        caller_dir: String,
    }
}
