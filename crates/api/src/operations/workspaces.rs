//! Requests about the worktrees of runs, and about what was put aside from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

requests! {
    /// Lists the runs that have a worktree, newest first.
    ListWorkspaces {
        /// Only runs of this bucket, or of the repository of this name.
        repo: Option<String>,
    }
    /// Lists what was put aside from a run's worktree.
    ListSnapshots {
        /// Id or path.
        run: String,
    }
    /// Gives back what was put aside.
    RestoreWorkspace {
        /// Id or path.
        run: String,
        /// Its number; none for the newest.
        number: Option<u32>,
        /// An absolute directory, empty or not there yet; none for the run's worktree.
        to: Option<String>,
    }
    /// Removes the worktree of a run that is not running. What is not committed is put aside first; the branch stays.
    RemoveWorkspace {
        /// Id or path.
        run: String,
    }
}
